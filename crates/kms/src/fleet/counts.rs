//! What became of items: outcomes, counters, the summary, and who is told.

use std::error::Error as StdError;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::OpError;
use crate::sealed_file::FileError;

/// Most failures that a [`Summary`] lists; it counts all.
const FAILURES_LISTED: usize = 1_000;

/// Why an item was left alone.
#[derive(Debug)]
#[non_exhaustive]
pub enum ItemError {
    /// It is no sealed file, damaged, or the file system refused.
    File(FileError),
    /// Its envelope is refused, or does not open with these keys in that place.
    Envelope(ossenc::Error),
    /// Its place is not known; it says why.
    Place(String),
    /// A key service refused.
    Keys(Box<dyn StdError + Send + Sync>),
}

impl core::fmt::Display for ItemError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ItemError::File(error) => error.fmt(f),
            ItemError::Envelope(error) => error.fmt(f),
            ItemError::Place(why) => write!(f, "its place is not known: {why}"),
            ItemError::Keys(error) => error.fmt(f),
        }
    }
}

impl StdError for ItemError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            ItemError::File(error) => Some(error),
            ItemError::Envelope(error) => Some(error),
            ItemError::Place(_) => None,
            ItemError::Keys(error) => Some(&**error),
        }
    }
}

impl From<FileError> for ItemError {
    fn from(error: FileError) -> ItemError {
        ItemError::File(error)
    }
}

impl From<io::Error> for ItemError {
    fn from(error: io::Error) -> ItemError {
        ItemError::File(error.into())
    }
}

impl From<ossenc::Error> for ItemError {
    fn from(error: ossenc::Error) -> ItemError {
        ItemError::Envelope(error)
    }
}

impl From<OpError> for ItemError {
    fn from(error: OpError) -> ItemError {
        match error {
            OpError::Core(error) => ItemError::Envelope(error),
            error => ItemError::Keys(Box::new(error)),
        }
    }
}

/// What became of one item.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It has a new envelope, or would have one (dry run).
    Rewrapped,
    /// There was nothing to do; or it was counted (census).
    Done,
    /// It is nothing that the job is about; it says what: a symbolic link, a device.
    Skipped(&'static str),
    /// It was there when the folder was read, and no longer when its turn came.
    Gone,
    /// It was left alone.
    Failed(ItemError),
}

/// How many items had which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Given a new envelope, or would have been (dry run).
    pub rewrapped: u64,
    /// Up to date already; or counted (census).
    pub done: u64,
    /// Nothing that the job is about.
    pub skipped: u64,
    /// No longer there.
    pub gone: u64,
    /// Left alone because of an error.
    pub failed: u64,
}

impl Counters {
    /// How many items there were.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.rewrapped + self.done + self.skipped + self.gone + self.failed
    }

    pub(super) fn add(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Rewrapped => &mut self.rewrapped,
            Outcome::Done => &mut self.done,
            Outcome::Skipped(_) => &mut self.skipped,
            Outcome::Gone => &mut self.gone,
            Outcome::Failed(_) => &mut self.failed,
        } += 1;
    }
}

/// Is told how a job goes, by the threads that do it. `()` listens to nothing.
pub trait Observer: Sync {
    /// An item has ended. Items end in another order than they began in. `counters` has it, and all before it, those of
    /// the runs that this one resumes included. [`ControlFlow::Break`] ends the job after the items under way.
    fn item(&self, name: &Path, outcome: &Outcome, counters: &Counters) -> ControlFlow<()> {
        let _ = (name, outcome, counters);
        ControlFlow::Continue(())
    }
}

impl Observer for () {}

/// How a job ended.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many items had which outcome, those of the runs that this one resumed included.
    pub counters: Counters,
    /// The items that failed in this run, the first 1,000 of them, and why.
    pub failures: Vec<(PathBuf, ItemError)>,
    /// Whether all items had their turn. If not, the observer ended the job, and the checkpoint is there.
    pub complete: bool,
    /// Whether it went on from a checkpoint.
    pub resumed: bool,
}

impl Summary {
    pub(super) fn add(&mut self, name: PathBuf, outcome: Outcome) {
        self.counters.add(&outcome);
        if let (Outcome::Failed(error), true) = (outcome, self.failures.len() < FAILURES_LISTED) {
            self.failures.push((name, error));
        }
    }
}
