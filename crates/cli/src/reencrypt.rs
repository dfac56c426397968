//! `ossenc reencrypt`.

use std::path::{Path, PathBuf};

use clap::Args;
use ossenc::{Envelope, Expect, Keystore, Object, Recipient, Shape};
use ossenc_kms::fleet::Place;
use ossenc_kms::sealed_file::SealedFile;
use serde::Serialize;

use crate::app::App;
use crate::each_file::{FileReport, each_file};
use crate::fail::{Code, Failure};
use crate::keys::{Allow, METHODS};
use crate::out::{grouped, name, path_name};
use crate::place::PlaceOptions;

/// Seal files, or a folder, anew under new data keys: when a data key itself may be known
///
/// After a rotation of a master key, `rewrap` is enough. The new file is written beside the old one, verified whole, and
/// only then takes its place; it needs as much room again. It is under one key: others that opened the old file, such as
/// a recovery key, are to be added again (`rewrap --add`), and the report says so. Interrupted, it ends after the file
/// under way.
#[derive(Args)]
pub(crate) struct Reencrypt {
    /// Sealed files, or one folder
    #[arg(required = true)]
    sealed: Vec<PathBuf>,
    /// Master key of the new file [default: the one it is under]
    #[arg(long, value_name = "KEY")]
    to_key: Option<String>,
    #[command(flatten)]
    allow: Allow,
    #[command(flatten)]
    place: PlaceOptions,
}

#[derive(Serialize)]
struct Report {
    path: String,
    plain_len: u64,
    /// Ids of the keys that opened the old file, and do not open the new one.
    dropped_keys: Vec<String>,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: sealed anew, {} bytes", self.path, grouped(self.plain_len))?;
        if self.dropped_keys.is_empty() {
            return Ok(());
        }
        write!(
            f,
            "\n  next: it was under {}, too: add that again with ossenc rewrap --add",
            self.dropped_keys.join(" ")
        )
    }
}

impl FileReport for Report {
    fn code(&self) -> Option<Code> {
        None
    }

    fn asks_for_action(&self) -> bool {
        !self.dropped_keys.is_empty()
    }
}

pub(crate) fn run(app: &App, args: &Reencrypt) -> Result<(), Failure> {
    let keystore = app.load_keystore()?;
    each_file(app, &args.sealed, &args.place, "sealed anew", |path, place| reencrypt(app, args, &keystore, path, place))
}

fn reencrypt(app: &App, args: &Reencrypt, keystore: &Keystore, path: &Path, place: &Place) -> Result<Report, Failure> {
    let failed = |error| Failure::file(path, error);
    let about = path_name(path);
    let file = SealedFile::open(path).map_err(failed)?;
    let old = app.open_object(keystore, file.envelope(), place, &args.allow, &about)?;
    let envelope = Envelope::parse(file.envelope()).map_err(|error| Failure::core(&about, error))?;
    let of_the_old = envelope.slots().iter().map(|slot| slot.key_id()).find(|id| keystore.key(id).is_some());
    let key = args.to_key.as_deref().or(of_the_old).expect("one of its keys has opened it");
    let recipient = Recipient::Local { method: envelope.method(), key };
    let receipt = place.with(|context| {
        let (new, envelope) = Object::create(&app.engine, keystore, &recipient, context, Shape::Single, app.now)?;
        let key_id = keystore.resolve(key).expect("it has wrapped").id();
        let expect = Expect { methods: METHODS, key_ids: &[key_id] };
        let reopen = |bytes: &[u8]| Object::open(&app.engine, keystore, bytes, context, &expect, app.now);
        file.reencrypt(&old, &new, &envelope, reopen)
    });
    let dropped = envelope.slots().iter().map(|slot| slot.key_id()).filter(|id| Some(*id) != of_the_old);
    Ok(Report { plain_len: receipt.map_err(failed)?.plain, path: about, dropped_keys: dropped.map(name).collect() })
}
