//! A reader of ranges beside damage: what is read ahead does not count before its turn.

use std::io::{Cursor, Read, Seek, SeekFrom};

use ossenc::io::RangeReader;
use ossenc::message::size::{CHUNK_LEN, HEAD_LEN, STORED_CHUNK_LEN};
use ossenc::{Change, Context, Engine, Keystore, Layout, Map, Object, Recipient, Secret, Shape};

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
    let mut reader = RangeReader::new(object, map, Cursor::new(body));

    let mut out = Vec::new();
    let error = reader.read_to_end(&mut out).unwrap_err();
    assert_eq!(error.get_ref().unwrap().downcast_ref(), Some(&ossenc::Error::Chunk { chunk: 3 }));
    assert!(out == plain[..3 * CHUNK_LEN], "{}", out.len());
    out.clear();
    reader.seek(SeekFrom::Start(4 * CHUNK_LEN as u64)).unwrap();
    reader.read_to_end(&mut out).unwrap();
    assert!(out == plain[4 * CHUNK_LEN..]);
}
