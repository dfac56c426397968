//! Every case of segments, receipts, manifests, attributes and whole segmented objects in vectors/*.json: as
//! `vectors.rs` does with the other files.

mod common;

use std::collections::HashMap;

use common::entropy::Tape;
use common::segments::{Segment, open_extent, open_whole, plan_in_pages, read_range};
use common::vectors::{Hex, LayoutName, Opening, Verdict, keystores_by_name, load};
use common::{UNTOUCHED, format, pattern_from};
use ossenc::{Layout, Manifest, Map, Object, Receipt, Result, Shape, message};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// A body, or its length and hash where it is long: then it is made again, and has these changes.
#[derive(Deserialize)]
struct Stored {
    layout: LayoutName,
    salt: Option<Hex>,
    body: Option<Hex>,
    body_len: Option<usize>,
    body_sha256: Option<Hex>,
    #[serde(default)]
    changes: Vec<Patch>,
    aside: Hex,
}

#[derive(Deserialize)]
struct Patch {
    at: usize,
    bytes: Hex,
}

impl Stored {
    fn body(&self, sealed: impl FnOnce() -> Segment, name: &str) -> Vec<u8> {
        if let Some(body) = &self.body {
            return body.0.clone();
        }
        let mut body = sealed().body;
        for change in &self.changes {
            body[change.at..change.at + change.bytes.0.len()].copy_from_slice(&change.bytes.0);
        }
        assert_eq!(Some(body.len()), self.body_len, "case {name}");
        assert_eq!(Some(Sha256::digest(&body).as_slice()), self.body_sha256.as_ref().map(|hash| &hash.0[..]));
        body
    }
}

/// What the library makes of that plaintext, with that salt.
fn seal_again(tape: &Tape, object: &Object, part: u32, salt: &Hex, layout: Layout, plain: &[u8]) -> Segment {
    tape.play(&salt.0, || Segment::seal(object, part, layout, plain))
}

#[derive(Deserialize)]
struct SegmentCase {
    name: String,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(flatten)]
    opening: Opening,
    part: u32,
    head: Hex,
    plaintext_len: usize,
    #[serde(flatten)]
    stored: Stored,
    receipt: Option<Hex>,
    /// How it ends for who does not read the head that is stored with the body.
    head_unread: Option<Verdict>,
}

#[test]
fn segments() {
    let (engine, tape) = Tape::engine();
    let keystores = keystores_by_name(&engine);
    let (mut sealed_again, mut unread) = (0, 0);
    for case in load::<SegmentCase>("segments.json") {
        let (name, layout) = (&case.name, Layout::from(case.stored.layout));
        let (object, plain) = (case.opening.open(&engine, &keystores).unwrap(), pattern_from(0, case.plaintext_len));
        let again =
            || seal_again(&tape, &object, case.part, case.stored.salt.as_ref().expect("a salt"), layout, &plain);
        let body = case.stored.body(again, name);
        let receipt = Receipt {
            part: case.part,
            layout,
            head: *case.head.0.first_chunk().unwrap(),
            plain: case.plaintext_len as u64,
            body: body.len() as u64,
            crc64_plain: 0,
            crc32c_body: 0,
        };
        let stored = Segment { receipt, body, aside: case.stored.aside.0.clone() };

        let outcome = map_of_one(&receipt).and_then(|map| open_whole(&object, &map, 0, &stored));
        let opened = case.verdict.check(name, outcome);
        assert!(opened.is_none_or(|opened| opened == plain), "case {name}");
        // Who reads a range looks at lengths, too, but not at the head that is stored.
        if !case.verdict.is_truncated() && !plain.is_empty() {
            let verdict = case.head_unread.as_ref().unwrap_or(&case.verdict);
            let opened = verdict.check(name, read_one(&object, &stored));
            assert!(opened.is_none_or(|opened| opened == plain), "case {name}");
            unread += u32::from(case.head_unread.is_some());
        }
        if let (Some(Hex(receipt)), Some(_)) = (&case.receipt, &case.stored.salt) {
            let again = again();
            assert!(again.body == stored.body && again.aside == stored.aside, "case {name}");
            assert_eq!(again.receipt.encode()[..], receipt[..], "case {name}");
            sealed_again += 1;
        }
    }
    assert!(sealed_again > 20 && unread > 3, "only {sealed_again} were sealed again, {unread} read without the head");
}

/// A map of a segment alone.
fn map_of_one(receipt: &Receipt) -> Result<Map> {
    if receipt.part == 0 {
        return Map::single(receipt.layout, receipt.body, Some(receipt.plain), Some(receipt.head));
    }
    Map::segmented(&Manifest::new(1, &[*receipt]).unwrap(), &[receipt.layout])
}

fn read_one(object: &Object, stored: &Segment) -> Result<Vec<u8>> {
    let map = map_of_one(&stored.receipt)?;
    let opener = object.opener(&map, 0)?;
    let extents = plan_in_pages(&map, 0, stored.receipt.plain, 0, 1);
    let opened = extents.iter().map(|extent| open_extent(&opener, extent, stored));
    Ok(opened.collect::<Result<Vec<_>>>()?.concat())
}

#[derive(Deserialize)]
struct ReceiptCase {
    name: String,
    #[serde(flatten)]
    verdict: Verdict,
    receipt: Hex,
    #[serde(flatten)]
    fields: Option<ReceiptFields>,
}

#[derive(Deserialize)]
struct ReceiptFields {
    part: u32,
    layout: LayoutName,
    head: Hex,
    plain: u64,
    body: u64,
    crc64_plain: String,
    crc32c_body: String,
}

#[test]
fn receipts() {
    for case in load::<ReceiptCase>("receipts.json") {
        let Some(receipt) = case.verdict.check(&case.name, Receipt::decode(&case.receipt.0)) else { continue };
        let fields = case.fields.expect("a valid receipt has fields");
        let expected = Receipt {
            part: fields.part,
            layout: fields.layout.into(),
            head: *fields.head.0.first_chunk().unwrap(),
            plain: fields.plain,
            body: fields.body,
            crc64_plain: u64::from_str_radix(&fields.crc64_plain, 16).unwrap(),
            crc32c_body: u32::from_str_radix(&fields.crc32c_body, 16).unwrap(),
        };
        assert_eq!(receipt, expected, "case {}", case.name);
        assert_eq!(receipt.encode()[..], case.receipt.0[..], "case {}", case.name);
    }
}

#[derive(Deserialize)]
struct ManifestCase {
    name: String,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(flatten)]
    opening: Opening,
    salt: Hex,
    min_generation: u64,
    manifest: Hex,
    append: Option<Append>,
    // Of the valid ones:
    generation: Option<u64>,
    total: Option<u64>,
    #[serde(default)]
    segments: Vec<Entry>,
}

#[derive(Deserialize)]
struct Append {
    from: String,
    segment: Entry,
    replaces_last: bool,
}

#[derive(Deserialize)]
struct Entry {
    part: u32,
    head: Hex,
    length: u64,
    offset: Option<u64>,
}

impl Entry {
    fn receipt(&self) -> Receipt {
        Receipt {
            part: self.part,
            layout: Layout::Inline,
            head: *self.head.0.first_chunk().unwrap(),
            plain: self.length,
            body: Layout::Inline.size(self.length).unwrap().0,
            crc64_plain: 0,
            crc32c_body: 0,
        }
    }
}

#[test]
fn manifests() {
    let (engine, tape) = Tape::engine();
    let keystores = keystores_by_name(&engine);
    let mut by_name: HashMap<String, Manifest> = HashMap::new();
    let mut appended = 0;
    for case in load::<ManifestCase>("manifests.json") {
        let name = &case.name;
        let object = case.opening.open(&engine, &keystores).unwrap();
        let outcome = object.open_manifest(&case.manifest.0, case.min_generation);
        let Some(manifest) = case.verdict.check(name, outcome) else { continue };
        assert_eq!((Some(manifest.generation()), Some(manifest.plain_len())), (case.generation, case.total));
        assert_eq!(manifest.segments().len(), case.segments.len(), "case {name}");
        for (segment, entry) in manifest.segments().iter().zip(&case.segments) {
            assert_eq!((segment.part, &segment.head[..]), (entry.part, &entry.head.0[..]), "case {name}");
            assert_eq!((segment.plain_len, Some(segment.offset)), (entry.length, entry.offset), "case {name}");
        }
        let receipts: Vec<Receipt> = case.segments.iter().map(Entry::receipt).collect();
        let again = Manifest::new(manifest.generation(), &receipts).unwrap();
        assert_eq!(again, manifest, "case {name}");
        assert_eq!(again.sealed_len(), case.manifest.0.len(), "case {name}");
        assert_eq!(tape.play(&case.salt.0, || object.seal_manifest(&again)).as_ref(), Ok(&case.manifest.0));
        if let Some(append) = &case.append {
            let appended_to = &by_name[&append.from];
            let next = appended_to.append(&[append.segment.receipt()], append.replaces_last);
            assert_eq!(next.as_ref(), Ok(&manifest), "case {name}");
            appended += 1;
        }
        by_name.insert(case.name, manifest);
    }
    assert!(appended >= 4, "only {appended} were appended");
}

#[derive(Deserialize)]
struct AttributeCase {
    name: String,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(flatten)]
    opening: Opening,
    data_key: Hex,
    prelude: Hex,
    salt: Hex,
    /// Of an attribute; without it, the case is about an upload record.
    attribute_name: Option<Hex>,
    #[serde(default)]
    value: Hex,
    sealed: Option<Hex>,
    sealed_sha256: Option<Hex>,
    created_at: Option<u64>,
}

#[test]
fn attributes() {
    let (engine, tape) = Tape::engine();
    let keystores = keystores_by_name(&engine);
    let mut not_text = 0;
    for case in load::<AttributeCase>("attributes.json") {
        let (case_name, value) = (&case.name, &case.value.0);
        let object = case.opening.open(&engine, &keystores).unwrap();
        let Some(Hex(name_bytes)) = &case.attribute_name else {
            let sealed = &case.sealed.as_ref().expect("an upload record").0;
            let opened = case.verdict.check(case_name, object.open_upload_record(sealed));
            assert_eq!(opened, case.created_at, "case {case_name}");
            if let Some(created_at) = opened {
                let again = tape.play(&case.salt.0, || object.seal_upload_record(created_at));
                assert_eq!(again.as_ref(), Ok(sealed), "case {case_name}");
            }
            continue;
        };
        // Names are text here: what is not has no name in Rust.
        let Ok(name) = str::from_utf8(name_bytes) else {
            not_text += 1;
            continue;
        };
        if case.sealed.is_none() && case.sealed_sha256.is_none() {
            case.verdict.check(case_name, object.seal_attribute(name, value));
            continue;
        }
        let sealed = case.sealed.clone().map_or_else(
            || {
                let context = [&case.prelude.0[..], &[3, 0, 0, 0, 0], &format::lp(name_bytes)];
                let key = case.data_key.key();
                let sealed = tape.play(&case.salt.0, || message::seal(&engine, &key, &context, value).unwrap());
                let hash = case.sealed_sha256.as_ref().map(|hash| &hash.0[..]);
                assert_eq!(Some(Sha256::digest(&sealed).as_slice()), hash, "case {case_name}");
                sealed
            },
            |sealed| sealed.0,
        );
        let opened = case.verdict.check(case_name, object.open_attribute(name, &sealed));
        if let Some(opened) = opened {
            assert_eq!(&*opened, value, "case {case_name}");
            let again = tape.play(&case.salt.0, || object.seal_attribute(name, value));
            assert_eq!(again, Ok(sealed), "case {case_name}");
        }
    }
    assert!(not_text <= 1, "{not_text} names were passed over");
}

#[derive(Deserialize)]
struct WholeCase {
    name: String,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(flatten)]
    opening: Opening,
    generation: u64,
    min_generation: u64,
    salt: Hex,
    manifest: Hex,
    segments: Vec<StoredPart>,
    plaintext_len: usize,
    #[serde(default)]
    ranges: Vec<RangeOfCase>,
    head_unread: Option<Verdict>,
}

#[derive(Deserialize)]
struct StoredPart {
    part: u32,
    #[serde(default)]
    length: usize,
    #[serde(flatten)]
    stored: Stored,
}

#[derive(Deserialize)]
struct RangeOfCase {
    offset: u64,
    len: u64,
    sha256: Hex,
}

#[test]
fn wholes() {
    let (engine, tape) = Tape::engine();
    let keystores = keystores_by_name(&engine);
    let (mut sealed_again, mut unread) = (0, 0);
    for case in load::<WholeCase>("whole.json") {
        let (name, plain) = (&case.name, pattern_from(0, case.plaintext_len));
        let outcome = case.opening.open(&engine, &keystores).and_then(|object| {
            assert_eq!(object.prelude().shape(), Shape::Segmented);
            let manifest = object.open_manifest(&case.manifest.0, case.min_generation)?;
            Ok((object, manifest))
        });
        let (object, manifest) = match outcome {
            Ok(opened) => opened,
            Err(error) => {
                case.verdict.check::<()>(name, Err(error));
                continue;
            }
        };
        let (mut stored, mut start) = (vec![], 0);
        for part in &case.segments {
            let layout = Layout::from(part.stored.layout);
            let plain = pattern_from(start, part.length);
            let again = || seal_again(&tape, &object, part.part, part.stored.salt.as_ref().unwrap(), layout, &plain);
            let body = part.stored.body(again, name);
            let aside = part.stored.aside.0.clone();
            if case.verdict.is_valid() {
                let again = again();
                assert!(again.body == body && again.aside == aside, "case {name}");
                sealed_again += 1;
            }
            let receipt = Receipt { layout, body: body.len() as u64, ..no_receipt(part.part) };
            stored.push(Segment { receipt, body, aside });
            start += part.length;
        }
        let stored: Vec<&Segment> = (manifest.segments().iter())
            .map(|entry| stored.iter().find(|stored| stored.receipt.part == entry.part).expect("a part"))
            .collect();
        let layouts: Vec<Layout> = stored.iter().map(|stored| stored.layout()).collect();
        let map = Map::segmented(&manifest, &layouts).unwrap();

        let opened = (0..).zip(&stored).map(|(index, stored)| open_whole(&object, &map, index, stored));
        let outcome = opened.collect::<Result<Vec<_>>>().map(|pieces| pieces.concat());
        let opened = case.verdict.check(name, outcome);
        assert!(opened.is_none_or(|opened| opened == plain), "case {name}");
        if !case.verdict.is_truncated() {
            let verdict = case.head_unread.as_ref().unwrap_or(&case.verdict);
            let opened = verdict.check(name, read_range(&object, &map, &stored, 0, manifest.plain_len()));
            assert!(opened.is_none_or(|opened| opened == plain), "case {name}");
            unread += u32::from(case.head_unread.is_some());
        }
        for range in &case.ranges {
            let read = read_range(&object, &map, &stored, range.offset, range.len).unwrap();
            assert_eq!(read.len() as u64, range.len, "case {name}");
            assert_eq!(Sha256::digest(&read).as_slice(), range.sha256.0, "case {name}");
        }
        if case.verdict.is_valid() {
            let receipts: Vec<Receipt> = manifest.segments().iter().map(receipt_of).collect();
            let again = Manifest::new(case.generation, &receipts).unwrap();
            assert_eq!(tape.play(&case.salt.0, || object.seal_manifest(&again)), Ok(case.manifest.0), "case {name}");
        }
    }
    assert!(sealed_again > 30 && unread > 3, "only {sealed_again} were sealed again, {unread} read without the head");
}

/// What a reader of a stored part does not have.
fn no_receipt(part: u32) -> Receipt {
    Receipt { part, layout: Layout::Inline, head: [UNTOUCHED; 56], plain: 0, body: 0, crc64_plain: 0, crc32c_body: 0 }
}

fn receipt_of(segment: &ossenc::Segment) -> Receipt {
    Receipt { head: segment.head, plain: segment.plain_len, ..no_receipt(segment.part) }
}
