//! The life of a version: staged, promoted, retired, destroyed; and how often that begins.

use core::ops::RangeInclusive;

use super::find_version;
use crate::keystore::DAY;
use crate::keystore::master_key::{KeyState, MasterKey, Origin, Version, VersionState};
use crate::{Error, Result, Secret};

/// How many days may lie between two rotations of a key.
pub const PERIOD_DAYS: RangeInclusive<u32> = 7..=730;

pub(super) fn stage(key: &mut MasterKey, now: u64, draw: &mut dyn FnMut() -> Result<Secret>) -> Result<()> {
    if key.state != KeyState::Enabled {
        return Err(Error::KeyState);
    }
    if key.origin == Origin::Imported {
        return Err(Error::State("a key of imported material is not rotated"));
    }
    let number = take_number(key)?;
    key.versions.push(Version::fresh(number, VersionState::Staged, now, draw()?));
    Ok(())
}

/// Numbers are never used again.
pub(super) fn take_number(key: &mut MasterKey) -> Result<u64> {
    let number = key.next_version;
    key.next_version = number.checked_add(1).ok_or(Error::State("the versions are used up"))?;
    Ok(number)
}

pub(super) fn promote(key: &mut MasterKey, version: Option<u64>, now: u64) -> Result<()> {
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

pub(super) fn retire(key: &mut MasterKey, number: u64) -> Result<()> {
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

pub(super) fn destroy(key: &mut MasterKey, number: u64) -> Result<()> {
    let version = find_version(key, number)?;
    match version.state {
        VersionState::Retired => (version.state, version.material) = (VersionState::Destroyed, None),
        VersionState::Destroyed => return Err(Error::State("this version is destroyed already")),
        VersionState::Staged | VersionState::Active => {
            return Err(Error::State("only a retired version can be destroyed: retire it first"));
        }
    }
    Ok(())
}

pub(super) fn set_period(key: &mut MasterKey, seconds: u64) -> Result<()> {
    let allowed = u64::from(*PERIOD_DAYS.start()) * DAY..=u64::from(*PERIOD_DAYS.end()) * DAY;
    if seconds != 0 && !allowed.contains(&seconds) {
        return Err(Error::Argument("a rotation period is 7 to 730 days in seconds, or 0 for none"));
    }
    if seconds != 0 && key.origin == Origin::Imported {
        return Err(Error::State("a key of imported material is not rotated"));
    }
    if key.state == KeyState::PendingDeletion {
        return Err(Error::State("this key waits for its deletion: cancel that first"));
    }
    key.period = seconds;
    Ok(())
}
