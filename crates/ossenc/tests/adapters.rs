//! The adapters for std::io: sealing writers, readers of pipes and of ranges, also beside damage.

mod common;

use std::cell::Cell;
use std::io::{Read, Seek, SeekFrom};

use common::parts::{GROUP_LEN, STORE, object, parts_of};
use common::segments::{Segment, Whole};
use common::{crc32c, pattern};
use ossenc::io::{OpenReader, RangeReader, SealWriter, SegmentSource};
use ossenc::message::size::{CHUNK_LEN, HEAD_LEN, STORED_CHUNK_LEN, TAG_LEN};
use ossenc::{Error, Layout, Map};

impl SegmentSource for &Whole {
    fn read_body(&mut self, segment: u32, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        out.copy_from_slice(&self.segments[segment as usize].body[offset as usize..][..out.len()]);
        Ok(())
    }

    fn read_aside(&mut self, segment: u32, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        out.copy_from_slice(&self.segments[segment as usize].aside[offset as usize..][..out.len()]);
        Ok(())
    }
}

#[test]
fn a_reader_seeks_over_segments_of_all_layouts() {
    let object = object();
    let parts = [(Layout::Inline, 300_000), (Layout::Detached, 0), (Layout::Detached, 20_000), (Layout::Paged, 5)];
    let total = 320_005;
    let whole = Whole::complete(1, parts_of(&object, &parts));
    let mut reader = RangeReader::new(object, whole.map(), &whole);
    let mut out = vec![];
    assert_eq!(reader.read_to_end(&mut out).unwrap(), total);
    assert!(out == pattern(total));
    for place in [0, 299_990, 299_999, 319_999, 320_004, 262_144] {
        assert_eq!(reader.seek(SeekFrom::Start(place as u64)).unwrap(), place as u64);
        let mut out = vec![];
        reader.by_ref().take(15).read_to_end(&mut out).unwrap();
        assert_eq!(out, pattern(total)[place..total.min(place + 15)]);
    }
    assert_eq!(reader.seek(SeekFrom::End(5)).unwrap(), total as u64 + 5);
    assert_eq!(reader.read(&mut [0; 5]).unwrap(), 0);
    assert!(reader.seek(SeekFrom::Current(-400_000)).is_err());
}

#[test]
fn a_writer_s_segment_is_that_of_a_sealer_and_a_reader_of_a_pipe_opens_it() {
    let object = object();
    for len in [0, 1, CHUNK_LEN, 16 * CHUNK_LEN, 16 * CHUNK_LEN + 1, GROUP_LEN + 1] {
        for layout in [Layout::Inline, Layout::Paged] {
            let mut writer = SealWriter::new(object.sealer(3, layout).unwrap(), vec![]);
            std::io::copy(&mut &pattern(len)[..], &mut writer).unwrap();
            let (body, receipt) = writer.finish().unwrap();
            let stored = Segment { receipt, body, aside: vec![] };
            assert_eq!(
                (stored.receipt.part, stored.receipt.plain, stored.receipt.body),
                (3, len as u64, stored.body.len() as u64)
            );
            assert_eq!(stored.receipt.crc32c_body, crc32c(&stored.body));
            assert!(stored.open(&object) == Ok(pattern(len)), "{layout:?} {len}");
            if layout == Layout::Inline {
                let mut out = vec![];
                OpenReader::new(&object, 3, &stored.body[..]).unwrap().read_to_end(&mut out).unwrap();
                assert!(out == pattern(len), "{len}");
                let cut = &stored.body
                    [..HEAD_LEN + (stored.body.len() - HEAD_LEN) / (CHUNK_LEN + TAG_LEN) * (CHUNK_LEN + TAG_LEN)];
                let ended = OpenReader::new(&object, 3, cut).unwrap().read_to_end(&mut vec![]);
                assert_eq!(ended.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof, "{len}");
            }
        }
    }
    let mut detached = SealWriter::new(object.sealer(3, Layout::Detached).unwrap(), vec![]);
    assert!(std::io::copy(&mut &pattern(17 * CHUNK_LEN)[..], &mut detached).is_err(), "no place for the tags");
    assert!(detached.finish().is_err());
}

/// A body, and how many bytes of it were read.
struct Counted<'a> {
    body: Vec<u8>,
    read: &'a Cell<usize>,
}

impl SegmentSource for Counted<'_> {
    fn read_body(&mut self, _: u32, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.read.set(self.read.get() + out.len());
        out.copy_from_slice(&self.body[offset as usize..][..out.len()]);
        Ok(())
    }
}

/// What is read ahead does not count before its turn.
#[test]
fn everything_up_to_a_damaged_chunk_is_read_and_everything_after_it() {
    let object = STORE.create().0;
    let plain = pattern(6 * CHUNK_LEN + 5);
    let Segment { receipt, mut body, .. } = Segment::seal(&object, 0, Layout::Inline, &plain);
    body[HEAD_LEN + 3 * STORED_CHUNK_LEN] ^= 1;
    let map = Map::single(Layout::Inline, body.len() as u64, None, Some(receipt.head)).unwrap();
    let read = Cell::new(0);
    let mut reader = RangeReader::new(object, map, Counted { body, read: &read });

    let mut out = Vec::new();
    let error = reader.read_to_end(&mut out).unwrap_err();
    assert_eq!(error.get_ref().unwrap().downcast_ref(), Some(&Error::Chunk { chunk: 3 }));
    assert!(out == plain[..3 * CHUNK_LEN], "{}", out.len());
    out.clear();
    reader.seek(SeekFrom::Start(4 * CHUNK_LEN as u64)).unwrap();
    reader.read_to_end(&mut out).unwrap();
    assert!(out == plain[4 * CHUNK_LEN..]);

    // Chunks beside damage are read one by one, and not byte by byte.
    reader.seek(SeekFrom::Start(100)).unwrap();
    assert!(reader.read_to_end(&mut out).is_err());
    assert!(read.get() < 20 * plain.len(), "{} bytes were read", read.get());
}
