//! Material that a customer brings (BYOK): imported, expired or deleted, and imported again.

use alloc::vec::Vec;

use subtle::ConstantTimeEq;

use super::find_version;
use super::life::place_for;
use super::rotation::take_number;
use crate::keystore::master_key::{KeyState, MasterKey, Origin, Version, VersionState};
use crate::{Error, Result, Secret};

pub(super) fn create(keys: &mut Vec<MasterKey>, key_id: &str, now: u64) -> Result<()> {
    let (place, id) = place_for(keys, key_id)?;
    let key = MasterKey { state: KeyState::PendingImport, ..MasterKey::empty(id, Origin::Imported, now) };
    keys.insert(place, key);
    Ok(())
}

pub(super) fn import(key: &mut MasterKey, material: &Secret, not_after: Option<u64>, now: u64) -> Result<()> {
    if material.is_zero()? {
        return Err(Error::Argument("the material is all zeros"));
    }
    if not_after.is_some_and(|end| end <= now) {
        return Err(Error::Argument("the material would have expired already"));
    }
    is_imported(key)?;
    match key.state {
        KeyState::PendingImport | KeyState::Enabled => {}
        KeyState::Disabled => return Err(Error::State("this key is disabled: enable it first")),
        KeyState::PendingDeletion => return Err(Error::State("this key waits for its deletion: cancel that first")),
    }
    let check = key.check_value(material)?;
    let same = known_check(key)?.is_none_or(|known| known.ct_eq(&check).into());
    if !same {
        return Err(Error::State("other material than was imported before: only the same is taken again"));
    }
    let number = key.primary;
    if key.versions.iter().any(|v| v.number != number && v.state != VersionState::Destroyed && v.material.is_none()) {
        return Err(Error::State("another version of this key lacks its material"));
    }
    if number == 0 {
        let number = take_number(key)?;
        key.versions.push(Version::fresh(number, VersionState::Active, now, material.clone()));
        (key.primary, key.last_rotated_at) = (number, now);
    }
    let primary = find_version(key, key.primary)?;
    (primary.material, primary.not_after) = (Some(material.clone()), not_after.unwrap_or(0));
    (key.state, key.check) = (KeyState::Enabled, Some(check));
    Ok(())
}

/// The check value that new material has to have: the recorded one, or that of material which came without.
fn known_check(key: &MasterKey) -> Result<Option<[u8; 32]>> {
    let present = || key.versions.iter().find_map(|v| v.material.as_ref());
    match key.check {
        Some(check) => Ok(Some(check)),
        None => present().map(|material| key.check_value(material)).transpose(),
    }
}

pub(super) fn delete_material(key: &mut MasterKey) -> Result<()> {
    is_imported(key)?;
    if key.state == KeyState::PendingDeletion {
        return Err(Error::State("this key waits for its deletion"));
    }
    if key.versions.iter().all(|v| v.material.is_none()) {
        return Err(Error::State("this key has no material"));
    }
    key.check = known_check(key)?;
    key.versions.iter_mut().for_each(|v| v.material = None);
    key.state = KeyState::PendingImport;
    Ok(())
}

fn is_imported(key: &MasterKey) -> Result<()> {
    match key.origin {
        Origin::Imported => Ok(()),
        Origin::Service => Err(Error::State("this key's material is the keystore's own")),
    }
}
