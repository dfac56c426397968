//! Keyrings: the keystore that operations use, and the keys that are kept.

use core::ffi::c_void;
use std::sync::Arc;

use ossenc_kms::{Keyring, Limits};

use crate::bytes::{Extensible, get, give, no_handle, ossenc_in, ossenc_out, room, sized, take_back};
use crate::keystore::ossenc_keystore;
use crate::library::{Machine, ossenc_lib};
use crate::op::{ossenc_op, wrap_op};
use crate::status::{Outcome, guard, ossenc_error, ossenc_status};

/// Shares the newest published keystore among threads, and keys that services gave, within its limits. Any number of
/// threads may use it.
pub struct ossenc_keyring {
    pub(crate) machine: Machine,
    pub(crate) keyring: Keyring,
}

/// How much a keyring keeps, and for how long: see docs/key-services.md. 0 takes the default, for every field.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_limits {
    /// `sizeof (ossenc_limits)`.
    pub size: usize,
    /// How many keys are kept; the least recently used go first. 10,000.
    pub entries: u32,
    /// How often a key that is kept is served before it is asked for again. Without bound.
    pub uses: u32,
    /// Milliseconds after which a key that is still served is due for `ossenc_keyring_refresh`. 300,000.
    pub soft_ms: u32,
    /// Milliseconds after which a key is served no longer, counted from when it was asked for: the revocation latency.
    /// 3,600,000.
    pub hard_ms: u32,
    /// Milliseconds for which a failure is kept, and a key that has not opened a slot yet. 1,000.
    pub negative_ms: u32,
    /// Milliseconds that a call may take before another operation makes it again. 10,000.
    pub call_ms: u32,
    /// Seconds for which a bucket key wraps. 3,600.
    pub bucket_key_s: u32,
    /// 0.
    pub reserved: u32,
    /// How many objects a bucket key wraps. 2^20.
    pub bucket_key_uses: u64,
}

// SAFETY: `repr(C)`, `size` first; integers may be zero.
unsafe impl Extensible for ossenc_limits {}

fn read_limits(given: &ossenc_limits) -> Outcome<Limits> {
    if given.reserved != 0 {
        return Err(ossenc::Error::TooNew("limits have a field that this version does not know").into());
    }
    let default = Limits::default();
    let or = |value: u32, default: u32| if value == 0 { default } else { value };
    Ok(Limits {
        entries: or(given.entries, default.entries),
        uses: given.uses,
        soft_ms: or(given.soft_ms, default.soft_ms),
        hard_ms: or(given.hard_ms, default.hard_ms),
        negative_ms: or(given.negative_ms, default.negative_ms),
        call_ms: or(given.call_ms, default.call_ms),
        bucket_key_s: or(given.bucket_key_s, default.bucket_key_s),
        bucket_key_uses: if given.bucket_key_uses == 0 { default.bucket_key_uses } else { given.bucket_key_uses },
    })
}

/// Makes a keyring without a keystore. `limits` may be NULL: all defaults. Free with `ossenc_keyring_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keyring_new(
    lib: *const ossenc_lib,
    limits: *const ossenc_limits,
    keyring: *mut *mut ossenc_keyring,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe { no_handle(keyring) }?;
        // SAFETY: by the rules of the header.
        unsafe {
            let lib = get(lib)?;
            let limits = if limits.is_null() { Limits::default() } else { read_limits(&sized(limits)?)? };
            let machine = lib.machine.clone();
            let made = Keyring::new(machine.engine.clone(), limits, machine.audit());
            give(keyring, || Ok(ossenc_keyring { machine, keyring: made }))
        }
    })
}

/// Makes `keystore` the one that operations use from their next step on. An older
/// generation of the published keystore is refused with `OSSENC_E_EXPECT`. The caller may free its handle afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keyring_publish(
    keyring: *const ossenc_keyring,
    keystore: *const ossenc_keystore,
) -> ossenc_status {
    guard(core::ptr::null_mut::<ossenc_error>(), || {
        // SAFETY: by the rules of the header.
        let (keyring, keystore) = unsafe { (get(keyring)?, get(keystore)?) };
        Ok(keyring.keyring.publish(Arc::clone(&keystore.keystore))?)
    })
}

/// Drops the keys and the failures that are kept of the master key `key_id`, as envelopes name it; of all, if it is empty.
/// What is being asked for meanwhile serves its operation, and is not kept. Bucket keys go with their master key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keyring_evict(keyring: *const ossenc_keyring, key_id: ossenc_in) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (keyring, key_id) = unsafe { (get(keyring)?, key_id.str()?) };
        keyring.keyring.evict((!key_id.is_empty()).then_some(key_id));
        Ok(())
    })
}

/// Asks again for a key that was used after its soft lifetime: the one that is due longest. `*op` is NULL if none is.
/// The operation gives nothing; run or step it as any other, at leisure, for the key is served meanwhile. A key that the
/// service no longer unwraps is dropped at once. `waiter`: as for `ossenc_object_open`. Free with `ossenc_op_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keyring_refresh(
    keyring: *const ossenc_keyring,
    waiter: *mut c_void,
    op: *mut *mut ossenc_op,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let keyring = unsafe {
            no_handle(op)?;
            get(keyring)?
        };
        match keyring.keyring.refresh(keyring.machine.time()?) {
            // SAFETY: by the rules of the header.
            Some(made) => unsafe { give(op, || Ok(wrap_op(keyring, waiter, made))) },
            None => Ok(()),
        }
    })
}

/// Writes the keyring's counters as Prometheus text, version 0.0.4. They go on counting: room for some more than was
/// needed a moment ago is well spent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_stats(keyring: *const ossenc_keyring, text: *mut ossenc_out) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (keyring, out) = unsafe { (get(keyring)?, room(text)?) };
        out.write(keyring.keyring.stats().as_bytes())
    })
}

/// Frees a keyring. NULL is legal. Objects opened through it stay open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keyring_free(keyring: *mut ossenc_keyring) {
    guard(core::ptr::null_mut(), || {
        // SAFETY: a handle of ours or NULL, by the rules of the header.
        unsafe { take_back(keyring) };
        Ok(())
    });
}
