//! Segments as a daemon keeps them: what it has of each on its disks, and in its records.

use ossenc::message::size::HEAD_LEN;
use ossenc::pieces::Slices;
use ossenc::{
    Error, Extent, Layout, Manifest, Map, Object, Receipt, Result, SegmentOpener, convert_group, group, groups,
};

use super::output::UNTOUCHED;

pub const LAYOUTS: [Layout; 3] = [Layout::Inline, Layout::Detached, Layout::Paged];

/// One sealed segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub receipt: Receipt,
    pub body: Vec<u8>,
    pub aside: Vec<u8>,
}

impl Segment {
    pub fn seal(object: &Object, part: u32, layout: Layout, plain: &[u8]) -> Segment {
        let (mut body, mut aside) = room(layout, plain.len() as u64);
        let receipt = object.seal(part, layout, plain, &mut body, &mut aside).unwrap();
        Segment { receipt, body, aside }
    }

    pub fn layout(&self) -> Layout {
        self.receipt.layout
    }

    /// Opens it whole, by what the receipt says.
    pub fn open(&self, object: &Object) -> Result<Vec<u8>> {
        let receipt = &self.receipt;
        let manifest = Manifest::new(1, &[*receipt])?;
        open_whole(object, &Map::segmented(&manifest, &[receipt.layout])?, 0, self)
    }

    /// The same message in another layout, group by group, as a daemon moves it.
    pub fn converted(&self, to: Layout) -> Segment {
        self.try_converted(to).expect("its head is its own")
    }

    /// The same; nothing if the head that is stored is not the one of the receipt.
    pub fn try_converted(&self, to: Layout) -> Option<Segment> {
        let Receipt { layout: from, plain: plain_len, head, .. } = self.receipt;
        let (mut body, mut aside) = room(to, plain_len);
        for index in 0..groups(plain_len) {
            let (source, target) = (group(from, plain_len, index).unwrap(), group(to, plain_len, index).unwrap());
            let outcome = convert_group(
                plain_len,
                index,
                &head,
                (
                    from,
                    &self.body[source.body_off as usize..][..source.body],
                    &self.aside[source.aside_off as usize..][..source.aside],
                ),
                (
                    to,
                    &mut body[target.body_off as usize..][..target.body],
                    &mut aside[target.aside_off as usize..][..target.aside],
                ),
            );
            if outcome == Err(Error::Argument("this is not the head of the segment")) {
                return None;
            }
            outcome.unwrap();
        }
        let crc32c_body = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI).checksum(&body);
        let receipt = Receipt { layout: to, body: body.len() as u64, crc32c_body, ..self.receipt };
        Some(Segment { receipt, body, aside })
    }

    /// What is read for an extent: the bytes at `body_off`, and those at `aside_off`, wherever the layout has them.
    pub fn read(&self, extent: &Extent) -> (&[u8], &[u8]) {
        let tags = if self.layout() == Layout::Detached { &self.aside } else { &self.body };
        (
            &self.body[extent.body_off as usize..][..extent.body as usize],
            &tags[extent.aside_off as usize..][..extent.aside as usize],
        )
    }

    /// Flips a bit, of the body or of what lies aside behind it.
    pub fn flip(&mut self, bit: usize) {
        let byte = bit / 8;
        let place = if byte < self.body.len() { &mut self.body[byte] } else { &mut self.aside[byte - self.body.len()] };
        *place ^= 1 << (bit % 8);
    }

    /// Bytes that are stored of it.
    pub fn stored_len(&self) -> usize {
        self.body.len() + self.aside.len()
    }
}

/// Body and aside of a segment of that length.
pub fn room(layout: Layout, plain_len: u64) -> (Vec<u8>, Vec<u8>) {
    let (body, aside) = layout.size(plain_len).unwrap();
    (vec![UNTOUCHED; body as usize], vec![UNTOUCHED; aside as usize])
}

/// Opens a segment of a map at once.
pub fn open_whole(object: &Object, map: &Map, index: u32, stored: &Segment) -> Result<Vec<u8>> {
    let len = map.segment(index as usize).ok_or(Error::Argument("no such segment"))?.plain_len;
    let mut plain = vec![UNTOUCHED; len as usize];
    object.open_segment(map, index, &stored.body, &stored.aside, &mut plain)?;
    Ok(plain)
}

/// Opens an extent, into a buffer of just the length.
pub fn open_extent(opener: &SegmentOpener, extent: &Extent, stored: &Segment) -> Result<Vec<u8>> {
    let (body, aside) = stored.read(extent);
    let mut out = vec![UNTOUCHED; extent.take as usize];
    opener.open_extent(extent, false, &mut Slices::new(body, &mut out).reading_aside(aside))?;
    Ok(out)
}

/// All extents of a range, from plans of at most `room` extents each.
pub fn plan_in_pages(map: &Map, offset: u64, len: u64, align: u64, room: usize) -> Vec<Extent> {
    let (mut extents, mut at) = (vec![], offset);
    let end = offset.saturating_add(len);
    let mut page = vec![Extent::default(); room];
    loop {
        let (n, next) = map.plan(at, end - at, align, &mut page).unwrap();
        extents.extend_from_slice(&page[..n]);
        assert!(next == end || (n == room && (at..end).contains(&next)), "from {at} to {next} of {end}");
        if next == end {
            return extents;
        }
        at = next;
    }
}

/// Reads a range of an object whose segments are `stored`, in the order of the map.
pub fn read_range(object: &Object, map: &Map, stored: &[&Segment], offset: u64, len: u64) -> Result<Vec<u8>> {
    let mut out = vec![];
    for extent in plan_in_pages(map, offset, len, 0, 2) {
        let opener = object.opener(map, extent.segment)?;
        out.extend(open_extent(&opener, &extent, stored[extent.segment as usize])?);
    }
    Ok(out)
}

/// An object of several segments: its manifest, and what it lists.
#[derive(Clone, Debug)]
pub struct Whole {
    pub manifest: Manifest,
    pub segments: Vec<Segment>,
}

impl Whole {
    pub fn complete(generation: u64, segments: Vec<Segment>) -> Whole {
        let receipts: Vec<Receipt> = segments.iter().map(|segment| segment.receipt).collect();
        Whole { manifest: Manifest::new(generation, &receipts).unwrap(), segments }
    }

    pub fn map(&self) -> Map {
        let layouts: Vec<Layout> = self.segments.iter().map(Segment::layout).collect();
        Map::segmented(&self.manifest, &layouts).unwrap()
    }

    pub fn read(&self, object: &Object, offset: u64, len: u64) -> Result<Vec<u8>> {
        let stored: Vec<&Segment> = self.segments.iter().collect();
        read_range(object, &self.map(), &stored, offset, len)
    }

    /// Every segment, opened at once.
    pub fn read_whole(&self, object: &Object) -> Result<Vec<u8>> {
        let map = self.map();
        let opened = (0..).zip(&self.segments).map(|(index, stored)| open_whole(object, &map, index, stored));
        Ok(opened.collect::<Result<Vec<_>>>()?.concat())
    }
}

/// The head, from where the layout stores it.
pub fn stored_head(segment: &Segment) -> Option<&[u8]> {
    match segment.layout() {
        Layout::Inline => Some(&segment.body[..HEAD_LEN]),
        Layout::Detached => Some(&segment.aside[..HEAD_LEN]),
        _ => None,
    }
}
