//! `ossenc open`.

use std::io::{self, Seek, SeekFrom};
use std::path::PathBuf;

use clap::Args;
use ossenc_kms::sealed_file::{Body, SealedFile};
use serde::Serialize;

use crate::app::App;
use crate::fail::Failure;
use crate::files::{Sink, copy, is_standard};
use crate::interrupt::{Interrupt, bytes_bar};
use crate::keys::Allow;
use crate::out::{grouped, path_name};
use crate::place::PlaceOptions;

/// Decrypt a sealed file, or a range of it
///
/// Every byte that comes out is verified. Into a file, all comes or nothing. To standard output, data goes out as it is
/// verified: at damage it stops there, and the exit code is 1. What depends on the file's length (a range to the end, a
/// suffix) begins only after the end was proved. The sealed file itself is read at several places, so it cannot be
/// standard input.
#[derive(Args)]
pub(crate) struct Open {
    /// The sealed file
    sealed: PathBuf,
    /// Where the data goes; - for standard output
    destination: PathBuf,
    /// Bytes START-END (both included), START- to the end, or the last -N
    #[arg(long, value_name = "RANGE", value_parser = range, allow_hyphen_values = true)]
    range: Option<Range>,
    /// Replace a file that is there; write to a terminal
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    allow: Allow,
    #[command(flatten)]
    place: PlaceOptions,
}

/// Of plaintext, as HTTP has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    FromTo(u64, u64),
    From(u64),
    Last(u64),
}

fn range(text: &str) -> Result<Range, String> {
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let parse = || match text.split_once('-')? {
        ("", last) => number(last).filter(|n| *n > 0).map(Range::Last),
        (from, "") => number(from).map(Range::From),
        (from, to) => {
            Some((number(from)?, number(to)?)).filter(|(from, to)| from <= to).map(|(a, b)| Range::FromTo(a, b))
        }
    };
    parse().ok_or_else(|| "a range is START-END (both included), START-, or -N".to_owned())
}

#[derive(Serialize)]
struct Report {
    path: String,
    offset: u64,
    len: u64,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: opened {} bytes from byte {}", self.path, grouped(self.len), grouped(self.offset))
    }
}

pub(crate) fn run(app: &App, args: &Open) -> Result<(), Failure> {
    if is_standard(&args.sealed) {
        let message = "a sealed file is read at several places, which a pipe cannot do";
        return Err(Failure::usage("standard input", message, "name a file"));
    }
    let failed = |error| Failure::file(&args.sealed, error);
    let place = args.place.of_file(&args.sealed)?;
    let keystore = app.load_keystore()?;
    let file = SealedFile::open(&args.sealed).map_err(failed)?;
    let about = path_name(&args.sealed);
    let object = app.open_object(&keystore, file.envelope(), &place, &args.allow, &about)?;
    let body = file.body(&object).map_err(failed)?;
    let (offset, limit) = resolve(&body, args.range, &about, failed)?;

    let interrupt = Interrupt::watch()?;
    let mut sink = Sink::open(&args.destination, args.force, "decrypted data")?;
    let mut reader = body.reader();
    reader.seek(SeekFrom::Start(offset)).map_err(|error| failed(error.into()))?;
    let bar = bytes_bar(app.out, Some(limit.min(body.plain_len() - offset)));
    let broken = |error: io::Error| failed(error.into());
    let copied = copy(reader, &mut sink, limit, &interrupt, |n| bar.inc(n), broken);
    bar.finish_and_clear();
    let (len, stream) = (copied?, sink.report_stream());
    sink.finish()?;
    app.out.report_to(stream, &Report { path: about, offset, len })
}

/// Where a range begins, and how many bytes to read: past the end where the end is to be proved by reading it.
fn resolve(
    body: &Body,
    range: Option<Range>,
    about: &str,
    failed: impl Fn(ossenc_kms::sealed_file::FileError) -> Failure,
) -> Result<(u64, u64), Failure> {
    let prove = || body.prove_len().map_err(&failed);
    let begins_past = |len: u64| {
        let message = format!("the range begins at or past the end, which is at {}", grouped(len));
        Failure::usage(about, message, "`ossenc info` tells the length")
    };
    match range {
        None => Ok((0, u64::MAX)),
        Some(Range::FromTo(from, to)) if to < body.plain_len() => Ok((from, to - from + 1)),
        Some(Range::FromTo(from, _) | Range::From(from)) => {
            let len = prove()?;
            if from < len { Ok((from, u64::MAX)) } else { Err(begins_past(len)) }
        }
        Some(Range::Last(n)) => match prove()? {
            0 => Err(begins_past(0)),
            len => Ok((len.saturating_sub(n), u64::MAX)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_http_and_nothing_else() {
        assert_eq!(range("0-0"), Ok(Range::FromTo(0, 0)));
        assert_eq!(range("5-"), Ok(Range::From(5)));
        assert_eq!(range("-7"), Ok(Range::Last(7)));
        for bad in ["", "-", "-0", "5", "6-5", "+1-2", "1-2x", " 1-2", "1--2", "99999999999999999999-"] {
            assert!(range(bad).is_err(), "{bad}");
        }
    }
}
