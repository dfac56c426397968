//! The life of a version: staged, promoted, retired, destroyed.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::{ArgGroup, Args};
use ossenc::{Change, Keystore, VersionState};

use super::change::{FORGET, apply, report};
use crate::app::App;
use crate::census;
use crate::fail::{Code, Failure};
use crate::interrupt::Interrupt;
use crate::out::{grouped, name, path_name};

/// Make a new version of a key, and let it wrap
///
/// Every process that opens files must have loaded the keystore with the new version before any process wraps with it, or
/// it meets files that it cannot open. So between the two steps there is a wait (--wait, longer than your processes take
/// to load the keystore anew), unless this process is the only one (--now). `stage` and `promote` are the two steps apart.
/// A version that is staged already is taken: so a rotation that was interrupted is finished.
#[derive(Args)]
#[command(group(ArgGroup::new("when").required(true)))]
pub(crate) struct Rotate {
    /// The key's id
    key: String,
    /// Wait so many seconds between the two steps
    #[arg(long, value_name = "SECONDS", group = "when")]
    wait: Option<u64>,
    /// Do not wait: nobody else uses this keystore
    #[arg(long, group = "when")]
    now: bool,
}

/// Make the next version of a key: it unwraps, and does not wrap yet
#[derive(Args)]
pub(crate) struct Stage {
    /// The key's id
    key: String,
}

/// Let a staged version wrap; or a former one again
#[derive(Args)]
pub(crate) struct Promote {
    /// The key's id
    key: String,
    /// The version [default: the newest staged one]
    version: Option<u64>,
}

/// Take a version out of use: what is under it does not open any more
///
/// There is no way back but an older image of the keystore. So it wants a census that counts nothing under that version.
#[derive(Args)]
#[command(group(ArgGroup::new("sure").required(true)))]
pub(crate) struct Retire {
    /// The key's id
    key: String,
    /// The version
    version: u64,
    /// Census of all files, made by `ossenc census --save` after the last rewrap: it has to count none under the version
    #[arg(long, value_name = "PATH", group = "sure")]
    census: Option<PathBuf>,
    /// Do it without a census
    #[arg(long, group = "sure")]
    yes: bool,
}

/// Empty the material of a retired version, for ever
#[derive(Args)]
pub(crate) struct Destroy {
    /// The key's id
    key: String,
    /// The version
    version: u64,
    /// Do it: what is under that version never opens again
    #[arg(long)]
    yes: bool,
}

const REWRAP: &str = "load the keystore everywhere; then ossenc rewrap, ossenc census, and retire the old version";

pub(super) fn rotate(app: &App, args: &Rotate) -> Result<(), Failure> {
    let store = app.store();
    let failed = |error| Failure::store(&app.keys.keystore, error);
    let key_id = &args.key[..];
    let staged = |keystore: &Keystore| newest_staged(keystore, key_id);
    let keystore = store
        .update(app.now, |keystore| staged(keystore).is_none().then_some(Change::Stage { key_id }))
        .map_err(failed)?;
    let Some(version) = staged(&keystore) else { return Err(promoted_meanwhile(key_id)) };
    if let Some(seconds) = args.wait {
        app.out.note(format_args!("{}: version {version} is staged; waiting {seconds} s", name(key_id)));
        wait(seconds)?;
    }
    let promote = Change::Promote { key_id, version: Some(version) };
    let keystore = store
        .update(app.now, |keystore| (primary(keystore, key_id) != Some(version)).then_some(promote))
        .map_err(failed)?;
    report(app, &keystore, Some(key_id), format!("{}: version {version} wraps", name(key_id)), REWRAP)
}

fn promoted_meanwhile(key_id: &str) -> Failure {
    Failure::new(Code::Conflict, name(key_id), "somebody else promoted the staged version", "look at it with show")
}

fn primary(keystore: &Keystore, key_id: &str) -> Option<u64> {
    keystore.key(key_id)?.primary()
}

fn newest_staged(keystore: &Keystore, key_id: &str) -> Option<u64> {
    let versions = keystore.key(key_id)?.versions();
    versions.iter().rev().find(|version| version.state() == VersionState::Staged).map(ossenc::Version::number)
}

fn wait(seconds: u64) -> Result<(), Failure> {
    let (interrupt, begin) = (Interrupt::watch()?, Instant::now());
    while begin.elapsed() < Duration::from_secs(seconds) {
        interrupt.check()?;
        sleep(Duration::from_millis(100));
    }
    Ok(())
}

pub(super) fn stage(app: &App, args: &Stage) -> Result<(), Failure> {
    let keystore = apply(app, &Change::Stage { key_id: &args.key })?;
    let version = newest_staged(&keystore, &args.key).expect("staged just now");
    let next = format!("load the keystore everywhere; then ossenc keystore promote {}", name(&args.key));
    report(app, &keystore, Some(&args.key), format!("{}: version {version} is staged", name(&args.key)), &next)
}

pub(super) fn promote(app: &App, args: &Promote) -> Result<(), Failure> {
    let keystore = apply(app, &Change::Promote { key_id: &args.key, version: args.version })?;
    let version = primary(&keystore, &args.key).expect("promoted just now");
    report(app, &keystore, Some(&args.key), format!("{}: version {version} wraps", name(&args.key)), REWRAP)
}

pub(super) fn retire(app: &App, args: &Retire) -> Result<(), Failure> {
    if let Some(path) = &args.census {
        let census = census::read(path)?;
        let count = census.count(&args.key, &args.version.to_string());
        if census.envelopes() == 0 {
            let message = "a census of no files: it tells nothing";
            return Err(Failure::new(Code::Refused, path_name(path), message, "count the folder that has the files"));
        }
        if count > 0 {
            return Err(Failure::new(
                Code::Refused,
                path_name(path),
                format_args!("{} slots are under version {} of key {}", grouped(count), args.version, name(&args.key)),
                "ossenc rewrap them, and count again",
            ));
        }
    }
    let keystore = apply(app, &Change::Retire { key_id: &args.key, version: args.version })?;
    let what = format!("{}: version {} is retired", name(&args.key), args.version);
    report(app, &keystore, Some(&args.key), what, "when nothing is missed for long enough: ossenc keystore destroy")
}

pub(super) fn destroy(app: &App, args: &Destroy) -> Result<(), Failure> {
    let about = format!("version {} of key {}", args.version, name(&args.key));
    if !args.yes {
        let message = "what is under it never opens again";
        return Err(Failure::usage(about, message, "say --yes, if a census counts nothing under it"));
    }
    let keystore = apply(app, &Change::Destroy { key_id: &args.key, version: args.version })?;
    report(app, &keystore, Some(&args.key), format!("{about} is destroyed"), FORGET)
}
