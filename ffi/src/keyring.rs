//! Keyrings: the keystore that operations use.

use std::sync::Arc;

use ossenc_kms::Keyring;

use crate::bytes::{get, give, no_handle, take_back};
use crate::keystore::ossenc_keystore;
use crate::library::{Machine, ossenc_lib};
use crate::status::{argument, guard, ossenc_error, ossenc_status};

/// Shares the newest published keystore among threads. Any number of threads may use it.
pub struct ossenc_keyring {
    pub(crate) machine: Machine,
    pub(crate) keyring: Keyring,
}

/// Limits of the cache of remote keys. Declared for later versions: local keys need no cache.
pub struct ossenc_limits(());

/// Makes a keyring without a keystore. `limits` is NULL in this version. Free with `ossenc_keyring_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keyring_new(
    lib: *const ossenc_lib,
    limits: *const ossenc_limits,
    keyring: *mut *mut ossenc_keyring,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe { no_handle(keyring) }?;
        if !limits.is_null() {
            return argument("limits are NULL in this version");
        }
        // SAFETY: by the rules of the header.
        unsafe {
            let lib = get(lib)?;
            give(keyring, || Ok(ossenc_keyring { machine: lib.machine.clone(), keyring: Keyring::new() }))
        }
    })
}

/// Makes `keystore` the one that every operation beginning from now on uses; those under way keep theirs. An older
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

/// Frees a keyring. NULL is legal. Objects opened through it stay open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keyring_free(keyring: *mut ossenc_keyring) {
    guard(core::ptr::null_mut(), || {
        // SAFETY: a handle of ours or NULL, by the rules of the header.
        unsafe { take_back(keyring) };
        Ok(())
    });
}
