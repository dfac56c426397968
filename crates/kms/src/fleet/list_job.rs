//! Rewrapping a list of envelopes into a new list.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::checkpoint::{self, JobId, Progress};
use super::envelope_list::{Entry, Line, Lines, note};
use super::pace::Pace;
use super::text;
use super::{EnvelopeList, ItemError, ListError, Observer, Outcome, Rewrapper, Summary};
use crate::file::{beside, sync_folder};
use crate::sealed_file::NewFile;

/// Lines that are read for each thread before they go to work on them.
const BATCH: usize = 128;

/// Rewraps all envelopes of a list. [`ListJob::new`] says what the fields are if nothing else is wanted.
#[derive(Clone, Copy)]
pub struct ListJob<'a> {
    /// Makes the envelopes.
    pub rewrapper: &'a dyn Rewrapper,
    /// Do everything but the writing: each envelope is opened and made anew, so what fails in earnest fails here.
    pub dry_run: bool,
    /// How many threads work; at least one does.
    pub threads: usize,
    /// Most envelopes to be replaced in a second; 0 for no limit. Those that are up to date are not counted.
    pub per_second: u32,
    /// A file that keeps how far the job has come, so that after a kill it goes on there; removed when the job is
    /// complete. What is done of the new list then lies beside it, under its name and `.partial`.
    pub checkpoint: Option<&'a Path>,
    /// How often it is written, at most: between batches of some hundred lines.
    pub checkpoint_every: Duration,
    /// Is told of every line that has an envelope.
    pub observer: &'a dyn Observer,
}

impl<'a> ListJob<'a> {
    /// One thread, no limit, no checkpoint (else every second), in earnest.
    #[must_use]
    pub fn new(rewrapper: &'a dyn Rewrapper) -> ListJob<'a> {
        ListJob {
            rewrapper,
            dry_run: false,
            threads: 1,
            per_second: 0,
            checkpoint: None,
            checkpoint_every: Duration::from_secs(1),
            observer: &(),
        }
    }

    /// Makes a list of the same lines at `to`, with new envelopes, each written as the old one was. Lines that fail, and
    /// comments, stand there as they were. The new list gets its name when it is whole and durable; it may be that of the
    /// old one. A job that the observer ends leaves no new list.
    ///
    /// # Errors
    /// [`ListError`].
    pub fn run(&self, list: &EnvelopeList, to: impl AsRef<Path>) -> Result<Summary, ListError> {
        let to = to.as_ref();
        let kept = match self.checkpoint {
            Some(path) => Some((path, self.id(list, to)?)),
            None => None,
        };
        let resumed = match kept {
            Some((path, job)) => checkpoint::load(path, job)?,
            None => None,
        };
        let mut summary = Summary::default();
        let (mut output, mut reached) = Output::open(self, to, resumed.as_ref()).map_err(ListError::Write)?;
        if let Some(progress) = resumed.filter(|_| reached != Reached::default()) {
            (summary.counters, summary.resumed) = (progress.counters, true);
        }
        let (mut lines, pace) = (list.lines(reached.read, reached.lines)?, Pace::new(self.per_second));
        let mut written_at = Instant::now();
        loop {
            let batch = self.batch(&mut lines)?;
            if batch.is_empty() {
                break;
            }
            let (mut text, mut ended) = (Vec::new(), false);
            for (line, done) in batch.iter().zip(self.rewrap_batch(&batch, &pace)) {
                let (new, outcome) = match done {
                    None => (None, None),
                    Some(Ok(None)) => (None, Some(Outcome::Done)),
                    Some(Ok(new)) => (new, Some(Outcome::Rewrapped)),
                    Some(Err(error)) => (None, Some(Outcome::Failed(error))),
                };
                text.extend(new.as_ref().unwrap_or(&line.text));
                text.push(b'\n');
                (reached.read, reached.lines) = (line.end, line.number);
                ended =
                    outcome.is_some_and(|outcome| note(&mut summary, self.observer, line.number, outcome).is_break());
                if ended {
                    break;
                }
            }
            reached.written += output.write(&text).map_err(ListError::Write)?;
            if let Some((path, job)) = kept
                && (ended || written_at.elapsed() >= self.checkpoint_every)
            {
                output.sync().map_err(ListError::Write)?;
                let progress = Progress { position: reached.encode(), counters: summary.counters };
                checkpoint::store(path, job, &progress).map_err(|error| ListError::Checkpoint(error.into()))?;
                written_at = Instant::now();
            }
            if ended {
                return Ok(summary);
            }
        }
        output.sync().map_err(ListError::Write)?;
        // Before the new list has its name: a checkpoint that outlived its job would be of a list that is no longer there.
        if let Some((path, _)) = kept {
            checkpoint::remove(path).map_err(|error| ListError::Checkpoint(error.into()))?;
        }
        output.commit(to).map_err(ListError::Write)?;
        summary.complete = true;
        Ok(summary)
    }

    /// A list that has changed is another job.
    fn id(&self, list: &EnvelopeList, to: &Path) -> Result<JobId, ListError> {
        let about = || Ok((fs::canonicalize(&list.path)?, fs::metadata(&list.path)?));
        let (path, about) = about().map_err(ListError::Read)?;
        let version = [about.ino(), about.len(), about.mtime() as u64, about.mtime_nsec() as u64].map(u64::to_be_bytes);
        let (path, to) = (path.as_os_str().as_bytes(), to.as_os_str().as_bytes());
        let dry_run = [u8::from(self.dry_run)];
        Ok(JobId::new(&[b"list", path, version.as_flattened(), to, &self.rewrapper.identity(), &dry_run]))
    }

    fn batch(&self, lines: &mut Lines) -> Result<Vec<Line>, ListError> {
        let mut batch = Vec::new();
        while batch.len() < BATCH * self.threads.max(1) {
            let Some(line) = lines.next()? else { break };
            batch.push(line);
        }
        Ok(batch)
    }

    /// What becomes of each line, in their order.
    fn rewrap_batch(&self, batch: &[Line], pace: &Pace) -> Vec<Rewrapped> {
        let work = |lines: &[Line]| lines.iter().map(|line| self.rewrap(&line.text, pace)).collect::<Vec<_>>();
        let share = batch.len().div_ceil(self.threads.max(1));
        let (mine, others) = batch.split_at(share);
        thread::scope(|scope| {
            let threads: Vec<_> = others.chunks(share).map(|lines| scope.spawn(move || work(lines))).collect();
            let mut done = work(mine);
            for thread in threads {
                done.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
            done
        })
    }

    fn rewrap(&self, line: &[u8], pace: &Pace) -> Rewrapped {
        Some(Entry::parse(line)?.and_then(|entry| {
            if self.rewrapper.is_current(&entry.envelope, &entry.location)? {
                return Ok(None);
            }
            pace.wait();
            let envelope = self.rewrapper.rewrap(&entry.envelope, &entry.location)?;
            let mut new = text::encode(entry.encoding, &envelope).into_bytes();
            new.extend(entry.fields);
            Ok(Some(new))
        }))
    }
}

impl core::fmt::Debug for ListJob<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ListJob")
            .field("dry_run", &self.dry_run)
            .field("threads", &self.threads)
            .field("per_second", &self.per_second)
            .field("checkpoint", &self.checkpoint)
            .finish_non_exhaustive()
    }
}

/// `None` for a comment; else the new line, if there is anything to do.
type Rewrapped = Option<Result<Option<Vec<u8>>, ItemError>>;

/// How far a job has come: bytes and lines of the old list, bytes of the new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Reached {
    read: u64,
    lines: u64,
    written: u64,
}

impl Reached {
    fn encode(self) -> Vec<u8> {
        [self.read, self.lines, self.written].map(u64::to_be_bytes).concat()
    }

    fn decode(position: &[u8]) -> Option<Reached> {
        let ([read, lines, written], []) = position.as_chunks::<8>() else { return None };
        let [read, lines, written] = [read, lines, written].map(|bytes| u64::from_be_bytes(*bytes));
        Some(Reached { read, lines, written })
    }
}

/// Where the new list is written until it has its name.
enum Output {
    /// A dry run.
    Nothing,
    /// Gone with the process.
    New(NewFile),
    /// Kept for a job that goes on.
    Partial { file: File, path: PathBuf },
}

impl Output {
    /// And where to go on; a partial list that is not there, or shorter than the checkpoint says, is begun anew.
    fn open(job: &ListJob<'_>, to: &Path, resumed: Option<&Progress>) -> io::Result<(Output, Reached)> {
        let reached = resumed.and_then(|progress| Reached::decode(&progress.position)).unwrap_or_default();
        if job.dry_run {
            return Ok((Output::Nothing, reached));
        }
        if job.checkpoint.is_none() {
            return Ok((Output::New(NewFile::beside(to, 0o600)?), Reached::default()));
        }
        let path = beside(to, ".partial");
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        // Who had it may have given it its name meanwhile: then it is not the one to write to.
        let is_named = || Ok::<_, io::Error>(fs::symlink_metadata(&path)?.ino() == file.metadata()?.ino());
        if file.try_lock().is_err() || !is_named()? {
            return Err(io::Error::new(io::ErrorKind::WouldBlock, "another job is at work on it"));
        }
        let reached = if file.metadata()?.len() < reached.written { Reached::default() } else { reached };
        file.set_len(reached.written)?;
        file.seek(SeekFrom::End(0))?;
        Ok((Output::Partial { file, path }, reached))
    }

    fn file(&self) -> Option<&File> {
        match self {
            Output::Nothing => None,
            Output::New(new) => Some(new.file()),
            Output::Partial { file, .. } => Some(file),
        }
    }

    /// Says how many bytes there are more.
    fn write(&mut self, text: &[u8]) -> io::Result<u64> {
        let Some(mut file) = self.file() else { return Ok(0) };
        file.write_all(text)?;
        Ok(text.len() as u64)
    }

    fn sync(&self) -> io::Result<()> {
        self.file().map_or(Ok(()), File::sync_all)
    }

    fn commit(self, to: &Path) -> io::Result<()> {
        match self {
            Output::Nothing => Ok(()),
            Output::New(new) => new.commit(to, true),
            Output::Partial { path, .. } => {
                fs::rename(path, to)?;
                sync_folder(to)
            }
        }
    }
}
