//! Sealing: a whole message at once, or as its bytes come.

use alloc::vec;
use alloc::vec::Vec;

use ossenc_gcm::Chunked;

use super::size::{self, CHUNK_LEN, HEAD_LEN, MAX_CHUNKS, STORED_CHUNK_LEN, TAG_LEN};
use super::{Head, begin, longest_chunk};
use crate::kdf::Prk;
use crate::pieces::{Pieces, Slices};
use crate::{Engine, Error, Result, Secret};

/// Seals `plain` under `key` and a context, given in at most 8 parts that are concatenated.
///
/// # Errors
/// [`Error::NoEntropy`]; [`Error::Argument`] over [`size::MAX_PLAIN_LEN`].
///
/// # Panics
/// If the context is in more than 8 parts.
pub fn seal(engine: &Engine, key: &Secret, context: &[&[u8]], plain: &[u8]) -> Result<Vec<u8>> {
    let len = size::sealed_len(plain.len() as u64)?;
    let mut sealed = vec![0; usize::try_from(len).map_err(|_| Error::Argument("too long for this machine"))?];
    seal_into(engine, &Prk::new(key.bytes()), context, plain, &mut sealed)?;
    Ok(sealed)
}

/// Seals into a buffer of exactly the right length.
pub(crate) fn seal_into(
    engine: &Engine,
    key: &Prk,
    context: &[&[u8]],
    plain: &[u8],
    sealed: &mut [u8],
) -> Result<Head> {
    let (chunked, head) = begin(engine, key, context, longest_chunk(plain.len() as u64))?;
    let (head_out, chunks) = sealed.split_at_mut(HEAD_LEN);
    chunked.seal_inline(0, plain, chunks)?;
    head_out.copy_from_slice(&head);
    Ok(head)
}

/// How far one call went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Plaintext bytes taken.
    pub consumed: usize,
    /// Message bytes given.
    pub written: usize,
}

/// Seals one message whose bytes come over time, in the order of the message.
///
/// It draws its salt itself, counts its chunks itself and cannot be cloned: no call sequence encrypts two plaintexts
/// under one nonce. It buffers nothing: [`next`](Sealer::next) takes whole chunks only, and the caller keeps what is
/// left for the following call, or for [`finish`](Sealer::finish).
pub struct Sealer {
    chunked: Chunked,
    head: Head,
    head_written: bool,
    chunks: u64,
    plain_len: Option<u64>,
}

impl Sealer {
    /// Begins a message under `key` and a context, given in at most 8 parts that are concatenated.
    ///
    /// # Errors
    /// [`Error::NoEntropy`].
    ///
    /// # Panics
    /// If the context is in more than 8 parts.
    pub fn new(engine: &Engine, key: &Secret, context: &[&[u8]]) -> Result<Sealer> {
        Sealer::with_prk(engine, &Prk::new(key.bytes()), context)
    }

    pub(crate) fn with_prk(engine: &Engine, key: &Prk, context: &[&[u8]]) -> Result<Sealer> {
        let (chunked, head) = begin(engine, key, context, CHUNK_LEN)?;
        Ok(Sealer { chunked, head, head_written: false, chunks: 0, plain_len: None })
    }

    /// The message's first 56 bytes.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Bytes of the head that are still to be written: all, or none.
    #[must_use]
    pub fn head_left(&self) -> usize {
        if self.head_written { 0 } else { HEAD_LEN }
    }

    /// Seals as many whole chunks as the source holds and the destination has room for, after the head if that was not
    /// written yet.
    ///
    /// # Errors
    /// [`Error::State`] after [`finish`](Sealer::finish); [`Error::Argument`] past [`size::MAX_CHUNKS`]. Nothing is
    /// taken or written then.
    pub fn next(&mut self, io: &mut dyn Pieces) -> Result<Progress> {
        self.check_open()?;
        let head = self.head_left();
        if io.target_left() < head {
            return Ok(Progress::default());
        }
        let fits = (io.source_left() / CHUNK_LEN).min((io.target_left() - head) / STORED_CHUNK_LEN);
        self.check_chunks(fits as u64 + 1)?;
        self.write_head(io);
        self.seal_whole(io, fits)?;
        Ok(Progress { consumed: fits * CHUNK_LEN, written: head + fits * STORED_CHUNK_LEN })
    }

    /// Seals all that is left, of any length, and ends the message.
    ///
    /// # Errors
    /// [`Error::Buffer`] if the destination has no room for all of it; the sealer stays as it was and may be finished
    /// with more room. Else as [`next`](Sealer::next).
    pub fn finish(&mut self, io: &mut dyn Pieces) -> Result<Progress> {
        self.check_open()?;
        let consumed = io.source_left();
        let (whole, last) = (consumed / CHUNK_LEN, consumed % CHUNK_LEN);
        self.check_chunks(whole as u64 + 1)?;
        let head = self.head_left();
        let written = head + whole * STORED_CHUNK_LEN + last + TAG_LEN;
        if io.target_left() < written {
            return Err(Error::Buffer { needed: written });
        }
        self.write_head(io);
        self.seal_whole(io, whole)?;
        self.plain_len = Some(self.chunks * CHUNK_LEN as u64 + last as u64);
        self.seal_chunk(io, last)?;
        Ok(Progress { consumed, written })
    }

    /// As [`next`](Sealer::next), from one slice to another.
    ///
    /// # Errors
    /// As [`next`](Sealer::next).
    pub fn next_slice(&mut self, plain: &[u8], sealed: &mut [u8]) -> Result<Progress> {
        self.next(&mut Slices::new(plain, sealed))
    }

    /// As [`finish`](Sealer::finish), from one slice to another.
    ///
    /// # Errors
    /// As [`finish`](Sealer::finish).
    pub fn finish_slice(&mut self, plain: &[u8], sealed: &mut [u8]) -> Result<Progress> {
        self.finish(&mut Slices::new(plain, sealed))
    }

    /// The length of the whole plaintext, once finished.
    #[must_use]
    pub fn plain_len(&self) -> Option<u64> {
        self.plain_len
    }

    fn check_open(&self) -> Result<()> {
        if self.plain_len.is_none() { Ok(()) } else { Err(Error::State("this message is finished")) }
    }

    /// `more` counts the last, short chunk, which is still to come.
    fn check_chunks(&self, more: u64) -> Result<()> {
        if more <= MAX_CHUNKS - self.chunks {
            Ok(())
        } else {
            Err(Error::Argument("a message has at most 2^32 chunks"))
        }
    }

    fn write_head(&mut self, io: &mut dyn Pieces) {
        if !self.head_written {
            io.put(&self.head);
            self.head_written = true;
        }
    }

    /// Whole chunks: in runs where both sides are contiguous, else piece by piece.
    fn seal_whole(&mut self, io: &mut dyn Pieces, mut count: usize) -> Result<()> {
        while count > 0 {
            let (source, target) = io.contiguous();
            let run = (source.len() / CHUNK_LEN).min(target.len() / STORED_CHUNK_LEN).min(count);
            if run == 0 {
                self.seal_chunk(io, CHUNK_LEN)?;
                count -= 1;
                continue;
            }
            self.chunked.seal_inline(self.chunks, &source[..run * CHUNK_LEN], &mut target[..run * STORED_CHUNK_LEN])?;
            self.chunks += run as u64;
            io.advance(run * CHUNK_LEN, run * STORED_CHUNK_LEN);
            count -= run;
        }
        Ok(())
    }

    fn seal_chunk(&mut self, io: &mut dyn Pieces, len: usize) -> Result<()> {
        let mut stream = self.chunked.chunk(self.chunks);
        // The number is spent before any keystream: whatever happens in between, it is not used again.
        self.chunks += 1;
        let mut left = len;
        while left > 0 {
            let piece = io.both(left);
            left -= piece.len();
            stream.seal(piece)?;
        }
        io.put(&stream.finish());
        Ok(())
    }
}

impl core::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Sealer")
            .field("chunks", &self.chunks)
            .field("plain_len", &self.plain_len)
            .finish_non_exhaustive()
    }
}
