//! Keystores under a passphrase.
#![cfg(feature = "passphrase")]

mod common;

use common::entropy::Counter;
use common::store::{NOW, Store};
use ossenc::{Change, Engine, Error, ImageInfo, Kdf, Keystore, PassphraseCost, Secret};

const CHEAP: PassphraseCost = PassphraseCost { kib: 32, passes: 1, lanes: 4 };
const PASSPHRASE: &[u8] = b"correct horse battery staple";

fn init(engine: &Engine, cost: PassphraseCost) -> ossenc::Result<Vec<u8>> {
    Keystore::init_with_passphrase(engine, "phrase-1", PASSPHRASE, cost)
}

#[test]
fn a_passphrase_opens_its_keystore_and_another_does_not() {
    let engine = Counter::engine();
    let image = init(&engine, CHEAP).unwrap();
    assert_eq!(Keystore::init_len("phrase-1", true), Ok(image.len()));
    let keystore = Keystore::load_with_passphrase(&engine, &image, PASSPHRASE, 1).unwrap();
    let next = keystore.apply(&engine, &Change::Create { key_id: "oss" }, NOW).unwrap();
    let Kdf::Argon2id(argon2id) = ImageInfo::read(&next).unwrap().kdf else { panic!("under a passphrase") };
    assert_eq!(argon2id.cost(), CHEAP);
    assert_eq!(keystore.info().kdf, Kdf::Argon2id(argon2id), "the salt stays with the passphrase");
    // Derived once, loaded often.
    let derived = argon2id.derive(PASSPHRASE).unwrap();
    assert_eq!(Keystore::load(&engine, &next, &derived, 2).unwrap().keys().len(), 1);

    let load = |image: &[u8], passphrase| Keystore::load_with_passphrase(&engine, image, passphrase, 2).err();
    assert_eq!(load(&next, b"correct horse battery stable"), Some(Error::Commit));
    assert_eq!(load(&next, &PASSPHRASE[..27]), Some(Error::Commit));
    assert!(matches!(load(&next, b""), Some(Error::Argument(_))));
    assert!(matches!(load(&image, PASSPHRASE), Some(Error::Expect(_))));
    assert_eq!(Keystore::load(&engine, &next, &Secret::new(&[1; 32]), 0).err(), Some(Error::Commit));
    let plain = Store::with_oss();
    assert!(matches!(load(&plain.image, PASSPHRASE), Some(Error::Argument(_))));
}

#[test]
fn a_keystore_moves_under_a_passphrase_and_out_again() {
    let store = Store::with_oss();
    let image = store.keystore.reseal_with_passphrase(&store.engine, "phrase-1", PASSPHRASE, CHEAP).unwrap();
    assert_eq!(store.keystore.reseal_len("phrase-1", true), Ok(image.len()));
    assert_eq!(store.load(&image).err(), Some(Error::Commit), "the old root key");
    let keystore = Keystore::load_with_passphrase(&store.engine, &image, PASSPHRASE, 3).unwrap();
    assert_eq!(keystore.keys().len(), 1);
    let out = keystore.reseal(&store.engine, "root-2", &Secret::new(&[8; 32])).unwrap();
    let keystore = Keystore::load(&store.engine, &out, &Secret::new(&[8; 32]), 4).unwrap();
    assert_eq!(keystore.info().kdf, Kdf::None);
}

/// The parameters of an image are an attacker's to choose: they are judged before any memory is taken.
#[test]
fn costs_outside_the_limits_are_refused() {
    let engine = Counter::engine();
    let image = init(&engine, CHEAP).unwrap();
    let at = 8 + 16 + 8 + 1 + "phrase-1".len() + 1;
    let max = u32::MAX;
    let (format, too_new) = (Error::Format(""), Error::TooNew(""));
    for (kib, passes, lanes, expected) in [
        (max, 3, 4, too_new),
        ((2 << 20) + 1, 3, 4, too_new),
        (64, 33, 4, too_new),
        (2048, 3, 33, too_new),
        (max, max, max, too_new),
        (31, 3, 4, format),
        (0, 3, 1, format),
        (64, 0, 4, format),
        (64, 3, 0, format),
    ] {
        let refused = init(&engine, PassphraseCost { kib, passes, lanes });
        assert!(matches!(refused, Err(Error::Argument(_))), "{kib} {passes} {lanes}");
        let mut forged = image.clone();
        for (i, number) in [kib, passes, lanes].into_iter().enumerate() {
            forged[at + 4 * i..at + 4 * i + 4].copy_from_slice(&number.to_be_bytes());
        }
        let error = Keystore::load_with_passphrase(&engine, &forged, PASSPHRASE, 0).unwrap_err();
        assert_eq!(std::mem::discriminant(&error), std::mem::discriminant(&expected), "{kib} {passes} {lanes}");
    }
    for cut in at..at + 28 {
        assert!(matches!(ImageInfo::read(&image[..cut]), Err(Error::Format(_))), "{cut} bytes");
    }
}

#[test]
fn the_default_cost_is_that_of_rfc_9106() {
    assert_eq!(PassphraseCost::default(), PassphraseCost { kib: 65_536, passes: 3, lanes: 4 });
}

#[test]
fn two_keystores_under_one_passphrase_have_two_root_keys() {
    let engine = Counter::engine();
    let kdfs = [(); 2].map(|()| ImageInfo::read(&init(&engine, CHEAP).unwrap()).unwrap().kdf);
    assert_ne!(kdfs[0], kdfs[1], "the salt is drawn for each");
}
