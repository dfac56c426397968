//! Any bytes as a keystore image, as the body of an image that is sealed properly, and bodies of keys that are nearly
//! right: what loads obeys every rule of docs/FORMAT.md, section 9, and is kept whole when it is written again.
//!
//! The first byte says which of these the rest is: 0, 1, anything else.
#![no_main]

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use ossenc::{Error, ImageInfo, Keystore};
use ossenc_fuzz::STORE;
use ossenc_fuzz::format::{self, Key, KeyVersion};
use ossenc_fuzz::store::assert_lossless;

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((0, image)) => {
            if let Err(error) = Keystore::load(&STORE.engine, image, &STORE.root_key, 0) {
                assert!(ImageInfo::read(image).is_ok() || matches!(error, Error::Format(_) | Error::TooNew(_)));
            }
        }
        Some((1, body)) => {
            let _ = load_body(body);
        }
        Some((_, rest)) => {
            let Ok(keys) = keys(&mut Unstructured::new(rest)) else { return };
            let loaded = load_body(&format::keystore_body(&keys));
            assert_eq!(loaded.is_ok(), is_valid(&keys), "{:?} for {keys:#?}", loaded.err());
        }
        None => {}
    }
});

fn load_body(body: &[u8]) -> ossenc::Result<Keystore> {
    let header = format::keystore_header(&[1; 16], 1, "root-1");
    let image = format::keystore_image(&STORE.engine, &STORE.root_key, &header, body);
    let loaded = STORE.load(&image);
    match &loaded {
        Ok(keystore) => {
            assert_lossless(&STORE.engine, keystore, &image, &STORE.root_key);
            for key in keystore.keys() {
                let names = key.aliases().iter().map(String::as_str).chain([key.id()]);
                names.for_each(|name| assert!(keystore.resolve(name).is_some()));
                assert_eq!(keystore.key(key.id()).map(|found| found.id()), Some(key.id()));
            }
            assert!(!format!("{keystore:?}").contains("9, 9, 9"), "material is not shown");
        }
        Err(Error::TooNew(_)) => assert_ne!(body[0], 1),
        Err(error) => assert!(matches!(error, Error::Format(_)), "{error:?}"),
    }
    loaded
}

/// Numbers that have something to do with each other.
fn number(u: &mut Unstructured<'_>) -> Result<u64> {
    if u.ratio(9, 10)? { u.int_in_range(0..=4) } else { u.arbitrary() }
}

fn small(u: &mut Unstructured<'_>, max: u8) -> Result<u8> {
    if u.ratio(19, 20)? { u.int_in_range(1..=max) } else { u.arbitrary() }
}

fn name(u: &mut Unstructured<'_>, prefix: &[u8]) -> Result<Vec<u8>> {
    let tail: Vec<u8> = match u.int_in_range(0..=9)? {
        0 => vec![],
        1 => Vec::arbitrary(u)?.into_iter().take(250).collect(),
        _ => vec![u.int_in_range(b'a'..=b'e')?],
    };
    Ok([prefix, &tail].concat())
}

fn bytes_of_32(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let len = if u.ratio(9, 10)? { 32 } else { u.int_in_range(0..=40)? };
    Ok(vec![9; len])
}

fn keys(u: &mut Unstructured<'_>) -> Result<Vec<Key>> {
    (0..u.int_in_range(0..=3)?).map(|_| key(u)).collect()
}

fn key(u: &mut Unstructured<'_>) -> Result<Key> {
    let versions = (0..u.int_in_range(0..=3)?)
        .map(|i| {
            let state = small(u, 4)?;
            let number = if u.ratio(9, 10)? { i + 1 } else { number(u)? };
            let empty = if state == 4 { u.ratio(9, 10)? } else { u.ratio(1, 20)? };
            let material = if empty { vec![] } else { bytes_of_32(u)? };
            Ok(KeyVersion { number, state, not_after: number_or_0(u)?, material })
        })
        .collect::<Result<Vec<_>>>()?;
    let state = small(u, 4)?;
    Ok(Key {
        key_id: name(u, b"k")?,
        origin: small(u, 2)?,
        state,
        delete_at: if u.ratio(9, 10)? { u64::from(state == 3) } else { number(u)? },
        primary: number(u)?,
        next_version: if u.ratio(9, 10)? { 5 } else { number(u)? },
        check: if u.ratio(2, 3)? { vec![] } else { bytes_of_32(u)? },
        aliases: (0..u.int_in_range(0..=2)?).map(|_| name(u, b"alias/")).collect::<Result<_>>()?,
        versions,
    })
}

fn number_or_0(u: &mut Unstructured<'_>) -> Result<u64> {
    if u.arbitrary()? { Ok(0) } else { number(u) }
}

/// The rules of docs/FORMAT.md, section 9, one after the other.
fn is_valid(keys: &[Key]) -> bool {
    let graphic =
        |id: &[u8], min: usize| (min..=255).contains(&id.len()) && id.iter().all(|b| (0x21..=0x7e).contains(b));
    let ids: Vec<&Vec<u8>> = keys.iter().map(|key| &key.key_id).collect();
    let all_aliases: Vec<&Vec<u8>> = keys.iter().flat_map(|key| &key.aliases).collect();
    let each_once = |names: &[&Vec<u8>]| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    let sorted = |names: &[&Vec<u8>]| names.is_sorted() && each_once(names);

    sorted(&ids)
        && each_once(&all_aliases)
        && keys.iter().all(|key| {
            let versions = &key.versions;
            let aliases: Vec<&Vec<u8>> = key.aliases.iter().collect();
            let (service, awaits_import) = (key.origin == 1, key.state == 4);
            let version_is_valid = |v: &KeyVersion| {
                let material = match v.material.len() {
                    0 => v.state == 4 || awaits_import,
                    32 => v.state != 4,
                    _ => false,
                };
                material && (1..=4).contains(&v.state) && v.number >= 1 && v.number < key.next_version
            };
            let primary = match key.primary {
                0 => awaits_import,
                n => versions.iter().any(|v| v.number == n && v.state == 2),
            };
            graphic(&key.key_id, 1)
                && (1..=2).contains(&key.origin)
                && (1..=4).contains(&key.state)
                && !(awaits_import && service)
                && (key.delete_at != 0) == (key.state == 3)
                && (key.check.is_empty() || (key.check.len() == 32 && !service))
                && sorted(&aliases)
                && key.aliases.iter().all(|alias| graphic(alias, 7) && alias.starts_with(b"alias/"))
                && versions.is_sorted_by(|a, b| a.number < b.number)
                && versions.iter().all(version_is_valid)
                && key.next_version >= 1
                && primary
        })
}
