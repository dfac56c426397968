//! The keystore: an immutable snapshot of all master keys, sealed under a root key (docs/FORMAT.md, section 7).
//!
//! A change never alters a snapshot: [`Keystore::apply`] makes the image of the next generation, which the caller
//! stores by compare-and-swap on the generation, then loads and publishes to its readers. A new version must be staged
//! on every node before any node promotes it, so that no node meets an object that it cannot unwrap.

mod change;
mod header;
mod image;
mod master_key;

use alloc::vec::Vec;

use ossenc_mem::Guarded;

pub use change::Change;
pub use header::ImageInfo;
pub use master_key::{KeyState, MasterKey, Origin, Version, VersionState};

use crate::kdf::Prk;
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
        let header =
            Header { keystore_id: engine.random()?, generation: 1, root_key_id: ident::key_id_argument(root_key_id)? };
        image::seal(engine, &header, root_prk(engine, root_key)?.get()?, &[])
    }

    /// Opens an image. `min_generation` is the newest generation that the caller has seen: an older image (a restored
    /// backup, an attacker's copy) would bring retired keys back, and is refused.
    ///
    /// # Errors
    /// [`Error::Argument`] for a root key of zeros; [`Error::Commit`] for another root key; [`Error::Expect`] below
    /// `min_generation`; [`Error::Format`], [`Error::TooNew`], [`Error::Truncated`], [`Error::Chunk`] for images
    /// that are malformed, newer or damaged.
    pub fn load(engine: &Engine, image: &[u8], root_key: &Secret, min_generation: u64) -> Result<Keystore> {
        let (header, header_bytes, sealed) = Header::parse(image)?;
        if header.generation < min_generation {
            return Err(Error::Expect("this keystore is older than the generation asked for"));
        }
        let root = root_prk(engine, root_key)?;
        let keys = image::open(engine, header_bytes, sealed, root.get()?)?;
        Ok(Keystore { header, root, keys })
    }

    /// Makes the image of the next generation, with one change. The snapshot itself stays as it is. `now` is the wall
    /// time in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::Argument`] and [`Error::State`] for changes that cannot be made, [`Error::NoVersion`] for a key or
    /// version that is not there, [`Error::NoEntropy`].
    pub fn apply(&self, engine: &Engine, change: &Change<'_>, now: u64) -> Result<Vec<u8>> {
        let keys = change::apply(&self.keys, engine, change, now)?;
        let generation = self.header.generation.checked_add(1).ok_or(Error::State("the generations are used up"))?;
        let header = Header { generation, ..self.header.clone() };
        image::seal(engine, &header, self.root.get()?, &keys)
    }

    /// The length of the image that [`Keystore::apply`] makes of a change, without drawing randomness.
    ///
    /// # Errors
    /// [`Error::Argument`] for a key id outside its grammar.
    pub fn apply_len(&self, change: &Change<'_>) -> Result<usize> {
        let growth = change::growth(change)?;
        Ok(image::len(&self.header, image::body_len(&self.keys) + growth))
    }

    /// The length of the image that [`Keystore::init`] makes.
    ///
    /// # Errors
    /// [`Error::Argument`] for a root key id outside its grammar.
    pub fn init_len(root_key_id: &str) -> Result<usize> {
        let root_key_id = ident::key_id_argument(root_key_id)?;
        let header = Header { keystore_id: [0; 16], generation: 1, root_key_id };
        Ok(image::len(&header, image::body_len(&[])))
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

    /// A forked child has no keystore: it loads its own. Nothing wipes the material of the keys there, but none of it
    /// is used.
    pub(crate) fn check_process(&self) -> Result<()> {
        self.root.get()?;
        Ok(())
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

/// Zeros are no key: they are what a buffer holds that nobody filled.
fn root_prk(engine: &Engine, root_key: &Secret) -> Result<Guarded<Prk>> {
    if root_key.is_zero() {
        return Err(Error::Argument("the root key is all zeros"));
    }
    Prk::guarded(engine, root_key)
}

impl core::fmt::Debug for Keystore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Keystore").field("info", self.info()).field("keys", &self.keys).finish()
    }
}

/// Most bytes of an image: bounds what loading one allocates.
pub const IMAGE_MAX: usize = 64 << 20;

const _: () = assert!(IMAGE_MAX as u64 <= message::size::MAX_SEALED_LEN);
