//! Opening a segment of a mapped object, extent by extent.

use core::ops::Range;

use crate::layout::{Geometry, Layout};
use crate::map::{Extent, MappedSegment};
use crate::message::size;
use crate::message::{Opener, Window};
use crate::pieces::{Pieces, Slices};
use crate::{Error, Result};

/// Opens or verifies the extents of one segment, in any order and from any number of threads.
#[derive(Debug)]
pub struct SegmentOpener {
    opener: Opener,
    index: u32,
    geometry: Geometry,
}

impl SegmentOpener {
    pub(crate) fn new(opener: Opener, index: u32, segment: &MappedSegment) -> SegmentOpener {
        SegmentOpener { opener, index, geometry: segment.geometry }
    }

    /// Verifies an extent's chunks and writes exactly `take` bytes; with `verify_only`, none. The source is what was
    /// read at `body_off`; what lies aside, what was read at `aside_off`.
    ///
    /// # Errors
    /// [`Error::Argument`] for an extent that is not of this segment, or a source that is shorter than it says; else as
    /// [`Opener::open`].
    pub fn open_extent(&self, extent: &Extent, verify_only: bool, io: &mut dyn Pieces) -> Result<()> {
        let geometry = self.geometry;
        let last = self.last_chunk_of(extent).ok_or(Error::Argument("this extent is not of this segment"))?;
        let (body, tags) = (geometry.body(extent.chunk, last), geometry.tags(extent.chunk, last));
        let lead = body.start.checked_sub(extent.body_off).filter(|lead| *lead == extent.lead);
        let aside_lead = tags.start.checked_sub(extent.aside_off);
        let (Some(lead), Some(aside_lead)) = (lead, aside_lead) else {
            return Err(Error::Argument("this extent is not of this segment"));
        };
        let enough = |left: usize, needed: Option<u64>| needed.is_some_and(|needed| left as u64 >= needed);
        if !enough(io.source_left(), lead.checked_add(body.end - body.start))
            || !enough(io.aside_left(), aside_lead.checked_add(tags.end - tags.start))
        {
            return Err(Error::Argument("the source is shorter than the extent"));
        }
        skip(lead, |n| io.source(n).len());
        skip(aside_lead, |n| {
            let mut passed = [0; 64];
            let n = n.min(passed.len());
            io.copy_aside(&mut passed[..n]);
            n
        });
        let (skip, take) = if verify_only { (0, 0) } else { (extent.skip, extent.take) };
        self.opener.open(&window(geometry, extent.chunk, last, skip, take), io)
    }

    /// Opens a whole segment at once: every chunk is verified, the last one too.
    ///
    /// # Errors
    /// [`Error::Truncated`] if `body` or `aside` has another length than the segment; [`Error::Buffer`] if `plain` is
    /// too small; [`Error::Chunk`] as [`Opener::open`].
    pub fn open_whole(&self, body: &[u8], aside: &[u8], plain: &mut [u8]) -> Result<()> {
        self.runs(body, aside, plain, u64::MAX)?.try_for_each(|mut run| run.open(&self.opener))
    }

    /// As [`open_whole`](SegmentOpener::open_whole), over the threads of the rayon pool that it is called in. Of several
    /// damaged chunks the error names the first.
    ///
    /// # Errors
    /// As [`open_whole`](SegmentOpener::open_whole).
    #[cfg(feature = "rayon")]
    pub fn open_whole_parallel(&self, body: &[u8], aside: &[u8], plain: &mut [u8]) -> Result<()> {
        use rayon::prelude::*;
        let share = crate::parallel::share(self.geometry.layout) as u64;
        let runs: alloc::vec::Vec<_> = self.runs(body, aside, plain, share)?.collect();
        let first_error = |a: &Result<()>, b: &Result<()>| match (a, b) {
            (Err(Error::Chunk { chunk: a }), Err(Error::Chunk { chunk: b })) => a.cmp(b),
            (a, b) => a.is_ok().cmp(&b.is_ok()),
        };
        let outcomes = runs.into_par_iter().map(|mut run| run.open(&self.opener));
        outcomes.min_by(first_error).expect("a segment has a chunk")
    }

    /// The segment in runs of chunks that lie together, of at most that many chunks.
    fn runs<'b>(
        &self,
        body: &'b [u8],
        aside: &'b [u8],
        plain: &'b mut [u8],
        at_most: u64,
    ) -> Result<impl Iterator<Item = Run<'b>> + use<'b>> {
        let geometry = self.geometry;
        let stored = (body.len() as u64, aside.len() as u64);
        if geometry.layout.size(geometry.plain_len)? != stored {
            return Err(Error::Truncated);
        }
        let needed = usize::try_from(geometry.plain_len).map_err(|_| Error::Argument("too long for this machine"))?;
        let mut plain = plain.get_mut(..needed).ok_or(Error::Buffer { needed })?;
        let tags = if geometry.layout == Layout::Detached { aside } else { body };
        let mut chunk = 0;
        Ok(core::iter::from_fn(move || {
            if chunk > geometry.last_chunk() {
                return None;
            }
            let last = geometry.run_end(chunk).min(chunk.saturating_add(at_most - 1));
            let (source, aside) = (slice(body, geometry.body(chunk, last)), slice(tags, geometry.tags(chunk, last)));
            let len = plain.len().min((last - chunk + 1) as usize * size::CHUNK_LEN);
            let (piece, rest) = core::mem::take(&mut plain).split_at_mut(len);
            let window = window(geometry, chunk, last, 0, len as u64);
            (plain, chunk) = (rest, last + 1);
            Some(Run { window, source, aside, plain: piece })
        }))
    }

    /// The layout of the segment.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.geometry.layout
    }

    /// The last chunk of an extent's run, if the extent can be of this segment.
    fn last_chunk_of(&self, extent: &Extent) -> Option<u64> {
        let geometry = self.geometry;
        let inside = extent.segment == self.index
            && extent.chunk <= geometry.last_chunk()
            && extent.skip <= size::CHUNK_LEN as u64
            && extent.take <= geometry.plain_len;
        if !inside {
            return None;
        }
        let end = extent.chunk * size::CHUNK_LEN as u64 + extent.skip + extent.take;
        let last = match extent.take {
            _ if extent.last => geometry.last_chunk(),
            0 => return None,
            _ => size::chunk_of(end - 1),
        };
        let in_run = last >= extent.chunk && last <= geometry.run_end(extent.chunk);
        (in_run && end <= geometry.plain_len).then_some(last)
    }
}

/// Chunks that lie together, and where their plaintext goes.
struct Run<'b> {
    window: Window,
    source: &'b [u8],
    aside: &'b [u8],
    plain: &'b mut [u8],
}

impl Run<'_> {
    fn open(&mut self, opener: &Opener) -> Result<()> {
        opener.open(&self.window, &mut Slices::new(self.source, self.plain).reading_aside(self.aside))
    }
}

fn window(geometry: Geometry, chunk: u64, last: u64, skip: u64, take: u64) -> Window {
    Window {
        plain_len: geometry.plain_len,
        chunk,
        chunks: last - chunk + 1,
        skip,
        take,
        tags_aside: geometry.layout.keeps_tags_aside(),
    }
}

fn slice(bytes: &[u8], range: Range<u64>) -> &[u8] {
    // The range lies in a slice of this machine.
    &bytes[range.start as usize..range.end as usize]
}

fn skip(mut left: u64, mut pass: impl FnMut(usize) -> usize) {
    while left > 0 {
        left -= pass(usize::try_from(left).expect("no longer than what is left")) as u64;
    }
}
