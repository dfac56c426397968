//! Writing chunks into a layout: shared by the stream and by tickets.

use ossenc_gcm::Chunked;

use super::size::{CHUNK_LEN, STORED_CHUNK_LEN, TAG_LEN};
use crate::digest::Digests;
use crate::layout::{GROUP_CHUNKS, Layout, PAGE_LEN};
use crate::pieces::Pieces;
use crate::{Result, stack};

/// Chunks that are sealed in one call of the kernel: enough to overlap their tails, few enough that the digests before
/// and after find them in the cache.
const RUN: usize = 4;

/// The tags of a PAGED group, until it is full.
pub(crate) struct PageOfTags([u8; PAGE_LEN]);

impl Default for PageOfTags {
    fn default() -> PageOfTags {
        PageOfTags([0; PAGE_LEN])
    }
}

/// Seals chunk after chunk, borrowing its state from a stream or from a ticket's run.
pub(crate) struct Writer<'a> {
    pub(crate) chunked: &'a Chunked,
    pub(crate) layout: Layout,
    /// The number of the next chunk.
    pub(crate) chunks: &'a mut u64,
    /// For PAGED, and for it alone.
    pub(crate) page: Option<&'a mut PageOfTags>,
    pub(crate) digests: &'a mut Digests,
}

impl Writer<'_> {
    /// Writes to the body, and takes it into the digest.
    pub(crate) fn put(&mut self, bytes: &[u8], io: &mut dyn Pieces) {
        self.digests.stored(bytes);
        io.put(bytes);
    }

    /// Seals `count` whole chunks: in runs where their bytes are contiguous, else piece by piece.
    pub(crate) fn whole(&mut self, count: usize, io: &mut dyn Pieces) -> Result<()> {
        stack::cleared::<{ stack::CHUNKS }, _>(|| self.runs(count, io))
    }

    fn runs(&mut self, mut count: usize, io: &mut dyn Pieces) -> Result<()> {
        while count > 0 {
            let in_group = (*self.chunks % GROUP_CHUNKS as u64) as usize;
            let at_most = count.min(RUN).min(GROUP_CHUNKS - in_group);
            let sealed = match self.layout {
                Layout::Inline => self.inline_run(at_most, io)?,
                Layout::Detached | Layout::Paged => self.aside_run(at_most, io)?,
            };
            let sealed = if sealed > 0 {
                sealed
            } else {
                self.scattered(CHUNK_LEN, io)?;
                1
            };
            count -= sealed;
            if in_group + sealed == GROUP_CHUNKS {
                self.end_group(io);
            }
        }
        Ok(())
    }

    /// Seals the last chunk of a message, of fewer than [`CHUNK_LEN`] bytes.
    pub(crate) fn last(&mut self, len: usize, io: &mut dyn Pieces) -> Result<()> {
        stack::cleared::<{ stack::CHUNKS }, _>(|| self.scattered(len, io))?;
        if self.layout == Layout::Paged {
            // The ciphertext before this chunk is whole chunks, and so whole pages.
            self.put(&[0; PAGE_LEN][..len.next_multiple_of(PAGE_LEN) - len], io);
        }
        self.end_group(io);
        Ok(())
    }

    /// Seals as many chunks as are contiguous on both sides; perhaps none.
    fn inline_run(&mut self, at_most: usize, io: &mut dyn Pieces) -> Result<usize> {
        let (source, target) = io.contiguous();
        let run = at_most.min(source.len() / CHUNK_LEN).min(target.len() / STORED_CHUNK_LEN);
        let (plain, sealed) = (&source[..run * CHUNK_LEN], &mut target[..run * STORED_CHUNK_LEN]);
        let first = self.spend(run);
        self.digests.plain(plain);
        self.chunked.seal_inline(first, plain, sealed)?;
        self.digests.stored(sealed);
        io.advance(run * CHUNK_LEN, run * STORED_CHUNK_LEN);
        Ok(run)
    }

    /// The same, for tags that are kept apart.
    fn aside_run(&mut self, at_most: usize, io: &mut dyn Pieces) -> Result<usize> {
        let run = at_most.min(io.contiguous_both() / CHUNK_LEN);
        if run > 0 {
            let first = self.spend(run);
            let mut tags = [0; RUN * TAG_LEN];
            let tags = &mut tags[..run * TAG_LEN];
            let mut piece = io.both(run * CHUNK_LEN);
            self.digests.plain(piece.get_in());
            self.chunked.seal_detached(first, piece.reborrow(), tags)?;
            self.digests.stored(piece.get_out());
            self.keep_tags(first, tags, io);
        }
        Ok(run)
    }

    /// One chunk, wherever its bytes lie.
    fn scattered(&mut self, len: usize, io: &mut dyn Pieces) -> Result<()> {
        let number = self.spend(1);
        let mut stream = self.chunked.chunk(number);
        let mut left = len;
        while left > 0 {
            let mut piece = io.both(left);
            left -= piece.len();
            self.digests.plain(piece.get_in());
            stream.seal(piece.reborrow())?;
            self.digests.stored(piece.get_out());
        }
        let tag = stream.finish();
        match self.layout {
            Layout::Inline => self.put(&tag, io),
            Layout::Detached | Layout::Paged => self.keep_tags(number, &tag, io),
        }
        Ok(())
    }

    /// Numbers are spent before any keystream: whatever happens in between, they are not used again.
    fn spend(&mut self, count: usize) -> u64 {
        let first = *self.chunks;
        *self.chunks += count as u64;
        first
    }

    fn keep_tags(&mut self, first: u64, tags: &[u8], io: &mut dyn Pieces) {
        match &mut self.page {
            Some(page) => {
                let place = (first % GROUP_CHUNKS as u64) as usize * TAG_LEN;
                page.0[place..place + tags.len()].copy_from_slice(tags);
            }
            None => io.put_aside(tags),
        }
    }

    fn end_group(&mut self, io: &mut dyn Pieces) {
        if let Some(page) = self.page.take() {
            self.put(&page.0, io);
            page.0 = [0; PAGE_LEN];
            self.page = Some(page);
        }
    }
}
