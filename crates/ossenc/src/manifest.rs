//! The manifest: which segments, in which order, make up a segmented object (docs/FORMAT.md, section 8).

use alloc::vec::Vec;

use crate::codec::{Put, Reader};
use crate::message::Head;
use crate::message::size::{self, HEAD_LEN, MAX_PLAIN_LEN};
use crate::receipt::Receipt;
use crate::{Error, Result};

const VERSION: u8 = 1;
/// Most segments of an object.
pub const MAX_SEGMENTS: usize = 1 << 20;
const ENTRY_LEN: usize = 4 + HEAD_LEN + 8 + 8;
const FIXED_LEN: usize = 1 + 8 + 8 + 4;

/// One segment of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its part, from 1 up.
    pub part: u32,
    /// Its head: which of the attempts at this part counts.
    pub head: Head,
    /// Bytes of plaintext.
    pub plain_len: u64,
    /// Where its plaintext begins in the object.
    pub offset: u64,
}

/// The segments of an object, in order, and a generation that counts its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    generation: u64,
    total: u64,
    segments: Vec<Segment>,
}

impl Manifest {
    /// Lists the receipts that count, in the order of their parts.
    ///
    /// # Errors
    /// [`Error::Argument`] for generation 0, parts that do not increase from 1 on, more than [`MAX_SEGMENTS`] of them,
    /// or lengths outside their limits.
    pub fn new(generation: u64, receipts: &[Receipt]) -> Result<Manifest> {
        if generation == 0 {
            return Err(Error::Argument("generations count from 1"));
        }
        let mut manifest = Manifest { generation, total: 0, segments: Vec::with_capacity(receipts.len()) };
        manifest.add(receipts)?;
        Ok(manifest)
    }

    /// The manifest of the next generation, with further segments; with `replace_last`, the first of them takes the
    /// place of the last segment, and has to hold its bytes.
    ///
    /// # Errors
    /// [`Error::Argument`] as [`Manifest::new`], or if there is no last segment to replace;
    /// [`Error::State`] when the generations are used up.
    pub fn append(&self, receipts: &[Receipt], replace_last: bool) -> Result<Manifest> {
        let mut next = self.clone();
        next.generation = self.generation.checked_add(1).ok_or(Error::State("the generations are used up"))?;
        if replace_last {
            let replaced = next.segments.pop().ok_or(Error::Argument("there is no segment to replace"))?;
            if receipts.first().is_none_or(|receipt| receipt.plain < replaced.plain_len) {
                return Err(Error::Argument("the segment in place of the last one has to hold its bytes"));
            }
            next.total = replaced.offset;
        }
        next.add(receipts)?;
        Ok(next)
    }

    /// Counts the changes of the object, from 1.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Bytes of plaintext of the whole object.
    #[must_use]
    pub fn plain_len(&self) -> u64 {
        self.total
    }

    /// The segments, in order.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The length of the sealed manifest.
    #[must_use]
    pub fn sealed_len(&self) -> usize {
        let len = size::sealed_len((FIXED_LEN + self.segments.len() * ENTRY_LEN) as u64);
        usize::try_from(len.expect("at most 80 MB")).expect("at most 80 MB")
    }

    fn add(&mut self, receipts: &[Receipt]) -> Result<()> {
        if receipts.len() > MAX_SEGMENTS - self.segments.len().min(MAX_SEGMENTS) {
            return Err(Error::Argument("an object has at most 2^20 segments"));
        }
        for receipt in receipts {
            self.push(receipt.part, receipt.head, receipt.plain)
                .ok_or(Error::Argument("parts increase from 1 on, and lengths stay within their limits"))?;
        }
        Ok(())
    }

    fn push(&mut self, part: u32, head: Head, plain_len: u64) -> Option<()> {
        let last_part = self.segments.last().map_or(0, |segment| segment.part);
        if part <= last_part || plain_len > MAX_PLAIN_LEN {
            return None;
        }
        let offset = self.total;
        self.total = offset.checked_add(plain_len)?;
        self.segments.push(Segment { part, head, plain_len, offset });
        Some(())
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(FIXED_LEN + self.segments.len() * ENTRY_LEN);
        body.put_u8(VERSION);
        body.put_u64(self.generation);
        body.put_u64(self.total);
        body.put_u32(u32::try_from(self.segments.len()).expect("at most 2^20"));
        for segment in &self.segments {
            body.put_u32(segment.part);
            body.put(&segment.head);
            body.put_u64(segment.plain_len);
            body.put_u64(segment.offset);
        }
        body
    }

    pub(crate) fn decode(body: &[u8]) -> Result<Manifest> {
        if body.first().is_some_and(|version| *version != VERSION) {
            return Err(Error::TooNew("manifest version"));
        }
        Manifest::decode_body(body).ok_or(Error::Manifest)
    }

    fn decode_body(body: &[u8]) -> Option<Manifest> {
        let mut reader = Reader::new(body, "manifest");
        reader.u8().ok()?;
        let (generation, total) = (reader.u64().ok()?, reader.u64().ok()?);
        let n = reader.u32().ok()? as usize;
        if generation == 0 || n > MAX_SEGMENTS || reader.rest().len() != n * ENTRY_LEN {
            return None;
        }
        let mut manifest = Manifest { generation, total: 0, segments: Vec::with_capacity(n) };
        for _ in 0..n {
            let (part, head) = (reader.u32().ok()?, reader.array().ok()?);
            let (plain_len, offset) = (reader.u64().ok()?, reader.u64().ok()?);
            if offset != manifest.total {
                return None;
            }
            manifest.push(part, head, plain_len)?;
        }
        (manifest.total == total).then_some(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_of_more_segments_than_the_limit_is_refused_when_it_is_read() {
        let mut manifest = Manifest { generation: 1, total: 0, segments: Vec::new() };
        (1..=MAX_SEGMENTS as u32 + 1).for_each(|part| manifest.push(part, [0; HEAD_LEN], 0).unwrap());
        assert_eq!(Manifest::decode(&manifest.encode()), Err(Error::Manifest));
        manifest.segments.pop();
        assert_eq!(Manifest::decode(&manifest.encode()).as_ref(), Ok(&manifest));
    }
}
