//! The census: what is counted, its canonical bytes, and every refusal.

mod common;

use common::store::{NOW, PLACE, Store};
use ossenc::{Census, Context, Error, Kind, Recipient, RemoteKey, Rewrap, Secret, Shape, crc32c};

fn envelopes(store: &Store) -> Vec<Vec<u8>> {
    let secret = Secret::new(&[9; 32]);
    let remote = |key_id| Recipient::Remote {
        method: ossenc::Method::SseOss,
        key: RemoteKey { provider: "kms-1", key_id, key_version: "", blob: b"blob", secret: &secret },
    };
    let create = |to: &Recipient<'_>| {
        ossenc::Object::create(&store.engine, &store.keystore, to, &PLACE, Shape::Single, NOW).unwrap().1
    };
    let (a, b, c) = (create(&Recipient::oss("oss")), create(&remote("oss")), create(&remote("arn:x/y")));
    let both = Rewrap { to: Some(remote("second")), keep_slots: true, ..Rewrap::default() };
    let d = store.rewrap(&a, &both).unwrap();
    vec![a, b, c, d]
}

fn counted(envelopes: &[Vec<u8>]) -> Census {
    let mut census = Census::new();
    envelopes.iter().for_each(|envelope| census.add(envelope).unwrap());
    census
}

#[test]
fn slots_are_counted_per_kind_provider_key_and_version() {
    let mut store = Store::with_oss();
    let mut envelopes = envelopes(&store);
    store.rotate();
    envelopes.push(store.rewrap(&envelopes[0], &Rewrap::default()).unwrap());
    let census = counted(&envelopes);
    let listed: Vec<_> =
        census.iter().map(|(key, n)| (key.kind(), key.provider(), key.key_id(), key.key_version(), n)).collect();
    let wanted = [
        (Kind::Local, "", "oss", "1", 2),
        (Kind::Local, "", "oss", "2", 1),
        (Kind::Remote, "kms-1", "arn:x/y", "", 1),
        (Kind::Remote, "kms-1", "oss", "", 1),
        (Kind::Remote, "kms-1", "second", "", 1),
    ];
    assert_eq!(listed, wanted);
    assert_eq!((census.envelopes(), census.count("oss", "1"), census.count("oss", "3")), (5, 2, 0));
    // A key of the same name elsewhere counts: too many is the safe side.
    assert_eq!(census.count("oss", ""), 1);
}

#[test]
fn the_order_of_counting_and_merging_does_not_show() {
    let envelopes = envelopes(&Store::with_oss());
    let whole = counted(&envelopes).encode();
    let mut reversed = envelopes.clone();
    reversed.reverse();
    assert_eq!(counted(&reversed).encode(), whole);
    for cut in 0..=envelopes.len() {
        let (a, b) = envelopes.split_at(cut);
        for (first, second) in [(a, b), (b, a)] {
            let mut merged = Census::decode(&counted(first).encode()).unwrap();
            merged.merge(&counted(second)).unwrap();
            assert_eq!(merged.encode(), whole);
        }
    }
    let census = Census::decode(&whole).unwrap();
    assert_eq!((census.encode(), census.encoded_len()), (whole.clone(), whole.len()));
    assert_eq!(Census::decode(&Census::new().encode()).unwrap(), Census::new());
}

#[test]
fn an_envelope_that_does_not_parse_changes_nothing() {
    let envelopes = envelopes(&Store::with_oss());
    let mut census = counted(&envelopes);
    let before = census.clone();
    assert!(census.add(&envelopes[0][..100]).is_err());
    assert_eq!(census, before);
}

/// One entry as the format has it, the slots' number apart.
fn entry(kind: u8, names: [&str; 3], count: u64) -> Vec<u8> {
    let mut out = vec![kind];
    for name in names {
        out.push(name.len() as u8);
        out.extend(name.as_bytes());
    }
    out.extend(count.to_be_bytes());
    out
}

/// The bytes of docs/FORMAT.md, by hand.
fn bytes(version: u8, envelopes: u64, n: u32, entries: &[Vec<u8>]) -> Vec<u8> {
    let mut out = [&b"ossencN"[..], &[version], &envelopes.to_be_bytes(), &n.to_be_bytes(), &entries.concat()].concat();
    out.extend(crc32c(&out).to_be_bytes());
    out
}

#[test]
fn the_bytes_are_those_of_the_format() {
    let store = Store::with_oss();
    let envelope = store.create_at(&Context::default()).1;
    assert_eq!(counted(&[envelope]).encode(), bytes(1, 1, 1, &[entry(1, ["", "oss", "1"], 1)]));
    let all = [
        entry(1, ["", "a", "1"], 5),
        entry(1, ["", "a", "10"], 1),
        entry(1, ["", "a", "2"], 1),
        entry(2, ["kms", "a", ""], 1),
        entry(3, ["", "a", "1"], 1),
        entry(3, ["kms", "a", "x"], 1),
        entry(4, ["", "a", "1"], 1),
        entry(5, ["", "", ""], 1),
    ];
    let census = Census::decode(&bytes(1, 10, 8, &all)).unwrap();
    assert_eq!(census.encode(), bytes(1, 10, 8, &all));
    assert_eq!(census.count("a", "1"), 7);
}

#[test]
fn every_malformed_census_is_refused() {
    let one = |kind, names, count| bytes(1, 1, 1, &[entry(kind, names, count)]);
    let long = "x".repeat(65);
    let format = [
        bytes(1, 0, 1, &[entry(1, ["", "a", "1"], 1)]), // more slots than envelopes can have
        bytes(1, 2, 1, &[entry(1, ["", "a", "1"], 1)]), // fewer slots than envelopes
        bytes(1, 1, 1, &[entry(1, ["", "a", "1"], 17)]),
        bytes(1, 1, 0, &[]),
        bytes(1, u64::MAX, 1, &[entry(1, ["", "a", "1"], u64::MAX)]),
        bytes(1, 1, 2, &[entry(1, ["", "a", "1"], 1)]),
        bytes(1, 1, u32::MAX, &[entry(1, ["", "a", "1"], 1)]),
        bytes(1, 1, 0, &[entry(1, ["", "a", "1"], 1)]),
        bytes(1, 1, 1, &[entry(1, ["", "a", "1"], 1), vec![0]]),
        bytes(1, 1, 2, &[entry(1, ["", "b", "1"], 1), entry(1, ["", "a", "1"], 1)]), // not sorted
        bytes(1, 1, 2, &[entry(1, ["", "a", "1"], 1), entry(1, ["", "a", "1"], 1)]), // twice
        bytes(1, 9, 2, &[entry(1, ["", "a", "1"], u64::MAX), entry(1, ["", "a", "2"], 2)]),
        one(1, ["", "a", "1"], 0),
        one(1, ["kms", "a", "1"], 1),
        one(1, ["", "", "1"], 1),
        one(1, ["", "a", ""], 1),
        one(1, ["", "a", "01"], 1),
        one(1, ["", "a b", "1"], 1),
        one(2, ["", "a", "1"], 1),
        one(2, ["KMS", "a", "1"], 1),
        one(2, ["kms", "", "1"], 1),
        one(2, ["kms", "a", &long], 1),
        one(3, ["", "a", "x"], 1),
        one(5, ["", "a", ""], 1),
        Vec::new(),
    ];
    for (i, bad) in format.iter().enumerate() {
        assert!(matches!(Census::decode(bad), Err(Error::Format(_))), "case {i}");
    }
    for (i, new) in [bytes(2, 1, 1, &[]), one(6, ["", "a", "1"], 1), one(0, ["", "a", "1"], 1)].iter().enumerate() {
        assert!(matches!(Census::decode(new), Err(Error::TooNew(_))), "case {i}");
    }
    let good = one(1, ["", "a", "1"], 1);
    Census::decode(&good).unwrap();
    for bit in 0..good.len() * 8 {
        let mut damaged = good.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(Census::decode(&damaged), Err(Error::Format(_))), "bit {bit}");
    }
    for len in 0..good.len() {
        assert!(Census::decode(&good[..len]).is_err(), "{len} bytes");
    }
}

#[test]
fn counts_do_not_overflow() {
    let most = u64::MAX / 16;
    let full = Census::decode(&bytes(1, most, 1, &[entry(1, ["", "a", "1"], most)])).unwrap();
    let mut census = full.clone();
    assert!(matches!(census.merge(&full), Err(Error::State(_))));
    let store = Store::with_oss();
    assert!(matches!(census.add(&store.create().1), Err(Error::State(_))));
    assert_eq!(census, full);
}

/// `OSSENC_CENSUS` says how many (2,000).
#[test]
fn many_envelopes_are_counted() {
    let n: u64 = std::env::var("OSSENC_CENSUS").map_or(2_000, |n| n.parse().unwrap());
    let mut store = Store::with_oss();
    let base = store.create().1;
    let mut shards = [Census::new(), Census::new(), Census::new()];
    let mut made = 0;
    for round in 0..10 {
        let envelope = store.rewrap(&base, &Rewrap::default()).unwrap();
        let share = (n - made) / (10 - round);
        for i in 0..share {
            shards[(i % 3) as usize].add(&envelope).unwrap();
        }
        made += share;
        store.rotate();
    }
    let mut whole = Census::new();
    shards.iter().for_each(|shard| whole.merge(&Census::decode(&shard.encode()).unwrap()).unwrap());
    assert_eq!((whole.envelopes(), whole.iter().len()), (n, 10));
    assert!((1..=10).all(|version: u64| whole.count("oss", &version.to_string()).abs_diff(n / 10) <= 1));
}
