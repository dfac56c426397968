//! A reader of ranges beside damage: what is read ahead does not count before its turn.

use std::cell::Cell;
use std::io::{Read, Seek, SeekFrom};

use ossenc::io::{RangeReader, SegmentSource};
use ossenc::message::size::{CHUNK_LEN, HEAD_LEN, STORED_CHUNK_LEN};
use ossenc::{Change, Context, Engine, Keystore, Layout, Map, Object, Recipient, Secret, Shape};

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

#[test]
fn everything_up_to_a_damaged_chunk_is_read_and_everything_after_it() {
    let (engine, root_key) = (Engine::new().unwrap(), Secret::new(&[7; 32]));
    let image = Keystore::init(&engine, "root-1", &root_key).unwrap();
    let keystore = Keystore::load(&engine, &image, &root_key, 1).unwrap();
    let image = keystore.apply(&engine, &Change::Create { key_id: "oss" }, 0).unwrap();
    let keystore = Keystore::load(&engine, &image, &root_key, 2).unwrap();
    let (object, _) =
        Object::create(&engine, &keystore, &Recipient::oss("oss"), &Context::default(), Shape::Single, 0).unwrap();
    let plain: Vec<u8> = (0..6 * CHUNK_LEN + 5).map(|i| (i / 251) as u8).collect();
    let mut body = vec![0; HEAD_LEN + plain.len() + 7 * 16];
    let receipt = object.seal(0, Layout::Inline, &plain, &mut body, &mut []).unwrap();
    body[HEAD_LEN + 3 * STORED_CHUNK_LEN] ^= 1;
    let map = Map::single(Layout::Inline, body.len() as u64, None, Some(receipt.head)).unwrap();
    let read = Cell::new(0);
    let mut reader = RangeReader::new(object, map, Counted { body, read: &read });

    let mut out = Vec::new();
    let error = reader.read_to_end(&mut out).unwrap_err();
    assert_eq!(error.get_ref().unwrap().downcast_ref(), Some(&ossenc::Error::Chunk { chunk: 3 }));
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
