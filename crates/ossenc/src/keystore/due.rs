//! What a keystore's dates ask its owner to do. Nothing here happens by itself: each answer is a change to be made.

use super::Keystore;
use super::master_key::{KeyState, MasterKey, VersionState};

impl Keystore {
    /// The keys to rotate: enabled, with a period that has passed since the last promotion. Stage a version on every
    /// node, then promote it. `now` is the wall time in seconds since 1970.
    pub fn rotations_due(&self, now: u64) -> impl Iterator<Item = &MasterKey> {
        self.keys.iter().filter(move |key| {
            let since = now.checked_sub(key.last_rotated_at);
            key.state == KeyState::Enabled && key.period != 0 && since.is_some_and(|since| since >= key.period)
        })
    }

    /// The keys whose deletion is due at `now`: see [`Change::Delete`](super::Change::Delete).
    pub fn deletions_due(&self, now: u64) -> impl Iterator<Item = &MasterKey> {
        self.keys.iter().filter(move |key| key.state == KeyState::PendingDeletion && key.delete_at <= now)
    }

    /// The keys of which material that is in use expires until a time, or has expired already: with that time in the
    /// future, material to be imported anew; at the present, material to be deleted, see
    /// [`Change::DeleteImportedMaterial`](super::Change::DeleteImportedMaterial).
    pub fn expiring(&self, until: u64) -> impl Iterator<Item = &MasterKey> {
        self.keys.iter().filter(move |key| {
            key.versions.iter().any(|version| {
                let in_use = matches!(version.state, VersionState::Staged | VersionState::Active);
                in_use && version.has_material() && version.not_after != 0 && version.not_after <= until
            })
        })
    }
}
