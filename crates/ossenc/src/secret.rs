//! Key bytes that wipe themselves and never print.

use alloc::boxed::Box;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Error, Result};

/// Bytes of every symmetric key: root keys, material, data keys, derived keys.
pub const KEY_LEN: usize = 32;

/// A 32-byte key. Kept on the heap, so that moving it leaves no copies behind; wiped on drop; absent from `Debug`.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Secret(Box<[u8; KEY_LEN]>);

impl Secret {
    /// Copies a key from bytes that the caller keeps, and wipes.
    #[must_use]
    pub fn new(bytes: &[u8; KEY_LEN]) -> Secret {
        let mut secret = Secret(Box::new([0; KEY_LEN]));
        secret.0.copy_from_slice(bytes);
        secret
    }

    /// As [`Secret::new`], for bytes whose length comes from outside.
    ///
    /// # Errors
    /// [`Error::Argument`] unless they are 32.
    pub fn from_slice(bytes: &[u8]) -> Result<Secret> {
        bytes.try_into().map(Secret::new).map_err(|_| Error::Argument("a key has 32 bytes"))
    }

    pub(crate) fn filled(fill: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<Secret> {
        let mut secret = Secret(Box::new([0; KEY_LEN]));
        fill(&mut secret.0[..])?;
        Ok(secret)
    }

    /// In constant time.
    pub(crate) fn is_zero(&self) -> bool {
        self.0.ct_eq(&[0; KEY_LEN]).into()
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl Zeroize for Secret {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret")
    }
}
