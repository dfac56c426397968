//! Envelopes in a text file: for daemons that keep them in a database or an index, and exchange them with these jobs.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use ossenc::Census;

use super::text::{self, Encoding};
use super::{ItemError, Location, Observer, Outcome, Place, Rewrapper, Summary};
use crate::sealed_file::NewFile;

/// Most bytes of a line.
const LINE_MAX: usize = 1 << 20;
/// Lines that are read before the threads go to work on them.
const BATCH: usize = 1_024;

/// A text file of one envelope a line:
///
/// ```text
/// envelope TAB tenant TAB bucket TAB object TAB version id [TAB key=value …]
/// ```
///
/// The envelope is in hexadecimal or base64. Fields at the end may be left out; they are empty then. In fields, `%` and two
/// hexadecimal digits stand for a byte, so that tabs, line feeds and percent signs can be written. Empty lines, and lines
/// that begin with `#`, are comments. Lines end in a line feed and take at most 1 MiB.
#[derive(Clone, Debug)]
pub struct EnvelopeList {
    path: PathBuf,
}

/// Why a list was not worked on. There is no new list then.
#[derive(Debug)]
#[non_exhaustive]
pub enum ListError {
    /// The list cannot be read.
    Read(io::Error),
    /// The new list cannot be written.
    Write(io::Error),
    /// A line, counted from 1, has more than 1 MiB.
    Line(u64),
}

impl core::fmt::Display for ListError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ListError::Read(error) => write!(f, "the list cannot be read: {error}"),
            ListError::Write(error) => write!(f, "the new list cannot be written: {error}"),
            ListError::Line(number) => write!(f, "line {number} has more than 1 MiB"),
        }
    }
}

impl std::error::Error for ListError {}

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
        let mut lines = self.lines()?;
        while let Some((number, line)) = lines.next()? {
            let Some(entry) = Entry::parse(&line) else { continue };
            let outcome = entry.and_then(|entry| Ok(census.add(&entry.envelope)?));
            let outcome = outcome.map_or_else(Outcome::Failed, |()| Outcome::Done);
            if note(&mut summary, observer, number, outcome).is_break() {
                return Ok((census, summary));
            }
        }
        summary.complete = true;
        Ok((census, summary))
    }

    /// Makes a list of the same lines at `to`, with new envelopes, each written as the old one was. Lines that fail, and
    /// comments, stand there as they were. The new list gets its name when it is whole and durable; it may be that of the
    /// old one. There is no checkpoint: after a crash the work begins again.
    ///
    /// A job that the observer ends leaves no new list.
    ///
    /// # Errors
    /// [`ListError`].
    pub fn rewrap(
        &self,
        to: impl AsRef<Path>,
        rewrapper: &dyn Rewrapper,
        threads: usize,
        observer: &dyn Observer,
    ) -> Result<Summary, ListError> {
        let mut summary = Summary::default();
        let mut lines = self.lines()?;
        let new = NewFile::beside(to.as_ref(), 0o600).map_err(ListError::Write)?;
        let mut out = BufWriter::new(new.file());
        loop {
            let mut batch = Vec::with_capacity(BATCH);
            while batch.len() < BATCH {
                let Some(line) = lines.next()? else { break };
                batch.push(line);
            }
            if batch.is_empty() {
                break;
            }
            for ((number, line), done) in batch.iter().zip(rewrap_batch(&batch, rewrapper, threads)) {
                let (line, outcome) = match done {
                    None => (line.clone(), None),
                    Some(Ok(None)) => (line.clone(), Some(Outcome::Done)),
                    Some(Ok(Some(line))) => (line, Some(Outcome::Rewrapped)),
                    Some(Err(error)) => (line.clone(), Some(Outcome::Failed(error))),
                };
                out.write_all(&line).and_then(|()| out.write_all(b"\n")).map_err(ListError::Write)?;
                let Some(outcome) = outcome else { continue };
                if note(&mut summary, observer, *number, outcome).is_break() {
                    return Ok(summary);
                }
            }
        }
        out.flush().map_err(ListError::Write)?;
        drop(out);
        new.commit(to.as_ref(), true).map_err(ListError::Write)?;
        summary.complete = true;
        Ok(summary)
    }

    fn lines(&self) -> Result<Lines, ListError> {
        Ok(Lines { reader: BufReader::new(File::open(&self.path).map_err(ListError::Read)?), number: 0 })
    }
}

fn note(summary: &mut Summary, observer: &dyn Observer, number: u64, outcome: Outcome) -> ControlFlow<()> {
    let name = PathBuf::from(number.to_string());
    let mut counters = summary.counters;
    counters.add(&outcome);
    let flow = observer.item(&name, &outcome, &counters);
    summary.add(name, outcome);
    flow
}

/// The new lines, in the order of the old ones; `None` for comments.
type Rewrapped = Option<Result<Option<Vec<u8>>, ItemError>>;

fn rewrap_batch(batch: &[(u64, Vec<u8>)], rewrapper: &dyn Rewrapper, threads: usize) -> Vec<Rewrapped> {
    let share = batch.len().div_ceil(threads.max(1));
    let work =
        |lines: &[(u64, Vec<u8>)]| lines.iter().map(|(_, line)| rewrap_line(line, rewrapper)).collect::<Vec<_>>();
    thread::scope(|scope| {
        let threads: Vec<_> = batch.chunks(share).map(|lines| scope.spawn(move || work(lines))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

fn rewrap_line(line: &[u8], rewrapper: &dyn Rewrapper) -> Rewrapped {
    Some(Entry::parse(line)?.and_then(|entry| {
        if rewrapper.is_current(&entry.envelope, &entry.location)? {
            return Ok(None);
        }
        let envelope = rewrapper.rewrap(&entry.envelope, &entry.location)?;
        let mut new = text::encode(entry.encoding, &envelope).into_bytes();
        new.extend(entry.fields);
        Ok(Some(new))
    }))
}

struct Entry<'a> {
    encoding: Encoding,
    envelope: Vec<u8>,
    location: Location,
    /// From the first tab on.
    fields: &'a [u8],
}

impl Entry<'_> {
    /// `None` for a comment.
    fn parse(line: &[u8]) -> Option<Result<Entry<'_>, ItemError>> {
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

struct Lines {
    reader: BufReader<File>,
    number: u64,
}

impl Lines {
    /// The next line, without its end, and its number.
    fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, ListError> {
        let mut line = Vec::new();
        let limit = LINE_MAX as u64 + 1;
        io::Read::take(&mut self.reader, limit).read_until(b'\n', &mut line).map_err(ListError::Read)?;
        if line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if line.len() > LINE_MAX { Err(ListError::Line(self.number)) } else { Ok(Some((self.number, line))) }
    }
}
