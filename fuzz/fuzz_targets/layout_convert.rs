//! Conversion from layout to layout: the bytes are those of sealing in that layout, and come back; a segment that was
//! damaged before is converted into one that is damaged, or is refused, and never opens to anything else.
#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use ossenc::{Error, Layout};
use ossenc_fuzz::output::pattern;
use ossenc_fuzz::segments::Segment;
use ossenc_fuzz::{SEGMENTED, layout, plain_len};

#[derive(Debug)]
struct Case {
    plain_len: usize,
    path: [Layout; 3],
    /// A bit that is flipped before.
    damage: Option<u32>,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Case> {
        let path = [layout(u)?, layout(u)?, layout(u)?];
        // Now and then a little more than a group.
        let groups = if u.ratio(49, 50)? { 0 } else { 4 << 20 };
        Ok(Case { plain_len: groups + plain_len(u)?, path, damage: u.arbitrary()? })
    }
}

fuzz_target!(|case: Case| {
    let object = &SEGMENTED.0;
    let plain = pattern(case.plain_len);
    let original = Segment::seal(object, 1, case.path[0], &plain);
    let there = original.converted(case.path[1]).converted(case.path[2]);
    let (body, aside) = case.path[2].size(plain.len() as u64).unwrap();
    assert_eq!((there.body.len() as u64, there.aside.len() as u64), (body, aside));
    assert!(there == original.converted(case.path[2]), "the way does not matter");
    assert!(there.converted(case.path[0]) == original, "and leads back");
    assert!(there.open(object).as_deref() == Ok(&plain));

    let Some(bit) = case.damage else { return };
    let mut damaged = original.clone();
    damaged.flip(bit as usize % (original.stored_len() * 8));
    let Some(moved) = damaged.try_converted(case.path[1]) else { return };
    match (damaged.open(object), moved.open(object)) {
        (Err(Error::Chunk { chunk: a }), Err(Error::Chunk { chunk: b })) => assert_eq!(a, b),
        (Ok(_), Ok(opened)) => assert!(opened == plain, "padding"),
        (before, after) => panic!("{:?} and then {:?}", before.err(), after.err()),
    }
});
