//! Key bytes in key memory, which never print.

use alloc::sync::Arc;

use ossenc_mem::{Guarded, Lock};
use subtle::ConstantTimeEq;

use crate::{Engine, Error, Result};

/// Bytes of every symmetric key: root keys, material, data keys, derived keys.
pub const KEY_LEN: usize = 32;

/// A 32-byte key, in memory that core dumps leave out and that is wiped in a forked child, where the system can do that
/// (see crate `ossenc-mem`): there, whatever is asked to use it ends in [`Error::Forked`]. Moving it leaves no copies
/// behind; clones share the key, which is wiped with the last of them; `Debug` does not show it. It takes 64 bytes of key
/// memory.
///
/// Whether the memory is locked is for the engine to say: [`Engine::secret`] follows its policy, as does every key that
/// an engine makes, loads or derives. [`Secret::new`] and [`Secret::from_slice`] know no engine, and lock nothing.
#[derive(Clone)]
pub struct Secret(Option<Arc<Guarded<[u8; KEY_LEN]>>>);

impl Secret {
    /// Copies a key from bytes that the caller keeps, and wipes.
    ///
    /// If the system gives no memory there is no key: whatever is asked to use it ends in [`Error::NoMemory`].
    #[must_use]
    pub fn new(bytes: &[u8; KEY_LEN]) -> Secret {
        Secret::copied(Lock::Off, bytes).unwrap_or(Secret(None))
    }

    /// As [`Secret::new`], for bytes whose length comes from outside.
    ///
    /// # Errors
    /// [`Error::Argument`] unless they are 32; [`Error::NoMemory`].
    pub fn from_slice(bytes: &[u8]) -> Result<Secret> {
        Secret::from_slice_in(Lock::Off, bytes)
    }

    pub(crate) fn copied(lock: Lock, bytes: &[u8; KEY_LEN]) -> Result<Secret> {
        Secret::filled(lock, |key| {
            key.copy_from_slice(bytes);
            Ok(())
        })
    }

    fn from_slice_in(lock: Lock, bytes: &[u8]) -> Result<Secret> {
        Secret::copied(lock, bytes.try_into().map_err(|_| Error::Argument("a key has 32 bytes"))?)
    }

    /// Lets `fill` write the key where it will live.
    pub(crate) fn filled(lock: Lock, fill: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<Secret> {
        Ok(Secret(Some(Arc::new(Guarded::filled(lock, |key: &mut [u8; KEY_LEN]| fill(key))?))))
    }

    /// In constant time. Zeros are no key: they are what a buffer holds that nobody filled.
    pub(crate) fn is_zero(&self) -> Result<bool> {
        Ok(self.bytes()?.ct_eq(&[0; KEY_LEN]).into())
    }

    /// The one way to the key: in a forked child it is [`Error::Forked`], and never the zeros that are left there.
    pub(crate) fn bytes(&self) -> Result<&[u8; KEY_LEN]> {
        Ok(self.0.as_ref().ok_or(Error::NoMemory)?.get()?)
    }

    /// Whether its memory is locked: what is derived from it without an engine does likewise.
    pub(crate) fn lock(&self) -> Lock {
        match &self.0 {
            Some(key) if key.protection().locked => Lock::Required,
            _ => Lock::Off,
        }
    }
}

impl Engine {
    /// A key from bytes that the caller keeps, and wipes: as [`Secret::from_slice`], in memory that is locked if the
    /// policy of this engine says so ([`Engine::with_lock`]).
    ///
    /// # Errors
    /// [`Error::Argument`] unless they are 32; [`Error::NoMemory`], [`Error::NotLocked`].
    pub fn secret(&self, bytes: &[u8]) -> Result<Secret> {
        Secret::from_slice_in(self.lock(), bytes)
    }
}

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(all(test, feature = "getrandom"))]
mod tests {
    use super::*;
    use crate::{CustomerKey, Keystore, WrappingKey};

    #[test]
    fn without_memory_there_is_no_key() {
        let none = Secret(None);
        assert!(matches!(none.bytes(), Err(Error::NoMemory)));
        assert!(matches!(WrappingKey::remote(&none), Err(Error::NoMemory)));
        assert!(matches!(CustomerKey::new(&none), Err(Error::NoMemory)));
        assert!(matches!(Keystore::init(&Engine::new().unwrap(), "root", &none), Err(Error::NoMemory)));
    }
}
