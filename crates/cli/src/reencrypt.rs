//! `ossenc reencrypt`.

use std::path::{Path, PathBuf};

use clap::Args;
use ossenc::{Envelope, Expect, Keystore, Object, Recipient, Shape};
use ossenc_kms::sealed_file::SealedFile;
use serde::Serialize;

use crate::app::App;
use crate::fail::Failure;
use crate::keys::{Allow, METHODS};
use crate::out::{grouped, path_name};
use crate::place::PlaceOptions;

/// Seal files anew under new data keys: when a data key itself may be known
///
/// After a rotation of a master key, `rewrap` is enough. The new file is written beside the old one, verified whole, and
/// only then takes its place; it needs as much room again.
#[derive(Args)]
pub(crate) struct Reencrypt {
    /// Sealed files
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
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: sealed anew, {} bytes", self.path, grouped(self.plain_len))
    }
}

pub(crate) fn run(app: &App, args: &Reencrypt) -> Result<(), Failure> {
    let keystore = app.load_keystore()?;
    let mut codes = Vec::new();
    for path in &args.sealed {
        match reencrypt(app, args, &keystore, path) {
            Ok(report) => app.out.report(&report)?,
            Err(failure) => {
                app.out.failure(&failure);
                codes.push(failure.code());
            }
        }
    }
    Failure::told(&codes)
}

fn reencrypt(app: &App, args: &Reencrypt, keystore: &Keystore, path: &Path) -> Result<Report, Failure> {
    let failed = |error| Failure::file(path, error);
    let about = path_name(path);
    let place = args.place.of_file(path)?;
    let file = SealedFile::open(path).map_err(failed)?;
    let old = app.open_object(keystore, file.envelope(), &place, &args.allow, &about)?;
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
    Ok(Report { plain_len: receipt.map_err(failed)?.plain, path: about })
}
