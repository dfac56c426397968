//! Objects of several parts, and what properties over them draw.

use std::sync::LazyLock;

use ossenc::message::size::{CHUNK_LEN, HEAD_LEN};
use ossenc::{GROUP_CHUNKS, Layout, Object, PAGE_LEN, Receipt};
use proptest::prelude::*;

use super::pattern_from;
use super::segments::{LAYOUTS, Segment};
use super::store::Store;

pub static STORE: LazyLock<Store> = LazyLock::new(Store::with_oss);

pub const GROUP_LEN: usize = GROUP_CHUNKS * CHUNK_LEN;

/// A segmented object of [`STORE`].
pub fn object() -> Object {
    STORE.create_segmented().0
}

/// Parts 1, 2, 3… of those lengths, whose plaintexts make up the pattern.
pub fn parts_of(object: &Object, parts: &[(Layout, usize)]) -> Vec<Segment> {
    let mut start = 0;
    (1..)
        .zip(parts)
        .map(|(part, (layout, len))| {
            start += len;
            Segment::seal(object, part, *layout, &pattern_from(start - len, *len))
        })
        .collect()
}

/// A receipt that no segment stands behind.
pub fn receipt(part: u32, plain: u64) -> Receipt {
    let (layout, body) = (Layout::Inline, plain);
    Receipt { part, layout, head: [part as u8; HEAD_LEN], plain, body, crc64_plain: 0, crc32c_body: 0 }
}

/// Up to three chunks, and mostly near an edge of a chunk or a page.
pub fn lengths() -> impl Strategy<Value = usize> {
    let near_edge = |unit: usize| (0..=3 * CHUNK_LEN / unit, 0..6usize).prop_map(move |(n, by)| n * unit + by);
    prop_oneof![2 => near_edge(CHUNK_LEN), 1 => near_edge(PAGE_LEN), 1 => 0..3 * CHUNK_LEN]
        .prop_map(|n| n.saturating_sub(3))
}

pub fn layouts() -> impl Strategy<Value = Layout> {
    prop::sample::select(&LAYOUTS[..])
}
