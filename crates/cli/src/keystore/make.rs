//! The keystore as a whole: made, put under another root key, exported.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use ossenc::Keystore;
use ossenc_kms::{forget_previous as forget, swap_file};
use serde::Serialize;

use super::change::report;
use crate::app::App;
use crate::fail::{Code, Failure};
use crate::files::Sink;
use crate::keys::DEFAULT_ROOT_KEY_FILE;
use crate::out::path_name;
use crate::root_key::{NewRootKey, NewRootKeyOptions};

/// Make a keystore without keys
///
/// Its root key is that of --root-key-file, made with mode 0600 if it is not there; or comes from a passphrase, of
/// --passphrase-file or asked for with --passphrase.
#[derive(Args)]
pub(crate) struct Init {
    /// Put it under a passphrase that is asked for
    #[arg(long, conflicts_with_all = ["root_key_file", "passphrase_file"])]
    passphrase: bool,
    #[command(flatten)]
    new: NewRootKeyOptions,
}

/// Put the keystore under another root key
///
/// The master keys stay. The image under the old root key stays beside it as .previous: remove it with forget-previous, if
/// the old root key is no longer trusted, and destroy the backups.
#[derive(Args)]
pub(crate) struct RootKey {
    #[command(flatten)]
    to: Target,
}

/// Write a copy under another root key: an escrow, a backup that the daily root key does not open
///
/// The copy is the keystore's next generation. The keystore itself stays as it is.
#[derive(Args)]
pub(crate) struct Export {
    /// The file to make
    destination: PathBuf,
    /// Replace a file that is there
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    to: Target,
}

/// Remove the image before the last change, which still holds what was destroyed or deleted
#[derive(Args)]
pub(crate) struct ForgetPrevious {}

#[derive(Args)]
#[command(group(ArgGroup::new("to").required(true)))]
struct Target {
    /// File of the new root key, made with mode 0600 if it is not there
    #[arg(long, value_name = "PATH", group = "to")]
    new_root_key_file: Option<PathBuf>,
    /// File of the new passphrase, mode 0600
    #[arg(long, value_name = "PATH", group = "to")]
    new_passphrase_file: Option<PathBuf>,
    /// Ask for a new passphrase
    #[arg(long, group = "to")]
    new_passphrase: bool,
    #[command(flatten)]
    new: NewRootKeyOptions,
}

impl Target {
    fn root_key(&self, app: &App) -> Result<NewRootKey, Failure> {
        match (&self.new_root_key_file, &self.new_passphrase_file) {
            (Some(path), _) => NewRootKeyOptions::key_in_file(path, app.out),
            (None, Some(path)) => self.new.passphrase_in_file(path),
            (None, None) => self.new.asked_passphrase(),
        }
    }

    /// The keystore's next image, under the new root key, and proved to open.
    fn reseal(&self, app: &App, keystore: &Keystore, path: &Path) -> Result<(Vec<u8>, Keystore), Failure> {
        let root_key = self.root_key(app)?;
        let image = root_key.reseal(keystore, &app.engine, &self.new.root_key_id);
        let image = image.map_err(|error| Failure::image(path, error))?;
        let opened = root_key.load(&app.engine, &image).map_err(|error| Failure::image(path, error))?;
        Ok((image, opened))
    }
}

pub(super) fn init(app: &App, args: &Init) -> Result<(), Failure> {
    let path = &app.keys.keystore;
    if path.symlink_metadata().is_ok() {
        let next = "look at it with `ossenc keystore list`; a new keystore needs another path: --keystore";
        return Err(Failure::new(Code::Conflict, path_name(path), "there is something of this name already", next));
    }
    let root_key = match (&app.keys.root_key_file, &app.keys.passphrase_file) {
        _ if args.passphrase => args.new.asked_passphrase()?,
        (_, Some(file)) => args.new.passphrase_in_file(file)?,
        (Some(file), None) => NewRootKeyOptions::key_in_file(file, app.out)?,
        (None, None) => NewRootKeyOptions::key_in_file(Path::new(DEFAULT_ROOT_KEY_FILE), app.out)?,
    };
    let failed = |error| Failure::image(path, error);
    let image = root_key.init(&app.engine, &args.new.root_key_id).map_err(failed)?;
    let keystore = root_key.load(&app.engine, &image).map_err(failed)?;
    swap_file(path, 0, &image).map_err(|error| Failure::swap(path, error))?;
    report(app, &keystore, None, format!("{}: made", path_name(path)), "ossenc keystore create main")
}

pub(super) fn root_key(app: &App, args: &RootKey) -> Result<(), Failure> {
    let path = &app.keys.keystore;
    let keystore = app.load_keystore()?;
    let (image, resealed) = args.to.reseal(app, &keystore, path)?;
    swap_file(path, keystore.generation(), &image).map_err(|error| Failure::swap(path, error))?;
    let next =
        "the image under the old root key is beside it, as .previous: ossenc keystore forget-previous removes it";
    report(app, &resealed, None, format!("{}: under another root key", path_name(path)), next)
}

pub(super) fn export(app: &App, args: &Export) -> Result<(), Failure> {
    let keystore = app.load_keystore()?;
    let real = |path: &Path| path.canonicalize().ok();
    if real(&args.destination).is_some_and(|destination| Some(destination) == real(&app.keys.keystore)) {
        let message = "it is the keystore itself, which a copy must not replace";
        return Err(Failure::usage(
            path_name(&args.destination),
            message,
            "name another file; or ossenc keystore root-key",
        ));
    }
    let mut sink = Sink::open(&args.destination, args.force, "a keystore")?;
    let stream = sink.report_stream();
    let (image, exported) = args.to.reseal(app, &keystore, &args.destination)?;
    sink.write(&image)?;
    sink.finish()?;
    app.out.report_to(stream, &Exported { path: path_name(&args.destination), generation: exported.generation() })
}

#[derive(Serialize)]
struct Exported {
    path: String,
    generation: u64,
}

impl std::fmt::Display for Exported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: a copy under the new root key (generation {})", self.path, self.generation)
    }
}

pub(super) fn forget_previous(app: &App, _: &ForgetPrevious) -> Result<(), Failure> {
    // Only if the newest one opens: else the one before may be all there is.
    let keystore = app.load_keystore()?;
    forget(&app.keys.keystore).map_err(|error| Failure::swap(&app.keys.keystore, error))?;
    report(app, &keystore, None, "the image before the last change is removed".to_owned(), "")
}
