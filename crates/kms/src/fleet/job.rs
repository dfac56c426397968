//! The jobs over files: rewrapping them, and counting what they are under.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ossenc::Census;

use super::checkpoint::{self, JobId};
use super::pace::Pace;
use super::run::{Checkpoint, Run};
use super::source::Found;
use super::{CheckpointError, ItemError, Locate, Location, Observer, Outcome, Rewrapper, Source, Summary};
use crate::sealed_file::{Header, LockedFile, SealedFile};

/// Why a job did not begin, or did not go on. What it did until then is done.
#[derive(Debug)]
#[non_exhaustive]
pub enum JobError {
    /// The source cannot be listed.
    Source(io::Error),
    /// The checkpoint is not this job's, or cannot be written.
    Checkpoint(CheckpointError),
}

impl core::fmt::Display for JobError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            JobError::Source(error) => write!(f, "the files cannot be listed: {error}"),
            JobError::Checkpoint(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for JobError {}

impl From<CheckpointError> for JobError {
    fn from(error: CheckpointError) -> JobError {
        JobError::Checkpoint(error)
    }
}

/// Rewraps all files of a source. [`RewrapJob::new`] says what the fields are if nothing else is wanted.
#[derive(Clone, Copy)]
pub struct RewrapJob<'a> {
    /// Makes the envelopes.
    pub rewrapper: &'a dyn Rewrapper,
    /// Knows where each file's object belongs.
    pub locate: &'a dyn Locate,
    /// Do everything but the writing: each envelope is opened and made anew, so what fails in earnest fails here.
    pub dry_run: bool,
    /// How many threads work; at least one does.
    pub threads: usize,
    /// Most envelopes to be replaced in a second; 0 for no limit. Files that are up to date are not counted.
    pub per_second: u32,
    /// A file that keeps how far the job has come, so that after a kill it goes on there; removed when the job is
    /// complete.
    pub checkpoint: Option<&'a Path>,
    /// How often it is written.
    pub checkpoint_every: Duration,
    /// What else tells this job from others, such as the settings of `locate`: a checkpoint of another label is refused.
    pub label: &'a [u8],
    /// Is told of every item.
    pub observer: &'a dyn Observer,
}

impl<'a> RewrapJob<'a> {
    /// One thread, no limit, no checkpoint (else every second), in earnest.
    #[must_use]
    pub fn new(rewrapper: &'a dyn Rewrapper, locate: &'a dyn Locate) -> RewrapJob<'a> {
        RewrapJob {
            rewrapper,
            locate,
            dry_run: false,
            threads: 1,
            per_second: 0,
            checkpoint: None,
            checkpoint_every: Duration::from_secs(1),
            label: &[],
            observer: &(),
        }
    }

    /// Does it. Files that fail are reported and left as they are; the others are done. Files that are up to date are
    /// passed over, so it may be run again, also by several processes at once.
    ///
    /// # Errors
    /// [`JobError`], for the job as a whole.
    pub fn run(&self, source: &dyn Source) -> Result<Summary, JobError> {
        let checkpoint = match self.checkpoint {
            Some(path) => {
                let job = self.id(source).map_err(JobError::Source)?;
                Some(Checkpoint { path, job, every: self.checkpoint_every })
            }
            None => None,
        };
        let resumed = match &checkpoint {
            Some(checkpoint) => checkpoint::load(checkpoint.path, checkpoint.job)?,
            None => None,
        };
        let after = resumed.as_ref().map(|progress| &progress.position[..]).filter(|position| !position.is_empty());
        let items = source.items(after).map_err(JobError::Source)?;
        let pace = Pace::new(self.per_second);
        let work = |found: &Found| self.rewrap(found, &pace);
        let run = Run { threads: self.threads, checkpoint, observer: self.observer, work: &work };
        Ok(run.over(items, resumed)?)
    }

    fn id(&self, source: &dyn Source) -> io::Result<JobId> {
        let dry_run = [u8::from(self.dry_run)];
        Ok(JobId::new(&[b"rewrap", &source.identity()?, &self.rewrapper.identity(), &dry_run, self.label]))
    }

    fn rewrap(&self, found: &Found, pace: &Pace) -> Result<Outcome, ItemError> {
        let location = self.locate.locate(&found.name).map_err(ItemError::Place)?;
        // Most files of a job that begins again are up to date: they are neither locked nor opened for writing.
        let file = SealedFile::open(&found.path)?;
        if self.is_done(file.header(), &location)? {
            return Ok(Outcome::Done);
        }
        pace.wait();
        if self.dry_run {
            self.rewrapper.rewrap(file.envelope(), &location)?;
            return Ok(Outcome::Rewrapped);
        }
        // Under the lock it is looked at again: another rewrapper may have been first.
        let file = LockedFile::open(&found.path)?;
        if self.is_done(file.header(), &location)? {
            return Ok(Outcome::Done);
        }
        let envelope = self.rewrapper.rewrap(file.envelope(), &location)?;
        file.replace_envelope(&envelope)?;
        Ok(Outcome::Rewrapped)
    }

    /// A header of which one copy is damaged or old is repaired, whatever its envelope.
    fn is_done(&self, header: &Header, location: &Location) -> Result<bool, ItemError> {
        Ok(self.rewrapper.is_current(header.envelope(), location)? && header.is_settled())
    }
}

impl core::fmt::Debug for RewrapJob<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RewrapJob")
            .field("dry_run", &self.dry_run)
            .field("threads", &self.threads)
            .field("per_second", &self.per_second)
            .field("checkpoint", &self.checkpoint)
            .finish_non_exhaustive()
    }
}

/// Counts the slots of all files of a source. Envelopes are not opened: no key is needed, and nothing counted is
/// authentic. Files that fail are not counted: a version is free to be retired when its count is 0 and none failed.
///
/// # Errors
/// [`JobError::Source`].
pub fn census(source: &dyn Source, threads: usize, observer: &dyn Observer) -> Result<(Census, Summary), JobError> {
    let counted = Mutex::new(Census::new());
    let work = |found: &Found| {
        let file = SealedFile::open(&found.path)?;
        counted.lock().unwrap_or_else(PoisonError::into_inner).add(file.envelope())?;
        Ok(Outcome::Done)
    };
    let items = source.items(None).map_err(JobError::Source)?;
    let summary = Run { threads, checkpoint: None, observer, work: &work }.over(items, None)?;
    Ok((counted.into_inner().unwrap_or_else(PoisonError::into_inner), summary))
}
