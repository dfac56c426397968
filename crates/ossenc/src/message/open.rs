//! Opening: a whole message, a range of its chunks, or its bytes as they come.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use ossenc_gcm::Chunked;
use ossenc_mem::Guarded;
use zeroize::Zeroizing;

use super::size::{self, CHUNK_LEN, HEAD_LEN, MAX_CHUNKS, STORED_CHUNK_LEN, TAG_LEN};
use super::{Head, Progress, longest_chunk, resume};
use crate::kdf::Prk;
use crate::pieces::Pieces;
use crate::{Engine, Error, Result, Secret, stack};

/// Chunks that are opened in one call of the kernel.
const RUN: usize = 16;

/// Opens a whole message under `key` and the context it was sealed with, given in at most 8 parts that are
/// concatenated. The plaintext is wiped when it is dropped.
///
/// # Errors
/// [`Error::Truncated`] or [`Error::Format`] for a length that no message has; [`Error::Commit`] for another key or
/// context; [`Error::Chunk`] for damage. Nothing is released then.
///
/// # Panics
/// If the context is in more than 8 parts.
pub fn open(engine: &Engine, key: &Secret, context: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    open_with_prk(engine, Prk::guarded(engine.lock(), key)?.get()?, context, sealed)
}

/// As [`open()`], into the beginning of `plain`; says how many bytes that took.
///
/// # Errors
/// [`Error::Buffer`] if there is too little room; as [`open()`]. On failure `plain` holds nothing unauthenticated.
///
/// # Panics
/// As [`open()`].
pub fn open_slice(engine: &Engine, key: &Secret, context: &[&[u8]], sealed: &[u8], plain: &mut [u8]) -> Result<usize> {
    let needed = usize::try_from(size::plain_len(sealed.len() as u64)?).expect("shorter than the slice");
    let plain = plain.get_mut(..needed).ok_or(Error::Buffer { needed })?;
    open_into(engine, Prk::guarded(engine.lock(), key)?.get()?, context, sealed, plain)?;
    Ok(needed)
}

pub(crate) fn open_with_prk(
    engine: &Engine,
    key: &Prk,
    context: &[&[u8]],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let len = size::plain_len(sealed.len() as u64)?;
    let mut plain = Zeroizing::new(vec![0; usize::try_from(len).expect("shorter than the slice")]);
    open_into(engine, key, context, sealed, &mut plain)?;
    Ok(plain)
}

/// Opens into a buffer of exactly the right length. On failure the buffer holds nothing unauthenticated.
pub(crate) fn open_into(engine: &Engine, key: &Prk, context: &[&[u8]], sealed: &[u8], plain: &mut [u8]) -> Result<()> {
    let (head, chunks) = sealed.split_first_chunk::<HEAD_LEN>().ok_or(Error::Truncated)?;
    let chunked = resume(engine, key, context, head, longest_chunk(plain.len() as u64))?;
    let chunked = chunked.get()?;
    Ok(stack::cleared::<{ stack::CHUNKS }, _>(|| chunked.open_inline(0, chunks, plain))?)
}

/// Opens or verifies the chunks of one message, in any order and from any number of threads.
pub struct Opener {
    chunked: Guarded<Chunked>,
}

/// What to take out of a run of whole stored chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Length of the whole message's plaintext, which says how long the last chunk is.
    pub plain_len: u64,
    /// First chunk of the run.
    pub chunk: u64,
    /// Chunks in the run.
    pub chunks: u64,
    /// Plaintext bytes of the run that are passed over, at its start.
    pub skip: u64,
    /// Plaintext bytes that are written, after those. The rest of the run is only verified.
    pub take: u64,
    /// Whether the tags lie aside (DETACHED, PAGED), and not behind each chunk's ciphertext (INLINE).
    pub tags_aside: bool,
}

impl Opener {
    /// Checks the head's commitment to `key` and context, given in at most 8 parts that are concatenated.
    ///
    /// # Errors
    /// [`Error::Commit`]; [`Error::NoMemory`], [`Error::NotLocked`].
    ///
    /// # Panics
    /// If the context is in more than 8 parts.
    pub fn new(engine: &Engine, key: &Secret, context: &[&[u8]], head: &Head) -> Result<Opener> {
        Opener::with_prk(engine, Prk::guarded(engine.lock(), key)?.get()?, context, head)
    }

    pub(crate) fn with_prk(engine: &Engine, key: &Prk, context: &[&[u8]], head: &Head) -> Result<Opener> {
        Ok(Opener { chunked: resume(engine, key, context, head, CHUNK_LEN)? })
    }

    /// Verifies every chunk of a run and writes what the window asks for, and nothing else. The source begins at the
    /// run's first chunk; it holds the run, and may hold more.
    ///
    /// # Errors
    /// [`Error::Chunk`]: what was written of that chunk is wiped; chunks before it verified and are released.
    /// [`Error::Argument`] for a window outside the message or a source shorter than the run; [`Error::Buffer`] for a
    /// destination shorter than `take`; [`Error::Forked`]. Nothing is written then.
    pub fn open(&self, window: &Window, io: &mut dyn Pieces) -> Result<()> {
        check(window, io)?;
        stack::cleared::<{ stack::CHUNKS }, _>(|| self.open_checked(window, io))
    }

    fn open_checked(&self, window: &Window, io: &mut dyn Pieces) -> Result<()> {
        let mut chunk = window.chunk;
        let end = chunk + window.chunks;
        let wanted = window.skip..window.skip + window.take;
        let mut at = 0;
        while chunk < end {
            let run = self.open_run(window, chunk..end, at, &wanted, io)?;
            let run = if run > 0 {
                run
            } else {
                self.open_chunk(window, chunk, at, &wanted, io)?;
                1
            };
            chunk += run;
            at += run * CHUNK_LEN as u64;
        }
        Ok(())
    }

    /// Opens (or, outside the window, verifies) as many full chunks as lie contiguous on both sides, all wanted or all
    /// not. Says how many.
    fn open_run(
        &self,
        window: &Window,
        chunks: Range<u64>,
        at: u64,
        wanted: &Range<u64>,
        io: &mut dyn Pieces,
    ) -> Result<u64> {
        let full = (size::chunk_of(window.plain_len).min(chunks.end)).saturating_sub(chunks.start);
        let full = to_usize(full).min(RUN);
        let to_write = if at >= wanted.start { wanted.end.saturating_sub(at) / CHUNK_LEN as u64 } else { 0 };
        let run = if to_write > 0 {
            self.release_run(chunks.start, full.min(to_usize(to_write)), window.tags_aside, io)?
        } else {
            let unwanted = if wanted.is_empty() || at >= wanted.end {
                u64::MAX
            } else {
                wanted.start.saturating_sub(at) / CHUNK_LEN as u64
            };
            self.verify_run(chunks.start, full.min(to_usize(unwanted)), window.tags_aside, io)?
        };
        Ok(run as u64)
    }

    fn release_run(&self, first: u64, at_most: usize, tags_aside: bool, io: &mut dyn Pieces) -> Result<usize> {
        if tags_aside {
            let run = at_most.min(io.contiguous_both() / CHUNK_LEN);
            if run > 0 {
                let mut tags = [0; RUN * TAG_LEN];
                io.copy_aside(&mut tags[..run * TAG_LEN]);
                self.chunked.get()?.open_detached(first, io.both(run * CHUNK_LEN), &tags[..run * TAG_LEN])?;
            }
            return Ok(run);
        }
        let (source, target) = io.contiguous();
        let run = at_most.min(source.len() / STORED_CHUNK_LEN).min(target.len() / CHUNK_LEN);
        let (read, written) = (run * STORED_CHUNK_LEN, run * CHUNK_LEN);
        self.chunked.get()?.open_inline(first, &source[..read], &mut target[..written])?;
        io.advance(read, written);
        Ok(run)
    }

    fn verify_run(&self, first: u64, at_most: usize, tags_aside: bool, io: &mut dyn Pieces) -> Result<usize> {
        let stored = if tags_aside { CHUNK_LEN } else { STORED_CHUNK_LEN };
        let run = at_most.min(io.contiguous().0.len() / stored);
        let mut tags = [0; RUN * TAG_LEN];
        if tags_aside {
            io.copy_aside(&mut tags[..run * TAG_LEN]);
        }
        let source = &io.contiguous().0[..run * stored];
        if tags_aside {
            self.chunked.get()?.verify_detached(first, source, &tags[..run * TAG_LEN])?;
        } else {
            self.chunked.get()?.verify_inline(first, source)?;
        }
        io.advance(run * stored, 0);
        Ok(run)
    }

    /// One chunk, whatever part of it is wanted and wherever its bytes lie.
    fn open_chunk(&self, window: &Window, chunk: u64, at: u64, wanted: &Range<u64>, io: &mut dyn Pieces) -> Result<()> {
        let len = size::chunk_len(window.plain_len, chunk);
        let inside = |x: u64| to_usize(x.saturating_sub(at)).min(len);
        let (from, to) = (inside(wanted.start), inside(wanted.end.max(wanted.start)));
        let mut stream = self.chunked.get()?.chunk(chunk);
        absorb(&mut stream, from, io)?;
        let mut left = to - from;
        while left > 0 {
            let piece = io.both(left);
            left -= piece.len();
            stream.open(piece)?;
        }
        absorb(&mut stream, len - to, io)?;
        let mut tag = [0; TAG_LEN];
        if window.tags_aside {
            io.copy_aside(&mut tag);
        } else {
            io.copy_to(&mut tag);
        }
        stream.verify(&tag).map_err(|_| {
            io.wipe(to - from);
            Error::Chunk { chunk }
        })
    }
}

fn absorb(stream: &mut ossenc_gcm::Stream<'_>, len: usize, io: &mut dyn Pieces) -> Result<()> {
    let mut left = len;
    while left > 0 {
        let piece = io.source(left);
        left -= piece.len();
        stream.absorb(piece)?;
    }
    Ok(())
}

fn check(window: &Window, io: &dyn Pieces) -> Result<()> {
    let outside = Err(Error::Argument("the extent lies outside the message"));
    let end = match window.chunk.checked_add(window.chunks) {
        Some(end) if window.plain_len <= size::MAX_PLAIN_LEN && end <= size::chunks(window.plain_len) => end,
        _ => return outside,
    };
    if window.chunks == 0 {
        return outside;
    }
    let plain = window.plain_len.min(end * CHUNK_LEN as u64) - window.chunk * CHUNK_LEN as u64;
    if window.skip.checked_add(window.take).is_none_or(|wanted| wanted > plain) {
        return outside;
    }
    let tags = window.chunks * TAG_LEN as u64;
    let (source, aside) = if window.tags_aside { (plain, tags) } else { (plain + tags, 0) };
    if (io.source_left() as u64) < source || (io.aside_left() as u64) < aside {
        return Err(Error::Argument("the source is shorter than the extent"));
    }
    if (io.target_left() as u64) < window.take {
        return Err(Error::Buffer { needed: to_usize(window.take) });
    }
    Ok(())
}

/// For numbers that are already known to be bounded by a buffer's length, or where more than that means "as many as
/// there are".
fn to_usize(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

impl core::fmt::Debug for Opener {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Opener").finish_non_exhaustive()
    }
}

/// Opens a message whose length is not known before it ends: a pipe, a socket.
///
/// A stream has no length to check first, so what [`open`] reports as truncated may be a damaged chunk here.
/// Every chunk that [`next`](StreamOpener::next) gives is authentic, but only [`finish`](StreamOpener::finish) says
/// that there was no more to come: what was received before is not the whole message until then.
#[derive(Debug)]
pub struct StreamOpener {
    opener: Opener,
    chunks: u64,
    finished: bool,
}

impl StreamOpener {
    /// As [`Opener::new`].
    ///
    /// # Errors
    /// [`Error::Commit`].
    ///
    /// # Panics
    /// If the context is in more than 8 parts.
    pub fn new(engine: &Engine, key: &Secret, context: &[&[u8]], head: &Head) -> Result<StreamOpener> {
        Ok(StreamOpener::over(Opener::new(engine, key, context, head)?))
    }

    pub(crate) fn over(opener: Opener) -> StreamOpener {
        StreamOpener { opener, chunks: 0, finished: false }
    }

    /// Opens as many full stored chunks as `sealed` holds and `plain` has room for. A chunk of full length is never the
    /// last.
    ///
    /// # Errors
    /// [`Error::Chunk`], as for [`Opener::open`]; the stream is then at an end. [`Error::State`] after that or after
    /// [`finish`](StreamOpener::finish); [`Error::Forked`].
    pub fn next(&mut self, sealed: &[u8], plain: &mut [u8]) -> Result<Progress> {
        self.check_open()?;
        let count = (sealed.len() / STORED_CHUNK_LEN).min(plain.len() / CHUNK_LEN);
        if count as u64 >= MAX_CHUNKS - self.chunks {
            return Err(Error::Format("a message of more than 2^32 chunks"));
        }
        let progress = Progress { consumed: count * STORED_CHUNK_LEN, written: count * CHUNK_LEN, aside: 0 };
        self.open_run(&sealed[..progress.consumed], &mut plain[..progress.written])?;
        self.chunks += count as u64;
        Ok(progress)
    }

    /// Opens the last, short chunk, and so learns that the message is whole. `sealed` is what is left when the source
    /// has ended.
    ///
    /// # Errors
    /// [`Error::Truncated`] if that is no last chunk: nothing, fewer bytes than a tag, or a full chunk with nothing
    /// after it; [`Error::Buffer`]; else as [`next`](StreamOpener::next).
    pub fn finish(&mut self, sealed: &[u8], plain: &mut [u8]) -> Result<Progress> {
        self.check_open()?;
        let written = sealed.len().checked_sub(TAG_LEN).filter(|n| *n < CHUNK_LEN).ok_or(Error::Truncated)?;
        let plain = plain.get_mut(..written).ok_or(Error::Buffer { needed: written })?;
        self.open_run(sealed, plain)?;
        self.finished = true;
        Ok(Progress { consumed: sealed.len(), written, aside: 0 })
    }

    fn open_run(&mut self, sealed: &[u8], plain: &mut [u8]) -> Result<()> {
        let chunked = self.opener.chunked.get()?;
        let opened = stack::cleared::<{ stack::CHUNKS }, _>(|| chunked.open_inline(self.chunks, sealed, plain));
        self.finished = opened.is_err();
        Ok(opened?)
    }

    fn check_open(&self) -> Result<()> {
        if self.finished { Err(Error::State("this message is at an end")) } else { Ok(()) }
    }
}
