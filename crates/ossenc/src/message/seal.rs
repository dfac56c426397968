//! Sealing: a whole message at once, or as its bytes come, in any layout.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use ossenc_gcm::Chunked;
use ossenc_mem::Guarded;

use super::run::{PageOfTags, Writer};
use super::size::{self, CHUNK_LEN, HEAD_LEN, MAX_CHUNKS, TAG_LEN};
use super::{Head, begin, longest_chunk};
use crate::digest::Digests;
use crate::kdf::Prk;
use crate::layout::{GROUP_CHUNKS, Layout, PAGE_LEN};
use crate::pieces::{Pieces, Slices};
use crate::{Engine, Error, Result, Secret, stack};

/// Seals `plain` under `key` and a context, given in at most 8 parts that are concatenated.
///
/// # Errors
/// [`Error::NoEntropy`]; [`Error::Argument`] over [`size::MAX_PLAIN_LEN`].
///
/// # Panics
/// If the context is in more than 8 parts.
pub fn seal(engine: &Engine, key: &Secret, context: &[&[u8]], plain: &[u8]) -> Result<Vec<u8>> {
    seal_with_prk(engine, Prk::guarded(engine.lock(), key)?.get()?, context, plain)
}

/// As [`seal()`], into the beginning of `sealed`; says how many bytes that took. See [`size::sealed_len`] for the room.
///
/// # Errors
/// [`Error::Buffer`] if there is too little room; as [`seal()`]. Nothing is written then.
///
/// # Panics
/// As [`seal()`].
pub fn seal_slice(engine: &Engine, key: &Secret, context: &[&[u8]], plain: &[u8], sealed: &mut [u8]) -> Result<usize> {
    let len = size::sealed_len(plain.len() as u64)?;
    let needed = usize::try_from(len).map_err(|_| Error::Argument("too long for this machine"))?;
    let sealed = sealed.get_mut(..needed).ok_or(Error::Buffer { needed })?;
    seal_into(engine, Prk::guarded(engine.lock(), key)?.get()?, context, plain, sealed)?;
    Ok(needed)
}

pub(crate) fn seal_with_prk(engine: &Engine, key: &Prk, context: &[&[u8]], plain: &[u8]) -> Result<Vec<u8>> {
    let len = size::sealed_len(plain.len() as u64)?;
    let mut sealed = vec![0; usize::try_from(len).map_err(|_| Error::Argument("too long for this machine"))?];
    seal_into(engine, key, context, plain, &mut sealed)?;
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
    let chunked = chunked.get()?;
    stack::cleared::<{ stack::CHUNKS }, _>(|| chunked.seal_inline(0, plain, chunks))?;
    head_out.copy_from_slice(&head);
    Ok(head)
}

/// How far one call went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes taken from the source.
    pub consumed: usize,
    /// Bytes given to the destination.
    pub written: usize,
    /// Bytes of head and tags written aside: DETACHED only.
    pub aside: usize,
}

/// Seals one message whose bytes come over time, in the order of the message.
///
/// It draws its salt itself, counts its chunks itself and cannot be cloned: no call sequence encrypts two plaintexts
/// under one nonce. It buffers nothing: [`next`](Sealer::next) takes whole chunks only, and the caller keeps what is
/// left for the following call, or for [`finish`](Sealer::finish).
pub struct Sealer {
    chunked: Guarded<Chunked>,
    head: Head,
    part: u32,
    head_written: bool,
    layout: Layout,
    chunks: u64,
    plain_len: Option<u64>,
    body_len: u64,
    page: Option<Box<PageOfTags>>,
    digests: Digests,
}

impl Sealer {
    /// Begins a message under `key` and a context, given in at most 8 parts that are concatenated, in the layout
    /// INLINE.
    ///
    /// # Errors
    /// [`Error::NoEntropy`], [`Error::NoMemory`], [`Error::NotLocked`].
    ///
    /// # Panics
    /// If the context is in more than 8 parts.
    pub fn new(engine: &Engine, key: &Secret, context: &[&[u8]]) -> Result<Sealer> {
        Sealer::with_prk(engine, Prk::guarded(engine.lock(), key)?.get()?, context, 0, Layout::Inline)
    }

    pub(crate) fn with_prk(engine: &Engine, key: &Prk, context: &[&[u8]], part: u32, layout: Layout) -> Result<Sealer> {
        let (chunked, head) = begin(engine, key, context, CHUNK_LEN)?;
        Ok(Sealer {
            chunked,
            head,
            part,
            head_written: false,
            layout,
            chunks: 0,
            plain_len: None,
            body_len: 0,
            page: (layout == Layout::Paged).then(Box::default),
            digests: Digests::new(engine.digests()),
        })
    }

    /// The message's first 56 bytes.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Bytes of the head that are still to be written before the first chunk, to the destination (INLINE) or aside
    /// (DETACHED): all, or none.
    #[must_use]
    pub fn head_left(&self) -> usize {
        if self.head_written || self.layout == Layout::Paged { 0 } else { HEAD_LEN }
    }

    /// Seals as many whole chunks as the source holds and there is room for, after the head if that was not written
    /// yet.
    ///
    /// # Errors
    /// [`Error::State`] after [`finish`](Sealer::finish); [`Error::Argument`] past [`size::MAX_CHUNKS`];
    /// [`Error::Forked`]. Nothing is taken or written then.
    pub fn next(&mut self, io: &mut dyn Pieces) -> Result<Progress> {
        self.check_open()?;
        let Some(fits) = self.fits(io) else { return Ok(Progress::default()) };
        self.check_chunks(fits as u64 + 1)?;
        let progress = self.takes(fits);
        self.write_head(io)?;
        self.writer()?.whole(fits, io)?;
        self.body_len += progress.written as u64;
        Ok(progress)
    }

    /// What [`finish`](Sealer::finish) will take and write for a tail of `len` bytes.
    #[must_use]
    pub fn finish_len(&self, len: usize) -> Progress {
        let (whole, last) = (len / CHUNK_LEN, len % CHUNK_LEN);
        let mut progress = self.takes(whole);
        progress.consumed += last;
        match self.layout {
            Layout::Inline => progress.written += last + TAG_LEN,
            Layout::Detached => {
                progress.written += last;
                progress.aside += TAG_LEN;
            }
            // The body of a group that is filled up to here, its padding, and its tags.
            Layout::Paged => progress.written += last.next_multiple_of(PAGE_LEN) + PAGE_LEN,
        }
        progress
    }

    /// Seals all that is left, of any length, and ends the message.
    ///
    /// # Errors
    /// [`Error::Buffer`] if there is no room for all of it, in the destination or aside: see
    /// [`finish_len`](Sealer::finish_len). The sealer stays as it was and may be finished with more room. Else as
    /// [`next`](Sealer::next).
    pub fn finish(&mut self, io: &mut dyn Pieces) -> Result<Progress> {
        self.check_open()?;
        let progress = self.finish_len(io.source_left());
        let (whole, last) = (progress.consumed / CHUNK_LEN, progress.consumed % CHUNK_LEN);
        self.check_chunks(whole as u64 + 1)?;
        for (needed, room) in [(progress.written, io.target_left()), (progress.aside, io.aside_room())] {
            if room < needed {
                return Err(Error::Buffer { needed });
            }
        }
        self.write_head(io)?;
        self.plain_len = Some(self.chunks * CHUNK_LEN as u64 + progress.consumed as u64);
        let mut writer = self.writer()?;
        writer.whole(whole, io)?;
        writer.last(last, io)?;
        self.body_len += progress.written as u64;
        Ok(progress)
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

    /// The receipt, once finished. Its part is 0 for a message that is of no object.
    #[must_use]
    pub fn receipt(&self) -> Option<crate::Receipt> {
        Some(crate::Receipt {
            part: self.part,
            layout: self.layout,
            head: self.head,
            plain: self.plain_len?,
            body: self.body_len,
            crc64_plain: self.digests.crc64_plain(),
            crc32c_body: self.digests.crc32c_body(),
        })
    }

    /// Whether more can be sealed: looked at before anything is spent or written.
    fn check_open(&self) -> Result<()> {
        self.chunked.get()?;
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

    /// What `whole` chunks take and write, the head included.
    fn takes(&self, whole: usize) -> Progress {
        let body = whole * CHUNK_LEN;
        let tags = whole * TAG_LEN;
        let head = self.head_left();
        let (written, aside) = match self.layout {
            Layout::Inline => (head + body + tags, 0),
            Layout::Detached => (body, head + tags),
            Layout::Paged => (body + (self.chunk_in_group() + whole) / GROUP_CHUNKS * PAGE_LEN, 0),
        };
        Progress { consumed: body, written, aside }
    }

    /// How many whole chunks there are and have room; `None` if not even the head has.
    fn fits(&self, io: &dyn Pieces) -> Option<usize> {
        let (source, target, aside, head) =
            (io.source_left() / CHUNK_LEN, io.target_left(), io.aside_room(), self.head_left());
        let room = match self.layout {
            Layout::Inline => target.checked_sub(head)? / size::STORED_CHUNK_LEN,
            Layout::Detached => (target / CHUNK_LEN).min(aside.checked_sub(head)? / TAG_LEN),
            Layout::Paged => {
                // Every group that gets full takes a page. Asking for it beforehand wastes nothing: pages are small.
                let pages = (self.chunk_in_group() + target / CHUNK_LEN) / GROUP_CHUNKS;
                target.saturating_sub(pages * PAGE_LEN) / CHUNK_LEN
            }
        };
        Some(source.min(room))
    }

    /// How many chunks of the current group of 256 are sealed.
    #[must_use]
    pub fn chunk_in_group(&self) -> usize {
        (self.chunks % GROUP_CHUNKS as u64) as usize
    }

    fn write_head(&mut self, io: &mut dyn Pieces) -> Result<()> {
        if self.head_left() > 0 {
            let head = self.head;
            match self.layout {
                Layout::Inline => self.writer()?.put(&head, io),
                Layout::Detached | Layout::Paged => io.put_aside(&head),
            }
        }
        self.head_written = true;
        Ok(())
    }

    fn writer(&mut self) -> Result<Writer<'_>> {
        Ok(Writer {
            chunked: self.chunked.get()?,
            layout: self.layout,
            chunks: &mut self.chunks,
            page: self.page.as_deref_mut(),
            digests: &mut self.digests,
        })
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
