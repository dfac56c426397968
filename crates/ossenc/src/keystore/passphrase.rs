//! Root keys that come from a passphrase: KDF 1, Argon2id (docs/FORMAT.md, section 9).

#[cfg(feature = "passphrase")]
use crate::Engine;
use crate::codec::{Put, Reader};
use crate::{Error, Result};

/// Most KiB that a derivation takes: 2 GiB, as RFC 9106's first recommended option does.
const KIB_MAX: u32 = 2 << 20;
const PASSES_MAX: u32 = 32;
const LANES_MAX: u32 = 32;
/// Argon2 needs 8 blocks of 1 KiB for each lane.
const KIB_PER_LANE: u32 = 8;

/// What deriving a key from a passphrase costs, the owner and the attacker alike. The lanes are computed one after the
/// other: no threads are started.
///
/// The default is RFC 9106's second recommended option: 64 MiB, 3 passes, 4 lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassphraseCost {
    /// Memory in KiB: 8 for each lane to 2,097,152.
    pub kib: u32,
    /// Passes over it: 1 to 32.
    pub passes: u32,
    /// Lanes: 1 to 32.
    pub lanes: u32,
}

impl Default for PassphraseCost {
    fn default() -> PassphraseCost {
        PassphraseCost { kib: 64 << 10, passes: 3, lanes: 4 }
    }
}

/// KDF 1 in the header of an image: a cost and a salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2id {
    cost: PassphraseCost,
    salt: [u8; 16],
}

impl Argon2id {
    /// A cost of the caller's, and a salt drawn for it.
    ///
    /// # Errors
    /// [`Error::Argument`] for a cost outside its limits; [`Error::NoEntropy`].
    #[cfg(feature = "passphrase")]
    pub(super) fn new(engine: &Engine, cost: PassphraseCost) -> Result<Argon2id> {
        cost.check().map_err(|_| Error::Argument("the cost of the passphrase is outside its limits"))?;
        Ok(Argon2id { cost, salt: engine.random()? })
    }

    /// The same length as any, for reckoning.
    pub(super) fn blank() -> Argon2id {
        Argon2id { cost: PassphraseCost::default(), salt: [0; 16] }
    }

    /// What a derivation costs.
    #[must_use]
    pub fn cost(&self) -> PassphraseCost {
        self.cost
    }

    /// The root key that comes of a passphrase. Takes the memory and the time that the cost says, on the calling
    /// thread; the memory is wiped, but is no key memory meanwhile. The memory of the key is not locked.
    ///
    /// # Errors
    /// [`Error::Argument`] for an empty passphrase or one of 4 GiB; [`Error::State`] if there is not enough memory;
    /// [`Error::NoMemory`].
    #[cfg(feature = "passphrase")]
    pub fn derive(&self, passphrase: &[u8]) -> Result<crate::Secret> {
        self.derive_in(ossenc_mem::Lock::Off, passphrase)
    }

    #[cfg(feature = "passphrase")]
    pub(super) fn derive_in(&self, lock: ossenc_mem::Lock, passphrase: &[u8]) -> Result<crate::Secret> {
        use argon2::{Algorithm, Argon2, Block, Params, Version};
        use zeroize::Zeroize;

        use crate::stack;

        if passphrase.is_empty() {
            return Err(Error::Argument("the passphrase is empty"));
        }
        let PassphraseCost { kib, passes, lanes } = self.cost;
        let refused = |_| Error::Argument("this passphrase cannot be derived from");
        let params = Params::new(kib, passes, lanes, Some(crate::KEY_LEN)).map_err(refused)?;
        let mut memory = alloc::vec::Vec::new();
        memory
            .try_reserve_exact(params.block_count())
            .map_err(|_| Error::State("not enough memory for the cost of the passphrase"))?;
        memory.resize(params.block_count(), Block::new());
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let derived = stack::cleared::<{ stack::DERIVING }, _>(|| {
            crate::Secret::filled(lock, |out| {
                argon2.hash_password_into_with_memory(passphrase, &self.salt, out, &mut memory[..]).map_err(refused)
            })
        });
        memory.zeroize();
        derived
    }

    /// Reads the parameters and the salt. None is used before it was checked.
    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Argon2id> {
        let cost = PassphraseCost { kib: reader.u32()?, passes: reader.u32()?, lanes: reader.u32()? };
        let salt = reader.array()?;
        cost.check()?;
        Ok(Argon2id { cost, salt })
    }

    pub(super) fn encode(&self, out: &mut alloc::vec::Vec<u8>) {
        for number in [self.cost.kib, self.cost.passes, self.cost.lanes] {
            out.put_u32(number);
        }
        out.put(&self.salt);
    }
}

impl PassphraseCost {
    /// What is above the limits may be within those of a later version; what Argon2 does not know never is.
    fn check(self) -> Result<()> {
        if self.passes > PASSES_MAX || self.lanes > LANES_MAX || self.kib > KIB_MAX {
            return Err(Error::TooNew("the cost of the keystore's passphrase"));
        }
        if self.passes == 0 || self.lanes == 0 || self.kib < KIB_PER_LANE * self.lanes {
            return Err(Error::Format("the cost of the keystore's passphrase"));
        }
        Ok(())
    }
}
