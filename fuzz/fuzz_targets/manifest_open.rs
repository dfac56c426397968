//! Manifests of any fields, sealed under the known key, and edits of what was sealed: what opens is what was sealed, obeys
//! every rule of docs/FORMAT.md, section 8, and makes maps whose plans add up.
#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use ossenc::{Error, Extent, Manifest, Map, Receipt, Secret, message};
use ossenc_fuzz::format::{self, ManifestEntry};
use ossenc_fuzz::{Edit, SEGMENTED, STORE, layout};

#[derive(Debug)]
struct Case {
    body: Vec<u8>,
    min_generation: u64,
    edits: Vec<Edit>,
    layout: ossenc::Layout,
    range: (u64, u64),
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Case> {
        let min_generation = if u.ratio(9, 10)? { u.int_in_range(0..=3)? } else { u.arbitrary()? };
        let (layout, range) = (layout(u)?, u.arbitrary()?);
        let edits = if u.ratio(1, 4)? { u.arbitrary()? } else { vec![] };
        let body = if u.ratio(9, 10)? { fields(u)? } else { u.arbitrary()? };
        Ok(Case { body, min_generation, edits, layout, range })
    }
}

/// A body that is right in most of its fields.
fn fields(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let (mut entries, mut part, mut offset) = (vec![], 0u32, 0u64);
    for _ in 0..u.int_in_range(0..=20)? {
        part = if u.ratio(19, 20)? { part.wrapping_add(u.int_in_range(1..=3)?) } else { u.arbitrary()? };
        let length = if u.ratio(4, 5)? {
            u.int_in_range(0..=100_000)?
        } else {
            u.arbitrary::<u64>()? >> u.int_in_range(0..=40)?
        };
        let told = if u.ratio(39, 40)? { offset } else { u.arbitrary()? };
        entries.push(ManifestEntry { part, head: [part as u8; 56], length, offset: told });
        offset = offset.wrapping_add(length);
    }
    let version = if u.ratio(19, 20)? { 1 } else { u.arbitrary()? };
    let generation = if u.ratio(9, 10)? { u.int_in_range(0..=4)? } else { u.arbitrary()? };
    let total = if u.ratio(19, 20)? { offset } else { u.arbitrary()? };
    let n = if u.ratio(19, 20)? { entries.len() as u32 } else { u.arbitrary()? };
    let mut body = format::manifest_body(version, generation, total, n, &entries);
    if u.ratio(1, 20)? {
        u.arbitrary::<Edit>()?.apply(&mut body);
    }
    Ok(body)
}

/// Whether a body is right, read without the library.
fn is_right(body: &[u8]) -> bool {
    let number = |at: usize| body.get(at..at + 8).map(|bytes| u64::from_be_bytes(bytes.try_into().unwrap()));
    let count = |at: usize| body.get(at..at + 4).map(|bytes| u32::from_be_bytes(bytes.try_into().unwrap()));
    let (Some(generation), Some(total), Some(n)) = (number(1), number(9), count(17)) else { return false };
    let entries: Vec<&[u8]> = body[21..].chunks(76).collect();
    let mut sum = 0u128;
    let mut last_part = 0;
    let rules = entries.iter().all(|entry| {
        let Ok(entry) = <&[u8; 76]>::try_from(*entry) else { return false };
        let part = u32::from_be_bytes(entry[..4].try_into().unwrap());
        let [length, offset] = [60, 68].map(|at| u64::from_be_bytes(entry[at..at + 8].try_into().unwrap()));
        let right = part > last_part && length < 1 << 46 && u128::from(offset) == sum;
        (last_part, sum) = (part, sum + u128::from(length));
        right
    });
    generation > 0 && rules && n <= 1 << 20 && entries.len() == n as usize && sum == u128::from(total)
}

fuzz_target!(|case: Case| {
    let (object, data_key) = &*SEGMENTED;
    let context = format::manifest_context(&format::prelude(2, &[4; 16]));
    let original = message::seal(&STORE.engine, &Secret::new(data_key), &[&context], &case.body).unwrap();
    let mut sealed = original.clone();
    case.edits.iter().for_each(|edit| edit.apply(&mut sealed));
    let outcome = object.open_manifest(&sealed, case.min_generation);
    if sealed != original {
        assert!(matches!(outcome, Err(Error::Truncated | Error::Commit | Error::Chunk { .. })), "{outcome:?}");
        return;
    }
    let manifest = match outcome {
        Ok(manifest) => manifest,
        Err(Error::TooNew(_)) => return assert_ne!(case.body.first(), Some(&1)),
        Err(Error::Manifest) => {
            return assert!(!is_right(&case.body) && case.body.first().is_none_or(|byte| *byte == 1));
        }
        Err(Error::Expect(_)) => return assert!(is_right(&case.body)),
        Err(error) => panic!("{error:?}"),
    };
    assert!(case.body[0] == 1 && is_right(&case.body) && manifest.generation() >= case.min_generation);

    // Made again of its segments, it is the same, and is kept whole.
    let receipt = |segment: &ossenc::Segment| Receipt {
        part: segment.part,
        layout: case.layout,
        head: segment.head,
        plain: segment.plain_len,
        body: 0,
        crc64_plain: 0,
        crc32c_body: 0,
    };
    let receipts: Vec<Receipt> = manifest.segments().iter().map(receipt).collect();
    assert_eq!(Manifest::new(manifest.generation(), &receipts).as_ref(), Ok(&manifest));
    let again = object.seal_manifest(&manifest).unwrap();
    assert_eq!(again.len(), manifest.sealed_len());
    let opened = message::open(&STORE.engine, &Secret::new(data_key), &[&context], &again).unwrap();
    assert!(*opened == case.body);

    // A page of a plan of any range stays inside the segments that it names.
    let map = Map::segmented(&manifest, &[case.layout]).unwrap();
    let mut out = [Extent::default(); 4];
    let (n, next) = map.plan(case.range.0, case.range.1, 4_096, &mut out).unwrap();
    assert!(next >= case.range.0);
    for extent in &out[..n] {
        let place = map.segment(extent.segment as usize).unwrap();
        assert!(extent.body_off + extent.body <= place.body_len && extent.take <= place.plain_len);
    }
});
