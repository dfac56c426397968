//! A core dump of a process with a keystore, bucket keys, wrapping keys, customer keys, open objects, sealers and openers
//! holds no root key, no material, no data key and no key of a message, nor what an HMAC makes of them.
//!
//! The test starts itself again as the victim. Both draw the same randomness, so this process knows the victim's keys.
#![cfg(target_os = "linux")]

mod common;
#[path = "../../mem/tests/common/victim.rs"]
mod victim;

use std::sync::{Arc, Mutex};

use common::entropy::Counter;
use common::format::{self, MessageKeys, data_context};
use common::pattern;
use common::store::{NOW, PLACE, Store, map_of, seal};
use ossenc::message::size::{CHUNK_LEN, STORED_CHUNK_LEN};
use ossenc::message::{Sealer, StreamOpener};
use ossenc::pieces::Slices;
use ossenc::{
    BucketKey, Change, CustomerKey, Engine, Entropy, Envelope, Expect, Extent, Isa, Layout, Method, Object, Recipient,
    RemoteKey, Result, Secret, SegmentOpener, Shape, SlotKey, TicketSealer, WrappingKey, direct,
};
use sha2::block_api::compress512;
use zeroize::Zeroize;

const LEN: usize = 3 * CHUNK_LEN + 5;

/// Tells what was drawn, if asked.
#[derive(Default)]
struct Told {
    source: Counter,
    drawn: Option<Mutex<Vec<Vec<u8>>>>,
}

impl Entropy for Told {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        self.source.fill(out)?;
        if let Some(drawn) = &self.drawn {
            drawn.lock().unwrap().push(out.to_vec());
        }
        Ok(())
    }
}

/// Everything that holds a key, each used once.
#[allow(dead_code, reason = "held, not read")]
struct Handles {
    store: Store,
    secrets: [Secret; 3],
    bucket_key: BucketKey,
    remote_bucket_key: BucketKey,
    wrapping_key: WrappingKey,
    customer_key: CustomerKey,
    others: Vec<Object>,
    envelope: Vec<u8>,
    created: Object,
    opened: Object,
    sealer: Sealer,
    tickets: TicketSealer,
    opener: SegmentOpener,
    stream: StreamOpener,
}

fn handles(source: &Arc<Told>) -> Handles {
    let mut store = Store::empty(Engine::with(Isa::Best, source.clone()).unwrap());
    store.root_key = planted(source);
    store.image = store.keystore.reseal(&store.engine, "root-2", &store.root_key).unwrap();
    store.keystore = store.load(&store.image).unwrap();
    store.apply(&Change::Create { key_id: "other" });
    store.apply(&Change::CreateForImport { key_id: "byok" });
    store.apply(&Change::Import { key_id: "byok", material: &planted(source), not_after: None });
    store.apply(&Change::Create { key_id: "oss" });

    let (engine, keystore, method) = (&store.engine, &store.keystore, Method::SseKms);
    let secrets = [planted(source), planted(source), planted(source)];
    let remote = |secret| RemoteKey { provider: "kms", key_id: "cmk", key_version: "1", blob: b"wrapped", secret };
    let bucket_key = BucketKey::create(engine, keystore, "oss", &PLACE, NOW + 9, NOW).unwrap();
    let bucket_key = bucket_key.record().open(engine, keystore, &PLACE, NOW).unwrap();
    let remote_bucket_key = BucketKey::create_remote(engine, &remote(&secrets[0]), &PLACE, NOW + 9, NOW).unwrap();
    let wrapping_key = WrappingKey::remote(&secrets[1]).unwrap();
    let customer_key = CustomerKey::new(&secrets[2]).unwrap();
    let everything = Expect { methods: &[method, Method::SseC], key_ids: &["", "oss", "byok", "cmk"] };
    let recipients = [
        Recipient::kms("byok"),
        Recipient::Remote { method, key: remote(&secrets[1]) },
        Recipient::BucketKey { method, key: &bucket_key },
        Recipient::BucketKeyReference { method, key: &remote_bucket_key },
        Recipient::Customer(&customer_key),
    ];
    let others = recipients.iter().map(|recipient| {
        let (_, envelope) = Object::create(engine, keystore, recipient, &PLACE, Shape::Single, NOW).unwrap();
        let parsed = Envelope::parse(&envelope).unwrap();
        let answer = SlotKey { slot: parsed.slots()[0].clone(), key: wrapping_key.clone() };
        let bucket_keys = [&bucket_key, &remote_bucket_key];
        let keys = ((keystore, &bucket_keys[..]), (&customer_key, &answer));
        Object::open(engine, &keys, &envelope, &PLACE, &everything, NOW).unwrap()
    });
    let others = others.collect();
    let blob = direct::encrypt(engine, keystore, "byok", &[], b"plain", NOW).unwrap();
    direct::decrypt(engine, keystore, &blob, &[], &["byok"], NOW).unwrap();

    let (created, envelope) = store.create();
    let opened = store.open(&envelope).unwrap();
    let plain = pattern(LEN);
    let body = seal(&created, &plain);
    let mut room = vec![0; LEN + 1000];

    let mut sealer = opened.sealer(0, Layout::Inline).unwrap();
    sealer.next_slice(&plain, &mut room).unwrap();
    let tickets = opened.ticket_sealer(0, Layout::Inline, 2, 1).unwrap();
    let ticket = tickets.reserve().unwrap();
    tickets.run(&ticket, &mut Slices::new(&plain[..CHUNK_LEN], &mut room)).unwrap();
    let map = map_of(&body, Some(LEN as u64)).unwrap();
    let opener = opened.opener(&map, 0).unwrap();
    let mut extent = [Extent::default()];
    map.plan(0, LEN as u64, 0, &mut extent).unwrap();
    opener.open_extent(&extent[0], false, &mut Slices::new(&body[56..], &mut room)).unwrap();
    let mut stream = opened.stream_opener(0, body.first_chunk().unwrap()).unwrap();
    stream.next(&body[56..56 + STORED_CHUNK_LEN], &mut room).unwrap();
    Handles {
        store,
        secrets,
        bucket_key,
        remote_bucket_key,
        wrapping_key,
        customer_key,
        others,
        envelope,
        created,
        opened,
        sealer,
        tickets,
        opener,
        stream,
    }
}

/// A key that the user brings, and wipes.
fn planted(source: &Told) -> Secret {
    let mut bytes = [0; 32];
    source.fill(&mut bytes).unwrap();
    let secret = Secret::new(&bytes);
    bytes.zeroize();
    secret
}

/// Must be found, or a dump proves nothing.
fn control() -> Vec<u8> {
    (0..64_u32).flat_map(|i| (i.wrapping_mul(0x9e37_79b9) ^ 0x5bd1_e995).to_le_bytes()).collect()
}

/// Not a test: what the test below starts, in a process of its own.
#[test]
#[ignore = "the victim of the other test"]
fn victim() {
    let handles = handles(&Arc::new(Told::default()));
    let control = control();
    victim::ready();
    drop((handles, control));
}

/// What can be found of a key: itself, and what HMAC-SHA512 keeps of it and leaves behind.
struct Traces {
    raw: Vec<Vec<u8>>,
    states: Vec<Vec<u8>>,
}

impl Traces {
    fn of(key: &[u8]) -> Traces {
        const START: [u64; 8] = [
            0x6a09_e667_f3bc_c908,
            0xbb67_ae85_84ca_a73b,
            0x3c6e_f372_fe94_f82b,
            0xa54f_f53a_5f1d_36f1,
            0x510e_527f_ade6_82d1,
            0x9b05_688c_2b3e_6c1f,
            0x1f83_d9ab_fb41_bd6b,
            0x5be0_cd19_137e_2179,
        ];
        let mut traces = Traces { raw: vec![key.to_vec()], states: vec![] };
        for pad in [0x36, 0x5c] {
            let mut block = [pad; 128];
            block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
            traces.raw.push(block[..key.len()].to_vec());
            // A message schedule is words in the order of the machine.
            let words = block[..key.len()].as_chunks().0.iter().map(|word| u64::from_be_bytes(*word));
            traces.raw.push(words.flat_map(u64::to_le_bytes).collect());
            let mut state = START;
            compress512(&mut state, &[block]);
            traces.states.push(state.iter().flat_map(|word| word.to_le_bytes()).collect());
        }
        traces
    }
}

#[test]
fn a_core_dump_holds_no_key() {
    let source = Arc::new(Told { source: Counter::default(), drawn: Some(Mutex::default()) });
    let handles = handles(&source);
    let drawn = source.drawn.as_ref().unwrap().lock().unwrap().clone();
    let keys: Vec<_> = drawn.iter().filter(|draw| draw.len() == 32).collect();
    // After the probe's two draws: the root key, three keys' material, three secrets from outside, a bucket key, and the
    // data keys of six objects.
    let [_, _, keys @ ..] = &keys[..] else { panic!("the source was not probed") };
    let [root_key, other, byok, oss, to_remote_bucket, to_wrap, to_customer, bucket_key, data_keys @ ..] = keys else {
        panic!("{} keys were drawn", keys.len())
    };
    assert_eq!(data_keys.len(), 6);
    let data_key = data_keys[5];
    let salts: Vec<_> = drawn.iter().filter_map(|draw| <[u8; 24]>::try_from(&draw[..]).ok()).collect();
    let context = data_context(format::split_envelope(&handles.envelope).0);
    let key: [u8; 32] = data_key[..].try_into().unwrap();
    // The last three messages: the body that openers open, and those of the sealer and the ticket sealer.
    let messages: Vec<_> =
        salts[salts.len() - 3..].iter().map(|salt| MessageKeys::derive(&key, salt, &context).key).collect();
    // What else is derived from them, and used like them.
    let imported = |key: &[u8]| format::hmac(b"ossenc/v1/import", &[key]);
    let derived = [
        format::purpose_key(oss, b"wrap-dek", "oss", "1"),
        format::purpose_key(oss, b"wrap-bucket-key", "oss", "1"),
        format::purpose_key(&imported(byok), b"wrap-dek", "byok", "1"),
        format::purpose_key(&imported(byok), b"direct", "byok", "1"),
        format::purpose_key(&imported(to_customer), b"wrap-dek", "", ""),
        imported(byok).to_vec(),
        imported(to_customer).to_vec(),
    ];
    let traces: Vec<_> = keys.iter().map(|key| &key[..]).chain(derived.iter().map(|key| &key[..])).collect();
    let traces: Vec<_> = traces.into_iter().map(Traces::of).collect();

    let folder = tempfile::tempdir().unwrap();
    let mut victim = victim::start(folder.path());
    let (left_out, dump) = (victim::left_out(&victim), victim::gcore(&victim, folder.path()));
    victim.kill().unwrap();
    victim.wait().unwrap();
    let dump = match dump {
        Ok(dump) => dump,
        Err(why) => return println!("SKIPPED: NO CORE DUMP WAS LOOKED AT: {why}"),
    };
    let count = |pattern: &Vec<u8>| victim::count(&dump, pattern);
    println!("{} MiB of core, {} KiB left out of it", dump.len() >> 20, left_out.len() >> 10);

    assert!(count(&control()) >= control().len() - 15, "the dump holds what is not protected, and so proves something");
    for key in [root_key, bucket_key, to_remote_bucket, to_wrap, &data_key] {
        for state in &Traces::of(key).states {
            assert!(victim::count(&left_out, state) > 0, "what is looked for is what these keys became");
        }
    }
    for key in [other, byok, oss, to_customer] {
        assert!(victim::count(&left_out, key) > 0, "and what these are");
    }
    for message in &messages {
        assert!(victim::count(&left_out, message) > 0, "and what message keys are");
    }
    let found = || {
        let all = traces.iter().enumerate().flat_map(|(key, traces)| {
            traces.raw.iter().chain(&traces.states).enumerate().map(move |(trace, bytes)| (key, trace, bytes))
        });
        all.filter(|(_, _, bytes)| count(bytes) > 0).map(|(key, trace, _)| (key, trace)).collect::<Vec<_>>()
    };
    let all: Vec<u8> =
        traces.iter().flat_map(|traces| traces.raw.iter().chain(&traces.states)).flatten().copied().collect();
    assert_eq!(count(&all), 0, "keys, and which trace of each: {:?}", found());
    for (i, message) in messages.iter().enumerate() {
        assert_eq!(count(&message.to_vec()), 0, "message key {i}");
    }
}
