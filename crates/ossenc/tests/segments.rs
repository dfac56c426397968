//! Objects of several segments: uploads in parts, appends, ranges over their ends, manifests, attributes and copies.

mod common;

use std::collections::HashSet;
use std::io::Read;

use common::format::{self, ManifestEntry, MessageKeys};
use common::parts::{STORE, object, parts_of, receipt};
use common::segments::{LAYOUTS, Segment, Whole, open_extent, open_whole, plan_in_pages};
use common::store::{NOW, Store};
use common::{pattern, pattern_from};
use ossenc::io::RangeReader;
use ossenc::message::size::{self, CHUNK_LEN, HEAD_LEN, TAG_LEN};
use ossenc::message::{self};
use ossenc::pieces::Slices;
use ossenc::{Error, Extent, Layout, MAX_SEGMENTS, Manifest, Map, Receipt, Secret, Shape};

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
