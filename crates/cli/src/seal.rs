//! `ossenc seal`.

use std::path::PathBuf;

use clap::Args;
use ossenc::{Object, Shape};
use ossenc_kms::sealed_file::{Create, create};
use serde::Serialize;

use crate::app::App;
use crate::fail::Failure;
use crate::files::{is_standard, open_source, refuse_taken};
use crate::interrupt::{Interrupt, Watched, bytes_bar};
use crate::keys::Recipient;
use crate::out::{grouped, hex, path_name};
use crate::place::PlaceOptions;

/// Encrypt a file, or standard input, into a sealed file
///
/// The sealed file is written under a temporary name, synced, and then gets its own: it is there whole, or not at all.
/// Therefore it cannot be standard output. In a pipe, say `set -o pipefail`: a producer that dies looks like the end of
/// its data.
#[derive(Args)]
pub(crate) struct Seal {
    /// What to encrypt; - for standard input
    source: PathBuf,
    /// The sealed file to make
    sealed: PathBuf,
    /// Replace a file that is there
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    recipient: Recipient,
    #[command(flatten)]
    place: PlaceOptions,
}

#[derive(Serialize)]
struct Report {
    path: String,
    object_id: String,
    plain_len: u64,
    file_len: u64,
    key_id: String,
    key_version: u64,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (path, len, key, version) = (&self.path, grouped(self.plain_len), &self.key_id, self.key_version);
        write!(f, "{path}: sealed {len} bytes under key {key}, version {version}")
    }
}

pub(crate) fn run(app: &App, args: &Seal) -> Result<(), Failure> {
    if is_standard(&args.sealed) {
        let message = "a sealed file is made durable and gets its name when it is whole: a pipe can do neither";
        return Err(Failure::usage("standard output", message, "seal into a file"));
    }
    refuse_taken(&args.sealed, args.force)?;
    let place = args.place.of_file(&args.sealed)?;
    let keystore = app.load_keystore()?;
    let about = path_name(&args.sealed);
    let key_about = format!("key {}", crate::out::name(&args.recipient.key));
    let (object, envelope) = place
        .with(|context| Object::create(&app.engine, &keystore, &args.recipient.get(), context, Shape::Single, app.now))
        .map_err(|error| Failure::core(key_about, error))?;

    let interrupt = Interrupt::watch()?;
    let (source, len) = open_source(&args.source)?;
    let bar = bytes_bar(app.out, len);
    let source = Watched { source, interrupt: &interrupt, bar: &bar };
    let sealed = create(&args.sealed, &object, &envelope, source, &Create { replace: args.force, ..Create::default() });
    bar.finish_and_clear();
    let receipt = match sealed {
        Ok(receipt) => receipt,
        Err(_) if interrupt.is_asked() => return Err(Failure::interrupted()),
        Err(error) => return Err(Failure::file(&args.sealed, error)),
    };

    let key = keystore.resolve(&args.recipient.key).expect("it has wrapped");
    app.out.report(&Report {
        path: about,
        object_id: hex(object.prelude().object_id()),
        plain_len: receipt.plain,
        file_len: ossenc_kms::sealed_file::BODY_AT + receipt.body,
        key_id: key.id().to_owned(),
        key_version: key.primary().expect("it has wrapped"),
    })
}
