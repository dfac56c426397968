//! The keystore: an immutable snapshot of all master keys, sealed under a root key (docs/FORMAT.md, section 9).
//!
//! A change never alters a snapshot: [`Keystore::apply`] makes the image of the next generation, which the caller
//! stores by compare-and-swap on the generation, then loads and publishes to its readers. A new version must be staged
//! on every node before any node promotes it, so that no node meets an object that it cannot unwrap.

mod change;
mod due;
mod header;
mod image;
mod master_key;
mod passphrase;

use alloc::vec::Vec;

use ossenc_mem::Guarded;

pub use change::{Change, DELETION_WINDOW_DAYS, PERIOD_DAYS};
pub use header::{ImageInfo, Kdf};
pub use master_key::{KeyState, MasterKey, Origin, Version, VersionState};
pub use passphrase::{Argon2id, PassphraseCost};

use crate::kdf::Prk;
use crate::secret::KEY_LEN;
use crate::{Engine, Error, Result, Secret, ident, message};
use header::Header;

/// A loaded keystore. Its keys are wiped on drop.
pub struct Keystore {
    header: Header,
    root: Guarded<Prk>,
    keys: Vec<MasterKey>,
}

impl Keystore {
    /// Makes the image of a new keystore without keys, generation 1, sealed under `root_key`.
    ///
    /// `root_key_id` names the root key in clear, for the operator: 1 to 255 characters of 0x21 to 0x7e.
    ///
    /// # Errors
    /// [`Error::Argument`] for another root key id, or a root key of zeros; [`Error::NoEntropy`].
    pub fn init(engine: &Engine, root_key_id: &str, root_key: &Secret) -> Result<Vec<u8>> {
        let header = Header { keystore_id: engine.random()?, ..blank_header(root_key_id, Kdf::None)? };
        image::seal(engine, &header, root_prk(engine, root_key)?.get()?, &[])
    }

    /// As [`Keystore::init`], under a root key that is derived from a passphrase. `root_key_id` names the passphrase.
    ///
    /// # Errors
    /// [`Error::Argument`] for another root key id, an empty passphrase or a cost outside its limits;
    /// [`Error::State`] without the memory that the cost asks for; [`Error::NoEntropy`].
    #[cfg(feature = "passphrase")]
    pub fn init_with_passphrase(
        engine: &Engine,
        root_key_id: &str,
        passphrase: &[u8],
        cost: PassphraseCost,
    ) -> Result<Vec<u8>> {
        let argon2id = Argon2id::new(engine, cost)?;
        let header = blank_header(root_key_id, Kdf::Argon2id(argon2id))?;
        let root = root_prk(engine, &argon2id.derive_in(engine.lock(), passphrase)?)?;
        image::seal(engine, &Header { keystore_id: engine.random()?, ..header }, root.get()?, &[])
    }

    /// Opens an image. `min_generation` is the newest generation that the caller has seen: an older image (a restored
    /// backup, an attacker's copy) would bring retired keys back, and is refused. For an image under a passphrase, the
    /// root key is what [`Argon2id::derive`] made of it.
    ///
    /// # Errors
    /// [`Error::Argument`] for a root key of zeros; [`Error::Commit`] for another root key; [`Error::Expect`] below
    /// `min_generation`; [`Error::Format`], [`Error::TooNew`], [`Error::Truncated`], [`Error::Chunk`] for images
    /// that are malformed, newer or damaged.
    pub fn load(engine: &Engine, image: &[u8], root_key: &Secret, min_generation: u64) -> Result<Keystore> {
        Keystore::load_by(engine, image, min_generation, |_| root_prk(engine, root_key))
    }

    /// Opens an image that is under a passphrase. Each call derives the key anew, which is meant to take long: who
    /// loads often derives once, see [`Argon2id::derive`], and uses [`Keystore::load`].
    ///
    /// # Errors
    /// As [`Keystore::load`], [`Error::Commit`] being another passphrase; [`Error::Argument`] for an image that is not
    /// under a passphrase; as [`Argon2id::derive`].
    #[cfg(feature = "passphrase")]
    pub fn load_with_passphrase(
        engine: &Engine,
        image: &[u8],
        passphrase: &[u8],
        min_generation: u64,
    ) -> Result<Keystore> {
        Keystore::load_by(engine, image, min_generation, |header| match &header.kdf {
            Kdf::Argon2id(argon2id) => root_prk(engine, &argon2id.derive_in(engine.lock(), passphrase)?),
            Kdf::None => Err(Error::Argument("this keystore is not under a passphrase")),
        })
    }

    /// What the header refuses is refused before a root key is made.
    fn load_by(
        engine: &Engine,
        image: &[u8],
        min_generation: u64,
        root: impl FnOnce(&Header) -> Result<Guarded<Prk>>,
    ) -> Result<Keystore> {
        let (header, header_bytes, sealed) = Header::parse(image)?;
        if header.generation < min_generation {
            return Err(Error::Expect("this keystore is older than the generation asked for"));
        }
        let root = root(&header)?;
        let mut keys = image::open(engine, header_bytes, sealed, root.get()?)?;
        keys.iter_mut().try_for_each(|key| key.prepare(engine.lock()))?;
        Ok(Keystore { header, root, keys })
    }

    /// Makes the image of the next generation, with one change. The snapshot itself stays as it is. `now` is the wall
    /// time in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::Argument`], [`Error::State`] and [`Error::KeyState`] for changes that cannot be made, as [`Change`]
    /// says; [`Error::NoVersion`] for a key or version that is not there; [`Error::NoEntropy`].
    pub fn apply(&self, engine: &Engine, change: &Change<'_>, now: u64) -> Result<Vec<u8>> {
        let keys = change::apply(&self.keys, change, now, &mut || engine.random_secret())?;
        image::seal(engine, &self.next_header()?, self.root.get()?, &keys)
    }

    /// The length of the image that [`Keystore::apply`] makes of a change, without drawing randomness.
    ///
    /// # Errors
    /// As [`Keystore::apply`].
    pub fn apply_len(&self, change: &Change<'_>, now: u64) -> Result<usize> {
        let keys = change::apply(&self.keys, change, now, &mut || Ok(Secret::new(&[0; KEY_LEN])))?;
        Ok(image::len(&self.next_header()?, image::body_len(&keys)))
    }

    /// Makes the image of the next generation under another root key, with the same master keys. The old image opens
    /// with the old root key as before: destroy one of the two.
    ///
    /// # Errors
    /// As [`Keystore::init`]; [`Error::State`] when the generations are used up.
    pub fn reseal(&self, engine: &Engine, root_key_id: &str, root_key: &Secret) -> Result<Vec<u8>> {
        let header = self.resealed_header(root_key_id, Kdf::None)?;
        image::seal(engine, &header, root_prk(engine, root_key)?.get()?, &self.keys)
    }

    /// As [`Keystore::reseal`], under a root key that is derived from a passphrase.
    ///
    /// # Errors
    /// As [`Keystore::init_with_passphrase`]; [`Error::State`] when the generations are used up.
    #[cfg(feature = "passphrase")]
    pub fn reseal_with_passphrase(
        &self,
        engine: &Engine,
        root_key_id: &str,
        passphrase: &[u8],
        cost: PassphraseCost,
    ) -> Result<Vec<u8>> {
        let argon2id = Argon2id::new(engine, cost)?;
        let header = self.resealed_header(root_key_id, Kdf::Argon2id(argon2id))?;
        image::seal(
            engine,
            &header,
            root_prk(engine, &argon2id.derive_in(engine.lock(), passphrase)?)?.get()?,
            &self.keys,
        )
    }

    /// The length of the image that [`Keystore::reseal`] makes, or, with `passphrase`,
    /// [`Keystore::reseal_with_passphrase`].
    ///
    /// # Errors
    /// [`Error::Argument`] for a root key id outside its grammar.
    pub fn reseal_len(&self, root_key_id: &str, passphrase: bool) -> Result<usize> {
        Ok(image::len(&blank_header(root_key_id, blank_kdf(passphrase))?, image::body_len(&self.keys)))
    }

    /// The length of the image that [`Keystore::init`] makes, or, with `passphrase`,
    /// [`Keystore::init_with_passphrase`].
    ///
    /// # Errors
    /// [`Error::Argument`] for a root key id outside its grammar.
    pub fn init_len(root_key_id: &str, passphrase: bool) -> Result<usize> {
        Ok(image::len(&blank_header(root_key_id, blank_kdf(passphrase))?, image::body_len(&[])))
    }

    fn next_header(&self) -> Result<Header> {
        let generation = self.header.generation.checked_add(1).ok_or(Error::State("the generations are used up"))?;
        Ok(Header { generation, ..self.header.clone() })
    }

    fn resealed_header(&self, root_key_id: &str, kdf: Kdf) -> Result<Header> {
        let Header { root_key_id, kdf, .. } = blank_header(root_key_id, kdf)?;
        Ok(Header { root_key_id, kdf, ..self.next_header()? })
    }

    /// Who this image is: id, generation, root key.
    #[must_use]
    pub fn info(&self) -> &ImageInfo {
        &self.header
    }

    /// Counts the changes since the keystore was made, from 1.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.header.generation
    }

    /// All master keys, sorted by id.
    #[must_use]
    pub fn keys(&self) -> &[MasterKey] {
        &self.keys
    }

    /// The master key of that id or alias.
    #[must_use]
    pub fn resolve(&self, id_or_alias: &str) -> Option<&MasterKey> {
        self.key(id_or_alias).or_else(|| {
            let aliased = |key: &&MasterKey| key.aliases().iter().any(|alias| alias == id_or_alias);
            self.keys.iter().find(aliased)
        })
    }

    /// The master key of that id.
    #[must_use]
    pub fn key(&self, id: &str) -> Option<&MasterKey> {
        self.keys.binary_search_by(|key| key.id().cmp(id)).ok().map(|i| &self.keys[i])
    }
}

/// The header of a first generation, whose id is still to be drawn.
fn blank_header(root_key_id: &str, kdf: Kdf) -> Result<Header> {
    Ok(Header { keystore_id: [0; 16], generation: 1, root_key_id: ident::key_id_argument(root_key_id)?, kdf })
}

/// Its length is that of any of the kind.
fn blank_kdf(passphrase: bool) -> Kdf {
    if passphrase { Kdf::Argon2id(Argon2id::blank()) } else { Kdf::None }
}

/// Zeros are no key: they are what a buffer holds that nobody filled.
fn root_prk(engine: &Engine, root_key: &Secret) -> Result<Guarded<Prk>> {
    if root_key.is_zero()? {
        return Err(Error::Argument("the root key is all zeros"));
    }
    Prk::guarded(engine.lock(), root_key)
}

impl core::fmt::Debug for Keystore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Keystore").field("info", self.info()).field("keys", &self.keys).finish()
    }
}

/// Seconds.
const DAY: u64 = 86_400;

/// Most bytes of an image: bounds what loading one allocates.
pub const IMAGE_MAX: usize = 64 << 20;

const _: () = assert!(IMAGE_MAX as u64 <= message::size::MAX_SEALED_LEN);
