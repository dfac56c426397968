//! `ossenc info`.

use std::path::{Path, PathBuf};

use clap::Args;
use ossenc::message::size;
use ossenc::{Envelope, Kind, Method, Shape, Slot};
use ossenc_kms::sealed_file::SealedFile;
use serde::Serialize;

use crate::app::App;
use crate::fail::Failure;
use crate::out::{grouped, hex, name, path_name};
use crate::time;

/// Tell what a sealed file says of itself, without any key
///
/// Nothing of it is proved: `ossenc verify` does that.
#[derive(Args)]
pub(crate) struct Info {
    /// Sealed files
    #[arg(required = true)]
    sealed: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    path: String,
    object_id: String,
    shape: &'static str,
    method: &'static str,
    body_len: u64,
    /// None if no whole body has that length.
    plain_len: Option<u64>,
    header: HeaderReport,
    slots: Vec<SlotReport>,
}

#[derive(Serialize)]
struct HeaderReport {
    counting: &'static str,
    /// Of the copies A and B; null for one that is damaged.
    sequences: [Option<u64>; 2],
    settled: bool,
}

#[derive(Serialize)]
struct SlotReport {
    kind: &'static str,
    provider: String,
    key_id: String,
    key_version: String,
    wrapped_at: u64,
    bucket_key_id: Option<String>,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.path)?;
        writeln!(f, "  object    {} ({}, {})", self.object_id, self.shape, self.method)?;
        match self.plain_len {
            Some(len) => writeln!(f, "  length    {} bytes of data, {} stored", grouped(len), grouped(self.body_len))?,
            None => writeln!(f, "  length    {} stored: truncated, no whole body is so long", grouped(self.body_len))?,
        }
        let copy = |i: usize| self.header.sequences[i].map_or("damaged".to_owned(), |n| format!("sequence {n}"));
        let settled = if self.header.settled { "" } else { "; they differ: a rewrap settles them" };
        writeln!(f, "  header    A {}, B {}; {} counts{settled}", copy(0), copy(1), self.header.counting)?;
        for slot in &self.slots {
            let provider = if slot.provider.is_empty() { String::new() } else { format!(" at {}", slot.provider) };
            let (key, version, at) = (&slot.key_id, &slot.key_version, time::show(slot.wrapped_at));
            writeln!(f, "  slot      {}: key {key}{provider}, version {version}, wrapped {at}", slot.kind)?;
        }
        Ok(())
    }
}

pub(crate) fn run(app: &App, args: &Info) -> Result<(), Failure> {
    let mut codes = Vec::new();
    for path in &args.sealed {
        match look(path) {
            Ok(report) => app.out.report(&report)?,
            Err(failure) => {
                app.out.failure(&failure);
                codes.push(failure.code());
            }
        }
    }
    Failure::told(&codes)
}

fn look(path: &Path) -> Result<Report, Failure> {
    let file = SealedFile::open(path).map_err(|error| Failure::file(path, error))?;
    let envelope = Envelope::parse(file.envelope()).map_err(|error| Failure::core(path_name(path), error))?;
    let header = file.header();
    Ok(Report {
        path: path_name(path),
        object_id: hex(envelope.prelude().object_id()),
        shape: match envelope.prelude().shape() {
            Shape::Single => "single",
            Shape::Segmented => "segmented",
            _ => "unknown",
        },
        method: match envelope.method() {
            Method::SseOss => "SSE-OSS",
            Method::SseKms => "SSE-KMS",
            Method::SseC => "SSE-C",
            _ => "unknown",
        },
        body_len: file.body_len(),
        plain_len: size::plain_len(file.body_len()).ok(),
        header: HeaderReport {
            counting: if header.counting() == 0 { "A" } else { "B" },
            sequences: header.sequences(),
            settled: header.is_settled(),
        },
        slots: envelope.slots().iter().map(slot).collect(),
    })
}

fn slot(slot: &Slot<'_>) -> SlotReport {
    SlotReport {
        kind: kind_name(slot.kind()),
        provider: name(slot.provider()),
        key_id: name(slot.key_id()),
        key_version: name(slot.key_version()),
        wrapped_at: slot.wrapped_at(),
        bucket_key_id: slot.bucket_key_id().map(|id| hex(id)),
    }
}

pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Local => "local",
        Kind::Remote => "remote",
        Kind::BucketKey => "bucket_key",
        Kind::BucketKeyReference => "bucket_key_reference",
        Kind::Customer => "customer",
        _ => "unknown",
    }
}
