//! A keystore that lives in a file: loaded, changed and stored again, by any number of processes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ossenc::{Change, Engine, Error, ImageInfo, Keystore, Secret};

use crate::file::{SwapError, forget_previous, read_file, swap_file};
use crate::root_key::{RootKeyError, RootKeySource};

/// Why a keystore was not loaded or changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The file, the image, or the change.
    Swap(SwapError),
    /// There is no root key.
    RootKey(RootKeyError),
}

impl core::fmt::Display for StoreError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            StoreError::Swap(error) => error.fmt(f),
            StoreError::RootKey(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<SwapError> for StoreError {
    fn from(error: SwapError) -> StoreError {
        StoreError::Swap(error)
    }
}

impl From<RootKeyError> for StoreError {
    fn from(error: RootKeyError) -> StoreError {
        StoreError::RootKey(error)
    }
}

/// The keystore in a file, and where its root key comes from. It remembers the newest generation that it has seen, and
/// accepts no older one. Any number of threads may use it.
#[derive(Debug)]
pub struct FileStore<R> {
    engine: Engine,
    path: PathBuf,
    root: R,
    seen: AtomicU64,
}

impl<R: RootKeySource> FileStore<R> {
    /// Opens nothing yet. `min_generation` is the newest generation that the caller has on record; 0 for none.
    pub fn new(engine: Engine, path: impl Into<PathBuf>, root: R, min_generation: u64) -> FileStore<R> {
        FileStore { engine, path: path.into(), root, seen: AtomicU64::new(min_generation) }
    }

    /// Where the image is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stores a first image, of [`Keystore::init`] or [`Keystore::init_with_passphrase`]. There must be no file yet.
    ///
    /// # Errors
    /// [`SwapError::Conflict`] if there is one; as [`FileStore::load`] if the root key's source does not open it, before
    /// it is stored.
    pub fn create(&self, image: &[u8]) -> Result<Keystore, StoreError> {
        let keystore = self.open(image)?;
        swap_file(&self.path, 0, image)?;
        Ok(self.saw(keystore))
    }

    /// Loads the keystore.
    ///
    /// # Errors
    /// [`SwapError::Io`]; [`StoreError::RootKey`]; [`SwapError::Image`] with what [`Keystore::load`] says, of
    /// [`Error::Expect`] for a generation older than one that was seen before.
    pub fn load(&self) -> Result<Keystore, StoreError> {
        let image = read_file(&self.path).map_err(SwapError::Io)?;
        Ok(self.saw(self.open(&image)?))
    }

    /// Makes the change that `choose` wants of the newest keystore, and gives the keystore after it; if it wants none,
    /// the newest. Whenever another writer was first, the keystore is loaded and `choose` is asked again, so it sees what
    /// the other one did: of two that rotate what is due, the second finds nothing due.
    ///
    /// # Errors
    /// As [`FileStore::load`], and [`SwapError::Image`] with what [`Keystore::apply`] says.
    pub fn update<'c>(
        &self,
        now: u64,
        mut choose: impl FnMut(&Keystore) -> Option<Change<'c>>,
    ) -> Result<Keystore, StoreError> {
        loop {
            let keystore = self.load()?;
            let Some(change) = choose(&keystore) else { return Ok(keystore) };
            match self.apply_to(&keystore, &change, now) {
                // Somebody else has got on: no two writers can hold each other up.
                Err(StoreError::Swap(SwapError::Conflict { .. })) => {}
                outcome => return outcome,
            }
        }
    }

    /// Makes one change of the newest keystore, whatever that is by then.
    ///
    /// # Errors
    /// As [`FileStore::update`].
    pub fn apply(&self, change: &Change<'_>, now: u64) -> Result<Keystore, StoreError> {
        self.update(now, |_| Some(*change))
    }

    /// Makes one change of just this keystore.
    ///
    /// # Errors
    /// [`SwapError::Conflict`] if it is not the newest any more; as [`FileStore::update`].
    pub fn apply_to(&self, keystore: &Keystore, change: &Change<'_>, now: u64) -> Result<Keystore, StoreError> {
        let image = keystore.apply(&self.engine, change, now).map_err(SwapError::Image)?;
        let changed = self.open(&image)?;
        swap_file(&self.path, keystore.generation(), &image)?;
        Ok(self.saw(changed))
    }

    /// Puts the keystore under another root key, which the source must give from now on for `root_key_id`.
    ///
    /// The image under the old root key stays as `<path>.previous` until the next change or
    /// [`forget_previous`](FileStore::forget_previous).
    ///
    /// # Errors
    /// [`SwapError::Image`] with what [`Keystore::reseal`] says; as [`FileStore::load`].
    pub fn reseal(&self, root_key_id: &str, root_key: &Secret) -> Result<Keystore, StoreError> {
        loop {
            let keystore = self.load()?;
            let image = keystore.reseal(&self.engine, root_key_id, root_key).map_err(SwapError::Image)?;
            let resealed = Keystore::load(&self.engine, &image, root_key, 0).map_err(SwapError::Image)?;
            match swap_file(&self.path, keystore.generation(), &image) {
                Ok(()) => return Ok(self.saw(resealed)),
                Err(SwapError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Removes the image before the newest: see [`forget_previous`](crate::forget_previous()).
    ///
    /// # Errors
    /// [`SwapError::Io`].
    pub fn forget_previous(&self) -> Result<(), StoreError> {
        Ok(forget_previous(&self.path)?)
    }

    fn open(&self, image: &[u8]) -> Result<Keystore, StoreError> {
        let info = ImageInfo::read(image).map_err(SwapError::Image)?;
        let seen = self.seen.load(Ordering::Acquire);
        // Before a root key is asked for, which may take long.
        if info.generation < seen {
            return Err(SwapError::Image(Error::Expect("this keystore is older than one that was seen")).into());
        }
        let root_key = self.root.root_key(&info)?;
        Ok(Keystore::load(&self.engine, image, &root_key, seen).map_err(SwapError::Image)?)
    }

    /// Only of what was authenticated, and is stored.
    fn saw(&self, keystore: Keystore) -> Keystore {
        self.seen.fetch_max(keystore.generation(), Ordering::AcqRel);
        keystore
    }
}
