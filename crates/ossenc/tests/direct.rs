//! Small data under a master key: what opens it, and all that does not.

mod common;

use common::entropy::Counter;
use common::store::{NOW, Store};
use ossenc::{Change, Error, Result, direct};

const PAIRS: direct::Pairs<'_> = &[("use", "database"), ("host", "a")];

fn encrypt(store: &Store, plain: &[u8]) -> Result<Vec<u8>> {
    direct::encrypt(&store.engine, &store.keystore, "oss", PAIRS, plain, NOW)
}

fn decrypt(store: &Store, blob: &[u8]) -> Result<Vec<u8>> {
    direct::decrypt(&store.engine, &store.keystore, blob, PAIRS, &["oss"], NOW).map(|plain| plain.to_vec())
}

#[test]
fn every_length_up_to_the_limit_comes_back() {
    let store = Store::with_oss();
    for len in (0..=direct::PLAIN_MAX).step_by(63).chain([1, direct::PLAIN_MAX]) {
        let plain = common::pattern(len);
        let blob = encrypt(&store, &plain).unwrap();
        assert_eq!(direct::encrypted_len(&store.keystore, "oss", len), Ok(blob.len()));
        assert_eq!(direct::decrypted_len(&blob), Ok(len));
        assert_eq!(decrypt(&store, &blob), Ok(plain));
    }
    let long = vec![0; direct::PLAIN_MAX + 1];
    assert!(matches!(encrypt(&store, &long), Err(Error::Argument(_))));
    assert!(matches!(direct::encrypted_len(&store.keystore, "oss", long.len()), Err(Error::Argument(_))));
}

#[test]
fn other_pairs_keys_and_places_are_refused() {
    let store = Store::with_oss();
    let blob = encrypt(&store, b"secret").unwrap();
    let open = |pairs, key_ids: &[&str]| direct::decrypt(&store.engine, &store.keystore, &blob, pairs, key_ids, NOW);
    assert!(open(&[("host", "a"), ("use", "database")], &["x", "oss"]).is_ok(), "in any order");
    assert_eq!(open(&[], &["oss"]).err(), Some(Error::Commit));
    assert_eq!(open(&[("use", "database"), ("host", "b")], &["oss"]).err(), Some(Error::Commit));
    assert!(matches!(open(PAIRS, &[]), Err(Error::Expect(_))), "an empty list allows nothing");
    assert!(matches!(open(PAIRS, &["alias/oss", "os"]), Err(Error::Expect(_))));
    assert!(matches!(open(&[("ossenc:x", "")], &["oss"]), Err(Error::Argument(_))));
    assert_eq!(decrypt(&Store::empty(Counter::engine()), &blob), Err(Error::NoVersion));
    // A key of the same id with other material.
    let mut other = Store::empty(Counter::engine());
    other.apply(&Change::Create { key_id: "another" });
    other.apply(&Change::Create { key_id: "oss" });
    assert_eq!(decrypt(&other, &blob), Err(Error::Commit));
}

#[test]
fn every_bit_and_every_truncation_counts() {
    let store = Store::with_oss();
    let blob = encrypt(&store, b"secret").unwrap();
    for bit in 0..blob.len() * 8 {
        let mut damaged = blob.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(decrypt(&store, &damaged).is_err(), "bit {bit}");
    }
    for len in 0..blob.len() {
        assert!(decrypt(&store, &blob[..len]).is_err(), "{len} bytes");
    }
    assert!(decrypt(&store, &[&blob[..], &[0]].concat()).is_err());
}

#[test]
fn states_allow_what_they_allow_for_objects() {
    let mut store = Store::with_oss();
    let under_1 = encrypt(&store, b"one").unwrap();
    store.apply(&Change::Stage { key_id: "oss" });
    assert_eq!(direct::encrypted_len(&store.keystore, "oss", 3), Ok(under_1.len()));
    store.apply(&Change::Promote { key_id: "oss", version: None });
    let under_2 = encrypt(&store, b"two").unwrap();
    assert_eq!(decrypt(&store, &under_1).as_deref(), Ok(&b"one"[..]));
    store.apply(&Change::Retire { key_id: "oss", version: 1 });
    assert_eq!(decrypt(&store, &under_1), Err(Error::KeyState));
    store.apply(&Change::Disable { key_id: "oss" });
    assert_eq!(decrypt(&store, &under_2), Err(Error::KeyState));
    assert_eq!(encrypt(&store, b"three"), Err(Error::KeyState));
}

#[test]
fn reencrypting_changes_key_and_pairs_and_leaves_the_plaintext() {
    let mut store = Store::with_oss();
    store.apply(&Change::Create { key_id: "other" });
    store.apply(&Change::SetAlias { key_id: "other", alias: "alias/new" });
    let blob = encrypt(&store, b"secret").unwrap();
    let (engine, keystore) = (&store.engine, &store.keystore);
    let to_pairs: direct::Pairs<'_> = &[("use", "backup")];
    let moved = direct::reencrypt(engine, keystore, &blob, PAIRS, &["oss"], "alias/new", to_pairs, NOW).unwrap();
    let opened = direct::decrypt(engine, keystore, &moved, to_pairs, &["other"], NOW).unwrap();
    assert_eq!(&opened[..], b"secret");
    assert!(matches!(decrypt(&store, &moved), Err(Error::Expect(_))), "the id is stored, not the alias");
    let refused = direct::reencrypt(engine, keystore, &blob, &[], &["oss"], "other", to_pairs, NOW);
    assert_eq!(refused.err(), Some(Error::Commit));
    let unknown = direct::reencrypt(engine, keystore, &blob, PAIRS, &["oss"], "none", to_pairs, NOW);
    assert_eq!(unknown.err(), Some(Error::NoVersion));
}

/// A data key cannot be passed off as a direct blob, nor the other way round: the keys are derived apart.
#[test]
fn the_same_text_twice_gives_unrelated_blobs() {
    let store = Store::with_oss();
    let (a, b) = (encrypt(&store, b"secret").unwrap(), encrypt(&store, b"secret").unwrap());
    let header_len = a.len() - (56 + 6 + 16);
    assert_eq!(a[..header_len], b[..header_len]);
    assert_ne!(a[header_len..header_len + 24], b[header_len..header_len + 24], "another salt");
    assert_ne!(a[header_len + 56..], b[header_len + 56..]);
}
