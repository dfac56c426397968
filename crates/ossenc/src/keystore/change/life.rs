//! The life of a key: made, switched off and on, deleted.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use crate::keystore::DAY;
use crate::keystore::master_key::{KeyState, MasterKey, Origin, Version, VersionState};
use crate::{Error, Result, Secret, ident};

/// How many days a key may wait for its deletion.
pub const DELETION_WINDOW_DAYS: RangeInclusive<u32> = 7..=366;

pub(super) fn create(
    keys: &mut Vec<MasterKey>,
    key_id: &str,
    now: u64,
    draw: &mut dyn FnMut() -> Result<Secret>,
) -> Result<()> {
    let (place, id) = place_for(keys, key_id)?;
    let version = Version::fresh(1, VersionState::Active, now, draw()?);
    let versions = vec![version];
    let key = MasterKey { primary: 1, next_version: 2, versions, ..MasterKey::empty(id, Origin::Service, now) };
    keys.insert(place, key);
    Ok(())
}

/// Where a new key of that id belongs.
pub(super) fn place_for(keys: &[MasterKey], key_id: &str) -> Result<(usize, String)> {
    let id = ident::key_id_argument(key_id)?;
    if id.starts_with("alias/") {
        return Err(Error::Argument("a key id does not begin with \"alias/\""));
    }
    match keys.binary_search_by(|key| key.id.as_str().cmp(&id)) {
        Err(place) => Ok((place, id)),
        Ok(_) => Err(Error::State("a key of this id is there already")),
    }
}

pub(super) fn enable(key: &mut MasterKey) -> Result<()> {
    key.state = match key.state {
        KeyState::Disabled => KeyState::Enabled,
        KeyState::Enabled => return Err(Error::State("this key is enabled already")),
        KeyState::PendingDeletion => return Err(Error::State("this key waits for its deletion: cancel that first")),
        KeyState::PendingImport => return Err(Error::State("this key awaits material: importing it enables the key")),
    };
    Ok(())
}

pub(super) fn disable(key: &mut MasterKey) -> Result<()> {
    key.state = match key.state {
        KeyState::Enabled => KeyState::Disabled,
        KeyState::Disabled => return Err(Error::State("this key is disabled already")),
        KeyState::PendingDeletion => return Err(Error::State("this key waits for its deletion")),
        KeyState::PendingImport => return Err(Error::State("this key awaits material")),
    };
    Ok(())
}

pub(super) fn schedule_deletion(key: &mut MasterKey, window_days: u32, now: u64) -> Result<()> {
    if !DELETION_WINDOW_DAYS.contains(&window_days) {
        return Err(Error::Argument("a deletion window is 7 to 366 days"));
    }
    let delete_at = now.checked_add(u64::from(window_days) * DAY);
    let delete_at = delete_at.ok_or(Error::Argument("the deletion would be after the end of time"))?;
    match key.state {
        KeyState::Enabled | KeyState::Disabled => {}
        KeyState::PendingDeletion => return Err(Error::State("this key waits for its deletion already")),
        KeyState::PendingImport => {
            return Err(Error::State("this key awaits material: without any, it is deleted at once"));
        }
    }
    (key.state, key.delete_at) = (KeyState::PendingDeletion, delete_at);
    Ok(())
}

pub(super) fn cancel_deletion(key: &mut MasterKey) -> Result<()> {
    if key.state != KeyState::PendingDeletion {
        return Err(Error::State("this key does not wait for its deletion"));
    }
    (key.state, key.delete_at) = (KeyState::Disabled, 0);
    Ok(())
}

/// The format has no place for a key without versions that nobody awaits: a deleted key leaves nothing behind.
pub(super) fn delete(keys: &mut Vec<MasterKey>, key_id: &str, now: u64) -> Result<()> {
    let place = keys.iter().position(|key| key.id == key_id).ok_or(Error::NoVersion)?;
    let key = &keys[place];
    match key.state {
        KeyState::PendingDeletion if key.delete_at <= now => {}
        KeyState::PendingDeletion => return Err(Error::State("the time of this key's deletion has not come")),
        KeyState::PendingImport if key.versions.iter().all(|v| v.material.is_none()) => {}
        KeyState::PendingImport => return Err(Error::State("this key has material: delete that first")),
        KeyState::Enabled | KeyState::Disabled => {
            return Err(Error::State("this key is in use: schedule its deletion first"));
        }
    }
    keys.remove(place);
    Ok(())
}
