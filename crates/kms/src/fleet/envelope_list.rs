//! Envelopes in a text file: for daemons that keep them in a database or an index, and exchange them with these jobs.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::PathBuf;

use ossenc::Census;

use super::text::{self, Encoding};
use super::{CheckpointError, ItemError, Location, Observer, Outcome, Place, Summary};

/// Most bytes of a line.
const LINE_MAX: usize = 1 << 20;

/// A text file of one envelope a line:
///
/// ```text
/// envelope TAB tenant TAB bucket TAB object TAB version id [TAB key=value …]
/// ```
///
/// The envelope is in hexadecimal or base64. Fields at the end may be left out; they are empty then. In fields, `%` and two
/// hexadecimal digits stand for a byte, so that tabs, line feeds and percent signs can be written. Empty lines, and lines
/// that begin with `#`, are comments. Lines end in a line feed and take at most 1 MiB.
///
/// [`ListJob`](super::ListJob) rewraps one. For machines that share the work it is cut into pieces, between lines.
#[derive(Clone, Debug)]
pub struct EnvelopeList {
    pub(super) path: PathBuf,
}

/// Why a list was not worked on, or not to its end. There is no new list then.
#[derive(Debug)]
#[non_exhaustive]
pub enum ListError {
    /// The list cannot be read.
    Read(io::Error),
    /// The new list cannot be written.
    Write(io::Error),
    /// A line, counted from 1, has more than 1 MiB.
    Line(u64),
    /// The checkpoint is not this job's, or cannot be written.
    Checkpoint(CheckpointError),
}

impl core::fmt::Display for ListError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ListError::Read(error) => write!(f, "the list cannot be read: {error}"),
            ListError::Write(error) => write!(f, "the new list cannot be written: {error}"),
            ListError::Line(number) => write!(f, "line {number} has more than 1 MiB"),
            ListError::Checkpoint(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ListError {}

impl From<CheckpointError> for ListError {
    fn from(error: CheckpointError) -> ListError {
        ListError::Checkpoint(error)
    }
}

impl EnvelopeList {
    /// The file of that path.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> EnvelopeList {
        EnvelopeList { path: path.into() }
    }

    /// Counts the slots of all envelopes. Their names, for `observer` and the failures, are their line numbers.
    ///
    /// # Errors
    /// [`ListError`].
    pub fn census(&self, observer: &dyn Observer) -> Result<(Census, Summary), ListError> {
        let (mut census, mut summary) = (Census::new(), Summary::default());
        let mut lines = self.lines(0, 0)?;
        while let Some(line) = lines.next()? {
            let Some(entry) = Entry::parse(&line.text) else { continue };
            let outcome = entry.and_then(|entry| Ok(census.add(&entry.envelope)?));
            let outcome = outcome.map_or_else(Outcome::Failed, |()| Outcome::Done);
            if note(&mut summary, observer, line.number, outcome).is_break() {
                return Ok((census, summary));
            }
        }
        summary.complete = true;
        Ok((census, summary))
    }

    /// The lines after the first `number` ones, which take `offset` bytes.
    pub(super) fn lines(&self, offset: u64, number: u64) -> Result<Lines, ListError> {
        let open = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(offset))?;
            Ok(Lines { reader: BufReader::new(file), offset, number })
        };
        open().map_err(ListError::Read)
    }
}

/// Notes what became of a line.
pub(super) fn note(summary: &mut Summary, observer: &dyn Observer, number: u64, outcome: Outcome) -> ControlFlow<()> {
    let name = PathBuf::from(number.to_string());
    let mut counters = summary.counters;
    counters.add(&outcome);
    let flow = observer.item(&name, &outcome, &counters);
    summary.add(name, outcome);
    flow
}

pub(super) struct Entry<'a> {
    pub(super) encoding: Encoding,
    pub(super) envelope: Vec<u8>,
    pub(super) location: Location,
    /// From the first tab on.
    pub(super) fields: &'a [u8],
}

impl Entry<'_> {
    /// `None` for a comment.
    pub(super) fn parse(line: &[u8]) -> Option<Result<Entry<'_>, ItemError>> {
        if line.is_empty() || line.starts_with(b"#") {
            return None;
        }
        let bad = |what: &str| ItemError::Place(what.to_owned());
        let (envelope, fields) = line.split_at(line.iter().position(|byte| *byte == b'\t').unwrap_or(line.len()));
        let Some((encoding, envelope)) = text::decode(envelope) else {
            return Some(Err(ossenc::Error::Format("neither hexadecimal nor base64").into()));
        };
        let mut values = Vec::new();
        for field in fields.split(|byte| *byte == b'\t').skip(1) {
            match text::unescape(field) {
                Some(value) => values.push(value),
                None => return Some(Err(bad("a percent sign without two digits"))),
            }
        }
        let mut user = Vec::new();
        for pair in values.split_off(values.len().min(4)) {
            match String::from_utf8(pair).ok().as_deref().and_then(|pair| pair.split_once('=')) {
                Some((key, value)) => user.push((key.to_owned(), value.to_owned())),
                None => return Some(Err(bad("a pair is key=value, in UTF-8"))),
            }
        }
        let mut values = values.into_iter();
        let mut next = || values.next().unwrap_or_default();
        let place = Place { tenant: next(), bucket_id: next(), object: next(), version_id: next(), user };
        Some(Ok(Entry { encoding, envelope, location: Location::at(place), fields }))
    }
}

pub(super) struct Lines {
    reader: BufReader<File>,
    offset: u64,
    number: u64,
}

pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: u64,
    /// Without its end.
    pub(super) text: Vec<u8>,
    /// Where the next one begins.
    pub(super) end: u64,
}

impl Lines {
    pub(super) fn next(&mut self) -> Result<Option<Line>, ListError> {
        let mut text = Vec::new();
        let limit = LINE_MAX as u64 + 1;
        io::Read::take(&mut self.reader, limit).read_until(b'\n', &mut text).map_err(ListError::Read)?;
        if text.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        self.offset += text.len() as u64;
        if text.last() == Some(&b'\n') {
            text.pop();
        }
        if text.len() > LINE_MAX {
            return Err(ListError::Line(self.number));
        }
        Ok(Some(Line { number: self.number, text, end: self.offset }))
    }
}
