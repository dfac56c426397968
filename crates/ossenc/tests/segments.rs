//! Objects of several segments: uploads in parts, appends, ranges over their ends, layouts and what moves between them.

mod common;

use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom};
use std::sync::LazyLock;

use common::format::{self, ManifestEntry, MessageKeys};
use common::pieces::{InPlace, Scattered};
use common::segments::{LAYOUTS, Segment, Whole, open_extent, open_whole, plan_in_pages, room, stored_head};
use common::store::{NOW, Store};
use common::{UNTOUCHED, cases, pattern, pattern_from, plan, untouched};
use crc::{CRC_32_ISCSI, CRC_64_XZ, Crc};
use ossenc::io::{OpenReader, RangeReader, SealWriter, SegmentSource};
use ossenc::message::size::{self, CHUNK_LEN, HEAD_LEN, TAG_LEN};
use ossenc::message::{self, Progress, Sealer};
use ossenc::pieces::Slices;
use ossenc::{
    Error, Extent, GROUP_CHUNKS, Layout, MAX_SEGMENTS, Manifest, Map, Object, PAGE_LEN, RECEIPT_LEN, Receipt, Secret,
    Shape, convert_group, crc64_combine, group, groups,
};
use proptest::prelude::*;

static STORE: LazyLock<Store> = LazyLock::new(Store::with_oss);

const GROUP_LEN: usize = GROUP_CHUNKS * CHUNK_LEN;

fn object() -> Object {
    STORE.create_segmented().0
}

/// Parts 1, 2, 3… of those lengths, whose plaintexts make up the pattern.
fn parts_of(object: &Object, parts: &[(Layout, usize)]) -> Vec<Segment> {
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
fn receipt(part: u32, plain: u64) -> Receipt {
    let (layout, body) = (Layout::Inline, plain);
    Receipt { part, layout, head: [part as u8; HEAD_LEN], plain, body, crc64_plain: 0, crc32c_body: 0 }
}

// --- Uploads in parts -----------------------------------------------------------------------------------------------

/// ceph PRs 27130 and 52248 elsewhere: the ends of parts were lost.
#[test]
fn an_object_of_odd_parts_reads_whole_and_in_ranges_over_their_ends() {
    let lengths = [CHUNK_LEN + 1, 1, 0, 2 * CHUNK_LEN, 0, 5_000, CHUNK_LEN - 1];
    let total: usize = lengths.iter().sum();
    let mixed: Vec<Layout> = LAYOUTS.into_iter().cycle().take(lengths.len()).collect();
    let layouts = LAYOUTS.map(|layout| vec![layout; lengths.len()]).into_iter().chain([mixed]);
    for layouts in layouts {
        let object = object();
        let parts: Vec<(Layout, usize)> = layouts.iter().copied().zip(lengths).collect();
        let whole = Whole::complete(1, parts_of(&object, &parts));
        assert_eq!(whole.manifest.plain_len(), total as u64);
        assert!(whole.read_whole(&object) == Ok(pattern(total)), "{layouts:?}");
        let ends: Vec<usize> = lengths
            .iter()
            .scan(0, |end, len| {
                *end += len;
                Some(*end)
            })
            .collect();
        for end in ends {
            for (before, after) in [(1, 0), (0, 1), (1, 1), (CHUNK_LEN + 3, 2), (2, CHUNK_LEN + 3), (end, total)] {
                let from = end.saturating_sub(before);
                let read = whole.read(&object, from as u64, (end + after - from) as u64).unwrap();
                assert!(read == pattern(total)[from..total.min(end + after)], "{layouts:?} {from}");
            }
        }
    }
}

#[test]
fn an_empty_object_has_no_segments_and_a_manifest() {
    let object = object();
    let manifest = Manifest::new(1, &[]).unwrap();
    let sealed = object.seal_manifest(&manifest).unwrap();
    let opened = object.open_manifest(&sealed, 1).unwrap();
    assert_eq!((opened.plain_len(), opened.segments().len()), (0, 0));
    for layouts in [&[][..], &[Layout::Paged]] {
        let map = Map::segmented(&opened, layouts).unwrap();
        assert_eq!((map.plain_len(), map.segments(), map.segment(0)), (0, 0, None));
        for (offset, len) in [(0u64, 0), (0, 1), (7, u64::MAX)] {
            let next = offset.saturating_add(len);
            assert_eq!(map.plan(offset, len, 0, &mut [Extent::default()]), Ok((0, next)));
            assert_eq!(map.plan(offset, len, 0, &mut []), Ok((0, next)));
        }
        assert!(matches!(object.opener(&map, 0), Err(Error::Argument(_))));
        let mut reader = RangeReader::new(object.clone(), map, std::io::Cursor::new(vec![]));
        assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
    }
}

#[test]
fn parts_are_sealed_in_any_order_by_whoever_opened_the_envelope() {
    let (object, envelope) = STORE.create_segmented();
    let lengths = [20_000, 3, 16_384, 40_000];
    let mut parts: Vec<Option<Segment>> = vec![None; lengths.len()];
    for i in [2, 0, 3, 1] {
        let elsewhere = STORE.open(&envelope).unwrap();
        let plain = pattern_from(lengths[..i].iter().sum(), lengths[i]);
        parts[i] = Some(Segment::seal(&elsewhere, 10 * i as u32 + 1, LAYOUTS[i % 3], &plain));
    }
    let whole = Whole::complete(1, parts.into_iter().flatten().collect());
    let sealed = object.seal_manifest(&whole.manifest).unwrap();
    let opened = STORE.open(&envelope).unwrap();
    assert_eq!(opened.open_manifest(&sealed, 1).as_ref(), Ok(&whole.manifest));
    assert!(whole.read_whole(&opened) == Ok(pattern(lengths.iter().sum())));
}

/// ceph PR 69336 elsewhere: a part that was uploaded again had the key and the IV of the first time.
#[test]
fn no_attempt_at_any_part_repeats_a_key_with_a_nonce() {
    let (store, tape, data_key) = Store::with_tape();
    let (object, _) = tape.play(&[&[9; 16], &data_key[..], &[8; 24]].concat(), || store.create_segmented());
    let prelude = format::prelude(2, &[9; 16]);
    let mut used = HashSet::new();
    for part in (1..=3).cycle().take(60) {
        let layout = LAYOUTS[used.len() % 3];
        let aborted = *object.sealer(part, layout).unwrap().head();
        let again = Segment::seal(&object, part, layout, b"the same bytes").receipt.head;
        let by_tickets = object.ticket_sealer(part, Layout::Inline, 1, 1).unwrap();
        let by_tickets = by_tickets.finish(&mut Slices::new(b"the same bytes", &mut [0; 100])).unwrap().1.head;
        for head in [aborted, again, by_tickets] {
            let context = format::part_context(&prelude, part);
            let keys = MessageKeys::derive(&data_key, head.first_chunk().unwrap(), &context);
            assert_eq!(head[24..], keys.commitment);
            assert!(used.insert((keys.key, keys.base_nonce)), "a key and a nonce for the second time");
        }
    }
}

#[test]
fn only_the_attempt_in_the_manifest_opens() {
    for layout in LAYOUTS {
        let object = object();
        let plain = pattern(CHUNK_LEN + 5);
        let [first, second] = [(); 2].map(|()| Segment::seal(&object, 1, layout, &plain));
        let whole = Whole::complete(1, vec![second.clone()]);
        let map = whole.map();
        assert!(open_whole(&object, &map, 0, &second) == Ok(plain.clone()));
        // The same part, the same bytes, and sealed properly: but it does not count.
        let expected = if layout == Layout::Paged { Error::Chunk { chunk: 0 } } else { Error::Commit };
        assert_eq!(open_whole(&object, &map, 0, &first), Err(expected));
        let opener = object.opener(&map, 0).unwrap();
        let extents = plan_in_pages(&map, CHUNK_LEN as u64, 3, 0, 1);
        assert_eq!(open_extent(&opener, &extents[0], &first), Err(Error::Chunk { chunk: 1 }));
        assert_eq!(open_extent(&opener, &extents[0], &second), Ok(plain[CHUNK_LEN..][..3].to_vec()));
    }
}

#[test]
fn a_segment_opens_as_its_own_part_of_its_own_object_only() {
    for layout in LAYOUTS {
        let (object, other) = (object(), object());
        let [first, second] = [1, 2].map(|part| Segment::seal(&object, part, layout, b"the same bytes"));
        assert_eq!(first.open(&object), Ok(b"the same bytes".to_vec()));
        assert_eq!(first.open(&other), Err(Error::Commit));
        let relabelled = Segment { receipt: Receipt { part: 2, ..first.receipt }, ..first.clone() };
        assert_eq!(relabelled.open(&object), Err(Error::Commit));
        // Swapped in the store, under a manifest that has both.
        let swapped = Whole { segments: vec![second, first.clone()], ..Whole::complete(1, vec![first, relabelled]) };
        assert!(matches!(swapped.read_whole(&object), Err(Error::Commit | Error::Chunk { chunk: 0 })));
    }
}

#[test]
fn shapes_have_their_own_parts() {
    let ((single, _), segmented) = (STORE.create(), object());
    let argument = |outcome: Option<Error>| assert!(matches!(outcome, Some(Error::Argument(_))), "{outcome:?}");
    for (object, bad_part) in [(&single, 1), (&single, u32::MAX), (&segmented, 0)] {
        argument(object.sealer(bad_part, Layout::Inline).err());
        argument(object.ticket_sealer(bad_part, Layout::Inline, 1, 1).err());
        argument(object.seal(bad_part, Layout::Inline, b"", &mut [0; 72], &mut []).err());
    }
    argument(single.open_body(1, &[0; 72], &mut []).err());
    argument(single.stream_opener(1, &[0; HEAD_LEN]).err());
    assert!(matches!(segmented.open_body(0, &[0; 72], &mut []), Err(Error::Format(_))));
    assert!(matches!(segmented.stream_opener(0, &[0; HEAD_LEN]), Err(Error::Format(_))));
    argument(single.seal_manifest(&Manifest::new(1, &[]).unwrap()).err());
    argument(single.seal_upload_record(NOW).err());
    let sealed = segmented.seal_manifest(&Manifest::new(1, &[]).unwrap()).unwrap();
    for bytes in [&sealed[..], &[]] {
        assert!(matches!(single.open_manifest(bytes, 0), Err(Error::Format(_))));
    }
    // The data of a segmented object is not a segment of part 0, and the other way around.
    let one = Segment::seal(&segmented, 1, Layout::Inline, b"hello");
    let map = Map::single(Layout::Inline, one.body.len() as u64, None, Some(one.receipt.head)).unwrap();
    assert!(matches!(segmented.opener(&map, 0), Err(Error::Format(_))));
    assert!(matches!(open_whole(&segmented, &map, 0, &one), Err(Error::Format(_))));
    argument(single.opener(&Whole::complete(1, vec![one]).map(), 0).err());
    assert_eq!(segmented.prelude().shape(), Shape::Segmented);
}

#[test]
fn ten_thousand_parts_make_an_object() {
    let object = object();
    let lengths: Vec<usize> = (0..10_000).map(|i| i % 7).collect();
    let total: usize = lengths.iter().sum();
    let parts: Vec<(Layout, usize)> = LAYOUTS[..2].iter().copied().cycle().zip(lengths).collect();
    let whole = Whole::complete(1, parts_of(&object, &parts));
    let sealed = object.seal_manifest(&whole.manifest).unwrap();
    assert_eq!(sealed.len(), whole.manifest.sealed_len());
    assert_eq!(object.open_manifest(&sealed, 1).as_ref(), Ok(&whole.manifest));
    assert!(whole.read(&object, 0, u64::MAX) == Ok(pattern(total)));
    assert!(whole.read(&object, 10_001, 99) == Ok(pattern_from(10_001, 99)));
}

/// The product's promise for ranges: one chunk is read, wherever it is.
#[test]
fn a_byte_at_the_end_of_5_tib_in_10_000_parts_is_one_extent_of_one_chunk() {
    let part_len = (5u64 << 40) / 10_000 + 1;
    let receipts: Vec<Receipt> = (1..=10_000).map(|part| receipt(part, part_len)).collect();
    let manifest = Manifest::new(1, &receipts).unwrap();
    for layout in LAYOUTS {
        let map = Map::segmented(&manifest, &[layout]).unwrap();
        assert!(map.plain_len() >= 5 << 40);
        let mut out = [Extent::default(); 2];
        let offset = map.plain_len() - 1;
        assert_eq!(map.plan(offset, 1, 0, &mut out), Ok((1, offset + 1)));
        let (last_chunk, in_last) = (size::chunk_of(part_len - 1), (part_len - 1) % CHUNK_LEN as u64 + 1);
        assert_eq!((out[0].segment, out[0].chunk, out[0].last), (9_999, last_chunk, true));
        assert_eq!((out[0].skip, out[0].take), (in_last - 1, 1));
        let tag = TAG_LEN as u64;
        let (body, aside) = if layout == Layout::Inline { (in_last + tag, 0) } else { (in_last, tag) };
        assert_eq!((out[0].body, out[0].aside), (body, aside), "{layout:?}");
        let body_len = layout.size(part_len).unwrap().0;
        assert!(out[0].body_off + out[0].body <= body_len && body_len - out[0].body_off < 2 * CHUNK_LEN as u64 + 8_192);
    }
}

// --- Manifests ------------------------------------------------------------------------------------------------------

#[test]
fn an_append_goes_on_where_the_object_ends() {
    let object = object();
    let mut whole = Whole::complete(1, vec![]);
    let mut total = 0;
    for (i, len) in [5, 0, CHUNK_LEN, 30_000, 1].into_iter().enumerate() {
        let part = i as u32 + 1;
        let new = Segment::seal(&object, part, LAYOUTS[i % 3], &pattern_from(total, len));
        total += len;
        let before = whole.clone();
        whole.manifest = before.manifest.append(&[new.receipt], false).unwrap();
        whole.segments.push(new);
        assert_eq!(whole.manifest.generation(), before.manifest.generation() + 1);
        assert!(whole.manifest.segments().starts_with(before.manifest.segments()));
        assert!(whole.read_whole(&object) == Ok(pattern(total)));
        assert!(before.read_whole(&object) == Ok(pattern(total - len)), "the manifest before still reads");
    }
}

#[test]
fn a_coalescing_append_puts_one_segment_in_place_of_the_last() {
    let object = object();
    let mut whole = Whole::complete(1, parts_of(&object, &[(Layout::Inline, 100), (Layout::Detached, 50)]));
    let mut total = 150;
    for (new_part, layout) in [(2, Layout::Inline), (2, Layout::Paged), (9, Layout::Inline)] {
        // What the last segment held, and 77 bytes more.
        let last = whole.segments.pop().unwrap();
        let held = last.open(&object).unwrap();
        total += 77;
        let more = [&held[..], &pattern_from(total - 77, 77)].concat();
        let new = Segment::seal(&object, new_part, layout, &more);
        whole.manifest = whole.manifest.append(&[new.receipt], true).unwrap();
        whole.segments.push(new);
        assert_eq!(whole.manifest.segments().len(), 2, "the list does not grow");
        assert!(whole.read_whole(&object) == Ok(pattern(total)));
        let replaced = Whole { segments: vec![whole.segments[0].clone(), last], ..whole.clone() };
        assert!(replaced.read_whole(&object).is_err(), "the old one does not count any more");
    }
    let manifest = &whole.manifest;
    let last = manifest.segments()[1];
    for (receipts, replace) in [
        (&[receipt(9, last.plain_len - 1)][..], true), // would lose bytes
        (&[], true),
        (&[receipt(9, 5)], false), // not a further part
        (&[receipt(1, 1_000_000)], true),
        (&[receipt(10, 5), receipt(10, 5)], false),
    ] {
        assert!(matches!(manifest.append(receipts, replace), Err(Error::Argument(_))), "{receipts:?}");
    }
    assert!(matches!(Manifest::new(1, &[]).unwrap().append(&[receipt(1, 1)], true), Err(Error::Argument(_))));
    let several = manifest.append(&[receipt(9, last.plain_len), receipt(10, 1)], true).unwrap();
    assert_eq!((several.segments().len(), several.plain_len()), (3, total as u64 + 1));
}

#[test]
fn a_manifest_lists_parts_from_1_on_that_increase_within_the_limits() {
    let refused = |generation, receipts: &[Receipt]| {
        assert!(matches!(Manifest::new(generation, receipts), Err(Error::Argument(_))), "{receipts:?}");
    };
    refused(0, &[]);
    refused(1, &[receipt(0, 1)]);
    refused(1, &[receipt(1, 1), receipt(1, 1)]);
    refused(1, &[receipt(2, 1), receipt(1, 1)]);
    refused(1, &[receipt(1, size::MAX_PLAIN_LEN + 1)]);
    refused(1, &[receipt(1, u64::MAX)]);
    assert!(Manifest::new(u64::MAX, &[receipt(u32::MAX, size::MAX_PLAIN_LEN)]).is_ok());

    let mut most: Vec<Receipt> = (1..=MAX_SEGMENTS as u32 + 1).map(|part| receipt(part, 1)).collect();
    assert!(matches!(Manifest::new(1, &most), Err(Error::Argument(_))));
    let one_more = most.pop().unwrap();
    let full = Manifest::new(1, &most).unwrap();
    assert!(matches!(full.append(&[one_more], false), Err(Error::Argument(_))));
    assert_eq!(full.append(&[one_more], true).map(|next| next.segments().len()), Ok(MAX_SEGMENTS));
    let map = Map::segmented(&full, &[Layout::Inline]).unwrap();
    assert_eq!(plan_in_pages(&map, 1 << 19, 1, 0, 1)[0].segment, 1 << 19);
    let layouts = [Layout::Inline; 3];
    assert!(matches!(Map::segmented(&full, &layouts), Err(Error::Argument(_))));
    assert!(matches!(Map::segmented(&full, &[]), Err(Error::Argument(_))));
}

#[test]
fn lengths_that_do_not_fit_into_64_bits_together_are_refused() {
    // 2^18 segments of 2^46 - 1 bytes are 2^64 - 2^18.
    let many: Vec<Receipt> = (1..=1 << 18).map(|part| receipt(part, size::MAX_PLAIN_LEN)).collect();
    let manifest = Manifest::new(1, &many).unwrap();
    assert_eq!(manifest.plain_len(), u64::MAX - (1 << 18) + 1);
    let next_part = (1 << 18) + 1;
    assert!(matches!(manifest.append(&[receipt(next_part, 1 << 18)], false), Err(Error::Argument(_))));
    let fullest = manifest.append(&[receipt(next_part, (1 << 18) - 1)], false).unwrap();
    assert_eq!(fullest.plain_len(), u64::MAX);
    let map = Map::segmented(&fullest, &[Layout::Paged]).unwrap();
    let mut out = [Extent::default(); 2];
    assert_eq!(map.plan(u64::MAX - 1, u64::MAX, 4_096, &mut out), Ok((1, u64::MAX)));
    assert_eq!((out[0].segment, out[0].last, out[0].take), (1 << 18, true, 1));
    assert_eq!(map.plan(u64::MAX, 1, 4_096, &mut out), Ok((0, u64::MAX)));
}

#[test]
fn a_manifest_that_is_older_than_the_caller_knows_is_a_rollback() {
    let object = object();
    let first = Manifest::new(1, &[receipt(1, 1)]).unwrap();
    let second = first.append(&[receipt(2, 1)], false).unwrap();
    let [old, new] = [&first, &second].map(|manifest| object.seal_manifest(manifest).unwrap());
    for (sealed, min_generation, opens) in
        [(&old, 0, true), (&old, 1, true), (&old, 2, false), (&new, 2, true), (&new, 3, false), (&new, u64::MAX, false)]
    {
        match object.open_manifest(sealed, min_generation) {
            Ok(manifest) => assert!(opens && manifest.generation() >= min_generation),
            Err(error) => assert!(!opens && matches!(error, Error::Expect(_)), "{error:?}"),
        }
    }
    assert_eq!(Map::segmented(&second, &[Layout::Inline]).unwrap().generation(), 2);
    let last = Manifest::new(u64::MAX, &[]).unwrap();
    assert!(matches!(last.append(&[receipt(1, 1)], false), Err(Error::State(_))), "generations do not wrap");
}

#[test]
fn every_flipped_bit_of_a_manifest_is_refused() {
    let (object, other) = (object(), object());
    let sealed = object.seal_manifest(&Manifest::new(1, &[receipt(1, 9), receipt(4, 0)]).unwrap()).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let expected = if bit / 8 < HEAD_LEN { Error::Commit } else { Error::Chunk { chunk: 0 } };
        assert_eq!(object.open_manifest(&flipped, 0), Err(expected), "bit {bit}");
    }
    for len in 0..sealed.len() {
        let expected = if len < HEAD_LEN + TAG_LEN { Error::Truncated } else { Error::Chunk { chunk: 0 } };
        assert_eq!(object.open_manifest(&sealed[..len], 0), Err(expected), "{len} bytes");
    }
    assert_eq!(other.open_manifest(&sealed, 0), Err(Error::Commit), "another object's");
    let segment = Segment::seal(&object, 1, Layout::Inline, b"hello");
    assert_eq!(object.open_manifest(&segment.body, 0), Err(Error::Commit), "a segment");
    assert_eq!(object.open_upload_record(&sealed), Err(Error::Commit), "another role");
}

/// Manifests that their own key's holder has made wrong: counts that would allocate, sums that would wrap.
#[test]
fn manifests_that_verify_and_lie_are_refused() {
    let (store, tape, data_key) = Store::with_tape();
    let (object, _) = tape.play(&[&[9; 16], &data_key[..], &[8; 24]].concat(), || store.create_segmented());
    let context = format::manifest_context(&format::prelude(2, &[9; 16]));
    let open = |body: &[u8]| {
        let sealed = message::seal(&store.engine, &Secret::new(&data_key), &[&context], body).unwrap();
        object.open_manifest(&sealed, 0)
    };
    let entry = |part, length, offset| ManifestEntry { part, head: [7; HEAD_LEN], length, offset };
    let good = [entry(1, 5, 0), entry(3, 7, 5)];
    assert!(open(&format::manifest_body(1, 1, 12, 2, &good)).is_ok());
    for n in [0, 1, 3, 1 << 20, (1 << 20) + 1, u32::MAX, u32::MAX / 76 + 3] {
        assert_eq!(open(&format::manifest_body(1, 1, 12, n, &good)), Err(Error::Manifest), "{n} segments");
    }
    for entries in [
        [entry(0, 5, 0), entry(3, 7, 5)],
        [entry(3, 5, 0), entry(3, 7, 5)],
        [entry(4, 5, 0), entry(3, 7, 5)],
        [entry(1, 5, 1), entry(3, 7, 5)],
        [entry(1, 5, 0), entry(3, 7, 6)],
        [entry(1, 5, 0), entry(3, 8, 5)],
        [entry(1, 5, 0), entry(3, 1 << 46, 5)],
        [entry(1, 5, 0), entry(3, u64::MAX, 5)],
    ] {
        assert_eq!(open(&format::manifest_body(1, 1, 12, 2, &entries)), Err(Error::Manifest), "{entries:?}");
    }
    for total in [0, 11, 13, u64::MAX] {
        assert_eq!(open(&format::manifest_body(1, 1, total, 2, &good)), Err(Error::Manifest), "{total}");
    }
    assert_eq!(open(&format::manifest_body(1, 0, 12, 2, &good)), Err(Error::Manifest));
    for version in (0..=255).filter(|version| *version != 1) {
        assert!(matches!(open(&format::manifest_body(version, 1, 12, 2, &good)), Err(Error::TooNew(_))));
    }
}

// --- Attributes and the upload's record -----------------------------------------------------------------------------

#[test]
fn an_attribute_opens_under_its_name_and_object_only() {
    let ((single, _), segmented, other) = (STORE.create(), object(), object());
    let longest = "n".repeat(255);
    for object in [&single, &segmented] {
        for (name, value) in [("etag", &b"\"9bb58f\""[..]), ("x", b""), (&longest, &[7; 65_535])] {
            let sealed = object.seal_attribute(name, value).unwrap();
            assert_eq!(object.open_attribute(name, &sealed).unwrap().to_vec(), value);
            assert_eq!(object.open_attribute("etah", &sealed), Err(Error::Commit));
            assert_eq!(object.open_attribute("eta", &sealed), Err(Error::Commit));
            assert_eq!(other.open_attribute(name, &sealed), Err(Error::Commit));
            assert_eq!(object.open_upload_record(&sealed), Err(Error::Commit));
            let cut = object.open_attribute(name, &sealed[..sealed.len() - 1]);
            assert!(matches!(cut, Err(Error::Chunk { .. } | Error::Truncated)));
            assert_ne!(object.seal_attribute(name, value).unwrap()[..24], sealed[..24]);
        }
    }
    let too_long = "n".repeat(256);
    for name in ["", "ossenc:", "ossenc:upload", "ossenc:x", &too_long] {
        assert!(matches!(segmented.seal_attribute(name, b"x"), Err(Error::Argument(_))), "{name:?}");
        assert!(matches!(segmented.open_attribute(name, &[0; 73]), Err(Error::Argument(_))), "{name:?}");
    }
    assert!(segmented.seal_attribute("Ossenc:x", b"x").is_ok());
    assert!(matches!(segmented.seal_attribute("etag", &[0; 65_536]), Err(Error::Argument(_))));
}

/// What an upload's record is for: somebody swaps the envelope while parts are still to come.
#[test]
fn an_upload_s_record_does_not_open_under_a_swapped_envelope() {
    let (object, envelope) = STORE.create_segmented();
    let (_, swapped) = STORE.create_segmented();
    let record = object.seal_upload_record(NOW).unwrap();
    assert_eq!(STORE.open(&envelope).unwrap().open_upload_record(&record), Ok(NOW));
    assert_eq!(STORE.open(&swapped).unwrap().open_upload_record(&record), Err(Error::Commit));
    let rewrapped = STORE.rewrap(&envelope, &ossenc::Rewrap::default()).unwrap();
    assert_eq!(STORE.open(&rewrapped).unwrap().open_upload_record(&record), Ok(NOW), "a rewrap is no swap");
    assert!(matches!(object.open_attribute("ossenc:upload", &record), Err(Error::Argument(_))));
    assert_eq!(STORE.create().0.open_upload_record(&record), Err(Error::Commit));
}

// --- Copies ---------------------------------------------------------------------------------------------------------

/// ceph PR 52248 and seaweedfs PR 9280 elsewhere: a multipart object copied as one part lost its boundaries, or its
/// encryption.
#[test]
fn a_multipart_object_is_copied_as_one_part_of_another() {
    let source = object();
    let lengths = [20_000, 1, 0, 33_333];
    let total = lengths.iter().sum();
    let parts: Vec<(Layout, usize)> = LAYOUTS.iter().copied().cycle().zip(lengths).collect();
    let whole = Whole::complete(1, parts_of(&source, &parts));
    for layout in LAYOUTS {
        for (from, len) in [(0, total), (19_999, 3), (20_001, 33_333), (0, 0)] {
            let target = object();
            let range = whole.read(&source, from as u64, len as u64).unwrap();
            let copied = Whole::complete(1, vec![Segment::seal(&target, 5, layout, &range)]);
            assert!(copied.read_whole(&target) == Ok(pattern_from(from, len)), "{layout:?} {from}");
            assert_eq!(copied.read_whole(&source).err(), Some(Error::Commit));
        }
        // Bytes that are moved without being sealed again are of no use to another object.
        let moved = Segment { receipt: Receipt { part: 1, ..whole.segments[0].receipt }, ..whole.segments[0].clone() };
        assert_eq!(Whole::complete(1, vec![moved]).read_whole(&object()), Err(Error::Commit));
    }
}

// --- Receipts and digests -------------------------------------------------------------------------------------------

fn crc64(bytes: &[u8]) -> u64 {
    Crc::<u64>::new(&CRC_64_XZ).checksum(bytes)
}

fn crc32c(bytes: &[u8]) -> u32 {
    Crc::<u32>::new(&CRC_32_ISCSI).checksum(bytes)
}

/// Up to three chunks, and mostly near an edge of a chunk or a page.
fn lengths() -> impl Strategy<Value = usize> {
    let near_edge = |unit: usize| (0..=3 * CHUNK_LEN / unit, 0..6usize).prop_map(move |(n, by)| n * unit + by);
    prop_oneof![2 => near_edge(CHUNK_LEN), 1 => near_edge(PAGE_LEN), 1 => 0..3 * CHUNK_LEN]
        .prop_map(|n| n.saturating_sub(3))
}

fn layouts() -> impl Strategy<Value = Layout> {
    prop::sample::select(&LAYOUTS[..])
}

proptest! {
    #![proptest_config(cases(40))]

    /// silo #119 in another system: lengths of parts were stored as those of their ciphertext.
    #[test]
    fn every_number_of_a_receipt_is_of_plaintext_or_of_body_as_it_says(
        len in lengths(),
        layout in layouts(),
        part in 1..=u32::MAX,
    ) {
        let (object, plain) = (object(), pattern_from(5, len));
        let Segment { receipt, body, aside } = Segment::seal(&object, part, layout, &plain);
        prop_assert_eq!((receipt.part, receipt.layout), (part, layout));
        prop_assert_eq!((receipt.plain, receipt.body), (plain.len() as u64, body.len() as u64));
        prop_assert_eq!(layout.size(receipt.plain), Ok((body.len() as u64, aside.len() as u64)));
        prop_assert_eq!((receipt.crc64_plain, receipt.crc32c_body), (crc64(&plain), crc32c(&body)));
        let stored = Segment { receipt, body, aside };
        prop_assert!(stored_head(&stored).is_none_or(|head| *head == receipt.head));
        if layout != Layout::Paged {
            prop_assert_eq!(layout.plain_len(receipt.body), Ok(receipt.plain));
        }
        let manifest = Manifest::new(1, &[receipt]).unwrap();
        prop_assert_eq!((manifest.plain_len(), manifest.segments()[0].plain_len), (receipt.plain, receipt.plain));
        let place = Map::segmented(&manifest, &[layout]).unwrap().segment(0).unwrap();
        prop_assert_eq!((place.plain_len, place.body_len), (receipt.plain, receipt.body));

        let encoded = receipt.encode();
        prop_assert_eq!(encoded.len(), RECEIPT_LEN);
        prop_assert_eq!(Receipt::decode(&encoded), Ok(receipt));
    }

    #[test]
    fn checksums_of_parts_combine_to_that_of_the_object(parts in prop::collection::vec(lengths(), 0..5)) {
        let object = object();
        let parts = parts_of(&object, &parts.into_iter().map(|len| (Layout::Detached, len)).collect::<Vec<_>>());
        let (mut combined, mut total) = (0, 0);
        for part in &parts {
            combined = crc64_combine(combined, part.receipt.crc64_plain, part.receipt.plain);
            total += part.receipt.plain as usize;
        }
        prop_assert_eq!(combined, crc64(&pattern(total)));
    }
}

#[test]
fn every_flipped_bit_and_every_other_length_of_a_receipt_is_refused() {
    let encoded = Segment::seal(&object(), 3, Layout::Paged, b"hello").receipt.encode();
    for bit in 0..encoded.len() * 8 {
        let mut flipped = encoded;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(Receipt::decode(&flipped), Err(Error::Format(_))), "bit {bit}");
    }
    for len in 0..RECEIPT_LEN {
        assert!(matches!(Receipt::decode(&encoded[..len]), Err(Error::Format(_))), "{len} bytes");
    }
    assert!(matches!(Receipt::decode(&[&encoded[..], &[0]].concat()), Err(Error::Format(_))));
}

// --- Layouts --------------------------------------------------------------------------------------------------------

/// Seals with the salt that is given, so that layouts can be compared byte by byte.
fn seal_with_salt(salt: &[u8; 24], layout: Layout, plain: &[u8]) -> (Object, Segment) {
    let (store, tape, data_key) = Store::with_tape();
    let (object, _) = tape.play(&[&[9; 16], &data_key[..], &[8; 24]].concat(), || store.create_segmented());
    let segment = tape.play(salt, || Segment::seal(&object, 1, layout, plain));
    (object, segment)
}

fn assert_converts_between_all_layouts(len: usize) {
    let plain = pattern(len);
    let sealed = LAYOUTS.map(|layout| seal_with_salt(&[4; 24], layout, &plain).1);
    for from in &sealed {
        for to in &sealed {
            let converted = from.converted(to.layout());
            assert!(converted.body == to.body, "{len} bytes, {:?} to {:?}", from.layout(), to.layout());
            assert!(converted.aside == to.aside, "{len} bytes, {:?} to {:?}", from.layout(), to.layout());
            assert_eq!(converted.receipt, to.receipt, "{len} bytes");
        }
    }
}

#[test]
fn a_converted_segment_is_what_sealing_in_that_layout_gives() {
    for len in [0, 1, PAGE_LEN - 1, PAGE_LEN, PAGE_LEN + 1, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1, 3 * CHUNK_LEN] {
        assert_converts_between_all_layouts(len);
    }
}

/// Beyond 4 MiB a PAGED body has several groups.
#[test]
fn groups_convert_one_by_one_across_4_mib() {
    for len in [GROUP_LEN - 1, GROUP_LEN, GROUP_LEN + CHUNK_LEN + 5] {
        assert_converts_between_all_layouts(len);
    }
    let (object, paged) = seal_with_salt(&[4; 24], Layout::Paged, &pattern(GROUP_LEN + 100));
    let whole = Whole::complete(1, vec![paged]);
    assert!(whole.read_whole(&object) == Ok(pattern(GROUP_LEN + 100)));
    // A range over the end of the group takes a read on each side.
    assert_eq!(plan_in_pages(&whole.map(), GROUP_LEN as u64 - 5, 10, 0, 2).len(), 2);
    assert_eq!(whole.read(&object, GROUP_LEN as u64 - 5, 10), Ok(pattern_from(GROUP_LEN - 5, 10)));
}

#[test]
fn a_group_that_is_not_what_it_says_is_not_moved() {
    let (_, segment) = seal_with_salt(&[4; 24], Layout::Inline, &pattern(20_000));
    let (head, other_head) = (segment.receipt.head, [0; HEAD_LEN]);
    let (mut body, mut aside) = room(Layout::Detached, 20_000);
    let mut convert = |plain_len, index, head, source: &[u8], shorter| {
        let (body, aside) = (&mut body[shorter..], &mut aside[..]);
        let from = (Layout::Inline, source, &[][..]);
        convert_group(plain_len, index, head, from, (Layout::Detached, body, aside))
    };
    let source = &segment.body[..];
    for outcome in [
        convert(20_000, 0, &other_head, source, 0),
        convert(20_000, 1, &head, source, 0),
        convert(20_001, 0, &head, source, 0),
        convert(size::MAX_PLAIN_LEN + 1, 0, &head, source, 0),
        convert(20_000, 0, &head, &source[1..], 0),
        convert(20_000, 0, &head, source, 1),
    ] {
        assert!(matches!(outcome, Err(Error::Argument(_))), "{outcome:?}");
    }
    assert_eq!(convert(20_000, 0, &head, source, 0), Ok(()));
    assert!(body.iter().chain(&aside).any(|byte| *byte != UNTOUCHED));
    assert_eq!(groups(size::MAX_PLAIN_LEN), 1 << 24);
    for layout in LAYOUTS {
        let last = group(layout, size::MAX_PLAIN_LEN, (1 << 24) - 1).unwrap();
        let (body, aside) = layout.size(size::MAX_PLAIN_LEN).unwrap();
        assert_eq!(last.body_off + last.body as u64, body);
        assert_eq!(if layout == Layout::Detached { last.aside_off + last.aside as u64 } else { 0 }, aside);
        assert!(matches!(group(layout, size::MAX_PLAIN_LEN, 1 << 24), Err(Error::Argument(_))));
    }
}

/// Seals in calls of `next` that offer so many plaintext bytes and so much room, then finishes.
fn seal_in_steps(mut sealer: Sealer, plain: &[u8], steps: &[(usize, usize)], cuts: [&[usize]; 2]) -> Segment {
    let (mut at, mut body, mut aside) = (0, vec![], vec![]);
    let mut step = |sealer: &mut Sealer, offered: usize, room: [usize; 2], last: bool| {
        let source = &plain[at..plain.len().min(at + offered)];
        let (mut target, mut beside) = (vec![UNTOUCHED; room[0]], vec![UNTOUCHED; room[1]]);
        let mut io = Scattered::cut(source, cuts[0], &mut target, cuts[1]).writing_aside(&mut beside);
        let outcome = if last { sealer.finish(&mut io) } else { sealer.next(&mut io) };
        let progress = outcome.unwrap();
        assert!(untouched(&target[progress.written..]) && untouched(&beside[progress.aside..]));
        at += progress.consumed;
        body.extend_from_slice(&target[..progress.written]);
        aside.extend_from_slice(&beside[..progress.aside]);
        progress
    };
    for (offered, room) in steps {
        step(&mut sealer, *offered, [*room, *room / 1_000], false);
        assert_eq!(sealer.receipt(), None, "there is no receipt of what is not finished");
    }
    let left = plain.len() - step(&mut sealer, 0, [0, 0], false).consumed;
    let taken: usize = sealer.chunk_in_group() * CHUNK_LEN;
    let promised = sealer.finish_len(left - taken);
    let done = step(&mut sealer, left, [promised.written, promised.aside], true);
    assert_eq!(done, promised);
    Segment { receipt: sealer.receipt().unwrap(), body, aside }
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn any_way_of_sealing_gives_the_same_segment_in_each_layout(
        len in lengths(),
        layout in layouts(),
        steps in prop::collection::vec((0..40_000usize, 0..60_000usize), 0..5),
        source_cuts in prop::collection::vec(1..20_000usize, 0..4),
        target_cuts in prop::collection::vec(1..20_000usize, 0..4),
    ) {
        let plain = pattern(len);
        let (store, tape, data_key) = Store::with_tape();
        let (object, _) = tape.play(&[&[9; 16], &data_key[..], &[8; 24]].concat(), || store.create_segmented());
        let at_once = tape.play(&[4; 24], || Segment::seal(&object, 1, layout, &plain));
        let sealer = tape.play(&[4; 24], || object.sealer(1, layout).unwrap());
        prop_assert!(seal_in_steps(sealer, &plain, &steps, [&source_cuts, &target_cuts]) == at_once);
        if layout == Layout::Detached {
            let mut sealer = tape.play(&[4; 24], || object.sealer(1, layout).unwrap());
            let mut in_place = InPlace::to_seal(&plain);
            sealer.finish(&mut in_place).unwrap();
            prop_assert!(in_place.body == at_once.body && in_place.aside == at_once.aside);
            prop_assert_eq!(sealer.receipt(), Some(at_once.receipt));
        }
    }

    #[test]
    fn a_flipped_bit_of_a_segment_is_an_error_of_its_chunk_or_of_padding(
        len in lengths(),
        layout in layouts(),
        bit in any::<prop::sample::Index>(),
    ) {
        let (object, plain) = (object(), pattern(len));
        let stored = Segment::seal(&object, 1, layout, &plain);
        let mut damaged = stored.clone();
        let bit = bit.index(stored.stored_len() * 8);
        damaged.flip(bit);
        let map = Whole::complete(1, vec![stored.clone()]).map();
        let (byte, body_len) = (bit / 8, stored.body.len());
        let at = match layout {
            Layout::Inline => byte,
            _ if byte >= body_len => HEAD_LEN + (byte - body_len).saturating_sub(HEAD_LEN) / TAG_LEN * (CHUNK_LEN + TAG_LEN),
            _ => HEAD_LEN + byte / CHUNK_LEN * (CHUNK_LEN + TAG_LEN),
        };
        let in_head = if layout == Layout::Detached { byte.wrapping_sub(body_len) < HEAD_LEN } else { layout == Layout::Inline && byte < HEAD_LEN };
        let tags_at = body_len.saturating_sub(PAGE_LEN);
        let chunk = match layout {
            Layout::Paged if byte >= tags_at => ((byte - tags_at) / TAG_LEN) as u64,
            _ => at.saturating_sub(HEAD_LEN) as u64 / (CHUNK_LEN + TAG_LEN) as u64,
        };
        let in_padding = layout == Layout::Paged
            && ((len..tags_at).contains(&byte) || (byte >= tags_at && chunk >= size::chunks(len as u64)));
        let expected = match () {
            () if in_head => Err(Error::Commit),
            () if in_padding => Ok(plain),
            () => Err(Error::Chunk { chunk }),
        };
        prop_assert!(open_whole(&object, &map, 0, &damaged) == expected, "{:?}", expected.err());
    }
}

// --- Ranges ---------------------------------------------------------------------------------------------------------

/// Segments of which some are empty, some are of one chunk, and some have more than one group.
fn segment_lists() -> impl Strategy<Value = Vec<(Layout, u64)>> {
    let len = prop_oneof![
        2 => Just(0u64),
        4 => lengths().prop_map(|len| len as u64),
        1 => GROUP_LEN as u64 - 40_000..2 * GROUP_LEN as u64 + 40_000,
    ];
    prop::collection::vec((layouts(), len), 0..6)
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_plan_over_segments_is_the_one_made_by_hand_however_it_is_paged(
        segments in segment_lists(),
        (from, len) in (any::<prop::sample::Index>(), prop_oneof![0..20u64, 0..100_000u64, Just(u64::MAX), any::<u64>()]),
        align in prop_oneof![Just(0), (0..20u32).prop_map(|n| 1u64 << n), (0..64u32).prop_map(|n| 1u64 << n)],
        room in 1..4usize,
    ) {
        let receipts: Vec<Receipt> = (1..).zip(&segments).map(|(part, (_, len))| receipt(part, *len)).collect();
        let layouts: Vec<Layout> = segments.iter().map(|(layout, _)| *layout).collect();
        let manifest = Manifest::new(1, &receipts).unwrap();
        let map = Map::segmented(&manifest, &layouts).unwrap();
        let offset = from.index(map.plain_len() as usize + 20) as u64;
        let by_hand = plan::plan(&segments, true, offset, len, align);
        prop_assert_eq!(plan_in_pages(&map, offset, len, align, room), by_hand.clone());
        let wanted = map.plain_len().min(offset.saturating_add(len)).saturating_sub(offset);
        prop_assert_eq!(by_hand.iter().map(|extent| extent.take).sum::<u64>(), wanted);
    }

    #[test]
    fn a_plan_of_one_segment_in_any_layout_is_the_one_made_by_hand(
        layout in layouts(),
        plain_len in lengths(),
        trusted: bool,
        offset in lengths(),
        len in prop_oneof![0..20u64, 0..60_000u64, Just(u64::MAX)],
        align in (0..17u32).prop_map(|n| 1u64 << n),
    ) {
        let (plain_len, offset) = (plain_len as u64, offset as u64);
        let trusted = trusted || layout == Layout::Paged;
        let body_len = layout.size(plain_len).unwrap().0;
        let map = Map::single(layout, body_len, trusted.then_some(plain_len), None).unwrap();
        let by_hand = plan::plan(&[(layout, plain_len)], trusted, offset, len, align);
        prop_assert_eq!(plan_in_pages(&map, offset, len, align, 1), by_hand);
    }
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn any_range_of_any_segments_is_a_slice_of_the_plaintext(
        lengths in prop::collection::vec((layouts(), lengths()), 1..4),
        (from, len) in (any::<prop::sample::Index>(), 0..60_000u64),
        align in prop_oneof![Just(1u64), Just(512), Just(4_096), Just(1 << 16)],
        cuts in prop::collection::vec(1..20_000usize, 0..4),
    ) {
        let object = object();
        let whole = Whole::complete(1, parts_of(&object, &lengths));
        let (map, total) = (whole.map(), whole.manifest.plain_len() as usize);
        let offset = from.index(total + 3);
        let mut read = vec![];
        for extent in plan_in_pages(&map, offset as u64, len, align, 1) {
            let (opener, stored) = (object.opener(&map, extent.segment).unwrap(), &whole.segments[extent.segment as usize]);
            let (body, aside) = stored.read(&extent);
            for verify_only in [true, false] {
                let mut out = vec![UNTOUCHED; extent.take as usize + 2];
                let mut io = Scattered::cut(body, &cuts, &mut out, &cuts).reading_aside(aside);
                prop_assert_eq!(opener.open_extent(&extent, verify_only, &mut io), Ok(()));
                let written = if verify_only { 0 } else { extent.take as usize };
                prop_assert!(untouched(&out[written..]), "no byte more than it says");
                read.extend_from_slice(&out[..written]);
            }
            // A read that is a byte short, of either, is refused before anything is written.
            let mut out = vec![UNTOUCHED; extent.take as usize];
            let shorter = |bytes: &[u8]| bytes.len().saturating_sub(align as usize);
            let mut short = Slices::new(&body[..shorter(body)], &mut out).reading_aside(aside);
            if !body.is_empty() && align == 1 && extent.take > 0 {
                let outcome = opener.open_extent(&extent, false, &mut short);
                prop_assert!(matches!(outcome, Err(Error::Argument(_))), "{:?}", outcome);
                prop_assert!(untouched(&out));
            }
        }
        prop_assert!(read == pattern(total)[offset.min(total)..total.min(offset + len as usize)]);
    }
}

#[test]
fn an_extent_of_another_segment_is_refused() {
    let object = object();
    let whole = Whole::complete(1, parts_of(&object, &[(Layout::Paged, 20_000), (Layout::Paged, 20_000)]));
    let map = whole.map();
    let extent = plan_in_pages(&map, 20_010, 50, 0, 1)[0];
    assert_eq!(extent.segment, 1);
    let [first, second] = [0, 1].map(|index| object.opener(&map, index).unwrap());
    assert_eq!(open_extent(&second, &extent, &whole.segments[1]), Ok(pattern_from(20_010, 50)));
    assert!(matches!(open_extent(&first, &extent, &whole.segments[1]), Err(Error::Argument(_))));
    assert!(matches!(object.opener(&map, 2), Err(Error::Argument(_))));
    let without_head = Map::single(Layout::Inline, 72, None, None).unwrap();
    assert!(matches!(STORE.create().0.opener(&without_head, 0), Err(Error::Argument(_))));
}

/// What no plan makes: another lead than the place says, and a run over the page between two groups.
#[test]
fn an_extent_that_contradicts_itself_or_goes_over_a_page_is_refused() {
    let (object, len) = (object(), GROUP_LEN + CHUNK_LEN);
    for layout in LAYOUTS {
        let whole = Whole::complete(1, vec![Segment::seal(&object, 1, layout, &pattern(len))]);
        let (opener, stored) = (object.opener(&whole.map(), 0).unwrap(), &whole.segments[0]);
        let tags = if layout == Layout::Detached { &stored.aside } else { &stored.body };
        let refused = |extent: &Extent| {
            let (body, aside) = (&stored.body[extent.body_off as usize..], &tags[extent.aside_off as usize..]);
            let mut out = vec![UNTOUCHED; extent.take as usize];
            let outcome = opener.open_extent(extent, false, &mut Slices::new(body, &mut out).reading_aside(aside));
            assert!(matches!(outcome, Err(Error::Argument(_))), "{layout:?} {extent:?}: {outcome:?}");
            assert!(untouched(&out));
        };
        let planned = plan_in_pages(&whole.map(), 20_000, 5, 0, 1)[0];
        refused(&Extent { lead: 1, ..planned });
        refused(&Extent { lead: u64::MAX, ..planned });
        refused(&Extent { body_off: planned.body_off - 1, ..planned });
        if layout == Layout::Paged {
            let last_of_group = plan_in_pages(&whole.map(), (GROUP_LEN - 1) as u64, 1, 0, 1)[0];
            refused(&Extent { take: 2, ..last_of_group });
        }
        refused(&Extent { take: len as u64, ..planned });
    }
    let most = size::MAX_PLAIN_LEN;
    assert_eq!(Layout::Detached.plain_len(most), Ok(most));
    assert!(matches!(Layout::Detached.plain_len(most + 1), Err(Error::Format(_))));
}

/// Room to write is nothing to read, and the other way around.
#[test]
fn what_lies_aside_for_the_other_direction_is_an_error() {
    let (object, plain) = (object(), pattern(CHUNK_LEN + 5));
    for layout in [Layout::Detached, Layout::Paged] {
        let stored = Segment::seal(&object, 1, layout, &plain);
        let whole = Whole::complete(1, vec![stored.clone()]);
        let opener = object.opener(&whole.map(), 0).unwrap();
        for extent in plan_in_pages(&whole.map(), 0, plain.len() as u64, 0, 2) {
            let (body, aside) = stored.read(&extent);
            let (mut out, mut room) = (vec![UNTOUCHED; plain.len()], aside.to_vec());
            let outcome = opener.open_extent(&extent, false, &mut Slices::new(body, &mut out).writing_aside(&mut room));
            assert!(matches!(outcome, Err(Error::Argument(_))), "{layout:?}: {outcome:?}");
            assert!(untouched(&out));
        }
    }
    let tags = [0; 1_000];
    let mut body = vec![UNTOUCHED; plain.len()];
    let mut sealer = object.sealer(1, Layout::Detached).unwrap();
    let outcome = sealer.finish(&mut Slices::new(&plain, &mut body).reading_aside(&tags));
    assert_eq!(outcome, Err(Error::Buffer { needed: HEAD_LEN + 2 * TAG_LEN }));
    assert_eq!(sealer.next(&mut Slices::new(&plain, &mut body).reading_aside(&tags)), Ok(Progress::default()));
    let tickets = object.ticket_sealer(1, Layout::Detached, 1, 1).unwrap();
    let ticket = tickets.reserve().unwrap();
    let outcome = tickets.run(&ticket, &mut Slices::new(&plain[..CHUNK_LEN], &mut body).reading_aside(&tags));
    assert_eq!(outcome, Err(Error::Buffer { needed: TAG_LEN }));
    assert!(untouched(&body));
}

#[test]
fn lengths_that_do_not_go_with_the_layout_are_truncated() {
    for layout in LAYOUTS {
        let object = object();
        let stored = Segment::seal(&object, 1, layout, &pattern(20_000));
        let map = Whole::complete(1, vec![stored.clone()]).map();
        let (mut body, mut aside) = (stored.body.clone(), stored.aside.clone());
        body.push(0);
        aside.push(0);
        let short = &stored.body[..stored.body.len() - 1];
        let short_aside = &stored.aside[..stored.aside.len().saturating_sub(1)];
        for (body, aside) in
            [(&body[..], &stored.aside[..]), (short, &stored.aside), (&stored.body, &aside), (&[], &[])]
        {
            let mut out = vec![UNTOUCHED; 20_000];
            assert_eq!(object.open_segment(&map, 0, body, aside, &mut out), Err(Error::Truncated), "{layout:?}");
            let opener = object.opener(&map, 0).unwrap();
            assert_eq!(opener.open_whole(body, aside, &mut out), Err(Error::Truncated), "{layout:?}");
            assert!(untouched(&out));
        }
        let mut out = vec![UNTOUCHED; 19_999];
        let needed = Err(Error::Buffer { needed: 20_000 });
        assert_eq!(object.open_segment(&map, 0, &stored.body, &stored.aside, &mut out), needed);
        if layout == Layout::Detached {
            let outcome = object.open_segment(&map, 0, &stored.body, short_aside, &mut out);
            assert_eq!(outcome, Err(Error::Truncated));
        }
        assert!(untouched(&out));
        let body_len = stored.receipt.body;
        assert_eq!(Map::single(layout, body_len, Some(20_000 + 5_000), None), Err(Error::Truncated));
    }
    assert!(matches!(Map::single(Layout::Paged, 8_192, None, None), Err(Error::Argument(_))));
    assert!(matches!(Layout::from_number(3), Err(Error::TooNew(_))));
    assert!((0..3).all(|number| Layout::from_number(number).map(|layout| layout as u32) == Ok(number)));
}

// --- std::io --------------------------------------------------------------------------------------------------------

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
