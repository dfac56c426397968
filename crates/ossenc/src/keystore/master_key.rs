//! Master keys, their versions, and what each state allows.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ossenc_mem::Lock;

use crate::kdf::{Prk, Purpose, purpose_key};
use crate::{Error, Result, Secret, WrappingKey, stack};

/// The state of a master key (docs/FORMAT.md, section 9). Only an enabled one wraps and unwraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyState {
    /// In use.
    Enabled = 1,
    /// Switched off, until it is enabled again.
    Disabled = 2,
    /// Waiting for its deletion.
    PendingDeletion = 3,
    /// Waiting for material to be imported.
    PendingImport = 4,
}

/// Where a master key's material comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Made by the keystore.
    Service = 1,
    /// Brought by the customer.
    Imported = 2,
}

/// The state of one version of a master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VersionState {
    /// Made, but not yet wrapping: unwraps only.
    Staged = 1,
    /// Has been primary: unwraps, and wraps while it is the primary.
    Active = 2,
    /// Out of use; its material is kept.
    Retired = 3,
    /// Its material is gone.
    Destroyed = 4,
}

/// One version of a master key.
#[derive(Clone)]
pub struct Version {
    pub(crate) number: u64,
    pub(crate) state: VersionState,
    pub(crate) created_at: u64,
    pub(crate) not_after: u64,
    pub(crate) material: Option<Secret>,
    /// What wraps data keys under it: derived once, when the image is loaded, since every object asks for it. Only of a
    /// version that may be used.
    pub(crate) wraps_data_keys: Option<WrappingKey>,
}

/// A master key: an id, and versions of which one wraps. Its secrets are wiped on drop.
#[derive(Clone)]
pub struct MasterKey {
    pub(crate) id: String,
    pub(crate) origin: Origin,
    pub(crate) state: KeyState,
    pub(crate) created_at: u64,
    pub(crate) delete_at: u64,
    pub(crate) period: u64,
    pub(crate) last_rotated_at: u64,
    pub(crate) primary: u64,
    pub(crate) next_version: u64,
    pub(crate) check: Option<[u8; 32]>,
    pub(crate) aliases: Vec<String>,
    pub(crate) versions: Vec<Version>,
}

impl Version {
    pub(crate) fn fresh(number: u64, state: VersionState, now: u64, material: Secret) -> Version {
        Version { number, state, created_at: now, not_after: 0, material: Some(material), wraps_data_keys: None }
    }

    /// Its number, counted from 1.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> VersionState {
        self.state
    }

    /// When it was made, in seconds since 1970.
    #[must_use]
    pub fn created_at(&self) -> u64 {
        self.created_at
    }

    /// From when on it is not used any more, in seconds since 1970.
    #[must_use]
    pub fn not_after(&self) -> Option<u64> {
        (self.not_after != 0).then_some(self.not_after)
    }

    /// Whether its material is in the image.
    #[must_use]
    pub fn has_material(&self) -> bool {
        self.material.is_some()
    }

    fn unwraps(&self, now: u64) -> Option<&Secret> {
        let expired = self.not_after != 0 && self.not_after <= now;
        match self.state {
            VersionState::Staged | VersionState::Active if !expired => self.material.as_ref(),
            _ => None,
        }
    }
}

impl MasterKey {
    /// An enabled key that has nothing yet.
    pub(crate) fn empty(id: String, origin: Origin, now: u64) -> MasterKey {
        MasterKey {
            id,
            origin,
            state: KeyState::Enabled,
            created_at: now,
            delete_at: 0,
            period: 0,
            last_rotated_at: now,
            primary: 0,
            next_version: 1,
            check: None,
            aliases: Vec::new(),
            versions: Vec::new(),
        }
    }

    /// Its id: what envelopes name it by.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where its material comes from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> KeyState {
        self.state
    }

    /// When it was made, in seconds since 1970.
    #[must_use]
    pub fn created_at(&self) -> u64 {
        self.created_at
    }

    /// From when on it may be deleted, in seconds since 1970: of a key that waits for that.
    #[must_use]
    pub fn delete_at(&self) -> Option<u64> {
        (self.delete_at != 0).then_some(self.delete_at)
    }

    /// How often it is to be rotated, in seconds; `None` for a key that is not rotated by time.
    #[must_use]
    pub fn period(&self) -> Option<u64> {
        (self.period != 0).then_some(self.period)
    }

    /// When a version was last promoted, or first made or imported, in seconds since 1970.
    #[must_use]
    pub fn last_rotated_at(&self) -> u64 {
        self.last_rotated_at
    }

    /// The version that wraps.
    #[must_use]
    pub fn primary(&self) -> Option<u64> {
        (self.primary != 0).then_some(self.primary)
    }

    /// Other names, each beginning `alias/`, sorted.
    #[must_use]
    pub fn aliases(&self) -> &[String] {
        &self.aliases
    }

    /// Its versions, in the order of their numbers.
    #[must_use]
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    pub(crate) fn version(&self, number: u64) -> Option<&Version> {
        self.versions.binary_search_by_key(&number, |v| v.number).ok().map(|i| &self.versions[i])
    }

    /// The material of version `number`, if it may unwrap.
    pub(crate) fn material(&self, number: u64, now: u64) -> Result<&Secret> {
        let version = self.version(number).ok_or(Error::NoVersion)?;
        let material = if self.state == KeyState::Enabled { version.unwraps(now) } else { None };
        material.ok_or(Error::KeyState)
    }

    /// Derives what every object will ask for.
    pub(super) fn prepare(&mut self, lock: Lock) -> Result<()> {
        for i in 0..self.versions.len() {
            let Version { number, state: VersionState::Staged | VersionState::Active, ref material, .. } =
                self.versions[i]
            else {
                continue;
            };
            let Some(material) = material else { continue };
            let key = self.derive(lock, Purpose::WrapDataKey, material, number)?;
            self.versions[i].wraps_data_keys = Some(WrappingKey::new(lock, &key)?);
        }
        Ok(())
    }

    /// The key that wraps and unwraps data keys under version `number`, of a keystore that was loaded.
    pub(crate) fn data_key_wrapper(&self, number: u64, now: u64) -> Result<&WrappingKey> {
        self.material(number, now)?;
        self.version(number).and_then(|version| version.wraps_data_keys.as_ref()).ok_or(Error::KeyState)
    }

    /// The key that unwraps what was wrapped for `purpose` under version `number`. For data keys there is
    /// [`data_key_wrapper`](MasterKey::data_key_wrapper).
    pub(crate) fn unwrapping_key(&self, lock: Lock, purpose: Purpose, number: u64, now: u64) -> Result<Secret> {
        self.derive(lock, purpose, self.material(number, now)?, number)
    }

    fn derive(&self, lock: Lock, purpose: Purpose, material: &Secret, number: u64) -> Result<Secret> {
        stack::cleared::<{ stack::HASHING }, _>(|| {
            purpose_key(lock, &self.prk(material)?, purpose, &self.id, &number.to_string())
        })
    }

    /// The primary's number, and the key that wraps for `purpose` under it.
    pub(crate) fn wrapping_key(&self, lock: Lock, purpose: Purpose, now: u64) -> Result<(u64, Secret)> {
        let number = self.primary().ok_or(Error::KeyState)?;
        Ok((number, self.unwrapping_key(lock, purpose, number, now)?))
    }

    /// Tells whether material is the same, without telling what it is. Kept sealed, and compared in constant time.
    pub(crate) fn check_value(&self, material: &Secret) -> Result<[u8; 32]> {
        stack::cleared::<{ stack::HASHING }, _>(|| {
            Ok(*purpose_key(material.lock(), &self.prk(material)?, Purpose::Check, &self.id, "")?.bytes()?)
        })
    }

    /// `M` of docs/FORMAT.md, section 4.
    fn prk(&self, material: &Secret) -> Result<Prk> {
        match self.origin {
            Origin::Service => Ok(Prk::new(material.bytes()?)),
            Origin::Imported => Prk::import(material),
        }
    }
}

impl core::fmt::Debug for Version {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Version").field("number", &self.number).field("state", &self.state).finish_non_exhaustive()
    }
}

impl core::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MasterKey")
            .field("id", &self.id)
            .field("state", &self.state)
            .field("primary", &self.primary())
            .field("versions", &self.versions)
            .finish_non_exhaustive()
    }
}
