//! Runs of chunks: every chunk of a message under one key, chunk `i` under the nonce `base_nonce XOR i`.

use core::iter::{from_fn, once};

use inout::InOutBuf;
use zeroize::ZeroizeOnDrop;

use crate::nonce::Nonces;
use crate::{Aes256Gcm, Backend, Error, KEY_LEN, MAX_LEN, NONCE_LEN, Stream, TAG_LEN};

/// The chunks of one message.
///
/// Buffers hold consecutive chunks from number `first` on. All are `chunk_len` bytes of plaintext but the last, which
/// may be shorter, or empty when it is a message's end. *Inline*, each chunk's ciphertext is followed by its tag;
/// *detached*, ciphertext is as long as plaintext and the tags lie aside, 16 bytes each. Lengths say how many chunks
/// there are: `n` inline bytes are `n / (chunk_len + 16)` whole chunks and, if anything is left, a last one of at least
/// 16 bytes; with detached tags their number decides, and the body must go with it.
pub struct Chunked {
    gcm: Aes256Gcm,
    nonce: BaseNonce,
    chunk_len: usize,
}

#[derive(ZeroizeOnDrop)]
struct BaseNonce([u8; NONCE_LEN]);

/// Why an `expect` cannot fail.
const CHECKED: &str = "the lengths were checked";

impl Chunked {
    /// Sets up a message key. `longest_chunk` is the chunk length or, for a message known to be of one chunk, that
    /// chunk's length, which may save precomputation.
    ///
    /// # Panics
    /// If `chunk_len` is 0 or over [`MAX_LEN`].
    #[must_use]
    pub fn new(
        backend: Backend,
        key: &[u8; KEY_LEN],
        base_nonce: &[u8; NONCE_LEN],
        chunk_len: usize,
        longest_chunk: usize,
    ) -> Chunked {
        assert!(chunk_len > 0 && chunk_len as u64 <= MAX_LEN, "a chunk has a length, and GCM's limit");
        Chunked { gcm: Aes256Gcm::new(backend, key, longest_chunk), nonce: BaseNonce(*base_nonce), chunk_len }
    }

    /// Begins chunk `number` for bytes that come in pieces. No (chunk, plaintext) pair may be sealed twice differently:
    /// the nonce is the chunk's number.
    #[must_use]
    pub fn chunk(&self, number: u64) -> Stream<'_> {
        let j0 = Nonces::from(&self.nonce.0, number).next().expect("nonces do not end");
        self.gcm.stream_from(&j0, &[])
    }

    /// The AEAD underneath.
    pub(crate) fn gcm(&self) -> &Aes256Gcm {
        &self.gcm
    }

    /// Seals `plain` into `sealed`, which takes every chunk followed by its tag.
    ///
    /// The last chunk of a run may be short; a `sealed` with room for one more tag than `plain` fills ends in an empty
    /// chunk.
    ///
    /// # Errors
    /// [`Error::Length`] if the lengths do not go together; nothing is written then.
    pub fn seal_inline(&self, first: u64, plain: &[u8], sealed: &mut [u8]) -> Result<(), Error> {
        let nonces = self.check_inline(first, sealed.len(), Some(plain.len()))?;
        let plain = plain.chunks(self.chunk_len).chain(once(&[][..]));
        let mut chunks = sealed.chunks_mut(self.chunk_len + TAG_LEN).zip(plain).map(|(sealed, plain)| {
            let (body, tag) = sealed.split_last_chunk_mut().expect(CHECKED);
            (InOutBuf::new(plain, body).expect(CHECKED), tag)
        });
        self.gcm.seal_chunks(nonces, &[], &mut chunks);
        Ok(())
    }

    /// Opens `sealed` into `plain`, chunk by chunk; stops at the first that does not verify.
    ///
    /// # Errors
    /// [`Error::BadTag`] with the chunk's number: chunks before it are in `plain`, its own bytes are wiped, later ones
    /// untouched. [`Error::Length`] if the lengths do not go together; nothing is written then.
    pub fn open_inline(&self, first: u64, sealed: &[u8], plain: &mut [u8]) -> Result<(), Error> {
        let nonces = self.check_inline(first, sealed.len(), Some(plain.len()))?;
        let plain = plain.chunks_mut(self.chunk_len).chain(once(&mut [][..]));
        let mut chunks = sealed.chunks(self.chunk_len + TAG_LEN).zip(plain).map(|(sealed, plain)| {
            let (body, tag) = sealed.split_last_chunk().expect(CHECKED);
            (InOutBuf::new(body, plain).expect(CHECKED), tag)
        });
        self.gcm.open_chunks(nonces, &[], &mut chunks).map_err(|i| Error::BadTag { chunk: first + i })
    }

    /// Verifies `sealed` without decrypting it.
    ///
    /// # Errors
    /// As [`Chunked::open_inline`].
    pub fn verify_inline(&self, first: u64, sealed: &[u8]) -> Result<(), Error> {
        let nonces = self.check_inline(first, sealed.len(), None)?;
        let mut chunks =
            sealed.chunks(self.chunk_len + TAG_LEN).map(|sealed| sealed.split_last_chunk().expect(CHECKED));
        self.gcm.verify_chunks(nonces, &mut chunks).map_err(|i| Error::BadTag { chunk: first + i })
    }

    /// Seals `body`, in place or into its output, and writes one tag for each chunk.
    ///
    /// # Errors
    /// [`Error::Length`] if `tags` does not fit `body`; nothing is written then.
    pub fn seal_detached(&self, first: u64, body: InOutBuf<'_, '_, u8>, tags: &mut [u8]) -> Result<(), Error> {
        let nonces = self.check_detached(first, body.len(), tags.len())?;
        let mut chunks = pieces(body, self.chunk_len).zip(tags.as_chunks_mut().0);
        self.gcm.seal_chunks(nonces, &[], &mut chunks);
        Ok(())
    }

    /// Opens `body`, in place or into its output.
    ///
    /// # Errors
    /// As [`Chunked::open_inline`].
    pub fn open_detached(&self, first: u64, body: InOutBuf<'_, '_, u8>, tags: &[u8]) -> Result<(), Error> {
        let nonces = self.check_detached(first, body.len(), tags.len())?;
        let mut chunks = pieces(body, self.chunk_len).zip(tags.as_chunks().0);
        self.gcm.open_chunks(nonces, &[], &mut chunks).map_err(|i| Error::BadTag { chunk: first + i })
    }

    /// Verifies `body` without decrypting it.
    ///
    /// # Errors
    /// As [`Chunked::open_inline`].
    pub fn verify_detached(&self, first: u64, body: &[u8], tags: &[u8]) -> Result<(), Error> {
        let nonces = self.check_detached(first, body.len(), tags.len())?;
        let mut chunks = body.chunks(self.chunk_len).chain(once(&[][..])).zip(tags.as_chunks().0);
        self.gcm.verify_chunks(nonces, &mut chunks).map_err(|i| Error::BadTag { chunk: first + i })
    }

    /// The nonces for `sealed_len` inline bytes, if those are chunks with tags, and of `plain_len` bytes altogether.
    fn check_inline(&self, first: u64, sealed_len: usize, plain_len: Option<usize>) -> Result<Nonces, Error> {
        let stored = self.chunk_len + TAG_LEN;
        let chunks = match sealed_len % stored {
            0 => sealed_len / stored,
            1..TAG_LEN => return Err(Error::Length),
            _ => sealed_len / stored + 1,
        };
        let body_len = sealed_len - chunks * TAG_LEN;
        if plain_len.is_none_or(|len| len == body_len) { self.nonces(first, chunks) } else { Err(Error::Length) }
    }

    /// The nonces for a body and its tags: one for each chunk that the body fills, and at most one more, for an empty
    /// chunk at its end.
    fn check_detached(&self, first: u64, body_len: usize, tags_len: usize) -> Result<Nonces, Error> {
        let filled = body_len.div_ceil(self.chunk_len);
        let chunks = tags_len / TAG_LEN;
        let ends_empty = chunks == filled + 1 && body_len.is_multiple_of(self.chunk_len);
        if tags_len.is_multiple_of(TAG_LEN) && (chunks == filled || ends_empty) {
            self.nonces(first, chunks)
        } else {
            Err(Error::Length)
        }
    }

    /// The nonces of `chunks` chunks, whose numbers must not run over.
    fn nonces(&self, first: u64, chunks: usize) -> Result<Nonces, Error> {
        match (chunks as u64).checked_sub(1) {
            Some(others) if first.checked_add(others).is_none() => Err(Error::Length),
            _ => Ok(Nonces::from(&self.nonce.0, first)),
        }
    }
}

impl core::fmt::Debug for Chunked {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Chunked").field("chunk_len", &self.chunk_len).finish_non_exhaustive()
    }
}

/// `body` in pieces of `len` bytes, a shorter one at the end, then empty ones for ever.
fn pieces<'i, 'o>(body: InOutBuf<'i, 'o, u8>, len: usize) -> impl Iterator<Item = InOutBuf<'i, 'o, u8>> {
    let mut left = Some(body);
    from_fn(move || {
        let (piece, rest) = left.take().map(|body| {
            let at = len.min(body.len());
            body.split_at(at)
        })?;
        left = Some(rest);
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    fn cipher() -> Chunked {
        let backend = Backend::detect(Isa::Best).unwrap();
        Chunked::new(backend, &[3; KEY_LEN], &[0xff; NONCE_LEN], 64, 64)
    }

    #[test]
    fn a_run_may_end_in_a_full_a_short_or_an_empty_chunk() {
        let cipher = cipher();
        for (plain, sealed, fits) in [
            (0, 0, true),
            (0, 16, true),
            (64, 80, true),
            (64, 96, true),
            (65, 97, true),
            (65, 81, false),
            (64, 81, false),
            (64, 112, false),
            (63, 80, false),
        ] {
            let result = cipher.seal_inline(0, &[1; 128][..plain], &mut [0; 256][..sealed]);
            assert_eq!(result.is_ok(), fits, "inline {plain} {sealed}");
            let result = cipher.seal_detached(0, (&mut [1; 128][..plain]).into(), &mut [0; 64][..sealed - plain]);
            assert_eq!(result.is_ok(), fits, "detached {plain} {sealed}");
        }
    }
}
