//! Small data sealed under a master key directly, as a key management service offers it: passwords, tokens, other keys
//! (docs/FORMAT.md, section 11). What is larger, or many, belongs into objects, which have data keys of their own.
//!
//! The states of keys and versions allow what they allow for objects: sealing takes the primary of an enabled key,
//! opening a version that unwraps.

use alloc::string::ToString;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::codec::{Put, Reader};
use crate::context::encode_user_map;
use crate::kdf::{Prk, Purpose};
use crate::keystore::Keystore;
use crate::message::{self, size};
use crate::{Engine, Error, Result, ident};

const MAGIC: &[u8; 7] = b"ossencD";
const VERSION: u8 = 1;

/// Most bytes of plaintext.
pub const PLAIN_MAX: usize = 4_095;

/// The pairs that tie a blob to its use: in any order, each key once, none beginning `ossenc:`, at most
/// [`USER_MAP_MAX`](crate::USER_MAP_MAX) bytes encoded. A blob opens under the same pairs only.
pub type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Seals at most [`PLAIN_MAX`] bytes under the primary of a master key, named by its id or an alias. `now` is the wall
/// time in seconds since 1970.
///
/// # Errors
/// [`Error::Argument`] for too long a plaintext, or pairs outside their limits; [`Error::NoVersion`] for a key that is
/// not in the keystore, [`Error::KeyState`] for one that may not wrap; [`Error::NoEntropy`].
pub fn encrypt(
    engine: &Engine,
    keystore: &Keystore,
    key: &str,
    pairs: Pairs<'_>,
    plain: &[u8],
    now: u64,
) -> Result<Vec<u8>> {
    check_plain_len(plain.len())?;
    let map = encoded(pairs)?;
    let key = keystore.resolve(key).ok_or(Error::NoVersion)?;
    let (number, sealing_key) = key.wrapping_key(engine.lock(), Purpose::Direct, now)?;
    let ids = ids(key.id(), &number.to_string());
    let mut blob = header(&ids);
    let header_len = blob.len();
    blob.resize(header_len + size::sealed_len(plain.len() as u64)? as usize, 0);
    let prk = Prk::guarded(engine.lock(), &sealing_key)?;
    message::seal_into(engine, prk.get()?, &context(&ids, &map), plain, &mut blob[header_len..])?;
    Ok(blob)
}

/// The length of the blob that [`encrypt`] makes of `plain_len` bytes, without drawing randomness.
///
/// # Errors
/// [`Error::Argument`] for too long a plaintext; [`Error::NoVersion`], [`Error::KeyState`] for a key that is not there
/// or has no primary.
pub fn encrypted_len(keystore: &Keystore, key: &str, plain_len: usize) -> Result<usize> {
    check_plain_len(plain_len)?;
    let key = keystore.resolve(key).ok_or(Error::NoVersion)?;
    let number = key.primary().ok_or(Error::KeyState)?;
    Ok(header(&ids(key.id(), &number.to_string())).len() + size::sealed_len(plain_len as u64)? as usize)
}

/// Opens a blob, if `key_ids` has the id of its master key: an empty list allows nothing. `now` is the wall time in
/// seconds since 1970.
///
/// # Errors
/// [`Error::Format`], [`Error::TooNew`], [`Error::Truncated`] for the bytes; [`Error::Argument`] for pairs outside their
/// limits; [`Error::Expect`] for a key that the caller does not allow; [`Error::NoVersion`], [`Error::KeyState`];
/// [`Error::Commit`] for other pairs, or a blob that is damaged or was changed, [`Error::Chunk`] for one whose data is
/// damaged.
pub fn decrypt(
    engine: &Engine,
    keystore: &Keystore,
    blob: &[u8],
    pairs: Pairs<'_>,
    key_ids: &[&str],
    now: u64,
) -> Result<Zeroizing<Vec<u8>>> {
    let blob = Blob::parse(blob)?;
    let map = encoded(pairs)?;
    if !key_ids.contains(&blob.key_id) {
        return Err(Error::Expect("the master key of the blob"));
    }
    let key = keystore.key(blob.key_id).ok_or(Error::NoVersion)?;
    let prk = Prk::guarded(engine.lock(), &key.unwrapping_key(engine.lock(), Purpose::Direct, blob.number, now)?)?;
    message::open_with_prk(engine, prk.get()?, &context(blob.ids, &map), blob.message)
}

/// The length of the plaintext of a blob, without opening it: unauthenticated.
///
/// # Errors
/// [`Error::Format`], [`Error::TooNew`], [`Error::Truncated`].
pub fn decrypted_len(blob: &[u8]) -> Result<usize> {
    Ok(size::plain_len(Blob::parse(blob)?.message.len() as u64)? as usize)
}

/// Opens a blob as [`decrypt`] does, and seals its plaintext for another key, or the primary of the same, and other
/// pairs: as [`encrypt`] does with `to` and `to_pairs`. The plaintext is not seen.
///
/// # Errors
/// As [`decrypt`], then as [`encrypt`].
#[expect(clippy::too_many_arguments, reason = "a blob, what opens it, and what it shall be")]
pub fn reencrypt(
    engine: &Engine,
    keystore: &Keystore,
    blob: &[u8],
    pairs: Pairs<'_>,
    key_ids: &[&str],
    to: &str,
    to_pairs: Pairs<'_>,
    now: u64,
) -> Result<Vec<u8>> {
    let plain = decrypt(engine, keystore, blob, pairs, key_ids, now)?;
    encrypt(engine, keystore, to, to_pairs, &plain, now)
}

/// A blob taken apart: unauthenticated.
struct Blob<'a> {
    /// `lp8(key_id) || lp8(key_version)`.
    ids: &'a [u8],
    key_id: &'a str,
    number: u64,
    message: &'a [u8],
}

impl<'a> Blob<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Blob<'a>> {
        let mut reader = Reader::new(bytes, "direct blob");
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(Error::Format("not an ossenc direct blob"));
        }
        if reader.u8()? != VERSION {
            return Err(Error::TooNew("direct blob version"));
        }
        let rest = reader.rest();
        let (key_id, key_version) = (ident::key_id(reader.lp8()?), ident::key_version(reader.lp8()?));
        let number = key_version.and_then(ident::local_version);
        let (Some(key_id), Some(number)) = (key_id.filter(|id| !id.is_empty()), number) else {
            return reader.malformed();
        };
        let message = reader.rest();
        if size::plain_len(message.len() as u64)? > PLAIN_MAX as u64 {
            return Err(Error::Format("a direct blob of more than 4,095 bytes"));
        }
        Ok(Blob { ids: &rest[..rest.len() - message.len()], key_id, number, message })
    }
}

fn check_plain_len(len: usize) -> Result<()> {
    if len > PLAIN_MAX { Err(Error::Argument("direct encryption takes at most 4,095 bytes")) } else { Ok(()) }
}

fn encoded(pairs: Pairs<'_>) -> Result<Vec<u8>> {
    let mut map = Vec::new();
    encode_user_map(pairs, &mut map)?;
    Ok(map)
}

fn ids(key_id: &str, key_version: &str) -> Vec<u8> {
    let mut ids = Vec::new();
    ids.put_lp8(key_id.as_bytes());
    ids.put_lp8(key_version.as_bytes());
    ids
}

fn header(ids: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.put(MAGIC);
    out.put_u8(VERSION);
    out.put(ids);
    out
}

fn context<'a>(ids: &'a [u8], map: &'a [u8]) -> [&'a [u8]; 3] {
    [b"ossenc/direct\0\x01", ids, map]
}
