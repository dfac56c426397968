//! The sealed body of an image: encoding and strict decoding of all master keys.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ossenc_mem::{GuardedBytes, Lock};

use super::IMAGE_MAX;
use super::header::Header;
use super::master_key::{KeyState, MasterKey, Origin, Version, VersionState};
use crate::codec::{Put, Reader};
use crate::kdf::Prk;
use crate::message::{self, size};
use crate::secret::KEY_LEN;
use crate::{Engine, Error, Result, Secret, ident};

const VERSION: u8 = 1;
/// The fewest bytes that a key, an alias, a version can take: bounds counts before anything is allocated.
const KEY_MIN: usize = 1 + 1 + 1 + 1 + 6 * 8 + 1 + 2 + 4;
const ALIAS_MIN: usize = 1 + 7;
const VERSION_MIN: usize = 8 + 1 + 8 + 8 + 1;

fn context(header: &[u8]) -> [&[u8]; 2] {
    [b"ossenc/keystore\0\x01", header]
}

/// The length of an image with a body of that length.
pub(super) fn len(header: &Header, body_len: usize) -> usize {
    let sealed = size::sealed_len(body_len as u64).expect("a body fits into memory, and so into a message");
    header.encode().len() + sealed as usize
}

pub(super) fn body_len(keys: &[MasterKey]) -> usize {
    1 + 4 + keys.iter().map(key_len).sum::<usize>()
}

pub(super) fn seal(engine: &Engine, header: &Header, root: &Prk, keys: &[MasterKey]) -> Result<Vec<u8>> {
    let len = len(header, body_len(keys));
    if len > IMAGE_MAX {
        return Err(Error::State("a keystore image takes at most 64 MiB"));
    }
    let body = encode(engine.lock(), keys)?;
    let mut image = header.encode();
    let header_len = image.len();
    let header_bytes = image.clone();
    image.resize(len, 0);
    message::seal_into(engine, root, &context(&header_bytes), body.get()?, &mut image[header_len..])?;
    Ok(image)
}

pub(super) fn open(engine: &Engine, header: &[u8], sealed: &[u8], root: &Prk) -> Result<Vec<MasterKey>> {
    let mut body = GuardedBytes::zeroed(engine.lock(), size::plain_len(sealed.len() as u64)? as usize)?;
    message::open_into(engine, root, &context(header), sealed, body.get_mut()?)?;
    decode(engine.lock(), body.get()?)
}

fn encode(lock: Lock, keys: &[MasterKey]) -> Result<GuardedBytes> {
    let mut body = GuardedBytes::zeroed(lock, body_len(keys))?;
    let mut out = body.get_mut()?;
    out.put_u8(VERSION);
    out.put_u32(u32::try_from(keys.len()).expect("bounded by memory"));
    for key in keys {
        encode_key(key, &mut out)?;
    }
    debug_assert!(out.is_empty());
    Ok(body)
}

fn key_len(key: &MasterKey) -> usize {
    let material = |v: &Version| if v.material.is_some() { KEY_LEN } else { 0 };
    KEY_MIN - 1
        + key.id.len()
        + key.check.map_or(0, |check| check.len())
        + key.aliases.iter().map(|alias| 1 + alias.len()).sum::<usize>()
        + key.versions.iter().map(|v| VERSION_MIN + material(v)).sum::<usize>()
}

fn encode_key(key: &MasterKey, out: &mut impl Put) -> Result<()> {
    out.put_lp8(key.id.as_bytes());
    out.put_u8(key.origin as u8);
    out.put_u8(key.state as u8);
    for number in [key.created_at, key.delete_at, key.period, key.last_rotated_at, key.primary, key.next_version] {
        out.put_u64(number);
    }
    out.put_lp8(key.check.as_ref().map_or(&[], |check| &check[..]));
    out.put_u16(u16::try_from(key.aliases.len()).expect("checked when an alias is made"));
    for alias in &key.aliases {
        out.put_lp8(alias.as_bytes());
    }
    out.put_u32(u32::try_from(key.versions.len()).expect("bounded by memory"));
    for version in &key.versions {
        out.put_u64(version.number);
        out.put_u8(version.state as u8);
        out.put_u64(version.created_at);
        out.put_u64(version.not_after);
        match &version.material {
            Some(material) => out.put_lp8(material.bytes()?),
            None => out.put_lp8(&[]),
        }
    }
    Ok(())
}

fn decode(lock: Lock, body: &[u8]) -> Result<Vec<MasterKey>> {
    let mut reader = Reader::new(body, "body of the keystore");
    if reader.u8()? != VERSION {
        return Err(Error::TooNew("keystore body version"));
    }
    let n = reader.u32()? as usize;
    let n = reader.check_count(n, KEY_MIN)?;
    let mut keys: Vec<MasterKey> = Vec::with_capacity(n);
    for _ in 0..n {
        keys.push(decode_key(lock, &mut reader)?);
    }
    reader.finish()?;
    if !strictly_sorted(keys.iter().map(|key| &key.id)) {
        return Err(Error::Format("order of the keys in the keystore"));
    }
    let mut aliases: Vec<&String> = keys.iter().flat_map(|key| &key.aliases).collect();
    aliases.sort_unstable();
    if strictly_sorted(aliases) { Ok(keys) } else { Err(Error::Format("an alias of two keys")) }
}

fn decode_key(lock: Lock, reader: &mut Reader<'_>) -> Result<MasterKey> {
    let id = match ident::key_id(reader.lp8()?) {
        Some(id) if !id.is_empty() => id.to_string(),
        _ => return reader.malformed(),
    };
    let origin = match reader.u8()? {
        1 => Origin::Service,
        2 => Origin::Imported,
        _ => return reader.malformed(),
    };
    let state = match reader.u8()? {
        1 => KeyState::Enabled,
        2 => KeyState::Disabled,
        3 => KeyState::PendingDeletion,
        4 => KeyState::PendingImport,
        _ => return reader.malformed(),
    };
    let (created_at, delete_at, period) = (reader.u64()?, reader.u64()?, reader.u64()?);
    let (last_rotated_at, primary, next_version) = (reader.u64()?, reader.u64()?, reader.u64()?);
    let check = match reader.lp8()? {
        [] => None,
        check => Some(check.try_into().or_else(|_| reader.malformed())?),
    };
    let n = reader.u16()?.into();
    let n = reader.check_count(n, ALIAS_MIN)?;
    let aliases = (0..n)
        .map(|_| match ident::alias(reader.lp8()?) {
            Some(alias) => Ok(alias.to_string()),
            None => reader.malformed(),
        })
        .collect::<Result<Vec<_>>>()?;
    let n = reader.u32()? as usize;
    let n = reader.check_count(n, VERSION_MIN)?;
    let versions = (0..n).map(|_| decode_version(lock, reader)).collect::<Result<Vec<_>>>()?;
    let key = MasterKey {
        id,
        origin,
        state,
        created_at,
        delete_at,
        period,
        last_rotated_at,
        primary,
        next_version,
        check,
        aliases,
        versions,
    };
    if is_consistent(&key) { Ok(key) } else { reader.malformed() }
}

fn decode_version(lock: Lock, reader: &mut Reader<'_>) -> Result<Version> {
    let number = reader.u64()?;
    let state = match reader.u8()? {
        1 => VersionState::Staged,
        2 => VersionState::Active,
        3 => VersionState::Retired,
        4 => VersionState::Destroyed,
        _ => return reader.malformed(),
    };
    let (created_at, not_after) = (reader.u64()?, reader.u64()?);
    let material = match reader.lp8()? {
        [] => None,
        bytes => Some(Secret::copied(lock, bytes.try_into().or_else(|_| reader.malformed())?)?),
    };
    Ok(Version { number, state, created_at, not_after, material, wraps_data_keys: None })
}

/// The rules of docs/FORMAT.md, section 9, that bind the fields of a key to each other.
fn is_consistent(key: &MasterKey) -> bool {
    let pending_import = key.state == KeyState::PendingImport;
    let primary_fits = match key.primary {
        0 => pending_import,
        number => key.version(number).is_some_and(|v| v.state == VersionState::Active),
    };
    let material_fits = |v: &Version| match (v.state, &v.material) {
        (VersionState::Destroyed, material) => material.is_none(),
        (_, Some(_)) => true,
        (_, None) => pending_import,
    };
    strictly_sorted(key.versions.iter().map(|v| v.number))
        && key.versions.iter().all(|v| v.number >= 1 && v.number < key.next_version && material_fits(v))
        && key.next_version >= 1
        && primary_fits
        && (key.delete_at != 0) == (key.state == KeyState::PendingDeletion)
        && (key.check.is_none() || key.origin == Origin::Imported)
        && (!pending_import || key.origin == Origin::Imported)
        && strictly_sorted(&key.aliases)
}

fn strictly_sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> bool {
    items.into_iter().is_sorted_by(|a, b| a < b)
}
