//! Opening a segment of a mapped object, extent by extent.

use crate::layout::Geometry;
use crate::map::{Extent, MappedSegment};
use crate::message::size;
use crate::message::{Opener, Window};
use crate::pieces::Pieces;
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

    /// Verifies an extent's chunks and writes exactly `take` bytes; with `verify_only`, none. The source is what was read at
    /// `body_off`; what lies aside, what was read at `aside_off`.
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
        let window = Window {
            plain_len: geometry.plain_len,
            chunk: extent.chunk,
            chunks: last - extent.chunk + 1,
            skip,
            take,
            tags_aside: geometry.layout.keeps_tags_aside(),
        };
        self.opener.open(&window, io)
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

fn skip(mut left: u64, mut pass: impl FnMut(usize) -> usize) {
    while left > 0 {
        left -= pass(usize::try_from(left).expect("no longer than what is left")) as u64;
    }
}
