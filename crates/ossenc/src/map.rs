//! Where an object's bytes lie: from plaintext ranges to the stored bytes that answer them. Pure arithmetic, apart from
//! decryption, so that a daemon does its own reading.

use alloc::vec::Vec;

use crate::layout::{Geometry, Layout};
use crate::manifest::Manifest;
use crate::message::Head;
use crate::message::size;
use crate::{Error, Result};

/// The map of an object: its segments, and where each lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    plain_len: u64,
    /// Whether the length is known to be true, or only what the body's length says.
    trusted: bool,
    generation: u64,
    segments: Vec<MappedSegment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MappedSegment {
    pub(crate) part: u32,
    pub(crate) head: Option<Head>,
    pub(crate) offset: u64,
    pub(crate) geometry: Geometry,
}

/// One run of stored bytes to read, and what it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The segment, by index: 0 for a single-segment object.
    pub segment: u32,
    /// Whether the segment's last chunk is in the run: opening it proves that the segment's length is true.
    pub last: bool,
    /// First chunk of the run.
    pub chunk: u64,
    /// Where to read in the segment's body.
    pub body_off: u64,
    /// How many bytes to read there.
    pub body: u64,
    /// Where to read the run's tags: aside for DETACHED, in the body for PAGED.
    pub aside_off: u64,
    /// How many bytes to read there; 0 for INLINE.
    pub aside: u64,
    /// Bytes read at `body_off`, for the sake of alignment, before the run begins.
    pub lead: u64,
    /// Plaintext bytes of the run that the range does not want, at its start.
    pub skip: u64,
    /// Plaintext bytes that the range wants.
    pub take: u64,
}

impl Map {
    /// The map of a single-segment object whose body takes `body_len` bytes.
    ///
    /// `plain_len` is the length of the plaintext if the caller knows it from a place that it trusts; PAGED needs it.
    /// Without it, every answer that depends on the length opens the last chunk too. `head` is the message's first
    /// 56 bytes, needed for [`Object::opener`](crate::Object::opener) only.
    ///
    /// # Errors
    /// [`Error::Truncated`] if the two lengths do not go together, or no whole message takes `body_len` bytes;
    /// [`Error::Format`] if it is longer than any; [`Error::Argument`] for PAGED without `plain_len`.
    pub fn single(layout: Layout, body_len: u64, plain_len: Option<u64>, head: Option<Head>) -> Result<Map> {
        let (stored, trusted) = match plain_len {
            Some(trusted) => (trusted, true),
            None => (layout.plain_len(body_len)?, false),
        };
        if layout.size(stored).map_err(|_| Error::Truncated)?.0 != body_len {
            return Err(Error::Truncated);
        }
        let geometry = Geometry { layout, plain_len: stored };
        let segment = MappedSegment { part: 0, head, offset: 0, geometry };
        Ok(Map { plain_len: stored, trusted, generation: 0, segments: alloc::vec![segment] })
    }

    /// The map of a segmented object. `layouts` has one layout for all segments, or one for each.
    ///
    /// # Errors
    /// [`Error::Argument`] if `layouts` has another number of them.
    pub fn segmented(manifest: &Manifest, layouts: &[Layout]) -> Result<Map> {
        let segments = manifest.segments();
        if layouts.len() != 1 && layouts.len() != segments.len() {
            return Err(Error::Argument("one layout for all segments, or one for each"));
        }
        let place = |(i, segment): (usize, &crate::manifest::Segment)| MappedSegment {
            part: segment.part,
            head: Some(segment.head),
            offset: segment.offset,
            geometry: Geometry {
                layout: layouts[if layouts.len() == 1 { 0 } else { i }],
                plain_len: segment.plain_len,
            },
        };
        Ok(Map {
            plain_len: manifest.plain_len(),
            trusted: true,
            generation: manifest.generation(),
            segments: segments.iter().enumerate().map(place).collect(),
        })
    }

    /// Length of the plaintext: as trusted or as the manifest says; or as the body's length says, which is proved when
    /// an extent with `last` opens.
    #[must_use]
    pub fn plain_len(&self) -> u64 {
        self.plain_len
    }

    /// The manifest's generation; 0 for a single-segment object.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many segments there are.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.segments.len()
    }

    /// Part, layout, plaintext offset and length, and body length of a segment.
    #[must_use]
    pub fn segment(&self, index: usize) -> Option<SegmentPlace> {
        let segment = self.segments.get(index)?;
        let geometry = segment.geometry;
        Some(SegmentPlace {
            part: segment.part,
            layout: geometry.layout,
            offset: segment.offset,
            plain_len: geometry.plain_len,
            body_len: geometry.body_len(),
        })
    }

    pub(crate) fn mapped(&self, index: u32) -> Result<&MappedSegment> {
        self.segments.get(index as usize).ok_or(Error::Argument("there is no such segment"))
    }

    /// Plans a read of `len` bytes from `offset`: what to read, in `out`. Says how many extents there are, and where
    /// the next plan begins if `out` was too short for all: `offset + len` when it was not. A range that goes past
    /// the end is cut there; one that begins there or beyond takes nothing.
    ///
    /// Reads are rounded out to multiples of `align`, a power of two or 0, within what they read. Without a trusted
    /// length, a range that reaches or passes the end comes with the last chunk, whose opening proves that this is
    /// the end. Finding the first extent takes O(log segments); nothing is allocated.
    ///
    /// # Errors
    /// [`Error::Argument`] for an `align` that is no power of two; [`Error::Buffer`], counted in extents, when `out` is
    /// empty and an extent is needed.
    pub fn plan(&self, offset: u64, len: u64, align: u64, out: &mut [Extent]) -> Result<(usize, u64)> {
        let align = align.max(1);
        if !align.is_power_of_two() {
            return Err(Error::Argument("alignment is a power of two"));
        }
        let asked_end = offset.saturating_add(len);
        let end = asked_end.min(self.plain_len);
        let proves_end = !self.trusted && asked_end >= self.plain_len;
        if offset >= end {
            // Nothing is wanted; but that this is the end may have to be proved.
            if !proves_end {
                return Ok((0, asked_end));
            }
            let place = out.first_mut().ok_or(Error::Buffer { needed: 1 })?;
            let last = self.segments.len() - 1;
            let last_chunk = self.segments[last].geometry.last_chunk();
            *place = self.extent(last, last_chunk, last_chunk, None, align);
            return Ok((1, asked_end));
        }
        if out.is_empty() {
            return Err(Error::Buffer { needed: 1 });
        }
        let mut at = offset;
        // The last segment that begins at or before the offset; empty ones before it are passed over.
        let mut index = self.segments.partition_point(|segment| segment.offset <= at) - 1;
        let mut n = 0;
        while at < end && n < out.len() {
            let segment = &self.segments[index];
            let segment_end = end.min(segment.offset + segment.geometry.plain_len);
            while at < segment_end && n < out.len() {
                let (extent, next) = self.next_extent(index, at, segment_end, proves_end, align);
                out[n] = extent;
                (n, at) = (n + 1, next);
            }
            index += 1;
        }
        Ok((n, if at < end { at } else { asked_end }))
    }

    /// The extent from `at` on, as far as one read goes, and where the next begins.
    fn next_extent(&self, index: usize, at: u64, end: u64, proves_end: bool, align: u64) -> (Extent, u64) {
        let segment = &self.segments[index];
        let geometry = segment.geometry;
        let (from, to) = (at - segment.offset, end - segment.offset);
        let first = size::chunk_of(from);
        let wanted = if proves_end { geometry.last_chunk() } else { size::chunk_of(to - 1) };
        let last = wanted.min(geometry.run_end(first));
        let run_end = to.min((last + 1) * size::CHUNK_LEN as u64);
        let range = Some(from..run_end);
        (self.extent(index, first, last, range, align), segment.offset + run_end)
    }

    fn extent(&self, index: usize, first: u64, last: u64, wanted: Option<core::ops::Range<u64>>, align: u64) -> Extent {
        let geometry = self.segments[index].geometry;
        let (body, tags) = (geometry.body(first, last), geometry.tags(first, last));
        let rounded = |range: &core::ops::Range<u64>, within: u64| {
            let start = range.start / align * align;
            start..range.end.div_ceil(align).saturating_mul(align).min(within)
        };
        let read = rounded(&body, geometry.body_len());
        let aside = if tags.is_empty() { 0..0 } else { rounded(&tags, geometry.tags_within()) };
        Extent {
            segment: u32::try_from(index).expect("at most 2^20 segments"),
            last: last == geometry.last_chunk(),
            chunk: first,
            body_off: read.start,
            body: read.end - read.start,
            aside_off: aside.start,
            aside: aside.end - aside.start,
            lead: body.start - read.start,
            skip: wanted.as_ref().map_or(0, |range| range.start - first * size::CHUNK_LEN as u64),
            take: wanted.map_or(0, |range| range.end - range.start),
        }
    }
}

/// Where a segment of a [`Map`] lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentPlace {
    /// Its part.
    pub part: u32,
    /// How it is stored.
    pub layout: Layout,
    /// Where its plaintext begins in the object.
    pub offset: u64,
    /// Bytes of its plaintext.
    pub plain_len: u64,
    /// Bytes of its body.
    pub body_len: u64,
}
#[cfg(test)]
mod tests {
    use super::*;

    fn map(plain_len: u64, trusted: bool) -> Map {
        let body = size::sealed_len(plain_len).unwrap();
        Map::single(Layout::Inline, body, trusted.then_some(plain_len), None).unwrap()
    }

    fn plan(map: &Map, offset: u64, len: u64, align: u64) -> alloc::vec::Vec<Extent> {
        let mut out = [Extent::default(); 2];
        let (n, next) = map.plan(offset, len, align, &mut out).unwrap();
        assert_eq!(next, offset.saturating_add(len));
        out[..n].to_vec()
    }

    #[test]
    fn a_range_far_inside_a_large_object_reads_one_chunk() {
        let one_tib = 1 << 40;
        let extents = plan(&map(2 * one_tib, false), one_tib, 1, 0);
        assert_eq!(extents.len(), 1);
        assert_eq!(
            (extents[0].chunk, extents[0].body_off, extents[0].body),
            (1 << 26, 56 + (1 << 26) * 16_400, 16_400)
        );
        assert!(!extents[0].last);
    }

    #[test]
    fn without_a_trusted_length_the_end_is_proved() {
        let len = 5 * 16_384 + 7;
        let trusted = map(len, true);
        let untrusted = map(len, false);
        // Past the end, at the end, a suffix, the whole: the last chunk comes along.
        for (offset, n) in [(len, 1), (len + 9, 1), (len - 3, 1), (0, 1)] {
            let extents = plan(&untrusted, offset, u64::MAX, 0);
            assert_eq!(extents.len(), n);
            assert!(extents.last().unwrap().last);
        }
        assert_eq!(plan(&trusted, len, 5, 0), []);
        // Inside, the answer does not depend on the length.
        assert!(plan(&untrusted, 0, 16_384, 0).iter().all(|e| !e.last));
        // At an exact multiple, the last chunk is empty and still is needed for the proof.
        let extents = plan(&map(2 * 16_384, false), 16_384, 16_384, 0);
        assert_eq!((extents.len(), extents[0].last, extents[0].body), (1, true, 16_400 + 16));
        assert_eq!(plan(&map(2 * 16_384, true), 16_384, 16_384, 0)[0].body, 16_400);
    }

    #[test]
    fn reads_are_rounded_out_to_the_alignment_within_the_body() {
        let len = 100_000;
        let map = map(len, true);
        for offset in (0..len).step_by(997) {
            for extent in plan(&map, offset, 1_000, 4_096) {
                assert_eq!(extent.body_off % 4_096, 0);
                let end = extent.body_off + extent.body;
                assert!(end % 4_096 == 0 || end == size::sealed_len(len).unwrap());
                assert_eq!(extent.body_off + extent.lead, 56 + extent.chunk * 16_400);
            }
        }
        assert!(map.plan(0, 1, 3, &mut [Extent::default()]).is_err());
    }

    #[test]
    fn no_room_for_an_extent_is_an_error_unless_none_is_needed() {
        let map = map(10 * 16_384 + 1, true);
        assert_eq!(map.plan(0, 5, 0, &mut []), Err(Error::Buffer { needed: 1 }));
        assert_eq!(map.plan(7, 0, 0, &mut []), Ok((0, 7)));
    }
}
