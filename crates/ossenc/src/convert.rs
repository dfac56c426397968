//! Converting a segment from one layout to another: bytes move, no key is needed. Group by group, so that streams of
//! any length pass through a bounded buffer.

use crate::layout::{GROUP_CHUNKS, Geometry, Layout, PAGE_LEN};
use crate::message::Head;
use crate::message::size::{self, CHUNK_LEN, HEAD_LEN, TAG_LEN};
use crate::{Error, Result};

/// Where a group of up to 256 chunks lies in a layout, with the head where the layout stores it before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Where it begins in the body.
    pub body_off: u64,
    /// Its bytes there: at most 4,198,456.
    pub body: usize,
    /// Where it begins aside.
    pub aside_off: u64,
    /// Its bytes there: at most 4,152.
    pub aside: usize,
}

/// How many groups a segment of that many bytes has: at least one.
#[must_use]
pub fn groups(plain_len: u64) -> u64 {
    (size::chunks(plain_len) - 1) / GROUP_CHUNKS as u64 + 1
}

/// Where group `index` lies.
///
/// # Errors
/// [`Error::Argument`] for a length over [`size::MAX_PLAIN_LEN`], or a group that is not there.
pub fn group(layout: Layout, plain_len: u64, index: u64) -> Result<Group> {
    size::sealed_len(plain_len)?;
    if index >= groups(plain_len) {
        return Err(Error::Argument("there is no such group"));
    }
    let geometry = Geometry { layout, plain_len };
    let first = index * GROUP_CHUNKS as u64;
    let last = geometry.last_chunk().min(first + GROUP_CHUNKS as u64 - 1);
    let (body, tags) = (geometry.body(first, last), geometry.tags(first, last));
    let (body, aside) = match layout {
        Layout::Inline => (if index == 0 { 0 } else { body.start }..body.end, 0..0),
        Layout::Detached => (body, if index == 0 { 0 } else { tags.start }..tags.end),
        Layout::Paged => (body.start..tags.start + PAGE_LEN as u64, 0..0),
    };
    let len = |range: &core::ops::Range<u64>| usize::try_from(range.end - range.start).expect("about 4 MiB at most");
    Ok(Group { body_off: body.start, body: len(&body), aside_off: aside.start, aside: len(&aside) })
}

/// Moves one group from one layout to another. Inputs and outputs have the lengths that [`group`] gives for them.
///
/// # Errors
/// [`Error::Argument`] as [`group`], for buffers of other lengths, and for a head that is not the stored one.
#[allow(clippy::too_many_arguments, reason = "two layouts, two sides each")]
pub fn convert_group(
    plain_len: u64,
    index: u64,
    head: &Head,
    from: (Layout, &[u8], &[u8]),
    to: (Layout, &mut [u8], &mut [u8]),
) -> Result<()> {
    let (from_layout, from_body, from_aside) = from;
    let (to_layout, to_body, to_aside) = to;
    let (from_group, to_group) = (group(from_layout, plain_len, index)?, group(to_layout, plain_len, index)?);
    let lengths = [from_body.len(), from_aside.len(), to_body.len(), to_aside.len()];
    if lengths != [from_group.body, from_group.aside, to_group.body, to_group.aside] {
        return Err(Error::Argument("buffers have the lengths of the group"));
    }
    let stored_head = match from_layout {
        Layout::Inline if index == 0 => &from_body[..HEAD_LEN],
        Layout::Detached if index == 0 => &from_aside[..HEAD_LEN],
        _ => head,
    };
    if stored_head != head {
        return Err(Error::Argument("this is not the head of the segment"));
    }

    if to_layout == Layout::Paged {
        to_body.fill(0);
    }
    if index == 0 {
        match to_layout {
            Layout::Inline => to_body[..HEAD_LEN].copy_from_slice(head),
            Layout::Detached => to_aside[..HEAD_LEN].copy_from_slice(head),
            Layout::Paged => {}
        }
    }
    let (source, target) =
        (Places::new(from_layout, plain_len, &from_group), Places::new(to_layout, plain_len, &to_group));
    let first = index * GROUP_CHUNKS as u64;
    for k in first..=(size::chunks(plain_len) - 1).min(first + GROUP_CHUNKS as u64 - 1) {
        let len = size::chunk_len(plain_len, k);
        to_body[target.body(k)..][..len].copy_from_slice(&from_body[source.body(k)..][..len]);
        let tag = &(if source.tags_in_body { from_body } else { from_aside })[source.tag(k)..][..TAG_LEN];
        let place = if target.tags_in_body { &mut *to_body } else { &mut *to_aside };
        place[target.tag(k)..][..TAG_LEN].copy_from_slice(tag);
    }
    Ok(())
}

/// Where the chunks of a group lie within the group's buffers.
struct Places {
    geometry: Geometry,
    body_off: u64,
    tags_off: u64,
    tags_in_body: bool,
}

impl Places {
    fn new(layout: Layout, plain_len: u64, group: &Group) -> Places {
        let tags_in_body = layout != Layout::Detached;
        let tags_off = if tags_in_body { group.body_off } else { group.aside_off };
        Places { geometry: Geometry { layout, plain_len }, body_off: group.body_off, tags_off, tags_in_body }
    }

    fn body(&self, k: u64) -> usize {
        within(self.geometry.body(k, k).start, self.body_off)
    }

    fn tag(&self, k: u64) -> usize {
        match self.geometry.layout {
            Layout::Inline => self.body(k) + size::chunk_len(self.geometry.plain_len, k),
            Layout::Detached | Layout::Paged => within(self.geometry.tags(k, k).start, self.tags_off),
        }
    }
}

fn within(place: u64, start: u64) -> usize {
    usize::try_from(place - start).expect("about 4 MiB at most")
}

const _: () = assert!(CHUNK_LEN * GROUP_CHUNKS == 4 << 20);
