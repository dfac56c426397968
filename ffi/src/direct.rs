//! Small data under a master key, without an object.

use ossenc::direct;

use crate::bytes::{array, get, ossenc_in, ossenc_out, ossenc_pair, room};
use crate::keyring::ossenc_keyring;
use crate::status::{Outcome, guard, ossenc_error, ossenc_status};

/// Most bytes of plaintext of `ossenc_direct_encrypt`.
pub const OSSENC_DIRECT_MAX: usize = 4095;
const _: () = assert!(OSSENC_DIRECT_MAX == direct::PLAIN_MAX);

/// Seals at most `OSSENC_DIRECT_MAX` bytes under a master key, named by its id or an alias, and tied to `n` pairs in any
/// order: each key once, none beginning `ossenc:`, at most 8,192 bytes encoded.
///
/// `OSSENC_E_NOVERSION` is a key that the published keystore does not have, `OSSENC_E_KEYSTATE` one that may not wrap,
/// `OSSENC_E_STATE` a keyring without a keystore.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_direct_encrypt(
    keyring: *const ossenc_keyring,
    key_id: ossenc_in,
    pairs: *const ossenc_pair,
    n: usize,
    plain: ossenc_in,
    blob: *mut ossenc_out,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        let (out, keyring, key, pairs, plain) =
            unsafe { (room(blob)?, get(keyring)?, key_id.str()?, read_pairs(pairs, n)?, plain.bytes()?) };
        let (keystore, machine) = (keyring.keyring.current()?, &keyring.machine);
        let now = machine.now()?;
        out.fill(direct::encrypted_len(&keystore, key, plain.len())?, |out| {
            out.copy_from_slice(&direct::encrypt(&machine.engine, &keystore, key, &pairs, plain, now)?);
            Ok(())
        })
    })
}

/// Opens a blob that was sealed with these pairs, if its master key is one of the `allowed` ids in `key_ids`: none
/// allows nothing (`OSSENC_E_EXPECT`).
///
/// `OSSENC_E_COMMIT` is another context or a changed blob, `OSSENC_E_CHUNK` damaged data. With too little room nothing
/// is opened: the size that is asked for is not authentic.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_direct_decrypt(
    keyring: *const ossenc_keyring,
    blob: ossenc_in,
    pairs: *const ossenc_pair,
    n: usize,
    key_ids: *const ossenc_in,
    allowed: usize,
    plain: *mut ossenc_out,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        let (out, keyring, blob, pairs, key_ids) =
            unsafe { (room(plain)?, get(keyring)?, blob.bytes()?, read_pairs(pairs, n)?, read_ids(key_ids, allowed)?) };
        let (keystore, machine) = (keyring.keyring.current()?, &keyring.machine);
        let now = machine.now()?;
        out.fill(direct::decrypted_len(blob)?, |out| {
            out.copy_from_slice(&direct::decrypt(&machine.engine, &keystore, blob, &pairs, &key_ids, now)?);
            Ok(())
        })
    })
}

/// Opens a blob as `ossenc_direct_decrypt` does, and seals its plaintext under the master key `to` with the pairs
/// `to_pairs`, as `ossenc_direct_encrypt` does. The plaintext is not given out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_direct_reencrypt(
    keyring: *const ossenc_keyring,
    blob: ossenc_in,
    pairs: *const ossenc_pair,
    n: usize,
    key_ids: *const ossenc_in,
    allowed: usize,
    to: ossenc_in,
    to_pairs: *const ossenc_pair,
    to_n: usize,
    new_blob: *mut ossenc_out,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        let (out, keyring, blob, pairs, key_ids, to, to_pairs) = unsafe {
            let (out, keyring, blob) = (room(new_blob)?, get(keyring)?, blob.bytes()?);
            let (pairs, to_pairs) = (read_pairs(pairs, n)?, read_pairs(to_pairs, to_n)?);
            (out, keyring, blob, pairs, read_ids(key_ids, allowed)?, to.str()?, to_pairs)
        };
        let (keystore, machine) = (keyring.keyring.current()?, &keyring.machine);
        let now = machine.now()?;
        out.fill(direct::encrypted_len(&keystore, to, direct::decrypted_len(blob)?)?, |out| {
            let engine = &machine.engine;
            let moved = direct::reencrypt(engine, &keystore, blob, &pairs, &key_ids, to, &to_pairs, now)?;
            out.copy_from_slice(&moved);
            Ok(())
        })
    })
}

/// # Safety
/// `pairs` points to `n` pairs of readable strings.
unsafe fn read_pairs<'a>(pairs: *const ossenc_pair, n: usize) -> Outcome<Vec<(&'a str, &'a str)>> {
    // SAFETY: as the caller says.
    unsafe { array(pairs, n)?.iter().map(|pair| Ok((pair.key.str()?, pair.value.str()?))).collect() }
}

/// # Safety
/// `ids` points to `n` readable strings.
unsafe fn read_ids<'a>(ids: *const ossenc_in, n: usize) -> Outcome<Vec<&'a str>> {
    // SAFETY: as the caller says.
    unsafe { array(ids, n)?.iter().map(|id| id.str()).collect() }
}
