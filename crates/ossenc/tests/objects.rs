//! Objects and their envelopes: what opens, what is refused and why, and what a rewrap changes.

mod common;

use std::collections::HashSet;
use std::sync::Arc;

use common::entropy::{Counter, Failing, Tape};
use common::format::{self, Key, MessageKeys, SlotHead, data_context, split_envelope};
use common::store::{ALLOW, NOW, OSS, PLACE, Store, map_of, open, seal};
use common::{UNTOUCHED, assert_released, head, pattern};
use ossenc::message::size::{self, CHUNK_LEN, HEAD_LEN, STORED_CHUNK_LEN, TAG_LEN};
use ossenc::message::{self, Opener, Progress, StreamOpener, Window};
use ossenc::pieces::Slices;
use ossenc::{
    Change, Context, Engine, Entropy, Envelope, Error, Expect, Extent, Isa, Layout, MAX_SLOTS, Map, Method, Object,
    Recipient, Result, Rewrap, RewrapReasons, Secret, Shape, needs_rewrap,
};

const KMS: Recipient<'_> = Recipient::kms("oss");
const OTHER: Recipient<'_> = Recipient::oss("other");
const ALLOW_BOTH: Expect<'_> = Expect { methods: &[Method::SseOss], key_ids: &["oss", "other"] };

/// A store with the keys `oss` and `other`.
fn two_keys() -> Store {
    let mut store = Store::with_oss();
    store.apply(&Change::Create { key_id: "other" });
    store
}

// --- Objects --------------------------------------------------------------------------------------------------------

#[test]
fn an_object_of_0_bytes_is_an_object() {
    let store = Store::with_oss();
    let (object, envelope) = store.create();
    let body = seal(&object, b"");
    assert_eq!(body.len(), HEAD_LEN + TAG_LEN);
    assert_eq!(open(&store.open(&envelope).unwrap(), &body), Ok(vec![]));
    let map = map_of(&body, None).unwrap();
    let mut extents = [Extent::default()];
    assert_eq!(map.plan(0, 10, 0, &mut extents), Ok((1, 10)));
    assert_eq!((extents[0].last, extents[0].take, extents[0].body), (true, 0, 16), "that it is empty is proved");
    let opener = object.opener(&map, 0).unwrap();
    assert_eq!(opener.open_extent(&extents[0], false, &mut Slices::new(&body[HEAD_LEN..], &mut [])), Ok(()));
}

#[test]
fn an_envelope_of_one_local_slot_takes_at_most_256_bytes() {
    let id = "0123456789abcdef-0123-4567-89ab-cdef";
    assert_eq!(id.len(), 36);
    let mut key = Key::new(id, &[7; 32]);
    let largest = u64::MAX - 1;
    (key.primary, key.versions[0].number, key.next_version) = (largest, largest, u64::MAX);
    let mut store = Store::empty(Counter::engine());
    let header = format::keystore_header(&[1; 16], 1, "root-1");
    store.image = format::keystore_image(&store.engine, &store.root_key, &header, &format::keystore_body(&[key]));
    store.keystore = store.load(&store.image).unwrap();
    let recipient = Recipient::oss(id);
    let created = Object::create(&store.engine, &store.keystore, &recipient, &PLACE, Shape::Single, NOW);
    let envelope = created.unwrap().1;
    assert_eq!(envelope.len(), 158 + 36 + 20);
    assert!(envelope.len() <= 256);
}

#[test]
fn a_buffer_that_is_too_small_is_not_touched() {
    let (object, _) = Store::with_oss().create();
    let mut body = [UNTOUCHED; 76];
    assert_eq!(object.seal(0, Layout::Inline, b"hello", &mut body, &mut []), Err(Error::Buffer { needed: 77 }));
    assert_eq!(body, [UNTOUCHED; 76]);
    let body = seal(&object, b"hello");
    let mut plain = [UNTOUCHED; 4];
    assert_eq!(object.open_body(0, &body, &mut plain), Err(Error::Buffer { needed: 5 }));
    assert_eq!(plain, [UNTOUCHED; 4]);
}

// --- Nonces and randomness ------------------------------------------------------------------------------------------

/// rustfs PR 4576 elsewhere: the nonce came from bucket and key, so an overwrite repeated it.
#[test]
fn the_same_name_twice_gives_unrelated_outputs() {
    let store = Store::with_oss();
    let [first, second] = [(); 2].map(|()| {
        let (object, envelope) = store.create();
        let body = seal(&object, &[0; 64]);
        let (prelude, _, inner) = split_envelope(&envelope);
        let random = [object.prelude().object_id(), inner, &body].map(<[u8]>::to_vec);
        assert_eq!(prelude[16..], random[0]);
        (object, body, random)
    });
    for (a, b) in first.2.iter().zip(&second.2) {
        let windows: HashSet<&[u8]> = a.windows(4).collect();
        assert!(!b.windows(4).any(|window| windows.contains(window)), "four bytes that are in both");
    }
    assert_eq!(open(&second.0, &first.1), Err(Error::Commit));
}

/// ceph PR 69336 elsewhere: a part that was uploaded again had the key and the IV of the first time.
#[test]
fn sealing_again_never_repeats_a_key_with_a_nonce() {
    let (store, tape, data_key) = Store::with_tape();
    let (object, envelope) = tape.play(&[&[9; 16], &data_key[..], &[8; 24]].concat(), || store.create());
    let prelude = split_envelope(&envelope).0;
    let mut used = HashSet::new();
    for _ in 0..50 {
        let aborted = object.sealer(0, Layout::Inline).unwrap();
        let body = seal(&object, b"the same bytes");
        for head in [aborted.head(), &head(&body)] {
            let keys = MessageKeys::derive(&data_key, head.first_chunk().unwrap(), &data_context(prelude));
            assert_eq!(head[24..], keys.commitment);
            assert!(used.insert((keys.key, keys.base_nonce)), "a key and a nonce for the second time");
        }
    }
}

/// RUSTSEC-2023-0068 elsewhere: the state of a generator was cloned, and its nonces with it.
#[test]
fn a_cloned_engine_draws_afresh() {
    let store = Store::with_oss();
    let clone =
        Store { engine: store.engine.clone(), keystore: store.load(&store.image).unwrap(), ..Store::with_oss() };
    let (a, b) = (store.create(), clone.create());
    assert_ne!(a.0.prelude().object_id(), b.0.prelude().object_id());
    let twin = a.0.clone();
    assert_ne!(head(&seal(&a.0, b"x")), head(&seal(&twin, b"x")));

    // Nothing is drawn ahead: as many bytes as a salt has, at the time it is needed.
    let (engine, tape) = Tape::engine();
    let (first, second) = (engine.clone(), engine);
    for (engine, salt) in [(first, [1; 24]), (second, [2; 24])] {
        let sealed = tape.play(&salt, || message::seal(&engine, &Secret::new(&[7; 32]), &[], b"x").unwrap());
        assert_eq!(sealed[..24], salt);
    }
}

#[test]
fn nothing_is_written_when_entropy_fails_at_any_draw() {
    let (engine, source) = Failing::engine();
    let mut store = Store::empty(engine.clone());
    store.apply(&Change::Create { key_id: "oss" });
    let (object, envelope) = store.create();
    for works in 0..3 {
        source.arm(Some(works));
        let created = Object::create(&engine, &store.keystore, &OSS, &PLACE, Shape::Single, NOW);
        assert_eq!(created.err(), Some(Error::NoEntropy), "draw {works}");
    }
    source.arm(Some(3));
    assert!(Object::create(&engine, &store.keystore, &OSS, &PLACE, Shape::Single, NOW).is_ok());

    source.arm(Some(0));
    assert_eq!(store.rewrap(&envelope, &Rewrap::default()), Err(Error::NoEntropy));
    let mut body = [UNTOUCHED; 100];
    assert_eq!(object.seal(0, Layout::Inline, b"hello", &mut body, &mut []).err(), Some(Error::NoEntropy));
    assert_eq!(body, [UNTOUCHED; 100]);
    assert_eq!(object.sealer(0, Layout::Inline).err(), Some(Error::NoEntropy));
    assert!(store.open(&envelope).is_ok(), "opening draws nothing");
}

#[test]
fn an_entropy_source_that_plainly_does_not_work_is_refused() {
    struct Constant(u8);
    impl Entropy for Constant {
        fn fill(&self, out: &mut [u8]) -> Result<()> {
            out.fill(self.0);
            Ok(())
        }
    }
    struct Untouched;
    impl Entropy for Untouched {
        fn fill(&self, _: &mut [u8]) -> Result<()> {
            Ok(())
        }
    }
    struct Broken;
    impl Entropy for Broken {
        fn fill(&self, _: &mut [u8]) -> Result<()> {
            Err(Error::NoEntropy)
        }
    }
    let sources: [Arc<dyn Entropy>; 4] =
        [Arc::new(Constant(0)), Arc::new(Constant(9)), Arc::new(Untouched), Arc::new(Broken)];
    for (i, source) in sources.into_iter().enumerate() {
        assert_eq!(Engine::with(Isa::Best, source).err(), Some(Error::NoEntropy), "source {i}");
    }
}

// --- Envelopes that do not belong -----------------------------------------------------------------------------------

/// GHSA-3g75-q268-r9r6 and CVE-2025-14763 elsewhere: the wrapped key of an object could be replaced.
#[test]
fn slots_swapped_between_objects_are_refused() {
    let store = Store::with_oss();
    let elsewhere = Context { object: b"other.pdf", ..PLACE };
    let envelopes = [store.create().1, store.create().1, store.create_at(&elsewhere).1];
    for (i, a) in envelopes.iter().enumerate() {
        for b in envelopes.iter().skip(i + 1) {
            let mut swapped = split_envelope(a).0.to_vec();
            swapped.extend_from_slice(&b[format::PRELUDE_LEN..]);
            assert_eq!(store.open(&swapped).err(), Some(Error::Commit));
        }
    }
    assert_eq!(store.open(&envelopes[2]).err(), Some(Error::Commit), "a whole envelope, in another place");
}

/// CVE-2026-34204 elsewhere: a client could inject the metadata of sealed keys.
#[test]
fn forged_envelopes_are_refused_and_the_object_stays_readable() {
    let store = Store::with_oss();
    let (object, envelope) = store.create();
    let body = seal(&object, b"hello");
    let (prelude, slot_head, _) = split_envelope(&envelope);
    // A client that knows all that is not secret, and wraps a data key of its own under a key of its own.
    let own_key = Secret::new(&[9; 32]);
    let forged_slot = SlotHead::local("oss", "1").wrap(&store.engine, &own_key, prelude, &PLACE, &[9; 32]);
    let forged = format::envelope(prelude, &[&forged_slot]);
    assert_eq!(store.open(&forged).err(), Some(Error::Commit));
    // The same beside the true slot: the object opens, and under its own data key.
    let both = format::envelope(prelude, &[&forged_slot, &[slot_head, &envelope[envelope.len() - 104..]].concat()]);
    for envelope in [&envelope, &both] {
        assert_eq!(open(&store.open(envelope).unwrap(), &body), Ok(b"hello".to_vec()));
    }
    // A client that has an object of its own, under the same master key, cannot move it here.
    let own = store.create_at(&Context { tenant: b"mallory", ..PLACE }).1;
    assert_eq!(store.open(&own).err(), Some(Error::Commit));
}

#[test]
fn every_part_of_the_place_is_bound() {
    let store = Store::with_oss();
    let envelope = store.create().1;
    let reordered = Context { user: &[("class", "internal"), ("project", "apollo")], ..PLACE };
    assert!(store.open_at(&envelope, &reordered, &ALLOW).is_ok(), "the order of the pairs is no part of it");
    for place in [
        Context { tenant: b"acm", ..PLACE },
        Context { bucket_id: b"", ..PLACE },
        Context { object: b"report.pdg", ..PLACE },
        Context { version_id: b"4", ..PLACE },
        Context { user: &[("project", "apollo")], ..PLACE },
        Context { user: &[("project", "internal"), ("class", "apollo")], ..PLACE },
        Context { tenant: b"acmeb-17", bucket_id: b"", ..PLACE },
        Context { tenant: PLACE.bucket_id, bucket_id: PLACE.tenant, ..PLACE },
        Context::default(),
    ] {
        assert_eq!(store.open_at(&envelope, &place, &ALLOW).err(), Some(Error::Commit), "{place:?}");
    }
}

#[test]
fn what_is_not_expected_is_refused_and_an_empty_list_allows_nothing() {
    let mut store = two_keys();
    store.rotate();
    let envelope = store.create().1;
    for allow in [
        Expect { methods: &[], ..ALLOW },
        Expect { key_ids: &[], ..ALLOW },
        Expect { methods: &[], key_ids: &[] },
        Expect { methods: &[Method::SseKms, Method::SseC], ..ALLOW },
        Expect { key_ids: &["other", "os", "oss2", ""], ..ALLOW },
    ] {
        assert!(matches!(store.open_at(&envelope, &PLACE, &allow), Err(Error::Expect(_))), "{allow:?}");
    }
    let more = Expect { methods: &[Method::SseC, Method::SseOss], key_ids: &["other", "oss"] };
    assert!(store.open_at(&envelope, &PLACE, &more).is_ok());
}

/// CVE-2026-6550 elsewhere: a cache of keys passed by what the policy had become.
#[test]
fn every_open_asks_the_keystore_again() {
    let mut store = Store::with_oss();
    let envelope = store.create().1;
    store.rotate();
    assert!(store.open(&envelope).is_ok());
    store.apply(&Change::Retire { key_id: "oss", version: 1 });
    assert_eq!(store.open(&envelope).err(), Some(Error::KeyState));
}

/// An oracle needs answers that differ.
#[test]
fn every_failed_candidate_gives_the_same_error() {
    let store = two_keys();
    let (object, envelope) = store.create();
    let (prelude, slot_head, inner) = split_envelope(&envelope);
    let material = [9; 32];
    let wrong_key =
        SlotHead::local("other", "1").wrap(&store.engine, &Secret::new(&material), prelude, &PLACE, &[1; 32]);
    let damaged_at = |at: usize| {
        let mut inner = inner.to_vec();
        inner[at] ^= 1;
        [slot_head, &inner].concat()
    };
    // Salt, commitment, ciphertext, tag; a wrong key; and those together, in either order.
    let bad: Vec<Vec<u8>> = [0, 24, 56, 103].map(damaged_at).into_iter().chain([wrong_key]).collect();
    for (i, slot) in bad.iter().enumerate() {
        for other in &bad {
            let envelope = format::envelope(prelude, &[slot, other]);
            assert_eq!(store.open_at(&envelope, &PLACE, &ALLOW_BOTH).err(), Some(Error::Commit), "slot {i}");
        }
    }
    // One good slot after fifteen bad ones opens.
    let mut slots = vec![&bad[0][..]; MAX_SLOTS - 1];
    let good = [slot_head, inner].concat();
    slots.push(&good);
    let opened = store.open(&format::envelope(prelude, &slots)).unwrap();
    assert_eq!(open(&opened, &seal(&object, b"hello")), Ok(b"hello".to_vec()));
}

/// CVE-2022-30187 elsewhere: a downgrade. There is one suite, and no other is a name for something weaker.
#[test]
fn every_unknown_version_suite_and_shape_is_refused() {
    let store = Store::with_oss();
    let envelope = store.create().1;
    for (at, known) in [(6, &[1][..]), (7, &[1]), (8, &[1, 2])] {
        for value in (0..=255).filter(|value| !known.contains(value)) {
            let mut changed = envelope.clone();
            changed[at] = value;
            assert!(matches!(store.open(&changed), Err(Error::TooNew(_))), "byte {at} is {value}");
        }
    }
    let mut segmented = envelope;
    segmented[8] = 2;
    assert_eq!(store.open(&segmented).err(), Some(Error::Commit), "the shape is bound, too");
}

/// RUSTSEC-2024-0432 elsewhere: the name of a provider ran a binary.
#[test]
fn identifiers_have_a_strict_grammar() {
    let prelude = format::prelude(1, &[3; 16]);
    let parse = |head: &SlotHead| {
        let slot = [head.encode(), vec![0; format::INNER_LEN]].concat();
        Envelope::parse(&format::envelope(&prelude, &[&slot])).map(|_| ())
    };
    let remote =
        SlotHead { kind: 2, provider: b"aws-kms-2".to_vec(), outer_blob: vec![1], ..SlotHead::local("k", "v.7") };
    assert_eq!(parse(&remote), Ok(()));
    for provider in [&b"../bin/sh"[..], b"AWS", b"a b", b"a\0", b"a_b", b"seventeen-letters", b"", b"\xff"] {
        let head = SlotHead { provider: provider.to_vec(), ..remote.clone() };
        assert!(matches!(parse(&head), Err(Error::Format(_))), "provider {provider:?}");
    }
    for id in [&b"a b"[..], b"a\n", b"a\0", b"\x7f", "ü".as_bytes(), b""] {
        let head = SlotHead { key_id: id.to_vec(), ..remote.clone() };
        assert!(matches!(parse(&head), Err(Error::Format(_))), "key id {id:?}");
    }
    for version in [&b"a b"[..], b"\x7f", &[b'1'; 65]] {
        let head = SlotHead { key_version: version.to_vec(), ..remote.clone() };
        assert!(matches!(parse(&head), Err(Error::Format(_))), "key version {version:?}");
    }
}

// --- Rewrapping -----------------------------------------------------------------------------------------------------

/// Rewraps an object of [`two_keys`] and checks what has to hold of every rewrap.
fn rewrapped(store: &Store, change: &Rewrap<'_>, place: &Context<'_>, allow: &Expect<'_>) -> Vec<u8> {
    let (object, envelope) = store.create();
    let body = seal(&object, b"hello");
    let new = store.rewrap(&envelope, change).unwrap();
    assert_eq!(new[..format::PRELUDE_LEN], envelope[..format::PRELUDE_LEN], "the identity stays");
    assert_ne!(split_envelope(&new).2[..24], split_envelope(&envelope).2[..24], "the salt is a new one");
    let opened = store.open_at(&new, place, allow).unwrap();
    assert_eq!(open(&opened, &body), Ok(b"hello".to_vec()), "the body is as it was");
    new
}

#[test]
fn a_rewrap_takes_the_primary_version() {
    let mut store = two_keys();
    let envelope = store.create().1;
    store.rotate();
    store.apply(&Change::Stage { key_id: "oss" });
    let new = store.rewrap(&envelope, &Rewrap::default()).unwrap();
    let parsed = Envelope::parse(&new).unwrap();
    assert_eq!((parsed.slots().len(), parsed.slots()[0].key_version()), (1, "2"));
    store.apply(&Change::Retire { key_id: "oss", version: 1 });
    assert_eq!(store.open(&envelope).err(), Some(Error::KeyState));
    assert!(store.open(&new).is_ok());
}

#[test]
fn a_rewrap_changes_key_place_and_method() {
    let store = two_keys();
    let to_other = Rewrap { to: Some(OTHER), ..Rewrap::default() };
    let new = rewrapped(&store, &to_other, &PLACE, &ALLOW_BOTH);
    assert!(matches!(store.open(&new), Err(Error::Expect(_))), "the old key is not in it any more");

    let renamed = Context { object: b"final.pdf", ..PLACE };
    let rename = Rewrap { context: Some(renamed), ..Rewrap::default() };
    let new = rewrapped(&store, &rename, &renamed, &ALLOW);
    assert_eq!(store.open(&new).err(), Some(Error::Commit), "it does not open under the old name");

    let to_kms = Rewrap { to: Some(KMS), ..Rewrap::default() };
    let new = rewrapped(&store, &to_kms, &PLACE, &Expect { methods: &[Method::SseKms], ..ALLOW });
    assert!(matches!(store.open(&new), Err(Error::Expect(_))), "it is not an SSE-OSS object any more");

    let all = Rewrap { to: Some(Recipient::kms("other")), context: Some(renamed), keep_slots: false };
    rewrapped(&store, &all, &renamed, &Expect { methods: &[Method::SseKms], key_ids: &["other"] });
}

#[test]
fn a_rewrap_keeps_the_slots_of_other_keys_where_they_still_open() {
    let mut store = two_keys();
    let (object, envelope) = store.create();
    let keep = |to| Rewrap { to, keep_slots: true, ..Rewrap::default() };
    let key_ids = |envelope: &[u8]| -> Vec<String> {
        Envelope::parse(envelope).unwrap().slots().iter().map(|slot| slot.key_id().to_string()).collect()
    };
    let both = store.rewrap(&envelope, &keep(Some(OTHER))).unwrap();
    assert_eq!(key_ids(&both), ["other", "oss"]);
    for key in ["oss", "other"] {
        let opened = store.open_at(&both, &PLACE, &Expect { key_ids: &[key], ..ALLOW }).unwrap();
        assert_eq!(open(&opened, &seal(&object, b"hello")), Ok(b"hello".to_vec()));
    }
    store.rotate();
    let again = store.rewrap(&both, &keep(None)).unwrap();
    assert_eq!(key_ids(&again), ["oss", "other"], "one slot for each key");
    assert_eq!(needs_rewrap(&store.keystore, &again), Ok(RewrapReasons::default()));
    assert_eq!(key_ids(&store.rewrap(&again, &Rewrap::default()).unwrap()), ["oss"]);

    let elsewhere = Rewrap { context: Some(Context::default()), ..keep(None) };
    for change in [elsewhere, keep(Some(KMS))] {
        assert!(matches!(store.rewrap(&both, &change), Err(Error::Argument(_))), "the kept slot would not open");
    }
    let same_place = Rewrap { context: Some(PLACE), ..keep(None) };
    assert!(store.rewrap(&both, &same_place).is_ok());
}

#[test]
fn a_rewrap_that_cannot_be_is_refused() {
    let mut store = two_keys();
    let (_, envelope) = store.create();
    let to = |method, key| Rewrap { to: Some(Recipient::Local { method, key }), ..Rewrap::default() };
    assert_eq!(store.rewrap(&envelope, &to(Method::SseOss, "none")), Err(Error::NoVersion));
    assert!(matches!(store.rewrap(&envelope, &to(Method::SseC, "oss")), Err(Error::Argument(_))));
    let long = vec![b'x'; 1 << 16];
    let to_nowhere = Rewrap { context: Some(Context { object: &long, ..PLACE }), ..Rewrap::default() };
    assert!(matches!(store.rewrap(&envelope, &to_nowhere), Err(Error::Argument(_))));

    // Sixteen slots of other keys are kept only if a seventeenth is not needed.
    let (prelude, slot_head, inner) = split_envelope(&envelope);
    let good = [slot_head, inner].concat();
    let foreign = [SlotHead::local("foreign", "1").encode(), vec![0; format::INNER_LEN]].concat();
    let slots: Vec<&[u8]> = [&good[..]].into_iter().chain(vec![&foreign[..]; MAX_SLOTS - 1]).collect();
    let full = format::envelope(prelude, &slots);
    let keep = |to| Rewrap { to, keep_slots: true, ..Rewrap::default() };
    assert_eq!(store.rewrap(&full, &keep(None)).map(|new| Envelope::parse(&new).unwrap().slots().len()), Ok(MAX_SLOTS));
    assert!(matches!(store.rewrap(&full, &keep(Some(OTHER))), Err(Error::Argument(_))));

    store.rotate();
    store.apply(&Change::Retire { key_id: "oss", version: 1 });
    assert_eq!(store.rewrap(&envelope, &Rewrap::default()), Err(Error::KeyState));
}

#[test]
fn needs_rewrap_says_why() {
    let mut store = two_keys();
    let envelope = store.create().1;
    let none = RewrapReasons::default();
    let reasons = |store: &Store| needs_rewrap(&store.keystore, &envelope).unwrap();
    assert_eq!((reasons(&store), none.any()), (none, false));
    store.apply(&Change::Stage { key_id: "oss" });
    assert_eq!(reasons(&store), none, "a staged version is no reason");
    store.apply(&Change::Promote { key_id: "oss", version: None });
    assert_eq!(reasons(&store), RewrapReasons { old_version: true, ..none });
    store.apply(&Change::Retire { key_id: "oss", version: 1 });
    assert_eq!(reasons(&store), RewrapReasons { old_version: true, key_state: true, ..none });
    assert!(reasons(&store).any());
    let empty = Store::empty(Counter::engine());
    assert_eq!(reasons(&empty), RewrapReasons { unknown_key: true, ..none });
    assert!(matches!(needs_rewrap(&store.keystore, &envelope[1..]), Err(Error::Format(_))));
}

// --- Bodies ---------------------------------------------------------------------------------------------------------

/// RUSTSEC-2026-0239 elsewhere: the end of a stream was not authentic.
#[test]
fn chunks_cut_off_reordered_repeated_or_replayed_are_refused() {
    let store = Store::with_oss();
    let (object, _) = store.create();
    let plain = pattern(3 * CHUNK_LEN + 100);
    let body = seal(&object, &plain);
    let (body_head, chunks) = body.split_at(HEAD_LEN);
    let chunk: Vec<&[u8]> = chunks.chunks(STORED_CHUNK_LEN).collect();
    let old_version = seal(&object, &plain);
    let replayed = &old_version[HEAD_LEN + STORED_CHUNK_LEN..][..STORED_CHUNK_LEN];
    let damaged = |chunk| Error::Chunk { chunk };
    for (order, expected) in [
        (vec![chunk[1], chunk[0], chunk[2], chunk[3]], damaged(0)),
        (vec![chunk[0], chunk[0], chunk[2], chunk[3]], damaged(1)),
        (vec![chunk[0], chunk[2], chunk[3]], damaged(1)),
        (vec![chunk[0], chunk[1], chunk[2], chunk[3], chunk[3]], damaged(3)),
        (vec![chunk[0], chunk[1], chunk[2], chunk[2], chunk[3]], damaged(3)),
        (vec![chunk[0], replayed, chunk[2], chunk[3]], damaged(1)),
        (vec![chunk[0], chunk[1], chunk[2]], Error::Truncated),
        (vec![chunk[0], chunk[1], &chunk[2][..9_000]], damaged(2)),
        (vec![], Error::Truncated),
    ] {
        let body = [&[body_head], &order[..]].concat().concat();
        let mut out = vec![UNTOUCHED; body.len()];
        let outcome = object.open_body(0, &body, &mut out).map(|_| ());
        assert_eq!(outcome, Err(expected));
        assert_released(&plain, &outcome, &out);
    }
    let foreign = seal(&store.create().0, &plain);
    assert_eq!(open(&object, &foreign), Err(Error::Commit), "the body of another object");
}

/// The end of a stream is a short chunk, and only that.
#[test]
fn a_stream_that_ends_without_its_last_chunk_is_truncated() {
    let (engine, key) = (Counter::engine(), Secret::new(&[7; 32]));
    let plain = pattern(CHUNK_LEN + 3);
    let sealed = message::seal(&engine, &key, &[], &plain).unwrap();
    let (full, last) = sealed[HEAD_LEN..].split_at(STORED_CHUNK_LEN);
    let stream = || StreamOpener::new(&engine, &key, &[], &head(&sealed)).unwrap();
    let mut out = vec![UNTOUCHED; 2 * CHUNK_LEN];
    for not_an_end in [&full[..0], &full[..TAG_LEN - 1], full, &sealed[HEAD_LEN..]] {
        assert_eq!(stream().finish(not_an_end, &mut out), Err(Error::Truncated), "{} bytes", not_an_end.len());
    }
    assert!(out.iter().all(|byte| *byte == UNTOUCHED));

    let mut whole = stream();
    assert_eq!(whole.next(full, &mut out), Ok(Progress { consumed: full.len(), written: CHUNK_LEN, aside: 0 }));
    assert_eq!(whole.finish(last, &mut out[CHUNK_LEN..][..2]), Err(Error::Buffer { needed: 3 }));
    assert_eq!(whole.finish(last, &mut out[CHUNK_LEN..]), Ok(Progress { consumed: last.len(), written: 3, aside: 0 }));
    assert_eq!(out[..plain.len()], plain);
    assert!(matches!(whole.finish(last, &mut out), Err(Error::State(_))), "after the end");

    // After a chunk that does not verify there is no going on.
    let mut damaged = stream();
    assert_eq!(damaged.finish(&last[..last.len() - 1], &mut out), Err(Error::Chunk { chunk: 0 }));
    assert!(matches!(damaged.next(full, &mut out), Err(Error::State(_))));
}

/// Chunk `number` of a message under that key, whose length is `len`: made alone, since the whole takes terabytes.
fn one_chunk(key: &[u8; 32], context: &[u8], number: u64, len: usize) -> (message::Head, Vec<u8>) {
    let keys = MessageKeys::derive(key, &[4; 24], context);
    let backend = ossenc_gcm::Backend::detect(Isa::Best).unwrap();
    let gcm = ossenc_gcm::Aes256Gcm::new(backend, &keys.key, len);
    let mut nonce = keys.base_nonce;
    for (byte, number) in nonce[4..].iter_mut().zip(number.to_be_bytes()) {
        *byte ^= number;
    }
    let (mut body, mut tag) = (pattern(len), [0; TAG_LEN]);
    gcm.seal(&nonce, &[], body[..].as_mut().into(), &mut tag).unwrap();
    (keys.head(&[4; 24]), [&body[..], &tag].concat())
}

/// A range at a tebibyte, and in the last chunk that a message can have. RUSTSEC-2026-0071 and RUSTSEC-2025-0009
/// elsewhere: counters of chunks and of bytes that overflowed.
#[test]
fn ranges_at_a_tebibyte_and_at_the_last_chunk_open() {
    let (store, tape, key) = Store::with_tape();
    let object = tape.play(&[&[9; 16], &key[..], &[8; 24]].concat(), || store.create().0);
    let context = data_context(&format::prelude(1, &[9; 16]));
    for (plain_len, offset) in [
        (3 << 40, 1 << 40),
        (5 << 36, (5 << 36) - 1),
        (1 << 36, (1 << 36) - 1),
        (size::MAX_PLAIN_LEN, size::MAX_PLAIN_LEN - 100),
    ] {
        let (number, at) = (offset / CHUNK_LEN as u64, (offset % CHUNK_LEN as u64) as usize);
        let chunk_len = size::chunk_len(plain_len, number);
        let (head, chunk) = one_chunk(&key, &context, number, chunk_len);
        let body_len = size::sealed_len(plain_len).unwrap();
        let map = Map::single(Layout::Inline, body_len, Some(plain_len), Some(head)).unwrap();
        let opener = object.opener(&map, 0).unwrap();
        let mut extents = [Extent::default()];
        let take = 50.min(chunk_len - at);
        assert_eq!(map.plan(offset, take as u64, 0, &mut extents), Ok((1, offset + take as u64)));
        assert_eq!(extents[0].body_off, 56 + number * STORED_CHUNK_LEN as u64);
        let mut out = vec![UNTOUCHED; take];
        opener.open_extent(&extents[0], false, &mut Slices::new(&chunk, &mut out)).unwrap();
        assert_eq!(out, pattern(chunk_len)[at..at + take]);

        // The number of the chunk is what tells it from its neighbours.
        let opener = Opener::new(&store.engine, &Secret::new(&key), &[&context], &head).unwrap();
        let other = Window { plain_len, chunk: number - 1, chunks: 1, skip: 0, take: 0, tags_aside: false };
        let padded = [&chunk[..], &vec![0; STORED_CHUNK_LEN]].concat();
        let outcome = opener.open(&other, &mut Slices::new(&padded, &mut []));
        assert_eq!(outcome, Err(Error::Chunk { chunk: number - 1 }));
    }
}

#[test]
fn lengths_over_the_limit_are_refused() {
    assert!(matches!(size::sealed_len(size::MAX_PLAIN_LEN + 1), Err(Error::Argument(_))));
    for body_len in [size::MAX_SEALED_LEN + 1, u64::MAX] {
        assert!(matches!(Map::single(Layout::Inline, body_len, None, None), Err(Error::Format(_))));
    }
    let map = Map::single(Layout::Inline, size::MAX_SEALED_LEN, None, None).unwrap();
    let mut extents = [Extent::default()];
    assert_eq!(map.plan(0, u64::MAX, 1 << 63, &mut extents), Ok((1, u64::MAX)));
    let all = Extent { last: true, body: size::MAX_SEALED_LEN, lead: 56, take: map.plain_len(), ..Extent::default() };
    assert_eq!(extents[0], all);
}
