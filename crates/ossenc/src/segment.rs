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
        self.opener.open(&self.window(extent.chunk, last, skip, take), io)
    }

    /// Opens a whole segment at once: every chunk is verified, the last one too.
    ///
    /// # Errors
    /// [`Error::Truncated`] if `body` or `aside` has another length than the segment; [`Error::Buffer`] if `plain` is
    /// too small; [`Error::Chunk`] as [`Opener::open`].
    pub fn open_whole(&self, body: &[u8], aside: &[u8], plain: &mut [u8]) -> Result<()> {
        let geometry = self.geometry;
        let stored = (body.len() as u64, aside.len() as u64);
        if geometry.layout.size(geometry.plain_len)? != stored {
            return Err(Error::Truncated);
        }
        let needed = usize::try_from(geometry.plain_len).map_err(|_| Error::Argument("too long for this machine"))?;
        let mut plain = plain.get_mut(..needed).ok_or(Error::Buffer { needed })?;
        let tags = if geometry.layout == Layout::Detached { aside } else { body };
        let mut chunk = 0;
        while chunk <= geometry.last_chunk() {
            let last = geometry.run_end(chunk);
            let (source, aside) = (slice(body, geometry.body(chunk, last)), slice(tags, geometry.tags(chunk, last)));
            let run = plain.len().min((last - chunk + 1) as usize * size::CHUNK_LEN);
            let (piece, rest) = core::mem::take(&mut plain).split_at_mut(run);
            let window = self.window(chunk, last, 0, run as u64);
            self.opener.open(&window, &mut Slices::new(source, piece).reading_aside(aside))?;
            (plain, chunk) = (rest, last + 1);
        }
        Ok(())
    }

    /// The layout of the segment.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.geometry.layout
    }

    fn window(&self, chunk: u64, last: u64, skip: u64, take: u64) -> Window {
        Window {
            plain_len: self.geometry.plain_len,
            chunk,
            chunks: last - chunk + 1,
            skip,
            take,
            tags_aside: self.geometry.layout.keeps_tags_aside(),
        }
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

fn slice(bytes: &[u8], range: Range<u64>) -> &[u8] {
    // The range lies in a slice of this machine.
    &bytes[range.start as usize..range.end as usize]
}

fn skip(mut left: u64, mut pass: impl FnMut(usize) -> usize) {
    while left > 0 {
        left -= pass(usize::try_from(left).expect("no longer than what is left")) as u64;
    }
}
