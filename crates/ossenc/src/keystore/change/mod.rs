//! The changes that make a keystore's next generation.

mod alias;
mod import;
mod life;
mod rotation;

use alloc::vec::Vec;

pub use life::DELETION_WINDOW_DAYS;
pub use rotation::PERIOD_DAYS;

use super::master_key::{MasterKey, Version};
use crate::{Error, Result, Secret};

/// One change of a keystore. Keys are named by their id, never by an alias: a change is an operator's act, and an alias
/// may have moved since it was thought of.
///
/// # What is possible in which state
///
/// `yes` leaves the state as it is, `-> X` makes it X. Everything else is refused: [`Error::KeyState`] for
/// [`Stage`](Change::Stage) and [`Promote`](Change::Promote) of a key or version whose state forbids its use,
/// [`Error::State`] with the reason for the rest.
///
/// | change | Enabled | Disabled | PendingDeletion | PendingImport |
/// |---|---|---|---|---|
/// | `Stage` | yes, origin service | no | no | no |
/// | `Promote` | yes | no | no | no |
/// | `Retire` | yes | yes | yes | yes |
/// | `Destroy` | yes | yes | yes | yes |
/// | `SetPeriod` | yes | yes | no | yes |
/// | `Enable` | no | -> Enabled | no | no |
/// | `Disable` | -> Disabled | no | no | no |
/// | `ScheduleDeletion` | -> PendingDeletion | -> PendingDeletion | no | no |
/// | `CancelDeletion` | no | no | -> Disabled | no |
/// | `Delete` | no | no | key removed, from delete_at on | key removed, if it has no material |
/// | `Import` | yes, origin imported | no | no | -> Enabled |
/// | `DeleteImportedMaterial` | -> PendingImport | -> PendingImport | no | yes, if it has material |
/// | `SetAlias`, `MoveAlias`, `SetServiceAlias` to it | yes | yes | no | yes |
/// | `MoveAlias`, `SetServiceAlias` from it, `RemoveAlias` | yes | yes | yes | yes |
///
/// A key that awaits material and has none is deleted without waiting: there is nothing to regret, since whoever has the
/// material can make the key again, by the same id, and import it.
///
/// Of versions:
///
/// | change | staged | active | primary | retired | destroyed |
/// |---|---|---|---|---|---|
/// | `Promote` | primary | primary | no | no | no |
/// | `Retire` | retired | retired | no | no | no |
/// | `Destroy` | no | no | no | destroyed | no |
#[derive(Clone, Copy, Debug)]
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
    /// Empties the material of a retired version: what it wrapped never opens again. Older images still hold it.
    Destroy {
        /// The key.
        key_id: &'a str,
        /// The version.
        version: u64,
    },
    /// Says how often the key is to be rotated: see [`Keystore::rotations_due`](crate::Keystore::rotations_due).
    SetPeriod {
        /// The key; with another period than 0, of origin service.
        key_id: &'a str,
        /// Seconds: [`PERIOD_DAYS`] of 86,400; 0 for a key that is not rotated by time.
        seconds: u64,
    },
    /// Switches a disabled key on.
    Enable {
        /// The key.
        key_id: &'a str,
    },
    /// Switches a key off: it neither wraps nor unwraps, until it is enabled.
    Disable {
        /// The key.
        key_id: &'a str,
    },
    /// Takes a key out of use at once, and lets it be deleted when the window has passed.
    ScheduleDeletion {
        /// The key.
        key_id: &'a str,
        /// Whole days, within [`DELETION_WINDOW_DAYS`].
        window_days: u32,
    },
    /// Calls a deletion off, also when its time has passed but nobody has deleted the key yet. The key is disabled.
    CancelDeletion {
        /// The key.
        key_id: &'a str,
    },
    /// Removes a key whose deletion is due, with its material and its aliases; or one that awaits an import and has no
    /// material. What it wrapped never opens again. Older images still hold it.
    Delete {
        /// The key.
        key_id: &'a str,
    },
    /// Makes a master key without material, to be imported: origin imported, state PendingImport, no versions.
    CreateForImport {
        /// As for [`Create`](Change::Create).
        key_id: &'a str,
    },
    /// Brings material. The first makes version 1, the primary. After that only the same material is taken: to bring
    /// back what has expired or was deleted, or to change when it expires.
    Import {
        /// The key.
        key_id: &'a str,
        /// 32 bytes, not all zero. The key's secret is derived from them (docs/FORMAT.md, section 4).
        material: &'a Secret,
        /// From when on it is not used any more, in seconds since 1970, later than now; `None` for never.
        not_after: Option<u64>,
    },
    /// Empties imported material, expired or not. Its check value stays, so that only the same can be imported again.
    DeleteImportedMaterial {
        /// The key.
        key_id: &'a str,
    },
    /// Gives a key an alias that no key has.
    SetAlias {
        /// The key.
        key_id: &'a str,
        /// `alias/` and 1 to 249 characters of 0x21 to 0x7e, not beginning `alias/acs` or `alias/aws`.
        alias: &'a str,
    },
    /// Moves an alias from the key that has it to another.
    MoveAlias {
        /// The key that gets it.
        key_id: &'a str,
        /// As for [`SetAlias`](Change::SetAlias).
        alias: &'a str,
    },
    /// Takes an alias from the key that has it.
    RemoveAlias {
        /// As for [`SetAlias`](Change::SetAlias).
        alias: &'a str,
    },
    /// Gives a key an alias of the service's own, which begins `alias/acs` or `alias/aws`, and takes it from the key
    /// that had it. A daemon does not let its customers make this change.
    SetServiceAlias {
        /// The key.
        key_id: &'a str,
        /// `alias/acs` or `alias/aws`, and up to 246 characters of 0x21 to 0x7e.
        alias: &'a str,
    },
}

/// The keys after a change. Fresh material comes from `draw`.
pub(super) fn apply(
    keys: &[MasterKey],
    change: &Change<'_>,
    now: u64,
    draw: &mut dyn FnMut() -> Result<Secret>,
) -> Result<Vec<MasterKey>> {
    let mut keys = keys.to_vec();
    match *change {
        Change::Create { key_id } => life::create(&mut keys, key_id, now, draw)?,
        Change::CreateForImport { key_id } => import::create(&mut keys, key_id, now)?,
        Change::Stage { key_id } => rotation::stage(find(&mut keys, key_id)?, now, draw)?,
        Change::Promote { key_id, version } => rotation::promote(find(&mut keys, key_id)?, version, now)?,
        Change::Retire { key_id, version } => rotation::retire(find(&mut keys, key_id)?, version)?,
        Change::Destroy { key_id, version } => rotation::destroy(find(&mut keys, key_id)?, version)?,
        Change::SetPeriod { key_id, seconds } => rotation::set_period(find(&mut keys, key_id)?, seconds)?,
        Change::Enable { key_id } => life::enable(find(&mut keys, key_id)?)?,
        Change::Disable { key_id } => life::disable(find(&mut keys, key_id)?)?,
        Change::ScheduleDeletion { key_id, window_days } => {
            life::schedule_deletion(find(&mut keys, key_id)?, window_days, now)?;
        }
        Change::CancelDeletion { key_id } => life::cancel_deletion(find(&mut keys, key_id)?)?,
        Change::Delete { key_id } => life::delete(&mut keys, key_id, now)?,
        Change::Import { key_id, material, not_after } => {
            import::import(find(&mut keys, key_id)?, material, not_after, now)?;
        }
        Change::DeleteImportedMaterial { key_id } => import::delete_material(find(&mut keys, key_id)?)?,
        Change::SetAlias { key_id, alias } => alias::set(&mut keys, key_id, alias)?,
        Change::MoveAlias { key_id, alias } => alias::move_to(&mut keys, key_id, alias)?,
        Change::RemoveAlias { alias } => alias::remove(&mut keys, alias)?,
        Change::SetServiceAlias { key_id, alias } => alias::set_service(&mut keys, key_id, alias)?,
    }
    Ok(keys)
}

fn find<'k>(keys: &'k mut [MasterKey], key_id: &str) -> Result<&'k mut MasterKey> {
    keys.iter_mut().find(|key| key.id == key_id).ok_or(Error::NoVersion)
}

fn find_version(key: &mut MasterKey, number: u64) -> Result<&mut Version> {
    key.versions.iter_mut().find(|v| v.number == number).ok_or(Error::NoVersion)
}
