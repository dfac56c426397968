//! Slots of remote keys, bucket keys and customer keys: what opens them, what they are bound to, and that no bit of them
//! is left to an attacker.

mod common;

use std::sync::LazyLock;

use common::entropy::Failing;
use common::format::{self, SlotHead, split_envelope};
use common::store::{ALLOW, NOW, OSS, PLACE, Store, open, seal};
use common::vectors::status;
use ossenc::{
    BucketKey, BucketKeyRecord, Change, Context, CustomerKey, Envelope, Error, Expect, Keystore, Kind, Method, Object,
    Recipient, RemoteKey, Result, Rewrap, RewrapReasons, Secret, Shape, SlotKey, SlotKeys, WrappingKey, needs_rewrap,
    rewrap,
};
use proptest::prelude::*;

const END: u64 = NOW + 1_000;
const ELSEWHERE: Context<'_> = Context { bucket_id: b"b-18", ..PLACE };
const OTHER_TENANT: Context<'_> = Context { tenant: b"acmf", ..PLACE };
const RENAMED: Context<'_> = Context { object: b"final.pdf", ..PLACE };
const ALL: Expect<'_> =
    Expect { methods: &[Method::SseOss, Method::SseKms, Method::SseC], key_ids: &["", "oss", "other", "cmk"] };

static STORE: LazyLock<Store> = LazyLock::new(Store::with_oss);
static SECRET: LazyLock<Secret> = LazyLock::new(|| Secret::new(&[0x5e; 32]));
static OTHER_SECRET: LazyLock<Secret> = LazyLock::new(|| Secret::new(&[0x5f; 32]));
static LOCAL: LazyLock<BucketKey> =
    LazyLock::new(|| BucketKey::create(&STORE.engine, &STORE.keystore, "oss", &PLACE, END, NOW).unwrap());
static REMOTE: LazyLock<BucketKey> =
    LazyLock::new(|| BucketKey::create_remote(&STORE.engine, &remote_key(), &PLACE, END, NOW).unwrap());
static CUSTOMER: LazyLock<CustomerKey> = LazyLock::new(|| CustomerKey::new(&SECRET).unwrap());

fn remote_key() -> RemoteKey<'static> {
    RemoteKey { provider: "kms", key_id: "cmk", key_version: "v1", blob: b"wrapped by the KMS", secret: &SECRET }
}

/// One recipient of each kind.
fn recipients() -> [Recipient<'static>; 7] {
    let method = Method::SseKms;
    [
        Recipient::kms("oss"),
        Recipient::Remote { method, key: remote_key() },
        Recipient::BucketKey { method, key: &LOCAL },
        Recipient::BucketKey { method, key: &REMOTE },
        Recipient::BucketKeyReference { method, key: &LOCAL },
        Recipient::BucketKeyReference { method, key: &REMOTE },
        Recipient::Customer(&CUSTOMER),
    ]
}

fn create(recipient: &Recipient<'_>, place: &Context<'_>) -> Result<(Object, Vec<u8>)> {
    Object::create(&STORE.engine, &STORE.keystore, recipient, place, Shape::Single, NOW)
}

/// Everything at hand: the keystore, both bucket keys, the customer's key, and the KMS's answer for every slot.
fn with_all_keys<T>(envelope: &[u8], then: impl FnOnce(&dyn SlotKeys) -> T) -> T {
    let parsed = Envelope::parse(envelope);
    let slots = parsed.iter().flat_map(|envelope| envelope.slots()).filter(|slot| slot.kind() == Kind::Remote);
    let answers: Vec<_> =
        slots.map(|slot| SlotKey { slot: slot.clone(), key: WrappingKey::remote(&SECRET).unwrap() }).collect();
    then(&((&STORE.keystore, &*CUSTOMER), ([&*LOCAL, &*REMOTE].as_slice(), &answers[..])))
}

fn open_at(envelope: &[u8], place: &Context<'_>) -> Result<Object> {
    with_all_keys(envelope, |keys| Object::open(&STORE.engine, keys, envelope, place, &ALL, NOW))
}

fn assert_is(opened: &Object, object: &Object) {
    assert_eq!(open(opened, &seal(object, b"hello")), Ok(b"hello".to_vec()));
}

/// Flips every bit of a range, and lists the statuses that come.
fn flipped<T>(bytes: &[u8], open: impl Fn(&[u8]) -> Result<T>) -> Vec<&'static str> {
    let statuses = (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match open(&flipped) {
            Ok(_) => panic!("opens with bit {} of byte {} flipped", bit % 8, bit / 8),
            Err(error) => status(&error),
        }
    });
    statuses.collect()
}

// --- What opens -----------------------------------------------------------------------------------------------------

#[test]
fn every_kind_opens_with_its_key_and_in_its_place_only() {
    for recipient in recipients() {
        let (object, envelope) = create(&recipient, &PLACE).unwrap();
        assert_is(&open_at(&envelope, &PLACE).unwrap(), &object);
        for place in [RENAMED, ELSEWHERE, OTHER_TENANT, Context { user: &[], ..PLACE }] {
            assert_eq!(open_at(&envelope, &place).err(), Some(Error::Commit), "{recipient:?}");
        }
    }
}

#[test]
fn a_key_that_is_not_at_hand_is_told_from_one_that_is_not_in_the_keystore() {
    let empty = Store::empty(common::entropy::Counter::engine()).keystore;
    for recipient in recipients() {
        let envelope = create(&recipient, &PLACE).unwrap().1;
        let parsed = Envelope::parse(&envelope).unwrap();
        let slot = &parsed.slots()[0];
        let local = slot.provider().is_empty() && slot.kind() != Kind::Customer;
        let outcome = |keys: &dyn SlotKeys| Object::open(&STORE.engine, keys, &envelope, &PLACE, &ALL, NOW).err();
        assert_eq!(outcome(&empty), Some(if local { Error::NoVersion } else { Error::KeyAbsent }), "{recipient:?}");
        let without = match slot.kind() {
            Kind::Local => None,
            Kind::BucketKey if local => None,
            _ => Some(Error::KeyAbsent),
        };
        assert_eq!(outcome(&STORE.keystore), without, "{recipient:?}");
        let none: [&Keystore; 0] = [];
        assert_eq!(outcome(&&none[..]), Some(Error::KeyAbsent), "{recipient:?}");
    }
}

/// What an operation that can ask a KMS does: tries, finds the slot whose key is absent, asks, tries again.
#[test]
fn candidates_say_which_keys_to_ask_for() {
    let (object, envelope) = create(&Recipient::Remote { method: Method::SseKms, key: remote_key() }, &PLACE).unwrap();
    let keep = Rewrap { to: Some(Recipient::kms("oss")), keep_slots: true, ..Rewrap::default() };
    let both =
        with_all_keys(&envelope, |keys| rewrap(&STORE.engine, keys, &envelope, &PLACE, &ALL, &keep, NOW)).unwrap();
    let parsed = Envelope::parse(&both).unwrap();
    let only_remote = Expect { key_ids: &["cmk"], ..ALL };
    assert_eq!(parsed.candidates(&ALL).unwrap().len(), 2);
    let candidates = parsed.candidates(&only_remote).unwrap();
    assert_eq!(candidates.len(), 1);
    for nothing in [Expect { key_ids: &["cm"], ..ALL }, Expect { methods: &[Method::SseOss], ..ALL }] {
        assert!(matches!(parsed.candidates(&nothing), Err(Error::Expect(_))));
    }

    let absent = STORE.keystore.wrapping_key(&STORE.engine, candidates[0], &PLACE, NOW);
    assert_eq!(absent.err(), Some(Error::KeyAbsent));
    let slot = candidates[0].clone();
    assert_eq!((slot.provider(), slot.key_version(), slot.outer_blob()), ("kms", "v1", &b"wrapped by the KMS"[..]));
    let answer = SlotKey { slot, key: WrappingKey::remote(&SECRET).unwrap() };
    let keys = (&STORE.keystore, &answer);
    assert_is(&Object::open(&STORE.engine, &keys, &both, &PLACE, &only_remote, NOW).unwrap(), &object);
    // An answer is for its slot: the same blob in another one asks again (tink #672 elsewhere).
    let again = create(&Recipient::Remote { method: Method::SseKms, key: remote_key() }, &PLACE).unwrap().1;
    let outcome = Object::open(&STORE.engine, &keys, &again, &PLACE, &only_remote, NOW);
    assert_eq!(outcome.err(), Some(Error::KeyAbsent));
}

/// CVE-2026-6550 elsewhere: what was at hand already passed by what the policy had become.
#[test]
fn an_open_bucket_key_does_not_pass_by_the_state_of_its_master_key() {
    let mut store = Store::with_oss();
    let key = BucketKey::create(&store.engine, &store.keystore, "oss", &PLACE, END, NOW).unwrap();
    store.rotate();
    let wrap = |store: &Store, recipient| {
        Object::create(&store.engine, &store.keystore, &recipient, &PLACE, Shape::Single, NOW)
    };
    let method = Method::SseOss;
    let by_value = wrap(&store, Recipient::BucketKey { method, key: &key }).unwrap().1;
    let by_reference = wrap(&store, Recipient::BucketKeyReference { method, key: &key }).unwrap().1;
    for envelope in [&by_value, &by_reference] {
        let lags = RewrapReasons { old_version: true, ..RewrapReasons::default() };
        assert_eq!(needs_rewrap(&store.keystore, envelope), Ok(lags), "retiring the version would lose it");
        let keys = (&store.keystore, &key);
        assert!(Object::open(&store.engine, &keys, envelope, &PLACE, &ALLOW, NOW).is_ok());
    }
    store.apply(&Change::Retire { key_id: "oss", version: 1 });
    for envelope in [&by_value, &by_reference] {
        let keys = (&store.keystore, &key);
        let outcome = Object::open(&store.engine, &keys, envelope, &PLACE, &ALLOW, NOW);
        assert_eq!(outcome.err(), Some(Error::KeyState));
        assert!(needs_rewrap(&store.keystore, envelope).unwrap().key_state);
    }
    let outcome = wrap(&store, Recipient::BucketKey { method, key: &key });
    assert_eq!(outcome.err(), Some(Error::KeyState), "and it wraps nothing more");
    assert_eq!(key.record().open(&store.engine, &store.keystore, &PLACE, NOW).err(), Some(Error::KeyState));
}

#[test]
fn a_bucket_key_past_its_end_wraps_nothing_and_goes_on_opening() {
    for key in [&*LOCAL, &*REMOTE] {
        let recipient = Recipient::BucketKey { method: Method::SseOss, key };
        let at = |now| Object::create(&STORE.engine, &STORE.keystore, &recipient, &PLACE, Shape::Single, now);
        let envelope = at(END - 1).unwrap().1;
        assert_eq!(at(END).err(), Some(Error::KeyState));
        let keys = (&STORE.keystore, key);
        assert!(Object::open(&STORE.engine, &keys, &envelope, &PLACE, &ALL, END + 1).is_ok());
        assert_eq!(needs_rewrap(&STORE.keystore, &envelope), Ok(RewrapReasons::default()), "its end is no reason");
        let rename = Rewrap { context: Some(RENAMED), ..Rewrap::default() };
        let renamed = |now| rewrap(&STORE.engine, &keys, &envelope, &PLACE, &ALL, &rename, now).map(|_| ());
        assert_eq!((renamed(END - 1), renamed(END)), (Ok(()), Err(Error::KeyState)));
        assert!(matches!(
            BucketKey::create(&STORE.engine, &STORE.keystore, "oss", &PLACE, NOW, NOW),
            Err(Error::Argument(_))
        ));
    }
}

// --- What does not ---------------------------------------------------------------------------------------------------

#[test]
fn every_flipped_bit_of_a_slot_of_any_kind_is_refused() {
    for recipient in recipients() {
        let envelope = create(&recipient, &PLACE).unwrap().1;
        let statuses = flipped(&envelope, |envelope| open_at(envelope, &PLACE));
        let inner = &statuses[statuses.len() - format::INNER_LEN * 8..];
        assert!(inner.iter().all(|status| matches!(*status, "COMMIT" | "KEYABSENT")), "{recipient:?}");
        let expected = ["FORMAT", "TOONEW", "EXPECT", "NOVERSION", "COMMIT", "KEYABSENT"];
        assert!(statuses.iter().all(|status| expected.contains(status)), "{recipient:?}");
    }
}

#[test]
fn every_flipped_bit_of_a_remote_blob_is_refused_by_the_inner_message() {
    let envelope = create(&Recipient::Remote { method: Method::SseKms, key: remote_key() }, &PLACE).unwrap().1;
    let blob = remote_key().blob;
    let at = envelope.windows(blob.len()).position(|window| window == blob).unwrap();
    let opened = flipped(blob, |flipped| {
        // The KMS answers for it all the same: the inner message is what refuses it.
        let mut changed = envelope.clone();
        changed[at..at + blob.len()].copy_from_slice(flipped);
        open_at(&changed, &PLACE)
    });
    assert!(opened.iter().all(|status| *status == "COMMIT"));
}

#[test]
fn every_flipped_bit_of_a_record_is_refused() {
    let local = LOCAL.record();
    let open = |bytes: &[u8]| BucketKeyRecord::parse(bytes)?.open(&STORE.engine, &STORE.keystore, &PLACE, NOW);
    assert!(open(local.bytes()).is_ok());
    let statuses = flipped(local.bytes(), open);
    for (range, expected) in [
        (0..7, &["FORMAT"][..]),            // magic
        (7..8, &["TOONEW"]),                // version
        (8..32, &["COMMIT"]),               // id, end
        (32..33, &["TOONEW"]),              // kind
        (33..35, &["FORMAT"]),              // length of provider, of the key's id
        (35..38, &["NOVERSION", "FORMAT"]), // "oss"
        (38..39, &["FORMAT"]),              // length of the version
        (39..40, &["NOVERSION", "FORMAT"]), // "1"
        (40..42, &["FORMAT"]),              // length of sealed
        (42..local.bytes().len(), &["COMMIT"]),
    ] {
        let seen = &statuses[range.start * 8..range.end * 8];
        assert!(seen.iter().all(|status| expected.contains(status)), "{range:?}: {seen:?}");
        assert!(expected.iter().all(|status| seen.contains(status)), "{range:?}: {seen:?}");
    }
    for n in 0..local.bytes().len() {
        assert!(matches!(open(&local.bytes()[..n]), Err(Error::Format(_))), "{n} bytes");
    }
    assert!(matches!(open(&[local.bytes(), &[0]].concat()), Err(Error::Format(_))));

    // Of a remote one nothing is sealed here; each slot by value commits to all of it.
    let (_, envelope) = create(&Recipient::BucketKey { method: Method::SseKms, key: &REMOTE }, &PLACE).unwrap();
    let record = REMOTE.record();
    let at = envelope.windows(record.bytes().len()).position(|window| window == record.bytes()).unwrap();
    let statuses = flipped(record.bytes(), |flipped| {
        let mut changed = envelope.clone();
        changed[at..at + flipped.len()].copy_from_slice(flipped);
        open_at(&changed, &PLACE)
    });
    assert!(statuses.iter().all(|status| matches!(*status, "COMMIT" | "TOONEW")));
}

/// GHSA-3g75-q268-r9r6 and CVE-2025-14763 elsewhere: the wrapped key of an object could be replaced.
#[test]
fn slots_of_any_kind_swapped_between_objects_buckets_and_tenants_are_refused() {
    for recipient in recipients() {
        let (_, envelope) = create(&recipient, &PLACE).unwrap();
        for other in recipients() {
            let (_, foreign) = create(&other, &PLACE).unwrap();
            let swapped = [split_envelope(&envelope).0, &foreign[format::PRELUDE_LEN..]].concat();
            assert_eq!(open_at(&swapped, &PLACE).err(), Some(Error::Commit), "{other:?}");
        }
    }
}

#[test]
fn records_of_another_bucket_tenant_or_bucket_key_are_refused() {
    let engine = &STORE.engine;
    let method = Method::SseKms;
    for place in [ELSEWHERE, OTHER_TENANT] {
        let foreign = BucketKey::create(engine, &STORE.keystore, "oss", &place, END, NOW).unwrap();
        assert_eq!(foreign.record().open(engine, &STORE.keystore, &PLACE, NOW).err(), Some(Error::Commit));
        for recipient in
            [Recipient::BucketKey { method, key: &foreign }, Recipient::BucketKeyReference { method, key: &foreign }]
        {
            assert!(matches!(create(&recipient, &PLACE), Err(Error::Argument(_))), "it is of {place:?}");
            let envelope = create(&recipient, &place).unwrap().1;
            let keys = (&STORE.keystore, &foreign);
            assert!(Object::open(engine, &keys, &envelope, &place, &ALL, NOW).is_ok());
            assert_eq!(Object::open(engine, &keys, &envelope, &PLACE, &ALL, NOW).err(), Some(Error::Commit));
        }
    }
    // A slot that names one bucket key and holds the record of another, wrapped under either.
    let second = BucketKey::create(engine, &STORE.keystore, "oss", &PLACE, END, NOW).unwrap();
    let head = SlotHead {
        method: 2,
        kind: 3,
        bucket_key_id: LOCAL.record().id().to_vec(),
        outer_blob: second.record().bytes().to_vec(),
        ..SlotHead::local("oss", "1")
    };
    let prelude = format::prelude(1, &[4; 16]);
    let slot = head.wrap(engine, &SECRET, &prelude, &PLACE, &[1; 32]);
    let envelope = format::envelope(&prelude, &[&slot]);
    for keys in [&(&STORE.keystore, &*LOCAL), &(&STORE.keystore, &second)] {
        assert_eq!(Object::open(engine, keys, &envelope, &PLACE, &ALL, NOW).err(), Some(Error::Commit));
    }
}

/// A record whose id is right, but that names a master key which the slot does not: the caller allowed the slot's.
#[test]
fn a_bucket_key_of_another_master_key_is_refused() {
    let names = RemoteKey { key_id: "other-cmk", ..remote_key() };
    let other = BucketKey::create_remote(&STORE.engine, &names, &PLACE, END, NOW).unwrap();
    let head = SlotHead {
        method: 2,
        kind: 4,
        provider: b"kms".to_vec(),
        bucket_key_id: other.record().id().to_vec(),
        ..SlotHead::local("cmk", "v1")
    };
    let prelude = format::prelude(1, &[4; 16]);
    let envelope = format::envelope(&prelude, &[&head.wrap(&STORE.engine, &SECRET, &prelude, &PLACE, &[1; 32])]);
    let outcome = Object::open(&STORE.engine, &other, &envelope, &PLACE, &ALL, NOW);
    assert_eq!(outcome.err(), Some(Error::Commit));
}

#[test]
fn a_wrong_secret_or_customer_key_is_refused_and_zeros_are_no_key() {
    let zeros = Secret::new(&[0; 32]);
    assert!(matches!(CustomerKey::new(&zeros), Err(Error::Argument(_))));
    assert!(matches!(WrappingKey::remote(&zeros), Err(Error::Argument(_))));
    assert!(matches!(REMOTE.record().open_remote(&zeros, &PLACE), Err(Error::Argument(_))));
    let remote = |key| create(&Recipient::Remote { method: Method::SseKms, key }, &PLACE).map(|_| ());
    assert!(matches!(remote(RemoteKey { secret: &zeros, ..remote_key() }), Err(Error::Argument(_))));

    let envelope = create(&Recipient::Customer(&CUSTOMER), &PLACE).unwrap().1;
    let wrong = CustomerKey::new(&OTHER_SECRET).unwrap();
    let outcome = Object::open(&STORE.engine, &wrong, &envelope, &PLACE, &ALL, NOW);
    assert_eq!(outcome.err(), Some(Error::Commit));
    assert!(!envelope.windows(8).any(|window| window == [0x5e; 8]), "the key is not stored");
    let outcome = Object::open(&STORE.engine, &*CUSTOMER, &envelope, &PLACE, &Expect { key_ids: &["oss"], ..ALL }, NOW);
    assert!(matches!(outcome, Err(Error::Expect(_))), "the empty key id has to be allowed");

    let wrong = REMOTE.record().open_remote(&OTHER_SECRET, &PLACE).unwrap();
    let envelope = create(&Recipient::BucketKey { method: Method::SseKms, key: &REMOTE }, &PLACE).unwrap().1;
    assert_eq!(Object::open(&STORE.engine, &wrong, &envelope, &PLACE, &ALL, NOW).err(), Some(Error::Commit));
}

#[test]
fn recipients_outside_their_limits_are_refused() {
    let method = Method::SseKms;
    let long = vec![b'x'; 8_193];
    let long_id = "i".repeat(256);
    let long_version = "v".repeat(65);
    let fits = remote_key();
    let refused = [
        RemoteKey { provider: "", ..fits },
        RemoteKey { provider: "../bin/sh", ..fits },
        RemoteKey { provider: "seventeen-letters", ..fits },
        RemoteKey { key_id: "", ..fits },
        RemoteKey { key_id: "a b", ..fits },
        RemoteKey { key_id: &long_id, ..fits },
        RemoteKey { key_version: &long_version, ..fits },
        RemoteKey { blob: &[], ..fits },
        RemoteKey { blob: &long, ..fits },
    ];
    for key in refused {
        assert!(matches!(create(&Recipient::Remote { method, key }, &PLACE), Err(Error::Argument(_))), "{key:?}");
        let made = BucketKey::create_remote(&STORE.engine, &key, &PLACE, END, NOW);
        assert!(matches!(made, Err(Error::Argument(_))), "{key:?}");
    }
    let nearly = RemoteKey { blob: &long[..8_192], ..fits };
    assert!(create(&Recipient::Remote { method, key: nearly }, &PLACE).is_ok());
    let made = BucketKey::create_remote(&STORE.engine, &nearly, &PLACE, END, NOW);
    assert!(matches!(made, Err(Error::Argument(_))), "the record would be too long");

    let no_text = Context { tenant: b"\xff", ..PLACE };
    assert!(matches!(create(&Recipient::Remote { method, key: fits }, &no_text), Err(Error::Argument(_))));
    let made = BucketKey::create_remote(&STORE.engine, &fits, &no_text, END, NOW);
    assert!(matches!(made, Err(Error::Argument(_))));
    assert!(BucketKey::create(&STORE.engine, &STORE.keystore, "oss", &no_text, END, NOW).is_ok());

    let method = Method::SseC;
    for recipient in [Recipient::Remote { method, key: fits }, Recipient::BucketKey { method, key: &LOCAL }] {
        assert!(matches!(create(&recipient, &PLACE), Err(Error::Argument(_))), "{recipient:?}");
    }
    let unknown = BucketKey::create(&STORE.engine, &STORE.keystore, "none", &PLACE, END, NOW);
    assert_eq!(unknown.err(), Some(Error::NoVersion));
}

// --- Rewrapping ------------------------------------------------------------------------------------------------------

/// A rename is never a call of a KMS.
#[test]
fn a_rename_keeps_the_key_and_another_bucket_needs_another() {
    for recipient in recipients() {
        let (object, envelope) = create(&recipient, &PLACE).unwrap();
        let to = |context| Rewrap { context: Some(context), ..Rewrap::default() };
        let run = |change: &Rewrap<'_>| {
            with_all_keys(&envelope, |keys| rewrap(&STORE.engine, keys, &envelope, &PLACE, &ALL, change, NOW + 1))
        };
        let renamed = run(&to(RENAMED)).unwrap();
        let old = Envelope::parse(&envelope).unwrap().slots()[0].clone();
        let parsed = Envelope::parse(&renamed).unwrap();
        let new = &parsed.slots()[0];
        assert_eq!((new.kind(), new.outer_blob(), new.wrapped_at()), (old.kind(), old.outer_blob(), NOW + 1));
        assert_is(&open_at(&renamed, &RENAMED).unwrap(), &object);
        assert_eq!(open_at(&renamed, &PLACE).err(), Some(Error::Commit));

        let bound_to_bucket = !matches!(old.kind(), Kind::Local | Kind::Customer);
        for place in [ELSEWHERE, OTHER_TENANT] {
            let moved = run(&to(place));
            assert_eq!(matches!(moved, Err(Error::Argument(_))), bound_to_bucket, "{recipient:?}");
        }
        let other_pairs = run(&to(Context { user: &[("project", "gemini")], ..PLACE }));
        assert_eq!(matches!(other_pairs, Err(Error::Argument(_))), old.kind() == Kind::Remote, "{recipient:?}");
        let reordered = [PLACE.user[1], PLACE.user[0]];
        assert!(run(&to(Context { user: &reordered, ..RENAMED })).is_ok(), "the order of pairs is no change");
    }
}

#[test]
fn a_rewrap_leads_from_every_kind_to_every_kind() {
    for from in recipients() {
        let (object, envelope) = create(&from, &PLACE).unwrap();
        for to in recipients() {
            let keep_slots = from.method() == to.method();
            let change = Rewrap { to: Some(to), context: None, keep_slots };
            let new = with_all_keys(&envelope, |keys| {
                rewrap(&STORE.engine, keys, &envelope, &PLACE, &ALL, &change, NOW).unwrap()
            });
            assert_is(&open_at(&new, &PLACE).unwrap(), &object);
            let master_keys: Vec<_> =
                Envelope::parse(&new).unwrap().slots().iter().map(|s| s.key_id()).map(str::to_string).collect();
            let id = |recipient: &Recipient<'_>| match recipient {
                Recipient::Local { key, .. } => key.to_string(),
                Recipient::Remote { key, .. } => key.key_id.to_string(),
                Recipient::BucketKey { key, .. } | Recipient::BucketKeyReference { key, .. } => {
                    key.record().key_id().to_string()
                }
                _ => String::new(),
            };
            let mut expected = vec![id(&to)];
            if keep_slots && id(&from) != id(&to) {
                expected.push(id(&from));
            }
            assert_eq!(master_keys, expected, "one slot for each master key");
        }
    }
}

// --- Contexts and secrets --------------------------------------------------------------------------------------------

#[test]
fn the_kms_context_names_no_object() {
    let pairs = PLACE.kms_pairs().unwrap();
    assert_eq!(
        pairs,
        [("class", "internal"), ("ossenc:bucket", "b-17"), ("ossenc:tenant", "acme"), ("project", "apollo")]
    );
    assert_eq!(RENAMED.kms_bytes(), PLACE.kms_bytes());
    assert_ne!(ELSEWHERE.kms_bytes(), PLACE.kms_bytes());
    assert_eq!(PLACE.bucket().kms_pairs().unwrap(), [("ossenc:bucket", "b-17"), ("ossenc:tenant", "acme")]);
    let no_text = Context { bucket_id: b"\xff", ..PLACE };
    let reserved = Context { user: &[("ossenc:tenant", "mallory")], ..PLACE };
    let long = vec![b'x'; 1 << 16];
    for place in [no_text, reserved, Context { tenant: &long, ..PLACE }] {
        assert!(matches!(place.kms_pairs(), Err(Error::Argument(_))));
    }
}

/// CVE-2018-16889 elsewhere: keys in logs.
#[test]
fn debug_output_of_keys_holds_no_key_bytes() {
    let shown = format!("{:?} {:?} {:?} {:?}", remote_key(), *CUSTOMER, *REMOTE, WrappingKey::remote(&SECRET));
    assert!(!shown.contains("94, 94"), "{shown}");
    assert!(!shown.contains("5e5e"), "{shown}");
}

#[test]
fn nothing_is_made_when_entropy_fails_at_any_draw() {
    let (engine, source) = Failing::engine();
    let mut store = Store::empty(engine.clone());
    store.apply(&Change::Create { key_id: "oss" });
    for works in 0..3 {
        source.arm(Some(works));
        let made = BucketKey::create(&engine, &store.keystore, "oss", &PLACE, END, NOW);
        assert_eq!(made.err(), Some(Error::NoEntropy), "draw {works}");
    }
    source.arm(Some(0));
    let made = BucketKey::create_remote(&engine, &remote_key(), &PLACE, END, NOW);
    assert_eq!(made.err(), Some(Error::NoEntropy));
    source.arm(None);
    assert!(Object::create(&engine, &store.keystore, &OSS, &PLACE, Shape::Single, NOW).is_ok());
}

proptest! {
    #![proptest_config(common::cases(256))]

    #[test]
    fn any_bytes_as_a_record_are_refused_or_kept_whole(head in any::<bool>(), bytes: Vec<u8>) {
        let record = if head { [&b"ossencB\x01"[..], &bytes].concat() } else { bytes };
        match BucketKeyRecord::parse(&record) {
            Ok(parsed) => prop_assert_eq!(parsed.bytes(), &record[..]),
            Err(error) => prop_assert!(matches!(error, Error::Format(_) | Error::TooNew(_))),
        }
    }

    #[test]
    fn any_remote_names_come_back_as_they_went_in(
        provider in "[a-z0-9-]{1,16}",
        key_id in "[!-~]{1,255}",
        key_version in "[!-~]{0,64}",
        blob in prop::collection::vec(any::<u8>(), 1..600),
        not_after in NOW + 1..,
    ) {
        let secret = &*SECRET;
        let key = RemoteKey { provider: &provider, key_id: &key_id, key_version: &key_version, blob: &blob, secret };
        let made = BucketKey::create_remote(&STORE.engine, &key, &PLACE, not_after, NOW).unwrap();
        let record = made.record();
        prop_assert_eq!((record.provider(), record.key_id(), record.key_version()), (&provider[..], &key_id[..], &key_version[..]));
        prop_assert_eq!((record.blob(), record.not_after()), (Some(&blob[..]), not_after));
        let recipient = Recipient::BucketKey { method: Method::SseKms, key: &made };
        let (object, envelope) = create(&recipient, &PLACE).unwrap();
        let allow = Expect { key_ids: &[&key_id], ..ALL };
        let opened = Object::open(&STORE.engine, &made, &envelope, &PLACE, &allow, NOW).unwrap();
        assert_is(&opened, &object);
    }
}
