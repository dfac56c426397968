//! What every operation needs of the machine.

use alloc::sync::Arc;

use ossenc_gcm::{Backend, Isa};
use ossenc_mem::Lock;

use crate::digest::TakeDigests;
use crate::entropy::{self, Entropy};
use crate::secret::Secret;
use crate::{Error, Result};

/// The AES-256-GCM backend, chosen and proved once, the source of entropy, and whether key memory is locked. Make one
/// at start-up; clones share it.
#[derive(Clone)]
pub struct Engine {
    backend: Backend,
    entropy: Arc<dyn Entropy>,
    digests: TakeDigests,
    lock: Lock,
}

impl Engine {
    /// The fastest backend of this CPU, and the operating system's entropy.
    ///
    /// # Errors
    /// As [`Engine::with`].
    #[cfg(feature = "getrandom")]
    pub fn new() -> Result<Engine> {
        Engine::with(Isa::Best, Arc::new(crate::SystemEntropy))
    }

    /// The fastest backend within `cap`, and a source of the caller's.
    ///
    /// # Errors
    /// [`Error::SelfTest`] if the backend fails its known-answer test; [`Error::NoEntropy`] if the source fails a
    /// first probe (two draws of 32 bytes).
    pub fn with(cap: Isa, source: Arc<dyn Entropy>) -> Result<Engine> {
        let backend = Backend::detect(cap)?;
        entropy::probe(&*source)?;
        Ok(Engine { backend, entropy: source, digests: TakeDigests::default(), lock: Lock::Off })
    }

    /// The same engine, for objects whose receipts hold only those digests.
    #[must_use]
    pub fn with_digests(mut self, digests: TakeDigests) -> Engine {
        self.digests = digests;
        self
    }

    /// The same engine, with this policy for the memory of all keys that are set up with it from now on. Engines begin
    /// with [`Lock::Off`]. A lock counts towards `RLIMIT_MEMLOCK`, in steps of 64 and 256 KiB: about 0.5 KiB for an
    /// open object or a wrapping key, 2 KiB for a sealer or opener, 64 bytes for a secret or a version of a master key;
    /// and, while a keystore is loaded or changed, as much as its image takes.
    ///
    /// # Errors
    /// [`Error::NotLocked`] if that is required and cannot be had now; [`Error::NoMemory`]. Whatever sets up a key
    /// later may end in either, too.
    pub fn with_lock(self, lock: Lock) -> Result<Engine> {
        ossenc_mem::protection(lock)?;
        Ok(Engine { lock, ..self })
    }

    /// The instruction set in use.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.backend.isa()
    }

    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    pub(crate) fn digests(&self) -> TakeDigests {
        self.digests
    }

    pub(crate) fn lock(&self) -> Lock {
        self.lock
    }

    pub(crate) fn random<const N: usize>(&self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes).map_err(|_| Error::NoEntropy)?;
        Ok(bytes)
    }

    pub(crate) fn random_secret(&self) -> Result<Secret> {
        Secret::filled(self.lock, |bytes| self.entropy.fill(bytes).map_err(|_| Error::NoEntropy))
    }
}

impl core::fmt::Debug for Engine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").field("isa", &self.isa()).finish_non_exhaustive()
    }
}
