//! Segments sealed and opened over a pool's threads are those that one thread would have made: in every layout, at
//! lengths around the shares that threads take, and with damage anywhere.
#![cfg(feature = "rayon")]

mod common;

use common::parts::object;
use common::segments::{LAYOUTS, Segment, room};
use common::{UNTOUCHED, crc32c, pattern, untouched};
use ossenc::message::size::CHUNK_LEN;
use ossenc::{Error, Layout, Manifest, Map, Object, Result};
use rayon::ThreadPool;

const MIB: usize = 1 << 20;
/// Around nothing, a chunk, a share of each layout, and several of them.
const LENGTHS: [usize; 11] =
    [0, 1, CHUNK_LEN, MIB - 1, MIB, MIB + 1, 2 * MIB + 5, 4 * MIB - 1, 4 * MIB, 8 * MIB, 9 * MIB + CHUNK_LEN + 7];

fn pool(threads: usize) -> ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

fn seal(object: &Object, layout: Layout, plain: &[u8]) -> Segment {
    let (mut body, mut aside) = room(layout, plain.len() as u64);
    let receipt = object.seal_parallel(1, layout, plain, &mut body, &mut aside).unwrap();
    Segment { receipt, body, aside }
}

fn open(object: &Object, stored: &Segment) -> Result<Vec<u8>> {
    let map = Map::segmented(&Manifest::new(1, &[stored.receipt])?, &[stored.layout()])?;
    let mut plain = vec![UNTOUCHED; stored.receipt.plain as usize];
    object.open_segment_parallel(&map, 0, &stored.body, &stored.aside, &mut plain)?;
    Ok(plain)
}

#[test]
fn what_many_threads_seal_one_thread_opens_and_the_other_way_round() {
    let object = object();
    for threads in [1, 2, 4] {
        let pool = pool(threads);
        for (layout, len) in LAYOUTS.iter().flat_map(|layout| LENGTHS.map(|len| (*layout, len))) {
            let plain = pattern(len);
            let parallel = pool.install(|| seal(&object, layout, &plain));
            let serial = Segment::seal(&object, 1, layout, &plain);
            assert!(parallel.open(&object).as_ref() == Ok(&plain), "{threads} {layout:?} {len}");
            assert!(pool.install(|| open(&object, &serial)).as_ref() == Ok(&plain), "{threads} {layout:?} {len}");

            let (ours, theirs) = (parallel.receipt, serial.receipt);
            assert_eq!((ours.part, ours.layout, ours.plain, ours.body), (1, layout, theirs.plain, theirs.body));
            assert_eq!(ours.crc64_plain, theirs.crc64_plain);
            assert_eq!(ours.crc32c_body, crc32c(&parallel.body));
            assert_ne!(ours.head, theirs.head, "every attempt draws its salt");
        }
    }
}

#[test]
fn of_several_damaged_chunks_the_first_is_named_and_none_is_released() {
    let object = object();
    let plain = pattern(9 * MIB);
    let pool = pool(4);
    for layout in LAYOUTS {
        let good = Segment::seal(&object, 1, layout, &plain);
        let map = Map::segmented(&Manifest::new(1, &[good.receipt]).unwrap(), &[layout]).unwrap();
        for first in [0, 70, 300, 500] {
            let damaged = [first, first + 1, 575];
            let mut stored = good.clone();
            for chunk in damaged {
                let stored_chunk = if layout == Layout::Inline { CHUNK_LEN + 16 } else { CHUNK_LEN };
                let pages = if layout == Layout::Paged { chunk / 256 * 4_096 } else { 0 };
                stored.body[chunk * stored_chunk + pages + 100] ^= 1;
            }
            let mut out = vec![UNTOUCHED; plain.len()];
            let outcome = pool.install(|| object.open_segment_parallel(&map, 0, &stored.body, &stored.aside, &mut out));
            assert_eq!(outcome, Err(Error::Chunk { chunk: first as u64 }), "{layout:?}");
            for (chunk, (out, plain)) in out.chunks(CHUNK_LEN).zip(plain.chunks(CHUNK_LEN)).enumerate() {
                let held_back = out.iter().all(|byte| *byte == 0) || untouched(out);
                assert!(held_back || !damaged.contains(&chunk) && out == plain, "{layout:?} {chunk}");
            }
        }
    }
}

#[test]
fn too_little_room_is_refused_before_anything_is_written() {
    let object = object();
    let plain = pattern(3 * MIB);
    for layout in LAYOUTS {
        let (mut body, mut aside) = room(layout, plain.len() as u64);
        let needed = body.len();
        let outcome = object.seal_parallel(1, layout, &plain, &mut body[1..], &mut aside);
        assert_eq!(outcome, Err(Error::Buffer { needed }));
        if !aside.is_empty() {
            let needed = aside.len();
            let outcome = object.seal_parallel(1, layout, &plain, &mut body, &mut aside[1..]);
            assert_eq!(outcome, Err(Error::Buffer { needed }));
        }
        assert!(untouched(&body) && untouched(&aside));
        assert!(matches!(object.seal_parallel(0, layout, &plain, &mut body, &mut aside), Err(Error::Argument(_))));

        let stored = Segment::seal(&object, 1, layout, &plain);
        let map = Map::segmented(&Manifest::new(1, &[stored.receipt]).unwrap(), &[layout]).unwrap();
        let mut out = vec![UNTOUCHED; plain.len()];
        let cut = &stored.body[..stored.body.len() - 1];
        assert_eq!(object.open_segment_parallel(&map, 0, cut, &stored.aside, &mut out), Err(Error::Truncated));
        let needed = out.len();
        let outcome = object.open_segment_parallel(&map, 0, &stored.body, &stored.aside, &mut out[1..]);
        assert_eq!(outcome, Err(Error::Buffer { needed }));
        assert!(untouched(&out));
    }
}
