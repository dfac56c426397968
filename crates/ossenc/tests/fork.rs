//! Real forked processes: a child has none of its parent's keys, spends nothing, and frees what it inherited; the
//! parent goes on as if nothing had happened.
#![cfg(target_os = "linux")]

mod common;
#[path = "../../mem/tests/common/mod.rs"]
mod process;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use common::pattern;
use common::store::{ALLOW, NOW, OSS, PLACE, ROOT_KEY, Store, map_of, open, seal};
use ossenc::message::StreamOpener;
use ossenc::message::size::{CHUNK_LEN, STORED_CHUNK_LEN};
use ossenc::pieces::Slices;
use ossenc::{
    BucketKey, Change, Context, CustomerKey, Engine, Entropy, Envelope, Error, Expect, Extent, Isa, Keystore, Layout,
    Lock, Method, Object, Recipient, RemoteKey, Result, Rewrap, Secret, Shape, SlotKey, SlotKeys, SystemEntropy,
    WrappingKey, direct, message,
};
use process::in_child;

const CHUNKS: usize = 5;
const LEN: usize = CHUNKS * CHUNK_LEN + 9;
const BODY: usize = 56 + LEN + (CHUNKS + 1) * 16;

fn forked<T>(result: Result<T>) -> bool {
    matches!(result, Err(Error::Forked))
}

#[test]
fn a_child_cannot_continue_a_sealer_and_its_parent_can() {
    let store = Store::with_oss();
    let (object, _) = store.create();
    let plain = pattern(LEN);
    for layout in [Layout::Inline, Layout::Detached, Layout::Paged] {
        let (body_len, aside_len) = layout.size(LEN as u64).unwrap();
        let (mut body, mut aside) = (vec![0; body_len as usize], vec![0; aside_len as usize]);
        let mut sealer = Some(object.sealer(0, layout).unwrap());
        let own = sealer.as_mut().unwrap();
        let first = own.next(&mut Slices::new(&plain[..2 * CHUNK_LEN], &mut body).writing_aside(&mut aside)).unwrap();
        in_child(|| {
            let mut sealer = sealer.take().unwrap();
            let (mut body, mut aside) = ([0xc5; 3 * STORED_CHUNK_LEN], [0xc5; 200]);
            // With data, with none, and to the end: each time the same, and no chunk's number is gone.
            let next = |n: usize, sealer: &mut ossenc::message::Sealer, body: &mut [u8], aside: &mut [u8]| {
                sealer.next(&mut Slices::new(&plain[..n], body).writing_aside(aside))
            };
            let mut good = forked(next(2 * CHUNK_LEN, &mut sealer, &mut body, &mut aside))
                && forked(next(0, &mut sealer, &mut body, &mut aside))
                && forked(sealer.finish(&mut Slices::new(&plain[..9], &mut body).writing_aside(&mut aside)));
            good &= sealer.chunk_in_group() == 2 && sealer.receipt().is_none();
            good &= body.iter().chain(&aside).all(|byte| *byte == 0xc5);
            drop(sealer);
            good
        });
        let own = sealer.as_mut().unwrap();
        let (body_at, aside_at) = (first.written, first.aside);
        let rest = &plain[first.consumed..];
        own.finish(&mut Slices::new(rest, &mut body[body_at..]).writing_aside(&mut aside[aside_at..])).unwrap();
        let receipt = own.receipt().unwrap();
        let map = ossenc::Map::single(layout, body_len, Some(LEN as u64), Some(receipt.head)).unwrap();
        let mut opened = vec![0; LEN];
        object.open_segment(&map, 0, &body, &aside, &mut opened).unwrap();
        assert_eq!(opened, plain);
    }
}

#[test]
fn a_child_spends_no_ticket_and_its_parent_spends_them_all() {
    let store = Store::with_oss();
    let (object, _) = store.create();
    let plain = pattern(LEN);
    let mut sealer = Some(object.ticket_sealer(0, Layout::Inline, CHUNKS as u32, 1).unwrap());
    let own = sealer.as_ref().unwrap();
    let mut body = vec![0; BODY];
    let tickets: Vec<_> = (0..2).map(|_| own.reserve().unwrap()).collect();
    let run = |sealer: &ossenc::TicketSealer, ticket: &ossenc::Ticket, body: &mut [u8]| {
        let (from, to) = (ticket.plain_off as usize, ticket.body_off as usize);
        sealer.run(ticket, &mut Slices::new(&plain[from..from + ticket.plain], &mut body[to..to + ticket.body]))
    };
    run(own, &tickets[0], &mut body).unwrap();
    in_child(|| {
        let sealer = sealer.take().unwrap();
        let before = format!("{sealer:?}");
        let mut room = vec![0xc5; BODY];
        let good = forked(sealer.reserve())
            && forked(run(&sealer, &tickets[1], &mut room))
            && forked(run(&sealer, &tickets[0], &mut room))
            && forked(sealer.finish(&mut Slices::new(&plain[..9], &mut room)))
            && room.iter().all(|byte| *byte == 0xc5)
            && format!("{sealer:?}") == before;
        drop(sealer);
        good
    });
    let own = sealer.as_ref().unwrap();
    run(own, &tickets[1], &mut body).unwrap();
    assert_eq!(run(own, &tickets[0], &mut body), Err(Error::Used));
    for _ in 2..CHUNKS {
        run(own, &own.reserve().unwrap(), &mut body).unwrap();
    }
    let tail = BODY - 9 - 16;
    let (_, receipt) = own.finish(&mut Slices::new(&plain[LEN - 9..], &mut body[tail..])).unwrap();
    body[..56].copy_from_slice(&receipt.head);
    assert_eq!(open(&object, &body).unwrap(), plain);
}

#[test]
fn a_child_opens_nothing_with_its_parent_s_handles() {
    let store = Store::with_oss();
    let (object, envelope) = store.create();
    let plain = pattern(LEN);
    let body = seal(&object, &plain);
    let map = map_of(&body, Some(LEN as u64)).unwrap();
    let mut opener = Some(object.opener(&map, 0).unwrap());
    let mut stream = Some(object.stream_opener(0, body.first_chunk().unwrap()).unwrap());
    let attribute = object.seal_attribute("etag", b"value").unwrap();
    let mut object = Some(object);
    let open_all = |opener: &ossenc::SegmentOpener, verify_only: bool, out: &mut [u8]| {
        // The arithmetic needs no key, and does not care.
        let mut extent = [Extent::default()];
        assert_eq!(map.plan(0, LEN as u64, 0, &mut extent).unwrap().0, 1);
        opener.open_extent(&extent[0], verify_only, &mut Slices::new(&body[56..], out))
    };
    in_child(|| {
        let (object, opener, mut stream) = (object.take().unwrap(), opener.take().unwrap(), stream.take().unwrap());
        let mut out = vec![0xc5; LEN];
        let good = forked(open_all(&opener, false, &mut out))
            && forked(open_all(&opener, true, &mut []))
            && forked(stream.next(&body[56..], &mut out))
            && forked(stream.next(&[], &mut out))
            && forked(stream.finish(&body[BODY - 25..], &mut out))
            && out.iter().all(|byte| *byte == 0xc5)
            && forked(object.sealer(0, Layout::Inline))
            && forked(object.ticket_sealer(0, Layout::Inline, 1, 1))
            && forked(object.seal(0, Layout::Inline, b"x", &mut [0; 100], &mut []))
            && forked(object.opener(&map, 0))
            && forked(object.stream_opener(0, body.first_chunk().unwrap()))
            && forked(object.open_body(0, &body, &mut out))
            && forked(object.open_segment(&map, 0, &body, &[], &mut out))
            && forked(object.seal_attribute("etag", b"value"))
            && forked(object.open_attribute("etag", &attribute));
        // The last owner of the data key, too.
        drop((object, opener, stream));
        good
    });
    let mut out = vec![0; LEN];
    open_all(opener.as_ref().unwrap(), false, &mut out).unwrap();
    assert_eq!(out, plain);
    out.fill(0);
    let stream = stream.as_mut().unwrap();
    let progress = stream.next(&body[56..], &mut out).unwrap();
    stream.finish(&body[56 + progress.consumed..], &mut out[progress.written..]).unwrap();
    assert_eq!(out, plain);
    assert_eq!(open(&store.open(&envelope).unwrap(), &body).unwrap(), plain);
}

/// With several slots, too, the fork is the answer, and never a wrong key.
#[test]
fn a_child_has_no_keystore_and_loads_its_own() {
    let store = Store::with_oss();
    let (_, envelope) = store.create();
    let mut keystore = Some(store.load(&store.image).unwrap());
    in_child(|| {
        let keystore = keystore.take().unwrap();
        let engine = Engine::new().unwrap();
        let good = forked(Object::create(&engine, &keystore, &OSS, &PLACE, Shape::Single, NOW))
            && forked(Object::open(&engine, &keystore, &envelope, &PLACE, &ALLOW, NOW))
            && forked(ossenc::rewrap(&engine, &keystore, &envelope, &PLACE, &ALLOW, &Rewrap::default(), NOW))
            && forked(keystore.apply(&engine, &Change::Stage { key_id: "oss" }, NOW))
            && keystore.generation() == 2;
        let nothing = Expect { methods: &[Method::SseKms], key_ids: &[] };
        let refused = Object::open(&engine, &keystore, &envelope, &PLACE, &nothing, NOW);
        drop(keystore);
        let own = Keystore::load(&engine, &store.image, &Secret::new(&ROOT_KEY), 0).unwrap();
        let object = Object::open(&engine, &own, &envelope, &PLACE, &ALLOW, NOW).unwrap();
        let body = seal(&object, b"hello");
        good && matches!(refused, Err(Error::Expect(_))) && open(&object, &body).unwrap() == b"hello"
    });
    store.open(&envelope).unwrap();
}

/// Everything that holds a key for long, and one envelope for each kind of key.
struct Held {
    store: Store,
    secret: Secret,
    bucket_key: BucketKey,
    remote_bucket_key: BucketKey,
    wrapping_key: WrappingKey,
    customer_key: CustomerKey,
    of_bucket: Vec<u8>,
    of_remote: Vec<u8>,
    of_customer: Vec<u8>,
    blob: Vec<u8>,
    sealed: Vec<u8>,
}

const END: u64 = NOW + 1_000;
const ALL: Expect<'_> =
    Expect { methods: &[Method::SseOss, Method::SseKms, Method::SseC], key_ids: &["", "oss", "cmk"] };

fn remote_key(secret: &Secret) -> RemoteKey<'_> {
    RemoteKey { provider: "kms", key_id: "cmk", key_version: "1", blob: b"wrapped", secret }
}

impl Held {
    fn new() -> Held {
        let mut store = Store::with_oss();
        store.apply(&Change::CreateForImport { key_id: "byok" });
        store.apply(&Change::Import { key_id: "byok", material: &Secret::new(&[8; 32]), not_after: None });
        let (engine, keystore) = (&store.engine, &store.keystore);
        let secret = Secret::new(&[5; 32]);
        let bucket_key = BucketKey::create(engine, keystore, "oss", &PLACE, END, NOW).unwrap();
        let remote_bucket_key = BucketKey::create_remote(engine, &remote_key(&secret), &PLACE, END, NOW).unwrap();
        let customer_key = CustomerKey::new(&secret).unwrap();
        let create = |to: &Recipient<'_>| Object::create(engine, keystore, to, &PLACE, Shape::Single, NOW).unwrap().1;
        Held {
            of_bucket: create(&Recipient::BucketKeyReference { method: Method::SseKms, key: &bucket_key }),
            of_remote: create(&Recipient::Remote { method: Method::SseKms, key: remote_key(&secret) }),
            of_customer: create(&Recipient::Customer(&customer_key)),
            blob: direct::encrypt(engine, keystore, "oss", &[], b"plain", NOW).unwrap(),
            sealed: message::seal(engine, &secret, &[], b"plain").unwrap(),
            wrapping_key: WrappingKey::remote(&secret).unwrap(),
            store,
            secret,
            bucket_key,
            remote_bucket_key,
            customer_key,
        }
    }

    /// Whatever uses a key: each in a way that works.
    fn uses(&self) -> Vec<(&'static str, Result<()>)> {
        let Held { secret, bucket_key, remote_bucket_key, customer_key, .. } = self;
        let Store { engine, keystore, root_key, image } = &self.store;
        let wrap = |to: &Recipient<'_>| Object::create(engine, keystore, to, &PLACE, Shape::Single, NOW).map(drop);
        let open = |keys: &dyn SlotKeys, envelope| Object::open(engine, keys, envelope, &PLACE, &ALL, NOW).map(drop);
        let import = Change::Import { key_id: "byok", material: &Secret::new(&[8; 32]), not_after: None };
        let method = Method::SseKms;
        let envelope = Envelope::parse(&self.of_remote).unwrap();
        let answer = SlotKey { slot: envelope.slots()[0].clone(), key: self.wrapping_key.clone() };
        let record = remote_bucket_key.record();
        let rename = Rewrap { context: Some(Context { object: b"other", ..PLACE }), ..Rewrap::default() };
        let head = self.sealed.first_chunk().unwrap();
        let mut room = [0; 100];
        vec![
            ("create, local", wrap(&OSS)),
            ("create, imported", wrap(&Recipient::oss("byok"))),
            ("create, remote", wrap(&Recipient::Remote { method, key: remote_key(secret) })),
            ("create, bucket key", wrap(&Recipient::BucketKey { method, key: bucket_key })),
            ("create, remote bucket key", wrap(&Recipient::BucketKeyReference { method, key: remote_bucket_key })),
            ("create, customer", wrap(&Recipient::Customer(customer_key))),
            ("open, bucket key", open(&(keystore, bucket_key), &self.of_bucket)),
            ("open, bucket key alone", open(bucket_key, &self.of_bucket)),
            ("open, wrapping key", open(&answer, &self.of_remote)),
            ("open, customer", open(customer_key, &self.of_customer)),
            (
                "rewrap, customer",
                ossenc::rewrap(engine, customer_key, &self.of_customer, &PLACE, &ALL, &rename, NOW).map(drop),
            ),
            ("bucket key, made", BucketKey::create(engine, keystore, "oss", &PLACE, END, NOW).map(drop)),
            ("bucket key, opened", bucket_key.record().open(engine, keystore, &PLACE, NOW).map(drop)),
            (
                "remote bucket key, made",
                BucketKey::create_remote(engine, &remote_key(secret), &PLACE, END, NOW).map(drop),
            ),
            ("remote bucket key, opened", record.open_remote(secret, &PLACE).map(drop)),
            ("wrapping key", WrappingKey::remote(secret).map(drop)),
            ("customer key", CustomerKey::new(secret).map(drop)),
            ("encrypt", direct::encrypt(engine, keystore, "oss", &[], b"plain", NOW).map(drop)),
            ("encrypt, imported", direct::encrypt(engine, keystore, "byok", &[], b"plain", NOW).map(drop)),
            ("decrypt", direct::decrypt(engine, keystore, &self.blob, &[], &["oss"], NOW).map(drop)),
            ("reencrypt", direct::reencrypt(engine, keystore, &self.blob, &[], &["oss"], "byok", &[], NOW).map(drop)),
            ("init", Keystore::init(engine, "root", root_key).map(drop)),
            ("load", Keystore::load(engine, image, root_key, 0).map(drop)),
            ("change", keystore.apply(engine, &Change::Create { key_id: "new" }, NOW).map(drop)),
            ("import", keystore.apply(engine, &import, NOW).map(drop)),
            ("reseal", keystore.reseal(engine, "root-2", secret).map(drop)),
            ("reseal, new root", keystore.reseal(engine, "root-2", &Secret::new(&[9; 32])).map(drop)),
            ("seal", message::seal(engine, secret, &[], b"x").map(drop)),
            ("seal_slice", message::seal_slice(engine, secret, &[], b"x", &mut room).map(drop)),
            ("open", message::open(engine, secret, &[], &self.sealed).map(drop)),
            ("open_slice", message::open_slice(engine, secret, &[], &self.sealed, &mut room).map(drop)),
            ("sealer", message::Sealer::new(engine, secret, &[]).map(drop)),
            ("opener", message::Opener::new(engine, secret, &[], head).map(drop)),
            ("stream", StreamOpener::new(engine, secret, &[], head).map(drop)),
            ("a clone", message::seal(engine, &secret.clone(), &[], b"x").map(drop)),
        ]
    }
}

/// The trap is that a child finds zeros where its parent's keys were: none is taken for a key, or for a caller's mistake.
#[test]
fn nothing_seals_or_opens_with_a_parent_s_key_in_a_child() {
    let mut held = Some(Held::new());
    let works = |held: &Held| held.uses().into_iter().for_each(|(what, done)| assert_eq!(done, Ok(()), "{what}"));
    works(held.as_ref().unwrap());
    let (from_child, to_parent) = std::io::pipe().unwrap();
    in_child(|| {
        let held = held.take().unwrap();
        let uses = held.uses();
        let used: Vec<_> = uses.iter().filter(|(_, done)| *done != Err(Error::Forked)).collect();
        write!(&to_parent, "{used:?}").unwrap();
        drop(held);
        true
    });
    drop(to_parent);
    assert_eq!(std::io::read_to_string(from_child).unwrap(), "[]", "what did not say Forked in the child");
    works(held.as_ref().unwrap());
}

/// What is made in a child is the child's, as long as its parent lives and after.
#[test]
fn a_child_s_own_child_is_a_stranger_as_well() {
    let store = Store::with_oss();
    in_child(|| {
        let store = Store::empty(store.engine.clone());
        let key = Secret::new(&[3; 32]);
        let mut sealer = ossenc::message::Sealer::new(&store.engine, &key, &[]).unwrap();
        let mut sealed = vec![0; 56 + CHUNK_LEN + 32];
        in_child(|| forked(sealer.next_slice(&pattern(CHUNK_LEN), &mut sealed)));
        sealer.finish_slice(&pattern(CHUNK_LEN), &mut sealed).unwrap();
        let mut stream = StreamOpener::new(&store.engine, &key, &[], sealed.first_chunk().unwrap()).unwrap();
        stream.next(&sealed[56..], &mut [0; CHUNK_LEN]).is_ok()
    });
}

/// What a child draws is its source's business; that it is asked, for each message anew, is this library's.
#[test]
fn a_child_draws_its_randomness_afresh() {
    #[derive(Default)]
    struct Counting(AtomicU32);
    impl Entropy for Counting {
        fn fill(&self, out: &mut [u8]) -> Result<()> {
            self.0.fetch_add(1, SeqCst);
            SystemEntropy.fill(out)
        }
    }
    let source = Arc::new(Counting::default());
    let engine = Engine::with(Isa::Best, source.clone()).unwrap();
    let drawn = source.0.load(SeqCst);
    in_child(|| {
        let key = Secret::new(&[3; 32]);
        ossenc::message::seal(&engine, &key, &[], b"x").unwrap();
        source.0.load(SeqCst) == drawn + 1
    });
    assert_eq!(source.0.load(SeqCst), drawn);
}

/// A refusal of the system is told as such, wherever a key is set up: never as a wrong key or a damaged envelope.
#[cfg(target_arch = "x86_64")]
#[test]
fn memory_that_cannot_be_locked_or_had_is_no_damage() {
    // In children, where a denial ends with the child: each with a keystore of its own.
    in_child(|| {
        let store = Store::with_oss();
        let (_, envelope) = store.create();
        process::deny(libc::SYS_mlock, None, libc::ENOMEM);
        let refused = store.engine.clone().with_lock(Lock::Required);
        matches!(refused, Err(Error::NotLocked)) && store.open(&envelope).is_ok()
    });
    in_child(|| {
        let store = Store::with_oss();
        let (_, envelope) = store.create();
        let engine = store.engine.clone().with_lock(Lock::Required).unwrap();
        process::deny(libc::SYS_mlock, None, libc::ENOMEM);
        let opened = Object::open(&engine, &store.keystore, &envelope, &PLACE, &ALLOW, NOW);
        let loaded = Keystore::load(&engine, &store.image, &store.root_key, 0);
        matches!(opened, Err(Error::NotLocked)) && matches!(loaded, Err(Error::NotLocked))
    });
    in_child(|| {
        let store = Store::with_oss();
        let (object, envelope) = store.create();
        process::deny(libc::SYS_mmap, None, libc::ENOMEM);
        // Until the slabs of message keys are full: then those of data keys still have room, and a slot cannot be
        // opened.
        let mut sealers = Vec::new();
        let refused = loop {
            match object.sealer(0, Layout::Inline) {
                Ok(sealer) => sealers.push(sealer),
                Err(error) => break error,
            }
        };
        refused == Error::NoMemory && matches!(store.open(&envelope), Err(Error::NoMemory))
    });
}
