//! Layouts: where the bytes of a segment lie (docs/FORMAT.md, section 6). Pure arithmetic.

use core::ops::Range;

use crate::message::size::{self, CHUNK_LEN, HEAD_LEN, STORED_CHUNK_LEN, TAG_LEN};
use crate::{Error, Result};

/// Chunks of a group: what PAGED lays down together, and what a conversion moves at a time.
pub const GROUP_CHUNKS: usize = 256;
/// Bytes of a page: the unit to which PAGED aligns everything.
pub const PAGE_LEN: usize = 4_096;

const GROUP_BODY_LEN: u64 = (GROUP_CHUNKS * CHUNK_LEN) as u64;
const PAGED_GROUP_LEN: u64 = GROUP_BODY_LEN + PAGE_LEN as u64;
const _: () = assert!(GROUP_CHUNKS * TAG_LEN == PAGE_LEN);

/// How a segment's bytes are stored. The same message in each: converting moves bytes and needs no key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// The message as it is: head, then each chunk with its tag.
    #[default]
    Inline = 0,
    /// A body exactly as long as the plaintext; head and tags lie aside.
    Detached = 1,
    /// 4 MiB of ciphertext, then one page of its tags, repeated: aligned to 4,096 bytes, in one file. The head is kept
    /// by the caller (in the receipt), and so is the plaintext's length.
    Paged = 2,
}

impl Layout {
    /// The layout of that number.
    ///
    /// # Errors
    /// [`Error::TooNew`] for others.
    pub fn from_number(number: u32) -> Result<Layout> {
        match number {
            0 => Ok(Layout::Inline),
            1 => Ok(Layout::Detached),
            2 => Ok(Layout::Paged),
            _ => Err(Error::TooNew("layout")),
        }
    }

    /// Stored bytes of the body, and of what lies aside, for a plaintext of that length.
    ///
    /// # Errors
    /// [`Error::Argument`] over [`size::MAX_PLAIN_LEN`].
    pub fn size(self, plain_len: u64) -> Result<(u64, u64)> {
        let message = size::sealed_len(plain_len)?;
        Ok(match self {
            Layout::Inline => (message, 0),
            Layout::Detached => (plain_len, message - plain_len),
            Layout::Paged => {
                let last_group = (size::chunks(plain_len) - 1) / GROUP_CHUNKS as u64;
                (last_group * PAGED_GROUP_LEN + paged_body(plain_len, last_group) + PAGE_LEN as u64, 0)
            }
        })
    }

    /// The length of the plaintext, from that of the body.
    ///
    /// # Errors
    /// [`Error::Truncated`] or [`Error::Format`] if no segment has such a body; [`Error::Argument`] for PAGED, whose
    /// body does not tell.
    pub fn plain_len(self, body_len: u64) -> Result<u64> {
        match self {
            Layout::Inline => size::plain_len(body_len),
            Layout::Detached if body_len > size::MAX_PLAIN_LEN => {
                Err(Error::Format("a message of more than 2^32 chunks"))
            }
            Layout::Detached => Ok(body_len),
            Layout::Paged => Err(Error::Argument("PAGED needs the length of the plaintext")),
        }
    }

    /// Whether tags lie apart from the ciphertext that a reader reads.
    pub(crate) fn keeps_tags_aside(self) -> bool {
        self != Layout::Inline
    }
}

/// The ciphertext bytes of a PAGED group, with their padding.
fn paged_body(plain_len: u64, group: u64) -> u64 {
    let left = plain_len - group * GROUP_BODY_LEN;
    left.min(GROUP_BODY_LEN).next_multiple_of(PAGE_LEN as u64)
}

/// A segment's layout and length: all that places its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) layout: Layout,
    pub(crate) plain_len: u64,
}

impl Geometry {
    pub(crate) fn last_chunk(&self) -> u64 {
        size::chunks(self.plain_len) - 1
    }

    /// The last chunk that one read can hold together with chunk `k`: PAGED interrupts the ciphertext at the end of a
    /// group.
    pub(crate) fn run_end(&self, k: u64) -> u64 {
        match self.layout {
            Layout::Inline | Layout::Detached => self.last_chunk(),
            Layout::Paged => {
                let group = GROUP_CHUNKS as u64;
                (k / group * group + group - 1).min(self.last_chunk())
            }
        }
    }

    /// Where the ciphertexts of chunks `first` to `last` lie in the body: with their tags, if INLINE. The two are of
    /// one [run](Geometry::run_end).
    pub(crate) fn body(&self, first: u64, last: u64) -> Range<u64> {
        let start = match self.layout {
            Layout::Inline => HEAD_LEN as u64 + first * STORED_CHUNK_LEN as u64,
            Layout::Detached => first * CHUNK_LEN as u64,
            Layout::Paged => {
                first / GROUP_CHUNKS as u64 * PAGED_GROUP_LEN + first % GROUP_CHUNKS as u64 * CHUNK_LEN as u64
            }
        };
        let stored = if self.layout == Layout::Inline { STORED_CHUNK_LEN } else { CHUNK_LEN } as u64;
        let tag = if self.layout == Layout::Inline { TAG_LEN as u64 } else { 0 };
        start..start + (last - first) * stored + size::chunk_len(self.plain_len, last) as u64 + tag
    }

    /// Where the tags of those chunks lie, if not between them: DETACHED aside, PAGED in the body.
    pub(crate) fn tags(&self, first: u64, last: u64) -> Range<u64> {
        let tag = TAG_LEN as u64;
        let start = match self.layout {
            Layout::Inline => return 0..0,
            Layout::Detached => HEAD_LEN as u64 + first * tag,
            Layout::Paged => {
                let group = first / GROUP_CHUNKS as u64;
                group * PAGED_GROUP_LEN + paged_body(self.plain_len, group) + first % GROUP_CHUNKS as u64 * tag
            }
        };
        start..start + (last - first + 1) * tag
    }

    /// The length of what the tags lie in: the body, or what is aside.
    pub(crate) fn tags_within(&self) -> u64 {
        let (body, aside) = self.layout.size(self.plain_len).expect("a segment's length was checked");
        if self.layout == Layout::Paged { body } else { aside }
    }

    pub(crate) fn body_len(&self) -> u64 {
        self.layout.size(self.plain_len).expect("a segment's length was checked").0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paged_bodies_are_whole_pages_with_one_page_of_tags_for_each_group() {
        for (plain, body) in [
            (0, 4_096),
            (1, 8_192),
            (4_096, 8_192),
            (4_097, 12_288),
            (GROUP_BODY_LEN - 1, PAGED_GROUP_LEN),
            (GROUP_BODY_LEN, PAGED_GROUP_LEN + 4_096),
            (GROUP_BODY_LEN + 1, PAGED_GROUP_LEN + 8_192),
        ] {
            assert_eq!(Layout::Paged.size(plain), Ok((body, 0)), "{plain}");
        }
    }

    #[test]
    fn chunks_and_tags_fill_each_layout_without_gap_or_overlap() {
        let plain_len = 2 * GROUP_BODY_LEN + 3 * CHUNK_LEN as u64 + 5;
        for layout in [Layout::Inline, Layout::Detached, Layout::Paged] {
            let geometry = Geometry { layout, plain_len };
            let (mut body, mut tags) = (0, 0);
            for k in 0..=geometry.last_chunk() {
                let (chunk, tag) = (geometry.body(k, k), geometry.tags(k, k));
                assert!(chunk.start >= body && tag.start >= tags, "{layout:?} {k}");
                assert!(chunk.end <= geometry.body_len() && tag.end <= geometry.tags_within());
                if layout == Layout::Paged {
                    assert!(tag.start >= chunk.end);
                }
                (body, tags) = (chunk.end, tag.end);
                let run_end = geometry.run_end(k);
                assert_eq!(geometry.body(k, run_end).end, geometry.body(run_end, run_end).end);
            }
        }
    }
}
