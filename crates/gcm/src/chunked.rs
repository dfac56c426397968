//! Runs of chunks: every chunk of a message under one key, chunk `i` under the nonce `base_nonce XOR i`.

use core::ops::Range;

use inout::InOutBuf;
use zeroize::ZeroizeOnDrop;

use crate::{Aes256Gcm, Backend, Error, KEY_LEN, NONCE_LEN, Stream, TAG_LEN};

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

impl Chunked {
    /// Sets up a message key. `longest_chunk` is the chunk length or, for a message known to be of one chunk, that
    /// chunk's length, which may save precomputation.
    ///
    /// # Panics
    /// If `chunk_len` is 0.
    #[must_use]
    pub fn new(
        backend: Backend,
        key: &[u8; KEY_LEN],
        base_nonce: &[u8; NONCE_LEN],
        chunk_len: usize,
        longest_chunk: usize,
    ) -> Chunked {
        assert!(chunk_len > 0, "a chunk has a length");
        Chunked { gcm: Aes256Gcm::new(backend, key, longest_chunk), nonce: BaseNonce(*base_nonce), chunk_len }
    }

    /// Begins chunk `number` for bytes that come in pieces. No (chunk, plaintext) pair may be sealed twice differently:
    /// the nonce is the chunk's number.
    #[must_use]
    pub fn chunk(&self, number: u64) -> Stream<'_> {
        self.gcm.stream(&self.chunk_nonce(number), &[])
    }

    /// Seals `plain` into `sealed`, which takes every chunk followed by its tag.
    ///
    /// The last chunk of a run may be short; a `sealed` with room for one more tag than `plain` fills ends in an empty
    /// chunk.
    ///
    /// # Errors
    /// [`Error::Length`] if the lengths do not go together; nothing is written then.
    pub fn seal_inline(&self, first: u64, plain: &[u8], sealed: &mut [u8]) -> Result<(), Error> {
        let chunks = self.chunks_inline(sealed.len())?;
        if plain.len() != sealed.len() - chunks * TAG_LEN {
            return Err(Error::Length);
        }
        for (i, sealed) in sealed.chunks_mut(self.chunk_len + TAG_LEN).enumerate() {
            let (body, tag) = sealed.split_at_mut(sealed.len() - TAG_LEN);
            let plain = &plain[i * self.chunk_len..][..body.len()];
            self.seal_chunk(first + i as u64, in_out(plain, body)?, array_mut(tag)?)?;
        }
        Ok(())
    }

    /// Opens `sealed` into `plain`, chunk by chunk; stops at the first that does not verify.
    ///
    /// # Errors
    /// [`Error::BadTag`] with the chunk's number: chunks before it are in `plain`, its own bytes are wiped, later ones
    /// untouched. [`Error::Length`] if the lengths do not go together; nothing is written then.
    pub fn open_inline(&self, first: u64, sealed: &[u8], plain: &mut [u8]) -> Result<(), Error> {
        let chunks = self.chunks_inline(sealed.len())?;
        if plain.len() != sealed.len() - chunks * TAG_LEN {
            return Err(Error::Length);
        }
        for (i, sealed) in sealed.chunks(self.chunk_len + TAG_LEN).enumerate() {
            let (body, tag) = sealed.split_at(sealed.len() - TAG_LEN);
            let plain = &mut plain[i * self.chunk_len..][..body.len()];
            self.open_chunk(first + i as u64, in_out(body, plain)?, array(tag)?)?;
        }
        Ok(())
    }

    /// Verifies `sealed` without decrypting it.
    ///
    /// # Errors
    /// As [`Chunked::open_inline`].
    pub fn verify_inline(&self, first: u64, sealed: &[u8]) -> Result<(), Error> {
        self.chunks_inline(sealed.len())?;
        for (i, sealed) in sealed.chunks(self.chunk_len + TAG_LEN).enumerate() {
            let (body, tag) = sealed.split_at(sealed.len() - TAG_LEN);
            self.verify_chunk(first + i as u64, body, array(tag)?)?;
        }
        Ok(())
    }

    /// Seals `body`, in place or into its output, and writes one tag for each chunk.
    ///
    /// # Errors
    /// [`Error::Length`] if `tags` does not fit `body`; nothing is written then.
    pub fn seal_detached(&self, first: u64, mut body: InOutBuf<'_, '_, u8>, tags: &mut [u8]) -> Result<(), Error> {
        let len = body.len();
        self.check_detached(len, tags.len())?;
        for (i, tag) in tags.chunks_mut(TAG_LEN).enumerate() {
            let chunk = piece(&mut body, self.chunk_range(i, len));
            self.seal_chunk(first + i as u64, chunk, array_mut(tag)?)?;
        }
        Ok(())
    }

    /// Opens `body`, in place or into its output.
    ///
    /// # Errors
    /// As [`Chunked::open_inline`].
    pub fn open_detached(&self, first: u64, mut body: InOutBuf<'_, '_, u8>, tags: &[u8]) -> Result<(), Error> {
        let len = body.len();
        self.check_detached(len, tags.len())?;
        for (i, tag) in tags.chunks(TAG_LEN).enumerate() {
            let chunk = piece(&mut body, self.chunk_range(i, len));
            self.open_chunk(first + i as u64, chunk, array(tag)?)?;
        }
        Ok(())
    }

    /// Verifies `body` without decrypting it.
    ///
    /// # Errors
    /// As [`Chunked::open_inline`].
    pub fn verify_detached(&self, first: u64, body: &[u8], tags: &[u8]) -> Result<(), Error> {
        self.check_detached(body.len(), tags.len())?;
        for (i, tag) in tags.chunks(TAG_LEN).enumerate() {
            let chunk = &body[self.chunk_range(i, body.len())];
            self.verify_chunk(first + i as u64, chunk, array(tag)?)?;
        }
        Ok(())
    }

    fn seal_chunk(&self, number: u64, body: InOutBuf<'_, '_, u8>, tag: &mut [u8; TAG_LEN]) -> Result<(), Error> {
        self.gcm.seal(&self.chunk_nonce(number), &[], body, tag)
    }

    fn open_chunk(&self, number: u64, body: InOutBuf<'_, '_, u8>, tag: &[u8; TAG_LEN]) -> Result<(), Error> {
        self.gcm.open(&self.chunk_nonce(number), &[], body, tag).map_err(|e| at_chunk(e, number))
    }

    fn verify_chunk(&self, number: u64, body: &[u8], tag: &[u8; TAG_LEN]) -> Result<(), Error> {
        let mut stream = self.chunk(number);
        stream.absorb(body)?;
        stream.verify(tag).map_err(|e| at_chunk(e, number))
    }

    /// The base nonce XOR the chunk's number, as a big-endian integer as wide as the nonce.
    fn chunk_nonce(&self, number: u64) -> [u8; NONCE_LEN] {
        let mut nonce = self.nonce.0;
        for (n, i) in nonce[NONCE_LEN - 8..].iter_mut().zip(number.to_be_bytes()) {
            *n ^= i;
        }
        nonce
    }

    fn chunks_inline(&self, sealed_len: usize) -> Result<usize, Error> {
        let stored = self.chunk_len + TAG_LEN;
        match sealed_len % stored {
            0 => Ok(sealed_len / stored),
            1..TAG_LEN => Err(Error::Length),
            _ => Ok(sealed_len / stored + 1),
        }
    }

    /// `tags` has one tag for each chunk that `body` fills, and at most one more, for an empty chunk at its end.
    fn check_detached(&self, body_len: usize, tags_len: usize) -> Result<(), Error> {
        let filled = body_len.div_ceil(self.chunk_len);
        let chunks = tags_len / TAG_LEN;
        let ends_empty = chunks == filled + 1 && body_len.is_multiple_of(self.chunk_len);
        if tags_len.is_multiple_of(TAG_LEN) && (chunks == filled || ends_empty) { Ok(()) } else { Err(Error::Length) }
    }

    fn chunk_range(&self, index: usize, body_len: usize) -> Range<usize> {
        let start = index * self.chunk_len;
        start..body_len.min(start + self.chunk_len)
    }
}

impl core::fmt::Debug for Chunked {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Chunked").field("chunk_len", &self.chunk_len).finish_non_exhaustive()
    }
}

fn at_chunk(error: Error, number: u64) -> Error {
    match error {
        Error::BadTag { .. } => Error::BadTag { chunk: number },
        other => other,
    }
}

fn piece<'a>(body: &'a mut InOutBuf<'_, '_, u8>, range: Range<usize>) -> InOutBuf<'a, 'a, u8> {
    body.reborrow().split_at(range.end).0.split_at(range.start).1
}

fn in_out<'a>(input: &'a [u8], output: &'a mut [u8]) -> Result<InOutBuf<'a, 'a, u8>, Error> {
    InOutBuf::new(input, output).map_err(|_| Error::Length)
}

fn array(tag: &[u8]) -> Result<&[u8; TAG_LEN], Error> {
    tag.try_into().map_err(|_| Error::Length)
}

fn array_mut(tag: &mut [u8]) -> Result<&mut [u8; TAG_LEN], Error> {
    tag.try_into().map_err(|_| Error::Length)
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
    fn chunk_number_enters_the_nonce_as_96_bit_big_endian() {
        let nonce = cipher().chunk_nonce(0x0102_0304_0506_0708);
        assert_eq!(nonce, [0xff, 0xff, 0xff, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8, 0xf7]);
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
