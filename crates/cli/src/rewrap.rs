//! `ossenc rewrap`.

use std::path::{Path, PathBuf};

use clap::Args;
use ossenc::{Error, Expect, KeyState, Keystore, Recipient};
use ossenc_kms::FileStore;
use ossenc_kms::fleet::{KeyRewrapper, Location, RewrapJob, Shard};
use serde::Serialize;

use crate::app::App;
use crate::fail::{Code, Failure};
use crate::files::{Operands, shard};
use crate::interrupt::WatchedJob;
use crate::keys::{Allow, METHODS, MethodName};
use crate::out::name;
use crate::place::PlaceOptions;
use crate::root_key::GivenRootKey;

/// Wrap the data keys of sealed files under the newest version of their master key
///
/// Takes the same time for every length: data is not touched. Files that are up to date are passed over, so it can be run
/// again, and by several processes at once. At every moment of a crash each file opens under the old or the new version.
/// Interrupted, it ends after the files under way, and goes on from --checkpoint.
///
/// With --to-key to another key, of another keystore (a migration, --to-keystore), or to one more (a recovery key, a
/// replica that reads the files itself, --add).
#[derive(Args)]
pub(crate) struct Rewrap {
    /// Sealed files, or one folder
    #[arg(required = true)]
    sealed: Vec<PathBuf>,
    /// Threads
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// Most files rewrapped in a second; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 0)]
    rate: u32,
    /// Do everything but the writing
    #[arg(long)]
    dry_run: bool,
    /// File that keeps how far the work has come; removed at its end
    #[arg(long, value_name = "PATH")]
    checkpoint: Option<PathBuf>,
    /// Only this of so many parts of a folder (1/4 … 4/4), for as many machines
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<Shard>,
    /// To another master key, instead of the newest version of the same
    #[arg(long, value_name = "KEY")]
    to_key: Option<String>,
    /// Keystore that has the other key [default: --keystore]
    #[arg(long, value_name = "PATH", requires = "to_key")]
    to_keystore: Option<PathBuf>,
    /// File of that keystore's root key [default: as of --keystore]
    #[arg(long, value_name = "PATH", requires = "to_keystore", conflicts_with = "to_passphrase_file")]
    to_root_key_file: Option<PathBuf>,
    /// File of that keystore's passphrase
    #[arg(long, value_name = "PATH", requires = "to_keystore")]
    to_passphrase_file: Option<PathBuf>,
    /// Keep the keys that open the files now: the other one opens them, too
    #[arg(long, requires = "to_key")]
    add: bool,
    /// Method that goes with --to-key
    #[arg(long, value_enum, default_value = "oss", requires = "to_key")]
    to_method: MethodName,
    #[command(flatten)]
    allow: Allow,
    #[command(flatten)]
    place: PlaceOptions,
}

#[derive(Serialize)]
struct Report {
    rewrapped: u64,
    up_to_date: u64,
    skipped: u64,
    gone: u64,
    failed: u64,
    complete: bool,
    resumed: bool,
    dry_run: bool,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verb = if self.dry_run { "would be rewrapped" } else { "rewrapped" };
        let resumed = if self.resumed { " (those of the run before included)" } else { "" };
        write!(f, "{} {verb}, {} up to date, {} failed", self.rewrapped, self.up_to_date, self.failed)?;
        write!(f, ", {} skipped, {} gone{resumed}", self.skipped, self.gone)
    }
}

pub(crate) fn run(app: &App, args: &Rewrap) -> Result<(), Failure> {
    let keystore = app.load_keystore()?;
    let operands = Operands::new(&args.sealed, args.shard)?;
    let expect = Expect { methods: METHODS, key_ids: &args.allow.key_ids(&keystore) };
    let (engine, now) = (&app.engine, app.now);
    let other = args.other_keystore(app)?;
    let rewrapper = match (&args.to_key, &other) {
        (None, _) => KeyRewrapper::rotation(engine, &keystore, expect, now),
        (Some(key), None) => {
            args.check_key(&app.keys.keystore, &keystore, key)?;
            KeyRewrapper::to_key(engine, &keystore, expect, args.recipient(key), now).keeping_slots(args.add)
        }
        (Some(key), Some((path, other))) => {
            args.check_key(path, other, key)?;
            KeyRewrapper::migration(engine, &keystore, expect, other, args.recipient(key), now).keeping_slots(args.add)
        }
    };
    let is_folder = operands.is_folder();
    let locate = |name: &Path| -> Result<Location, String> { args.place.locate(is_folder, name) };

    let watched = WatchedJob::new(app.out, &operands)?;
    let label = format!("{:?}", args.place);
    let job = RewrapJob {
        dry_run: args.dry_run,
        threads: args.threads.into(),
        per_second: args.rate,
        checkpoint: args.checkpoint.as_deref(),
        label: label.as_bytes(),
        observer: &watched,
        ..RewrapJob::new(&rewrapper, &locate)
    };
    let summary = job.run(operands.source());
    let codes = watched.finish();
    let summary = summary.map_err(|error| Failure::job(&error, args.checkpoint.as_deref()))?;

    let counters = summary.counters;
    app.out.report(&Report {
        rewrapped: counters.rewrapped,
        up_to_date: counters.done,
        skipped: counters.skipped,
        gone: counters.gone,
        failed: counters.failed,
        complete: summary.complete,
        resumed: summary.resumed,
        dry_run: args.dry_run,
    })?;
    if !summary.complete {
        return Err(Failure::interrupted());
    }
    let missing = if is_folder { 0 } else { counters.gone };
    if counters.failed + missing > codes.len() as u64 {
        let message = "files failed in the run before, which were reported then";
        return Err(Failure::new(Code::Refused, "rewrap", message, "run it again: what is done is passed over"));
    }
    Failure::told(&codes)
}

impl Rewrap {
    fn recipient<'a>(&self, key: &'a str) -> Recipient<'a> {
        Recipient::Local { method: self.to_method.get(), key }
    }

    fn other_keystore(&self, app: &App) -> Result<Option<(&Path, Keystore)>, Failure> {
        let Some(path) = &self.to_keystore else { return Ok(None) };
        let root_key = match (&self.to_root_key_file, &self.to_passphrase_file) {
            (None, None) => GivenRootKey::new(&app.keys),
            (file, passphrase_file) => GivenRootKey::of(file.clone(), passphrase_file.clone()),
        };
        let store = FileStore::new(app.engine.clone(), path, root_key, 0);
        Ok(Some((path, store.load().map_err(|error| Failure::store(path, error))?)))
    }

    /// Once, before the first of a million files is refused for it.
    fn check_key(&self, path: &Path, keystore: &Keystore, key: &str) -> Result<(), Failure> {
        match keystore.resolve(key) {
            None => Err(Failure::image(path, Error::NoVersion)),
            Some(found) if found.primary().is_none() || found.state() != KeyState::Enabled => {
                Err(Failure::core(format!("key {}", name(key)), Error::KeyState))
            }
            Some(_) => Ok(()),
        }
    }
}
