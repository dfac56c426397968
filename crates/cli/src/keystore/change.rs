//! Changes of a keystore that take a key and little more.

use clap::{Args, Subcommand};
use ossenc::{Change, Keystore};
use serde::Serialize;

use crate::app::App;
use crate::fail::{Code, Failure};
use crate::out::name;

const DAY: u64 = 86_400;

/// Make a master key, enabled, with version 1
#[derive(Args)]
pub(crate) struct Create {
    /// Its id: 1 to 255 printable ASCII characters without blanks
    key: String,
    /// Without material, to be imported: see `ossenc keystore import`
    #[arg(long)]
    import: bool,
}

/// Say how often a key is to be rotated: `ossenc keystore due` reminds
#[derive(Args)]
pub(crate) struct Period {
    /// The key's id
    key: String,
    /// 7 to 730, or 0 for a key that is not rotated by time
    days: u64,
}

/// Switch a disabled key on
#[derive(Args)]
pub(crate) struct Enable {
    /// The key's id
    key: String,
}

/// Switch a key off: nothing that is under it opens, until it is enabled
#[derive(Args)]
pub(crate) struct Disable {
    /// The key's id
    key: String,
}

/// Take a key out of use at once, and let it be deleted later
#[derive(Args)]
pub(crate) struct ScheduleDeletion {
    /// The key's id
    key: String,
    /// Days to wait: 7 to 366
    #[arg(long, default_value_t = 30)]
    days: u32,
}

/// Call a deletion off: the key is disabled then
#[derive(Args)]
pub(crate) struct CancelDeletion {
    /// The key's id
    key: String,
}

/// Delete the keys whose time has come, for ever: without --yes, tell which
#[derive(Args)]
pub(crate) struct DeleteDue {
    /// Do it: what is under these keys never opens again
    #[arg(long)]
    yes: bool,
}

#[derive(Subcommand)]
pub(crate) enum Alias {
    /// Give a key an alias that no key has
    Set(Named),
    /// Move an alias from the key that has it to another
    Move(Named),
    /// Take an alias away
    Remove {
        /// The alias
        alias: String,
    },
}

#[derive(Args)]
pub(crate) struct Named {
    /// alias/ and printable ASCII characters without blanks
    alias: String,
    /// The key's id
    key: String,
}

/// What a change has made of the keystore.
#[derive(Serialize)]
pub(super) struct Changed {
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    generation: u64,
    what: String,
    next: String,
}

impl std::fmt::Display for Changed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} (keystore generation {})", self.what, self.generation)?;
        if self.next.is_empty() { Ok(()) } else { writeln!(f, "  next: {}", self.next) }
    }
}

pub(super) fn report(
    app: &App,
    keystore: &Keystore,
    key: Option<&str>,
    what: String,
    next: &str,
) -> Result<(), Failure> {
    app.out.report(&Changed { key_id: key.map(name), generation: keystore.generation(), what, next: next.to_owned() })
}

/// One change of the newest keystore.
pub(super) fn apply(app: &App, change: &Change<'_>) -> Result<Keystore, Failure> {
    app.store().apply(change, app.now).map_err(|error| Failure::store(&app.keys.keystore, error))
}

fn simple(app: &App, key: &str, change: &Change<'_>, what: &str, next: &str) -> Result<(), Failure> {
    let keystore = apply(app, change)?;
    report(app, &keystore, Some(key), format!("{}: {what}", name(key)), next)
}

pub(super) fn create(app: &App, args: &Create) -> Result<(), Failure> {
    let key_id = &args.key[..];
    if args.import {
        let next = "ossenc keystore import brings its material";
        return simple(app, key_id, &Change::CreateForImport { key_id }, "made, awaits its material", next);
    }
    simple(app, key_id, &Change::Create { key_id }, "made, version 1 wraps", "")
}

pub(super) fn period(app: &App, args: &Period) -> Result<(), Failure> {
    let seconds = args.days.checked_mul(DAY);
    let seconds = seconds.ok_or_else(|| Failure::usage("days", "too many", "7 to 730, or 0"))?;
    let what = if seconds == 0 { "not rotated by time".to_owned() } else { format!("due every {} days", args.days) };
    simple(app, &args.key, &Change::SetPeriod { key_id: &args.key, seconds }, &what, "")
}

pub(super) fn enable(app: &App, args: &Enable) -> Result<(), Failure> {
    simple(app, &args.key, &Change::Enable { key_id: &args.key }, "enabled", "")
}

pub(super) fn disable(app: &App, args: &Disable) -> Result<(), Failure> {
    let next = "running daemons use it until they load this keystore";
    simple(app, &args.key, &Change::Disable { key_id: &args.key }, "disabled", next)
}

pub(super) fn schedule_deletion(app: &App, args: &ScheduleDeletion) -> Result<(), Failure> {
    let change = Change::ScheduleDeletion { key_id: &args.key, window_days: args.days };
    let what = format!("out of use, to be deleted in {} days", args.days);
    simple(app, &args.key, &change, &what, "cancel-deletion calls it off; when the time has come: delete-due")
}

pub(super) fn cancel_deletion(app: &App, args: &CancelDeletion) -> Result<(), Failure> {
    let change = Change::CancelDeletion { key_id: &args.key };
    simple(app, &args.key, &change, "not to be deleted, disabled", "ossenc keystore enable switches it on")
}

pub(super) fn delete_due(app: &App, args: &DeleteDue) -> Result<(), Failure> {
    let store = app.store();
    let failed = |error| Failure::store(&app.keys.keystore, error);
    let mut keystore = store.load().map_err(failed)?;
    let due: Vec<String> = keystore.deletions_due(app.now).map(|key| key.id().to_owned()).collect();
    let names = due.iter().map(name).collect::<Vec<_>>().join(" ");
    if due.is_empty() {
        return report(app, &keystore, None, "no deletion is due".to_owned(), "");
    }
    if !args.yes {
        let message = format!("would be deleted for ever: {names}");
        return Err(Failure::usage("delete-due", message, "say --yes; or cancel-deletion"));
    }
    for key_id in &due {
        let is_due = |keystore: &Keystore| keystore.deletions_due(app.now).any(|key| key.id() == key_id);
        // Somebody may have called it off meanwhile.
        keystore =
            store.update(app.now, |keystore| is_due(keystore).then_some(Change::Delete { key_id })).map_err(failed)?;
        if keystore.key(key_id).is_some() {
            let message = "its deletion was called off meanwhile";
            return Err(Failure::new(Code::Conflict, name(key_id), message, "look at it with show"));
        }
    }
    report(app, &keystore, None, format!("deleted: {names}"), FORGET)
}

pub(super) const FORGET: &str =
    "older images still hold the material: ossenc keystore forget-previous, and destroy backups";

pub(super) fn alias(app: &App, command: &Alias) -> Result<(), Failure> {
    let (change, what) = match command {
        Alias::Set(Named { alias, key }) => {
            (Change::SetAlias { key_id: key, alias }, format!("{} is {}", name(alias), name(key)))
        }
        Alias::Move(Named { alias, key }) => {
            (Change::MoveAlias { key_id: key, alias }, format!("{} is {} now", name(alias), name(key)))
        }
        Alias::Remove { alias } => (Change::RemoveAlias { alias }, format!("{} is nobody's", name(alias))),
    };
    let keystore = apply(app, &change)?;
    report(app, &keystore, None, what, "")
}
