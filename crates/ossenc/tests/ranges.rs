//! Plans of ranges against the obvious one, and the extents that they give.

mod common;

use common::parts::{GROUP_LEN, STORE, layouts, lengths, object, parts_of, receipt};
use common::pieces::Scattered;
use common::segments::{LAYOUTS, Segment, Whole, open_extent, plan_in_pages};
use common::{UNTOUCHED, cases, pattern, pattern_from, plan, untouched};
use ossenc::message::Progress;
use ossenc::message::size::{self, CHUNK_LEN, HEAD_LEN, TAG_LEN};
use ossenc::pieces::Slices;
use ossenc::{Error, Extent, Layout, Manifest, Map, Receipt};
use proptest::prelude::*;

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
