//! Plans: for small segments, those that are made by hand, chunk after chunk, however they are paged; for large ones,
//! what has to hold of any.
#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use ossenc::message::size;
use ossenc::{Error, Extent, Layout, Manifest, Map, Receipt};
use ossenc_fuzz::layout;
use ossenc_fuzz::plan::plan;
use ossenc_fuzz::segments::plan_in_pages;

#[derive(Debug)]
enum Case {
    Single(Single),
    Segmented(Segmented),
}

#[derive(Debug)]
struct Single {
    plain_len: u64,
    trusted: bool,
    offset: u64,
    len: u64,
    align: u64,
    room: usize,
}

/// Segments of at most a little over one group each.
#[derive(Debug)]
struct Segmented {
    segments: Vec<(Layout, u64)>,
    offset: u64,
    len: u64,
    align: u64,
    room: usize,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Case> {
        if u.arbitrary()? {
            let segments = (0..u.int_in_range(0..=5)?).map(|_| Ok((layout(u)?, near_an_edge(u)?)));
            return Ok(Case::Segmented(Segmented {
                segments: segments.collect::<Result<_>>()?,
                offset: number(u)?,
                len: number(u)?,
                align: 1 << u.int_in_range(0..=63)?,
                room: u.int_in_range(1..=4)?,
            }));
        }
        Ok(Case::Single(Single {
            plain_len: number(u)?,
            trusted: u.arbitrary()?,
            offset: number(u)?,
            len: number(u)?,
            align: if u.ratio(1, 20)? { u.arbitrary()? } else { 1 << u.int_in_range(0..=63)? },
            room: u.int_in_range(0..=2)?,
        }))
    }
}

fn number(u: &mut Unstructured<'_>) -> Result<u64> {
    match u.int_in_range(0..=3)? {
        0 => u.arbitrary(),
        1 => Ok(u.arbitrary::<u64>()? & size::MAX_PLAIN_LEN),
        _ => near_an_edge(u),
    }
}

fn near_an_edge(u: &mut Unstructured<'_>) -> Result<u64> {
    let chunks: u64 = if u.arbitrary()? { u.int_in_range(0..=4)? } else { u.int_in_range(0..=270)? };
    Ok((chunks * 16_384 + u.int_in_range(0..=40)?).saturating_sub(20))
}

fuzz_target!(|case: Case| match case {
    Case::Single(case) => single(&case),
    Case::Segmented(case) => segmented(&case),
});

fn segmented(case: &Segmented) {
    let Segmented { segments, offset, len, align, room } = case;
    let receipt = |part, plain| Receipt {
        part,
        layout: Layout::Inline,
        head: [0; 56],
        plain,
        body: 0,
        crc64_plain: 0,
        crc32c_body: 0,
    };
    let receipts: Vec<Receipt> = (1..).zip(segments).map(|(part, (_, plain))| receipt(part, *plain)).collect();
    let layouts: Vec<Layout> = segments.iter().map(|(layout, _)| *layout).collect();
    let map = Map::segmented(&Manifest::new(1, &receipts).unwrap(), &layouts).unwrap();
    assert_eq!(plan_in_pages(&map, *offset, *len, *align, *room), plan(segments, true, *offset, *len, *align));
}

fn single(case: &Single) {
    let Single { plain_len, trusted, offset, len, align, room } = *case;
    let Ok(body_len) = size::sealed_len(plain_len) else {
        assert!(plain_len > size::MAX_PLAIN_LEN);
        let _ = Map::single(Layout::Inline, plain_len, None, None);
        return;
    };
    let map = Map::single(Layout::Inline, body_len, trusted.then_some(plain_len), None).unwrap();
    assert_eq!(map.plain_len(), plain_len);
    let mut out = [Extent::default(); 2];
    let planned = map.plan(offset, len, align, &mut out[..room]);
    if align != 0 && !align.is_power_of_two() {
        assert!(matches!(planned, Err(Error::Argument(_))));
        return;
    }
    let extent = match planned {
        Err(error) => {
            assert_eq!((error, room), (Error::Buffer { needed: 1 }, 0));
            map.plan(offset, len, align, &mut out[..1]).expect("there is room now");
            Some(out[0])
        }
        Ok((n, next)) => {
            assert_eq!(next, offset.saturating_add(len));
            assert!(n <= 1);
            (n == 1).then_some(out[0])
        }
    };
    if plain_len < 80 * 16_384 {
        assert_eq!(extent, plan(&[(Layout::Inline, plain_len)], trusted, offset, len, align).pop());
    }

    // In 128 bits nothing overflows.
    let [plain_len, body_len, offset, len] = [plain_len, body_len, offset, len].map(u128::from);
    let wanted = plain_len.min(offset + len).saturating_sub(offset);
    let Some(extent) = extent else {
        assert!(wanted == 0 && (trusted || offset + len < plain_len));
        return;
    };
    let [chunk, start, bytes, lead, skip, take] =
        [extent.chunk, extent.body_off, extent.body, extent.lead, extent.skip, extent.take].map(u128::from);
    assert_eq!(take, wanted);
    assert!(start.is_multiple_of(align.max(1).into()) && start + bytes <= body_len);
    assert!(start + bytes == body_len || (start + bytes).is_multiple_of(align.max(1).into()));
    assert_eq!(start + lead, 56 + chunk * 16_400);
    assert!(skip < 16_384 && (take == 0 || chunk * 16_384 + skip == offset));
    let chunks = (skip + take).div_ceil(16_384).max(1)
        + u128::from(take > 0 && extent.last && (skip + take).is_multiple_of(16_384));
    assert!(lead + chunks * 16_400 <= bytes || extent.last, "whole chunks are read");
    assert_eq!(extent.last, chunk + chunks == plain_len / 16_384 + 1);
    assert!(trusted || offset + len < plain_len || extent.last, "the end is proved");
}
