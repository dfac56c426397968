//! `ossenc verify`.

use std::path::{Path, PathBuf};

use clap::Args;
use ossenc::Keystore;
use ossenc::message::size::{HEAD_LEN, STORED_CHUNK_LEN};
use ossenc_kms::fleet::Place;
use ossenc_kms::sealed_file::{BODY_AT, Damage, DamageKind, SealedFile};
use serde::Serialize;

use crate::app::App;
use crate::each_file::{FileReport, each_file};
use crate::fail::{Code, Failure};
use crate::keys::Allow;
use crate::out::{grouped, path_name};
use crate::place::PlaceOptions;

/// Check every byte of sealed files, or of a folder, and list all damage
///
/// Nothing is decrypted into memory. For each run of damaged chunks it says which bytes of the stored file to take from a
/// replica of the same sealed file.
#[derive(Args)]
pub(crate) struct Verify {
    /// Sealed files, or one folder
    #[arg(required = true)]
    sealed: Vec<PathBuf>,
    #[command(flatten)]
    allow: Allow,
    #[command(flatten)]
    place: PlaceOptions,
}

#[derive(Serialize)]
struct Report {
    path: String,
    ok: bool,
    plain_len: u64,
    /// Whether both copies of the header are intact and the same.
    settled: bool,
    damage: Vec<DamageReport>,
}

#[derive(Serialize)]
struct DamageReport {
    kind: &'static str,
    first_chunk: u64,
    plain_offset: u64,
    plain_len: u64,
    file_offset: u64,
    file_len: u64,
}

impl DamageReport {
    fn new(damage: &Damage, file_len: u64) -> DamageReport {
        let chunk = STORED_CHUNK_LEN as u64;
        let chunks = (damage.len.div_ceil(ossenc::message::size::CHUNK_LEN as u64)).max(1);
        let file_offset = BODY_AT + HEAD_LEN as u64 + damage.chunk * chunk;
        DamageReport {
            kind: match damage.kind {
                DamageKind::Unreadable => "unreadable",
                _ => "damaged",
            },
            first_chunk: damage.chunk,
            plain_offset: damage.offset,
            plain_len: damage.len,
            file_offset,
            file_len: (chunks * chunk).min(file_len.saturating_sub(file_offset)),
        }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = &self.path;
        for damage in &self.damage {
            let (kind, chunk, offset) = (damage.kind, damage.first_chunk, grouped(damage.file_offset));
            let (plain, len) = (grouped(damage.plain_offset), grouped(damage.plain_len));
            writeln!(f, "{path}: {kind}: {len} bytes of data at byte {plain}")?;
            let bytes = grouped(damage.file_len);
            writeln!(f, "  next: repair chunk {chunk} at byte {offset} ({bytes} bytes of the file) from a replica")?;
        }
        if self.ok {
            writeln!(f, "{path}: verified, {} bytes", grouped(self.plain_len))?;
        }
        if !self.settled {
            writeln!(f, "{path}: the copies of its header differ, or one is damaged: `ossenc rewrap` settles them")?;
        }
        Ok(())
    }
}

impl FileReport for Report {
    fn code(&self) -> Option<Code> {
        (!self.ok).then_some(Code::Refused)
    }

    fn asks_for_action(&self) -> bool {
        !self.ok || !self.settled
    }
}

pub(crate) fn run(app: &App, args: &Verify) -> Result<(), Failure> {
    let keystore = app.load_keystore()?;
    each_file(app, &args.sealed, &args.place, "verified", |path, place| verify(app, args, &keystore, path, place))
}

fn verify(app: &App, args: &Verify, keystore: &Keystore, path: &Path, place: &Place) -> Result<Report, Failure> {
    let failed = |error| Failure::file(path, error);
    let file = SealedFile::open(path).map_err(failed)?;
    let object = app.open_object(keystore, file.envelope(), place, &args.allow, &path_name(path))?;
    let body = file.body(&object).map_err(failed)?;
    let mut damage = Vec::new();
    let verified = body.verify(|run| damage.push(DamageReport::new(run, BODY_AT + file.body_len())));
    match verified {
        Err(error) if damage.is_empty() => Err(failed(error)),
        _ => Ok(Report {
            path: path_name(path),
            ok: damage.is_empty(),
            plain_len: body.plain_len(),
            settled: file.header().is_settled(),
            damage,
        }),
    }
}
