//! Where an object's bytes lie: from plaintext ranges to the stored bytes that answer them. Pure arithmetic, apart from
//! decryption, so that a daemon does its own reading.

use crate::message::size;
use crate::message::{Head, Opener, Window};
use crate::pieces::Pieces;
use crate::{Error, Result};

/// How a segment's bytes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// The message as it is: head, then each chunk with its tag.
    Inline = 0,
}

impl Layout {
    /// The layout of that number.
    ///
    /// # Errors
    /// [`Error::TooNew`] for others.
    pub fn from_number(number: u32) -> Result<Layout> {
        if number == Layout::Inline as u32 { Ok(Layout::Inline) } else { Err(Error::TooNew("layout")) }
    }

    /// Stored bytes of the body, and of what lies aside, for a plaintext of that length.
    ///
    /// # Errors
    /// [`Error::Argument`] over [`size::MAX_PLAIN_LEN`].
    pub fn size(self, plain_len: u64) -> Result<(u64, u64)> {
        match self {
            Layout::Inline => Ok((size::sealed_len(plain_len)?, 0)),
        }
    }
}

/// The map of a single-segment object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Map {
    plain_len: u64,
    body_len: u64,
    trusted: bool,
    head: Option<Head>,
}

/// One run of stored bytes to read, and what it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The segment: 0 for a single-segment object.
    pub segment: u32,
    /// Whether the segment's last chunk is in the run: opening it proves that the length is true.
    pub last: bool,
    /// First chunk of the run.
    pub chunk: u64,
    /// Where to read in the body, and how many bytes.
    pub body_off: u64,
    /// Bytes to read at `body_off`.
    pub body: u64,
    /// Bytes read, for the sake of alignment, before the run begins.
    pub lead: u64,
    /// Plaintext bytes of the run that the range does not want, at its start.
    pub skip: u64,
    /// Plaintext bytes that the range wants.
    pub take: u64,
}

impl Map {
    /// The map of a single-segment object whose body takes `body_len` bytes.
    ///
    /// `plain_len` is the length of the plaintext if the caller knows it from a place that it trusts. Without it, every
    /// answer that depends on the length opens the last chunk too. `head` is the body's first 56 bytes, needed for
    /// [`Object::opener`](crate::Object::opener) only.
    ///
    /// # Errors
    /// [`Error::Truncated`] if the two lengths do not go together, or no whole message takes `body_len` bytes;
    /// [`Error::Format`] if it is longer than any.
    pub fn single(layout: Layout, body_len: u64, plain_len: Option<u64>, head: Option<Head>) -> Result<Map> {
        let Layout::Inline = layout;
        let stored = size::plain_len(body_len)?;
        if plain_len.is_some_and(|trusted| trusted != stored) {
            return Err(Error::Truncated);
        }
        Ok(Map { plain_len: stored, body_len, trusted: plain_len.is_some(), head })
    }

    /// Length of the plaintext: as trusted, or as the body's length says, which is proved when an extent with `last`
    /// opens.
    #[must_use]
    pub fn plain_len(&self) -> u64 {
        self.plain_len
    }

    /// Stored bytes of the body.
    #[must_use]
    pub fn body_len(&self) -> u64 {
        self.body_len
    }

    /// The body's head, if it was given.
    #[must_use]
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Plans a read of `len` bytes from `offset`: what to read, in `out`. Says how many extents there are, and where
    /// the next plan begins if `out` was too short for all: `offset + len` when it was not. A range that goes past
    /// the end is cut there; one that begins there or beyond takes nothing. A single-segment object needs one
    /// extent at most.
    ///
    /// Reads are rounded out to multiples of `align`, a power of two or 0, within the body. Without a trusted length, a
    /// range that reaches or passes the end comes with the last chunk, whose opening proves that this is the end.
    ///
    /// # Errors
    /// [`Error::Argument`] for an `align` that is no power of two; [`Error::Buffer`], counted in extents, when `out` is
    /// too short for a single one.
    pub fn plan(&self, offset: u64, len: u64, align: u64, out: &mut [Extent]) -> Result<(usize, u64)> {
        let align = align.max(1);
        if !align.is_power_of_two() {
            return Err(Error::Argument("alignment is a power of two"));
        }
        let asked_end = offset.saturating_add(len);
        let start = offset.min(self.plain_len);
        let end = asked_end.min(self.plain_len);
        let proves_end = !self.trusted && asked_end >= self.plain_len;
        if start == end && !proves_end {
            return Ok((0, asked_end));
        }
        let last_chunk = size::chunks(self.plain_len) - 1;
        let (first, final_chunk) = match (start < end, proves_end) {
            (true, true) => (size::chunk_of(start), last_chunk),
            (true, false) => (size::chunk_of(start), size::chunk_of(end - 1)),
            (false, _) => (last_chunk, last_chunk),
        };
        let place = out.first_mut().ok_or(Error::Buffer { needed: 1 })?;
        *place = self.extent(first, final_chunk, start, end - start, align);
        Ok((1, asked_end))
    }

    fn extent(&self, first: u64, final_chunk: u64, start: u64, take: u64, align: u64) -> Extent {
        let stored = self.stored(first, final_chunk);
        let body_off = stored.start / align * align;
        let body_end = stored.end.div_ceil(align).saturating_mul(align).min(self.body_len);
        Extent {
            segment: 0,
            last: final_chunk + 1 == size::chunks(self.plain_len),
            chunk: first,
            body_off,
            body: body_end - body_off,
            lead: stored.start - body_off,
            skip: if take > 0 { start - first * size::CHUNK_LEN as u64 } else { 0 },
            take,
        }
    }

    fn stored(&self, first: u64, final_chunk: u64) -> core::ops::Range<u64> {
        size::stored_chunk(self.plain_len, first).start..size::stored_chunk(self.plain_len, final_chunk).end
    }

    /// Verifies an extent's chunks and writes exactly `take` bytes; with `verify_only`, none. The source is what was
    /// read at `body_off`.
    ///
    /// # Errors
    /// [`Error::Argument`] for an extent that is not of this map, or a source that is shorter than it says; else as
    /// [`Opener::open`].
    pub fn open_extent(&self, opener: &Opener, extent: &Extent, verify_only: bool, io: &mut dyn Pieces) -> Result<()> {
        let foreign = Error::Argument("this extent is not of this map");
        let last_chunk = size::chunks(self.plain_len) - 1;
        let inside = extent.segment == 0 && extent.chunk <= last_chunk && extent.skip <= size::CHUNK_LEN as u64;
        if !inside || extent.take > self.plain_len {
            return Err(foreign);
        }
        let start = extent.chunk * size::CHUNK_LEN as u64 + extent.skip;
        let final_chunk = match extent.take {
            _ if extent.last => last_chunk,
            0 => return Err(foreign),
            take => size::chunk_of(start + take - 1),
        };
        if final_chunk > last_chunk || final_chunk < extent.chunk || start + extent.take > self.plain_len {
            return Err(foreign);
        }
        let stored = self.stored(extent.chunk, final_chunk);
        let needed = extent.lead.checked_add(stored.end - stored.start).ok_or(foreign)?;
        if (io.source_left() as u64) < needed {
            return Err(Error::Argument("the source is shorter than the extent"));
        }
        let mut lead = usize::try_from(extent.lead).expect("no longer than the source");
        while lead > 0 {
            lead -= io.source(lead).len();
        }
        let (skip, take) = if verify_only { (0, 0) } else { (extent.skip, extent.take) };
        let chunks = final_chunk - extent.chunk + 1;
        opener.open(&Window { plain_len: self.plain_len, chunk: extent.chunk, chunks, skip, take }, io)
    }
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
