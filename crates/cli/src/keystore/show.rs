//! Looking at a keystore.

use clap::Args;
use ossenc::{Kdf, KeyState, Keystore, MasterKey, Origin, Version, VersionState};
use serde::Serialize;

use crate::app::App;
use crate::fail::{Code, Failure};
use crate::out::{hex, name};
use crate::time;

/// List the keys
#[derive(Args)]
pub(crate) struct List {}

/// Show a key with all its versions
#[derive(Args)]
pub(crate) struct Show {
    /// The key, by id or alias
    key: String,
}

/// Tell what the dates ask for: rotations, deletions, material that expires
#[derive(Args)]
pub(crate) struct Due {
    /// Look so many days ahead
    #[arg(long, default_value_t = 0)]
    days: u32,
}

#[derive(Serialize)]
struct ListReport {
    keystore_id: String,
    generation: u64,
    root_key_id: String,
    passphrase: bool,
    keys: Vec<KeyReport>,
}

#[derive(Serialize)]
struct KeyReport {
    key_id: String,
    state: &'static str,
    origin: &'static str,
    primary: Option<u64>,
    created_at: u64,
    last_rotated_at: u64,
    period: Option<u64>,
    delete_at: Option<u64>,
    aliases: Vec<String>,
    versions: Vec<VersionReport>,
}

#[derive(Serialize)]
struct VersionReport {
    number: u64,
    state: &'static str,
    created_at: u64,
    not_after: Option<u64>,
    has_material: bool,
}

#[derive(Serialize)]
struct DueReport {
    at: u64,
    rotations: Vec<String>,
    deletions: Vec<String>,
    expiring: Vec<String>,
}

impl std::fmt::Display for ListReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let passphrase = if self.passphrase { " (a passphrase)" } else { "" };
        let (id, generation, root) = (&self.keystore_id, self.generation, &self.root_key_id);
        writeln!(f, "keystore {id}, generation {generation}, under root key {root}{passphrase}")?;
        for key in &self.keys {
            let primary = key.primary.map_or("no version wraps".to_owned(), |n| format!("version {n} wraps"));
            let aliases = if key.aliases.is_empty() { String::new() } else { format!(", {}", key.aliases.join(", ")) };
            writeln!(f, "  {}  {}, {primary}, {} versions{aliases}", key.key_id, key.state, key.versions.len())?;
        }
        Ok(())
    }
}

impl std::fmt::Display for KeyReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}: {}, origin {}", self.key_id, self.state, self.origin)?;
        writeln!(f, "  made {}, last rotated {}", time::show(self.created_at), time::show(self.last_rotated_at))?;
        if let Some(period) = self.period {
            writeln!(f, "  to be rotated every {} days", period / 86_400)?;
        }
        if let Some(at) = self.delete_at {
            writeln!(f, "  to be deleted from {} on", time::show(at))?;
        }
        for alias in &self.aliases {
            writeln!(f, "  {alias}")?;
        }
        for version in &self.versions {
            let wraps = if self.primary == Some(version.number) { ", wraps" } else { "" };
            let material = if version.has_material { "" } else { ", no material" };
            let until = version.not_after.map_or(String::new(), |end| format!(", until {}", time::show(end)));
            let (number, state, made) = (version.number, version.state, time::show(version.created_at));
            writeln!(f, "  version {number}: {state}{wraps}{material}, made {made}{until}")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for DueReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut any = false;
        for (keys, what, next) in [
            (&self.rotations, "to be rotated", "ossenc keystore rotate, or stage and promote"),
            (&self.deletions, "to be deleted", "ossenc keystore delete-due, or cancel-deletion"),
            (&self.expiring, "material expires", "ossenc keystore import it anew, or delete-material"),
        ] {
            for key in keys {
                any = true;
                writeln!(f, "{key}: {what}\n  next: {next}")?;
            }
        }
        if any { Ok(()) } else { writeln!(f, "nothing is due at {}", time::show(self.at)) }
    }
}

pub(super) fn list(app: &App, _: &List) -> Result<(), Failure> {
    let keystore = app.load_keystore()?;
    let info = keystore.info();
    app.out.report(&ListReport {
        keystore_id: hex(&info.keystore_id),
        generation: info.generation,
        root_key_id: name(&info.root_key_id),
        passphrase: info.kdf != Kdf::None,
        keys: keystore.keys().iter().map(key).collect(),
    })
}

pub(super) fn show(app: &App, args: &Show) -> Result<(), Failure> {
    let keystore = app.load_keystore()?;
    let found = keystore.resolve(&args.key).ok_or_else(|| {
        Failure::new(Code::Keys, name(&args.key), "no such key or alias", "`ossenc keystore list` tells what there is")
    })?;
    app.out.report(&key(found))
}

pub(super) fn due(app: &App, args: &Due) -> Result<(), Failure> {
    let keystore: Keystore = app.load_keystore()?;
    let at = app.now + u64::from(args.days) * 86_400;
    let ids = |keys: &mut dyn Iterator<Item = &MasterKey>| keys.map(|key| name(key.id())).collect();
    app.out.report(&DueReport {
        at,
        rotations: ids(&mut keystore.rotations_due(at)),
        deletions: ids(&mut keystore.deletions_due(at)),
        expiring: ids(&mut keystore.expiring(at)),
    })
}

fn key(key: &MasterKey) -> KeyReport {
    KeyReport {
        key_id: name(key.id()),
        state: match key.state() {
            KeyState::Enabled => "enabled",
            KeyState::Disabled => "disabled",
            KeyState::PendingDeletion => "pending_deletion",
            KeyState::PendingImport => "pending_import",
            _ => "unknown",
        },
        origin: match key.origin() {
            Origin::Service => "service",
            Origin::Imported => "imported",
            _ => "unknown",
        },
        primary: key.primary(),
        created_at: key.created_at(),
        last_rotated_at: key.last_rotated_at(),
        period: key.period(),
        delete_at: key.delete_at(),
        aliases: key.aliases().iter().map(name).collect(),
        versions: key.versions().iter().map(version).collect(),
    }
}

fn version(version: &Version) -> VersionReport {
    VersionReport {
        number: version.number(),
        state: match version.state() {
            VersionState::Staged => "staged",
            VersionState::Active => "active",
            VersionState::Retired => "retired",
            VersionState::Destroyed => "destroyed",
            _ => "unknown",
        },
        created_at: version.created_at(),
        not_after: version.not_after(),
        has_material: version.has_material(),
    }
}
