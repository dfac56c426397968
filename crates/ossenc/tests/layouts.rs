//! The three layouts of the same message, and what moves between them; sealing in steps of any size.

mod common;

use common::parts::{GROUP_LEN, layouts, lengths, object};
use common::pieces::{InPlace, Scattered};
use common::segments::{LAYOUTS, Segment, Whole, open_whole, plan_in_pages, room};
use common::store::Store;
use common::{UNTOUCHED, cases, pattern, pattern_from, untouched};
use ossenc::message::Sealer;
use ossenc::message::size::{self, CHUNK_LEN, HEAD_LEN, TAG_LEN};
use ossenc::{Error, Layout, Object, PAGE_LEN, convert_group, group, groups};
use proptest::prelude::*;

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
