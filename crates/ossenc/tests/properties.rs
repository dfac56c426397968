//! What holds for every length, every cut of the buffers, every range, and for damage at every place.

mod common;

use std::ops::Range;
use std::sync::LazyLock;

use common::entropy::Tape;
use common::pieces::{InPlace, Scattered};
use common::store::{self, ALLOW, PLACE, Store, map_of, seal};
use common::vectors::status;
use common::{UNTOUCHED, assert_released, cases, head, open_stream, pattern, plan};
use ossenc::message::size::{self, CHUNK_LEN, HEAD_LEN, STORED_CHUNK_LEN, TAG_LEN};
use ossenc::message::{self, Opener, Progress, Sealer, Window};
use ossenc::pieces::Slices;
use ossenc::{Change, Error, Extent, Layout, Map, Object, Result, Rewrap, Secret};
use proptest::prelude::*;

const CONTEXT: &[&[u8]] = &[b"some ", b"context"];

static STORE: LazyLock<Store> = LazyLock::new(Store::with_oss);

fn key() -> Secret {
    Secret::new(&[7; 32])
}

/// Up to five chunks, and mostly near an edge.
fn lengths() -> impl Strategy<Value = usize> {
    let near_edge = (0..=5usize, 0..40usize).prop_map(|(chunks, n)| (chunks * CHUNK_LEN + n).saturating_sub(20));
    prop_oneof![3 => near_edge.prop_map(|n| n.min(5 * CHUNK_LEN)), 1 => 0..=5 * CHUNK_LEN, 1 => 0..200usize]
}

/// How buffers are cut: single bytes, cuts inside tags, whole stored chunks, anything.
fn cuts() -> impl Strategy<Value = Vec<usize>> {
    let piece = prop_oneof![1..=3usize, 1..=100usize, CHUNK_LEN - 2..=STORED_CHUNK_LEN + 2, 0..=60_000usize];
    prop::collection::vec(piece, 0..6).prop_map(|mut cuts| {
        // Some large piece among them, so that a case does not take a call for every byte.
        cuts.push(20_000);
        cuts
    })
}

fn flip(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    flipped[bit / 8] ^= 1 << (bit % 8);
    flipped
}

// --- Sealing and opening --------------------------------------------------------------------------------------------

/// Seals in calls of `next` that offer so many plaintext bytes and so much room, then finishes.
fn seal_in_steps(mut sealer: Sealer, plain: &[u8], steps: &[(usize, usize)], cuts: [&[usize]; 2]) -> Vec<u8> {
    let (mut at, mut sealed) = (0, vec![]);
    for (offered, room) in steps {
        let source = &plain[at..plain.len().min(at + offered)];
        let mut target = vec![UNTOUCHED; *room];
        let head = if sealed.is_empty() { HEAD_LEN } else { 0 };
        let progress = sealer.next(&mut Scattered::cut(source, cuts[0], &mut target, cuts[1])).unwrap();
        let Progress { consumed, written, aside } = progress;
        let whole = (source.len() / CHUNK_LEN).min(room.saturating_sub(head) / STORED_CHUNK_LEN);
        assert_eq!(consumed, whole * CHUNK_LEN, "as many whole chunks as there are bytes and room for");
        assert_eq!(aside, 0, "INLINE has nothing aside");
        assert_eq!(written, if *room < head { 0 } else { head + whole * STORED_CHUNK_LEN });
        assert!(target[written..].iter().all(|byte| *byte == UNTOUCHED));
        at += consumed;
        sealed.extend_from_slice(&target[..written]);
    }
    let needed = size::sealed_len(plain.len() as u64).unwrap() as usize - sealed.len();
    let mut target = vec![UNTOUCHED; needed];
    let too_small = &mut target[..needed - 1];
    assert_eq!(sealer.finish(&mut Slices::new(&plain[at..], too_small)), Err(Error::Buffer { needed }));
    let progress = sealer.finish(&mut Scattered::cut(&plain[at..], cuts[0], &mut target, cuts[1]));
    assert_eq!(progress, Ok(Progress { consumed: plain.len() - at, written: needed, aside: 0 }));
    assert_eq!(sealer.plain_len(), Some(plain.len() as u64));
    assert!(matches!(sealer.finish_slice(&[], &mut [0; 16]), Err(Error::State(_))), "finished is finished");
    sealed.extend_from_slice(&target);
    sealed
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn any_way_of_sealing_gives_the_same_message(
        len in lengths(),
        steps in prop::collection::vec((0..60_000usize, 0..60_000usize), 0..5),
        source_cuts in cuts(),
        target_cuts in cuts(),
    ) {
        let (engine, tape) = Tape::engine();
        let (plain, salt) = (pattern(len), [3; 24]);
        let at_once = tape.play(&salt, || message::seal(&engine, &key(), CONTEXT, &plain).unwrap());

        let sealer = tape.play(&salt, || Sealer::new(&engine, &key(), CONTEXT).unwrap());
        prop_assert!(seal_in_steps(sealer, &plain, &steps, [&source_cuts, &target_cuts]) == at_once);

        let mut sealer = tape.play(&salt, || Sealer::new(&engine, &key(), CONTEXT).unwrap());
        let mut in_place = InPlace::to_seal(&plain);
        sealer.finish(&mut in_place).unwrap();
        prop_assert!(in_place.message() == at_once);
    }

    #[test]
    fn any_way_of_opening_gives_the_plaintext(len in lengths(), reads in cuts(), target_cuts in cuts()) {
        let (engine, plain) = (&STORE.engine, pattern(len));
        let sealed = message::seal(engine, &key(), CONTEXT, &plain).unwrap();
        prop_assert!(*message::open(engine, &key(), CONTEXT, &sealed).unwrap() == plain);

        let (outcome, released) = open_stream(engine, &key(), CONTEXT, &sealed, &reads);
        prop_assert_eq!(outcome, Ok(()));
        prop_assert!(released == plain);

        let opener = Opener::new(engine, &key(), CONTEXT, &head(&sealed)).unwrap();
        let all = whole_message(len as u64);
        let mut out = vec![UNTOUCHED; len];
        opener.open(&all, &mut Scattered::cut(&sealed[HEAD_LEN..], &reads, &mut out, &target_cuts)).unwrap();
        prop_assert!(out == plain);

        let mut in_place = InPlace::to_open(&sealed[HEAD_LEN..]);
        opener.open(&all, &mut in_place).unwrap();
        prop_assert!(in_place.body == plain);
    }

    /// silo #119 in another system: lengths of parts were stored as those of their ciphertext.
    #[test]
    fn every_length_says_what_is_there(len in lengths()) {
        let (object, _) = STORE.create();
        let body = seal(&object, &pattern(len));
        let stored = body.len() as u64;
        prop_assert_eq!(size::sealed_len(len as u64), Ok(stored));
        prop_assert_eq!(size::plain_len(stored), Ok(len as u64));
        prop_assert_eq!(Layout::Inline.size(len as u64), Ok((stored, 0)));
        let map = Map::single(Layout::Inline, stored, None, None).unwrap();
        prop_assert_eq!(map.plain_len(), len as u64);
        let chunks: Vec<usize> = body[HEAD_LEN..].chunks(STORED_CHUNK_LEN).map(|chunk| chunk.len() - TAG_LEN).collect();
        prop_assert_eq!(chunks.len() as u64, size::chunks(len as u64));
        prop_assert_eq!(chunks.iter().sum::<usize>(), len);
        for (k, chunk) in chunks.into_iter().enumerate() {
            prop_assert_eq!(size::chunk_len(len as u64, k as u64), chunk);
        }
    }
}

fn whole_message(plain_len: u64) -> Window {
    Window { plain_len, chunk: 0, chunks: size::chunks(plain_len), skip: 0, take: plain_len, tags_aside: false }
}

// --- Ranges ---------------------------------------------------------------------------------------------------------

/// An object's body, and how a daemon reads it.
struct Stored {
    object: Object,
    plain: Vec<u8>,
    body: Vec<u8>,
}

impl Stored {
    fn new(len: usize) -> Stored {
        let (object, plain) = (STORE.create().0, pattern(len));
        let body = seal(&object, &plain);
        Stored { object, plain, body }
    }

    fn map(&self, trusted: bool) -> Map {
        map_of(&self.body, trusted.then_some(self.plain.len() as u64)).unwrap()
    }

    /// Reads an extent of `body`, which may be damaged, into an output that is longer than it has to be.
    fn read(&self, body: &[u8], extent: &Extent, verify_only: bool, cuts: [&[usize]; 2]) -> (Result<()>, Vec<u8>) {
        let opener = match self.object.opener(&map_of(body, None).unwrap(), 0) {
            Ok(opener) => opener,
            Err(error) => return (Err(error), vec![]),
        };
        let source = &body[extent.body_off as usize..][..extent.body as usize];
        let mut out = vec![UNTOUCHED; extent.take as usize + 3];
        let outcome = opener.open_extent(extent, verify_only, &mut Scattered::cut(source, cuts[0], &mut out, cuts[1]));
        (outcome, out)
    }
}

fn plan_one(map: &Map, offset: u64, len: u64, align: u64) -> Option<Extent> {
    let mut out = [Extent::default(); 2];
    let (n, next) = map.plan(offset, len, align, &mut out).unwrap();
    assert_eq!(next, offset.saturating_add(len));
    assert!(n <= 1, "a single segment takes one extent");
    (n == 1).then_some(out[0])
}

/// The length of an object of at most five chunks, and the offset and length of a range inside it, around its end,
/// beyond it, or anywhere.
fn reads() -> impl Strategy<Value = (u64, u64, u64)> {
    let at = || lengths().prop_map(|n| n as u64);
    let range = prop_oneof![
        2 => (at(), at()).prop_map(|(a, b)| (a.min(b), a.abs_diff(b))),
        1 => (at(), 0..20u64),
        1 => at().prop_map(|offset| (offset, u64::MAX)),
        1 => (any::<u64>(), any::<u64>()),
    ];
    let anywhere = (at(), range).prop_map(|(plain_len, (offset, len))| (plain_len, offset, len));
    let around_the_end = (at(), at(), 0..3u64, any::<bool>()).prop_map(|(plain_len, offset, by, begins)| {
        let edge = (plain_len + by).saturating_sub(1);
        if begins { (plain_len, edge, offset) } else { (plain_len, offset.min(edge), edge.saturating_sub(offset)) }
    });
    prop_oneof![2 => anywhere, 1 => around_the_end]
}

/// 0, or any power of two.
fn alignments() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), (0..20u32).prop_map(|n| 1 << n), (0..64u32).prop_map(|n| 1 << n)]
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_plan_is_the_one_made_by_hand((plain_len, offset, len) in reads(), trusted: bool, align in alignments()) {
        let body_len = size::sealed_len(plain_len).unwrap();
        let map = Map::single(Layout::Inline, body_len, trusted.then_some(plain_len), None).unwrap();
        prop_assert_eq!(plan_one(&map, offset, len, align), plan::plan(&[(Layout::Inline, plain_len)], trusted, offset, len, align).pop());
    }

    /// A plan far inside a large object is that of a small one, moved. RUSTSEC-2025-0009 in another library: an
    /// overflow at 64 GB.
    #[test]
    fn a_plan_at_a_tebibyte_is_a_small_one_moved(
        (offset, len) in (0..5 * CHUNK_LEN as u64, 0..5 * CHUNK_LEN as u64),
        plain_len in lengths(),
        trusted: bool,
        align in (0..17u32).prop_map(|n| 1u64 << n),
        by in prop_oneof![Just(1u64 << 22), Just(1 << 26), Just((1 << 32) - (1 << 17)), 0..(1u64 << 31)],
    ) {
        let by = by / align * align;
        let map = |plain_len| {
            let body_len = size::sealed_len(plain_len).unwrap();
            Map::single(Layout::Inline, body_len, trusted.then_some(plain_len), None).unwrap()
        };
        // Ranges that begin beyond the end are about the last chunk alone: they move, too.
        let small = plan_one(&map(plain_len as u64), offset, len, align);
        let moved = small.map(|small| Extent {
            chunk: small.chunk + by,
            body_off: small.body_off + by * STORED_CHUNK_LEN as u64,
            ..small
        });
        let far = by * CHUNK_LEN as u64;
        prop_assert_eq!(plan_one(&map(plain_len as u64 + far), offset + far, len, align), moved);
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn any_range_is_a_slice_of_the_plaintext(
        (plain_len, offset, len) in reads(),
        trusted: bool,
        align in alignments(),
        source_cuts in cuts(),
        target_cuts in cuts(),
    ) {
        let stored = Stored::new(plain_len as usize);
        let map = stored.map(trusted);
        let from = offset.min(plain_len) as usize;
        let wanted = &stored.plain[from..offset.saturating_add(len).min(plain_len) as usize];
        let Some(extent) = plan_one(&map, offset, len, align) else {
            prop_assert_eq!(wanted.len(), 0);
            return Ok(());
        };
        let (outcome, out) = stored.read(&stored.body, &extent, false, [&source_cuts, &target_cuts]);
        prop_assert_eq!(outcome, Ok(()));
        prop_assert!(out[..wanted.len()] == *wanted);
        prop_assert!(out[wanted.len()..].iter().all(|byte| *byte == UNTOUCHED));

        let (outcome, out) = stored.read(&stored.body, &extent, true, [&source_cuts, &target_cuts]);
        prop_assert_eq!(outcome, Ok(()));
        prop_assert!(out.iter().all(|byte| *byte == UNTOUCHED), "verifying writes nothing");
    }

    /// Whatever is wanted of a chunk, all of it is verified; of a bad chunk, nothing stays in the output.
    #[test]
    fn a_range_over_a_flipped_bit_is_refused_and_its_output_wiped(
        (plain_len, offset, len) in reads(),
        bit in any::<prop::sample::Index>(),
        source_cuts in cuts(),
        target_cuts in cuts(),
    ) {
        let stored = Stored::new(plain_len as usize);
        let map = stored.map(false);
        let Some(extent) = plan_one(&map, offset, len, 0) else { return Ok(()) };
        let bit = bit.index(stored.body.len() * 8);
        let (outcome, out) = stored.read(&flip(&stored.body, bit), &extent, false, [&source_cuts, &target_cuts]);
        let byte = (bit / 8) as u64;
        if byte < HEAD_LEN as u64 {
            prop_assert_eq!(outcome, Err(Error::Commit));
        } else if (extent.body_off..extent.body_off + extent.body).contains(&byte) {
            let chunk = (byte - HEAD_LEN as u64) / STORED_CHUNK_LEN as u64;
            prop_assert_eq!(outcome, Err(Error::Chunk { chunk }));
            let from = extent.chunk * CHUNK_LEN as u64 + extent.skip;
            let verified = (chunk * CHUNK_LEN as u64).saturating_sub(from) as usize;
            prop_assert!(out[..verified] == stored.plain[from as usize..][..verified]);
            let leaked = out[verified..].iter().find(|byte| ![0, UNTOUCHED].contains(byte));
            prop_assert_eq!(leaked, None);
        } else {
            prop_assert_eq!(outcome, Ok(()), "the bit is nowhere in the extent");
        }
    }

    /// Numbers from outside, be they as they may, are refused without a panic.
    #[test]
    fn extents_and_windows_of_any_numbers_are_refused_or_right(
        [chunk, body_off, lead, skip, take] in numbers(),
        (segment, last) in (0..2u32, any::<bool>()),
        [plain_len, chunks, window_skip, window_take] in numbers(),
    ) {
        let stored = Stored::new(2 * CHUNK_LEN + 5);
        let opener = stored.object.opener(&stored.map(true), 0).unwrap();
        let extent = Extent { segment, last, chunk, body_off, body: 0, aside_off: 0, aside: 0, lead, skip, take };
        let mut out = vec![UNTOUCHED; stored.plain.len()];
        let outcome = opener.open_extent(&extent, false, &mut Slices::new(&stored.body, &mut out));
        if outcome.is_ok() {
            let from = chunk as usize * CHUNK_LEN + skip as usize;
            prop_assert!(out[..take as usize] == stored.plain[from..][..take as usize]);
        }
        let sealed = message::seal(&STORE.engine, &key(), CONTEXT, &stored.plain).unwrap();
        let opener = Opener::new(&STORE.engine, &key(), CONTEXT, &head(&sealed)).unwrap();
        let window = Window { plain_len, chunk, chunks, skip: window_skip, take: window_take, tags_aside: false };
        let _ = opener.open(&window, &mut Slices::new(&sealed[HEAD_LEN..], &mut out));
    }
}

/// Small numbers, numbers around the limits, any numbers.
fn numbers<const N: usize>() -> impl Strategy<Value = [u64; N]> {
    let limits = prop::sample::select(vec![1 << 32, size::MAX_PLAIN_LEN, size::MAX_SEALED_LEN, 1 << 63, u64::MAX]);
    let number = prop_oneof![
        4 => 0..4u64,
        2 => 0..40_000u64,
        1 => (limits, 0..3u64).prop_map(|(n, by)| n.wrapping_add(by).wrapping_sub(1)),
        1 => any::<u64>(),
    ];
    prop::collection::vec(number, N).prop_map(|numbers| numbers.try_into().unwrap())
}

// --- Damage ---------------------------------------------------------------------------------------------------------

/// Opens a damaged body in every way there is: all have to say the same, and to leave no plaintext behind.
#[track_caller]
fn assert_refused(object: &Object, body: &[u8], plain: &[u8], expected: Error) {
    let mut out = vec![UNTOUCHED; body.len()];
    let outcome = object.open_body(0, body, &mut out).map(|_| ());
    assert_eq!(outcome, Err(expected));
    assert_released(plain, &outcome, &out);
    let Ok(plain_len) = size::plain_len(body.len() as u64) else { return };

    let mut out = vec![UNTOUCHED; plain_len as usize];
    let map = map_of(body, None).unwrap();
    let by_extent = object.opener(&map, 0).and_then(|opener| {
        let all = plan_one(&map, 0, plain_len, 0).expect("the end is to be proved");
        let mut pieces = Scattered::cut(&body[HEAD_LEN..], &[1_000, STORED_CHUNK_LEN], &mut out, &[700]);
        opener.open_extent(&all, false, &mut pieces)
    });
    assert_eq!(by_extent, Err(expected));
    assert_released(plain, &by_extent, &out);
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn a_flipped_bit_of_a_body_is_an_error_of_its_chunk(len in lengths(), bit in any::<prop::sample::Index>()) {
        let Stored { object, plain, body } = Stored::new(len);
        let bit = bit.index(body.len() * 8);
        let expected = match (bit / 8).checked_sub(HEAD_LEN) {
            None => Error::Commit,
            Some(at) => Error::Chunk { chunk: (at / STORED_CHUNK_LEN) as u64 },
        };
        assert_refused(&object, &flip(&body, bit), &plain, expected);
    }

    #[test]
    fn a_truncated_or_extended_body_is_refused(len in lengths(), other in lengths(), byte: u8) {
        let Stored { object, plain, mut body } = Stored::new(len);
        let (before, after) = (body.len(), other + HEAD_LEN + TAG_LEN - 20.min(other));
        prop_assume!(before != after);
        body.resize(after, byte);
        assert_refused(&object, &body, &plain, resized(before, after));
        let trusted = Map::single(Layout::Inline, after as u64, Some(len as u64), None);
        prop_assert_eq!(trusted, Err(Error::Truncated), "who knows the length sees it at once");
    }

    /// tink-cc PR 21 in another library: bytes after a last segment that was full were accepted.
    #[test]
    fn bytes_after_whole_chunks_are_refused(chunks in 0..4usize, more in 1..3 * TAG_LEN, byte: u8) {
        let Stored { object, plain, mut body } = Stored::new(chunks * CHUNK_LEN);
        let before = body.len();
        body.resize(before + more, byte);
        assert_refused(&object, &body, &plain, resized(before, before + more));
    }

    /// What an attacker makes of an envelope of two slots opens to the same object, or to none.
    #[test]
    fn a_flipped_bit_of_two_slots_never_opens_another_object(bit in any::<prop::sample::Index>()) {
        let mut store = Store::with_oss();
        store.apply(&Change::Create { key_id: "second" });
        let (object, envelope) = store.create();
        let to = ossenc::Recipient::oss("second");
        let rewrap = Rewrap { to: Some(to), keep_slots: true, ..Rewrap::default() };
        let envelope = store.rewrap(&envelope, &rewrap).unwrap();
        let flipped = flip(&envelope, bit.index(envelope.len() * 8));
        let allow = ossenc::Expect { key_ids: &["oss", "second"], ..ALLOW };
        if let Ok(opened) = store.open_at(&flipped, &PLACE, &allow) {
            prop_assert_eq!(opened.prelude(), object.prelude());
            prop_assert_eq!(store::open(&object, &seal(&opened, b"hello")), Ok(b"hello".to_vec()));
        }
    }
}

/// How a body of `before` bytes is refused once it has `after`: where no message ends, at once; else in the first chunk
/// that has another end.
fn resized(before: usize, after: usize) -> Error {
    if after < HEAD_LEN + TAG_LEN || (after - HEAD_LEN) % STORED_CHUNK_LEN < TAG_LEN {
        return Error::Truncated;
    }
    Error::Chunk { chunk: ((before.min(after) - HEAD_LEN) / STORED_CHUNK_LEN) as u64 }
}

/// Flips every bit, and compares the status with those that its field may give.
fn assert_every_flip_refused<T>(bytes: &[u8], fields: &[(Range<usize>, &[&str])], open: impl Fn(&[u8]) -> Result<T>) {
    let mut end = 0;
    for (field, statuses) in fields {
        assert_eq!(field.start, end, "the fields follow each other");
        end = field.end;
        let mut seen = vec![];
        for bit in field.start * 8..field.end * 8 {
            let status = match open(&flip(bytes, bit)) {
                Ok(_) => panic!("opens with bit {bit} flipped"),
                Err(error) => status(&error),
            };
            assert!(statuses.contains(&status), "bit {} of byte {}: {status}", bit % 8, bit / 8);
            seen.push(status);
        }
        assert!(statuses.iter().all(|status| seen.contains(status)), "{field:?}: {statuses:?}, but never all of them");
    }
    assert_eq!(end, bytes.len(), "the fields are all of it");
}

#[test]
fn every_flipped_bit_of_an_envelope_is_refused() {
    let envelope = STORE.create().1;
    let fields: [(Range<usize>, &[&str]); 18] = [
        (0..6, &["FORMAT"]),                // magic
        (6..9, &["TOONEW"]),                // version, suite, shape
        (9..16, &["FORMAT"]),               // reserved
        (16..32, &["COMMIT"]),              // object id
        (32..36, &["FORMAT"]),              // number and length of the slots
        (36..38, &["FORMAT"]),              // length of the slot's head
        (38..40, &["TOONEW", "FORMAT"]),    // method, kind
        (40..48, &["COMMIT"]),              // time
        (48..49, &["FORMAT"]),              // length of the provider
        (49..50, &["FORMAT"]),              // length of the key id
        (50..53, &["EXPECT", "FORMAT"]),    // "oss"
        (53..54, &["FORMAT"]),              // length of the version
        (54..55, &["NOVERSION", "FORMAT"]), // "1"
        (55..56, &["FORMAT"]),              // length of the bucket key id
        (56..58, &["FORMAT"]),              // length of the outer blob
        (58..82, &["COMMIT"]),              // salt
        (82..114, &["COMMIT"]),             // commitment
        (114..162, &["COMMIT"]),            // wrapped data key and its tag
    ];
    assert_every_flip_refused(&envelope, &fields, |envelope| STORE.open(envelope));
}

#[test]
fn every_flipped_bit_of_a_keystore_image_is_refused() {
    let header_len = 40;
    let fields: [(Range<usize>, &[&str]); 8] = [
        (0..7, &["FORMAT"]),                              // magic
        (7..8, &["TOONEW"]),                              // version
        (8..24, &["COMMIT"]),                             // keystore id
        (24..32, &["COMMIT", "FORMAT"]),                  // generation
        (32..33, &["TOONEW", "FORMAT"]),                  // length of the root key's id
        (33..39, &["COMMIT", "FORMAT"]),                  // "root-1"
        (39..header_len, &["TOONEW"]),                    // KDF
        (header_len..header_len + HEAD_LEN, &["COMMIT"]), // salt, commitment
    ];
    let chunk = header_len + HEAD_LEN..STORE.image.len();
    let fields: Vec<_> = fields.into_iter().chain([(chunk, &["CHUNK"][..])]).collect();
    assert_every_flip_refused(&STORE.image, &fields, |image| STORE.load(image));
}

#[test]
fn every_truncated_or_extended_envelope_is_malformed() {
    let envelope = STORE.create().1;
    let extended = (1..300).map(|n| [&envelope[..], &vec![0; n]].concat());
    for bytes in (0..envelope.len()).map(|n| envelope[..n].to_vec()).chain(extended) {
        assert!(matches!(STORE.open(&bytes), Err(Error::Format(_))), "{} bytes", bytes.len());
    }
}

#[test]
fn every_truncated_or_extended_keystore_image_is_refused() {
    let (image, header_len) = (&STORE.image, 40);
    for n in 0..image.len() {
        let expected = match n {
            _ if n < header_len => "FORMAT",
            _ if n < header_len + HEAD_LEN + TAG_LEN => "TRUNCATED",
            _ => "CHUNK",
        };
        assert_eq!(STORE.load(&image[..n]).map(|_| ()).map_err(|error| status(&error)), Err(expected), "{n} bytes");
    }
    for n in 1..300 {
        let extended = [&image[..], &vec![0; n]].concat();
        assert_eq!(STORE.load(&extended).map(|_| ()), Err(Error::Chunk { chunk: 0 }), "{n} bytes more");
    }
}
