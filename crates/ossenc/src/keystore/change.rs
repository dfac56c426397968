//! The changes that make a keystore's next generation.

use alloc::vec;
use alloc::vec::Vec;

use super::image;
use super::master_key::{KeyState, MasterKey, Origin, Version, VersionState};
use crate::{Engine, Error, Result, ident};

/// One change of a keystore. Keys are named by their id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change<'a> {
    /// Makes a master key, enabled, with version 1 as its primary.
    Create {
        /// 1 to 255 characters of 0x21 to 0x7e, not beginning `alias/`, not in use.
        key_id: &'a str,
    },
    /// Makes the next version of a key: every node that loads this image unwraps with it, none wraps with it.
    Stage {
        /// The key.
        key_id: &'a str,
    },
    /// Makes a staged or a former primary version the one that wraps.
    Promote {
        /// The key.
        key_id: &'a str,
        /// The version; `None` for the newest staged one.
        version: Option<u64>,
    },
    /// Takes a version out of use: what it wrapped does not open any more. Never the primary. Its material stays in the
    /// image.
    Retire {
        /// The key.
        key_id: &'a str,
        /// The version.
        version: u64,
    },
}

/// The keys after a change.
pub(super) fn apply(keys: &[MasterKey], engine: &Engine, change: &Change<'_>, now: u64) -> Result<Vec<MasterKey>> {
    let mut keys = keys.to_vec();
    match *change {
        Change::Create { key_id } => create(&mut keys, engine, key_id, now)?,
        Change::Stage { key_id } => stage(find(&mut keys, key_id)?, engine, now)?,
        Change::Promote { key_id, version } => promote(find(&mut keys, key_id)?, version, now)?,
        Change::Retire { key_id, version } => retire(find(&mut keys, key_id)?, version)?,
    }
    Ok(keys)
}

/// How many bytes a change adds to the body.
pub(super) fn growth(change: &Change<'_>) -> Result<usize> {
    match *change {
        Change::Create { key_id } => Ok(image::fresh_key_len(&ident::key_id_argument(key_id)?, 1)),
        Change::Stage { .. } => Ok(image::fresh_version_len()),
        Change::Promote { .. } | Change::Retire { .. } => Ok(0),
    }
}

fn find<'k>(keys: &'k mut [MasterKey], key_id: &str) -> Result<&'k mut MasterKey> {
    keys.iter_mut().find(|key| key.id == key_id).ok_or(Error::NoVersion)
}

fn new_version(engine: &Engine, number: u64, state: VersionState, now: u64) -> Result<Version> {
    let material = Some(engine.random_secret()?);
    Ok(Version { number, state, created_at: now, not_after: 0, material })
}

fn create(keys: &mut Vec<MasterKey>, engine: &Engine, key_id: &str, now: u64) -> Result<()> {
    let id = ident::key_id_argument(key_id)?;
    if id.starts_with("alias/") {
        return Err(Error::Argument("a key id does not begin with \"alias/\""));
    }
    let Err(place) = keys.binary_search_by(|key| key.id.as_str().cmp(&id)) else {
        return Err(Error::State("a key of this id is there already"));
    };
    let key = MasterKey {
        id,
        origin: Origin::Service,
        state: KeyState::Enabled,
        created_at: now,
        delete_at: 0,
        period: 0,
        last_rotated_at: now,
        primary: 1,
        next_version: 2,
        check: None,
        aliases: vec![],
        versions: vec![new_version(engine, 1, VersionState::Active, now)?],
    };
    keys.insert(place, key);
    Ok(())
}

fn stage(key: &mut MasterKey, engine: &Engine, now: u64) -> Result<()> {
    if key.state != KeyState::Enabled {
        return Err(Error::KeyState);
    }
    if key.origin == Origin::Imported {
        return Err(Error::State("a key of imported material is not rotated"));
    }
    let number = key.next_version;
    key.next_version = number.checked_add(1).ok_or(Error::State("the versions are used up"))?;
    key.versions.push(new_version(engine, number, VersionState::Staged, now)?);
    Ok(())
}

fn promote(key: &mut MasterKey, version: Option<u64>, now: u64) -> Result<()> {
    if key.state != KeyState::Enabled {
        return Err(Error::KeyState);
    }
    let number = match version {
        Some(number) => number,
        None => {
            let staged = key.versions.iter().rev().find(|v| v.state == VersionState::Staged);
            staged.ok_or(Error::State("no version is staged"))?.number
        }
    };
    let version = find_version(key, number)?;
    match version.state {
        VersionState::Staged | VersionState::Active => version.state = VersionState::Active,
        VersionState::Retired | VersionState::Destroyed => return Err(Error::KeyState),
    }
    if key.primary == number {
        return Err(Error::State("this version is the primary already"));
    }
    key.primary = number;
    key.last_rotated_at = now;
    Ok(())
}

fn retire(key: &mut MasterKey, number: u64) -> Result<()> {
    if key.primary == number {
        return Err(Error::State("the primary cannot be retired: promote another version first"));
    }
    let version = find_version(key, number)?;
    match version.state {
        VersionState::Staged | VersionState::Active => version.state = VersionState::Retired,
        VersionState::Retired | VersionState::Destroyed => return Err(Error::State("this version is retired already")),
    }
    Ok(())
}

fn find_version(key: &mut MasterKey, number: u64) -> Result<&mut Version> {
    key.versions.iter_mut().find(|v| v.number == number).ok_or(Error::NoVersion)
}
