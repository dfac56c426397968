//! The snapshot in use.

use std::sync::{Arc, PoisonError, RwLock};

use ossenc::{Error, Keystore, Result};

/// Nothing has been published yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKeystore;

/// Shares the newest published [`Keystore`] among threads.
#[derive(Debug, Default)]
pub struct Keyring {
    current: RwLock<Option<Arc<Keystore>>>,
}

impl Keyring {
    /// A keyring without a keystore.
    #[must_use]
    pub fn new() -> Keyring {
        Keyring::default()
    }

    /// Makes `keystore` the one that every operation beginning from now on uses. Operations under way keep theirs.
    ///
    /// # Errors
    /// [`Error::Expect`] for an older generation of the keystore that is published: it would bring retired keys back.
    pub fn publish(&self, keystore: Arc<Keystore>) -> Result<()> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let older = current.as_ref().is_some_and(|published| {
            published.info().keystore_id == keystore.info().keystore_id
                && published.generation() > keystore.generation()
        });
        if older {
            return Err(Error::Expect("this keystore is older than the published one"));
        }
        *current = Some(keystore);
        Ok(())
    }

    /// The published keystore.
    ///
    /// # Errors
    /// [`NoKeystore`] before the first was published.
    pub fn current(&self) -> core::result::Result<Arc<Keystore>, NoKeystore> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(NoKeystore)
    }
}
