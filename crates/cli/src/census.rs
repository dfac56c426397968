//! `ossenc census`.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use ossenc::Census;
use ossenc_kms::fleet::{Shard, census};
use serde::Serialize;

use crate::app::App;
use crate::fail::{Code, Failure};
use crate::files::{Operands, Sink, open_source, refuse_taken, shard};
use crate::info::kind_name;
use crate::interrupt::WatchedJob;
use crate::out::{grouped, name, path_name};

/// Longest stored census: 2^20 entries of the longest names.
const CENSUS_MAX: u64 = 700 << 20;

/// Count the slots under each version of each key: what may be retired
///
/// No key is needed, and nothing counted is authentic. A version is free to be retired when its count is 0 and no file
/// failed. Shards are counted apart, each with --save, and added with --merge.
#[derive(Args)]
pub(crate) struct CensusCommand {
    /// Sealed files, or one folder; with --merge, what --save has made
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Add stored censuses instead of counting; the same one twice is counted twice
    #[arg(long, conflicts_with_all = ["threads", "shard"])]
    merge: bool,
    /// Store the census, for --merge and for `keystore retire --census`; not if a file failed
    #[arg(long, value_name = "PATH")]
    save: Option<PathBuf>,
    /// Replace a stored census that is there
    #[arg(short, long)]
    force: bool,
    /// Threads
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// Only this of so many parts of a folder (1/4 … 4/4)
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<Shard>,
}

#[derive(Serialize)]
struct Report {
    envelopes: u64,
    skipped: u64,
    failed: usize,
    counts: Vec<Count>,
}

#[derive(Serialize)]
struct Count {
    kind: &'static str,
    provider: String,
    key_id: String,
    key_version: String,
    slots: u64,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (skipped, failed) = (self.skipped, self.failed);
        writeln!(f, "{} files counted, {failed} failed, {skipped} skipped", grouped(self.envelopes))?;
        for count in &self.counts {
            let provider = if count.provider.is_empty() { String::new() } else { format!(" at {}", count.provider) };
            let (key, version, slots) = (&count.key_id, &count.key_version, grouped(count.slots));
            writeln!(f, "  {slots:>15}  {}: key {key}{provider}, version {version}", count.kind)?;
        }
        Ok(())
    }
}

pub(crate) fn run(app: &App, args: &CensusCommand) -> Result<(), Failure> {
    if let Some(path) = &args.save {
        refuse_taken(path, args.force)?;
    }
    let (counted, skipped, failed) = if args.merge { (merged(&args.paths)?, 0, vec![]) } else { count(app, args)? };
    let count = |(key, slots): (&ossenc::CensusKey, u64)| Count {
        kind: kind_name(key.kind()),
        provider: name(key.provider()),
        key_id: name(key.key_id()),
        key_version: name(key.key_version()),
        slots,
    };
    app.out.report(&Report {
        envelopes: counted.envelopes(),
        skipped,
        failed: failed.len(),
        counts: counted.iter().map(count).collect(),
    })?;
    if !failed.is_empty() {
        let message = format!("{} files are not counted: nothing can be retired on this", failed.len());
        let next = "repair or move away what failed, and count again";
        return Err(Failure::new(Code::of_all(&failed), "census", message, next));
    }
    let Some(path) = &args.save else { return Ok(()) };
    let mut sink = Sink::open(path, args.force, "a census")?;
    sink.write(&counted.encode())?;
    sink.finish()
}

/// Gives how many were skipped, too, and the codes of the files that failed.
fn count(app: &App, args: &CensusCommand) -> Result<(Census, u64, Vec<Code>), Failure> {
    let operands = Operands::new(&args.paths, args.shard)?;
    let watched = WatchedJob::new(app.out, &operands)?;
    let counted = census(operands.source(), args.threads.into(), &watched);
    let failed = watched.finish();
    let (counted, summary) = counted.map_err(|error| Failure::job(&error, None))?;
    if summary.complete { Ok((counted, summary.counters.skipped, failed)) } else { Err(Failure::interrupted()) }
}

fn merged(paths: &[PathBuf]) -> Result<Census, Failure> {
    let mut sum = Census::new();
    for path in paths {
        sum.merge(&read(path)?).map_err(|error| Failure::core(path_name(path), error))?;
    }
    Ok(sum)
}

/// Reads what --save has stored.
pub(crate) fn read(path: &Path) -> Result<Census, Failure> {
    let mut bytes = Vec::new();
    let (source, _) = open_source(path)?;
    source.take(CENSUS_MAX).read_to_end(&mut bytes).map_err(|error| Failure::io(path, "read", &error))?;
    Census::decode(&bytes).map_err(|error| Failure::core(path_name(path), error))
}
