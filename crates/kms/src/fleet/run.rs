//! The machine under every job: items in order, worked on by several threads, ended in any order.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::checkpoint::{self, CheckpointError, JobId, POSITION_MAX, Progress};
use super::source::{Found, Unfit};
use super::{Counters, ItemError, Observer, Outcome, Summary};

/// How far threads may be ahead of the slowest item: what is remembered besides.
const WINDOW: u64 = 4_096;

/// What to do with one fit item.
pub(super) type Work<'a> = dyn Fn(&Found) -> Result<Outcome, ItemError> + Sync + 'a;

/// Where progress is kept.
pub(super) struct Checkpoint<'a> {
    pub(super) path: &'a Path,
    pub(super) job: JobId,
    pub(super) every: Duration,
}

pub(super) struct Run<'a> {
    pub(super) threads: usize,
    pub(super) checkpoint: Option<Checkpoint<'a>>,
    pub(super) observer: &'a dyn Observer,
    pub(super) work: &'a Work<'a>,
}

struct State<'a> {
    items: Box<dyn Iterator<Item = Found> + Send + 'a>,
    /// How many items were handed out.
    begun: u64,
    /// All items before this one have ended.
    low: u64,
    /// Those that ended out of order, after it.
    ahead: BTreeMap<u64, Ended>,
    /// Of the items before `low`.
    progress: Progress,
    written_at: Instant,
    summary: Summary,
    stop: bool,
    failed: Option<CheckpointError>,
}

struct Ended {
    position: Vec<u8>,
    counted: Counters,
}

impl Run<'_> {
    /// Goes on after `resumed`, to the end.
    pub(super) fn over<'s>(
        &self,
        items: Box<dyn Iterator<Item = Found> + Send + 's>,
        resumed: Option<Progress>,
    ) -> Result<Summary, CheckpointError> {
        let progress = resumed.clone().unwrap_or_default();
        let summary = Summary { counters: progress.counters, resumed: resumed.is_some(), ..Summary::default() };
        let shared = Shared {
            state: Mutex::new(State {
                items,
                begun: 0,
                low: 0,
                ahead: BTreeMap::new(),
                progress,
                written_at: Instant::now(),
                summary,
                stop: false,
                failed: None,
            }),
            caught_up: Condvar::new(),
        };
        thread::scope(|scope| {
            for _ in 1..self.threads.max(1) {
                scope.spawn(|| self.work_on(&shared));
            }
            self.work_on(&shared);
        });
        let mut state = shared.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.summary.complete = !state.stop;
        match (&self.checkpoint, state.failed) {
            (_, Some(error)) => return Err(error),
            (Some(checkpoint), None) if state.summary.complete => checkpoint::remove(checkpoint.path)?,
            (Some(checkpoint), None) => checkpoint::store(checkpoint.path, checkpoint.job, &state.progress)?,
            (None, None) => {}
        }
        Ok(state.summary)
    }

    fn work_on(&self, shared: &Shared<'_>) {
        let _guard = StopOnPanic(shared);
        while let Some((number, mut found)) = shared.next() {
            let outcome = match found.unfit.take() {
                Some(Unfit::Skip(what)) => Outcome::Skipped(what),
                Some(Unfit::Error(error)) => outcome_of(Err(error.into())),
                None => outcome_of((self.work)(&found)),
            };
            self.end(shared, number, found.position, found.name, outcome);
        }
    }

    fn end(&self, shared: &Shared<'_>, number: u64, position: Vec<u8>, name: PathBuf, outcome: Outcome) {
        let mut counted = Counters::default();
        counted.add(&outcome);
        let mut state = shared.lock();
        let mut counters = state.summary.counters;
        counters.add(&outcome);
        if let ControlFlow::Break(()) = self.observer.item(&name, &outcome, &counters) {
            state.stop = true;
        }
        state.summary.add(name, outcome);
        state.ahead.insert(number, Ended { position, counted });
        state.advance();
        if let Some(checkpoint) = self.checkpoint.as_ref().filter(|due| state.written_at.elapsed() >= due.every) {
            if let Err(error) = checkpoint::store(checkpoint.path, checkpoint.job, &state.progress) {
                state.failed.get_or_insert(error.into());
                state.stop = true;
            }
            state.written_at = Instant::now();
        }
        drop(state);
        shared.caught_up.notify_all();
    }
}

fn outcome_of(result: Result<Outcome, ItemError>) -> Outcome {
    use crate::sealed_file::FileError;
    match result {
        Ok(outcome) => outcome,
        Err(ItemError::File(FileError::Io(error))) if error.kind() == io::ErrorKind::NotFound => Outcome::Gone,
        Err(error) => Outcome::Failed(error),
    }
}

/// The item of a thread that panics never ends: nobody must wait for it. The panic goes on when the scope ends.
struct StopOnPanic<'s, 'a>(&'s Shared<'a>);

impl Drop for StopOnPanic<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().stop = true;
            self.0.caught_up.notify_all();
        }
    }
}

struct Shared<'a> {
    state: Mutex<State<'a>>,
    caught_up: Condvar,
}

impl<'a> Shared<'a> {
    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next item, once the slowest one is not too far behind.
    fn next(&self) -> Option<(u64, Found)> {
        let mut state = self.lock();
        while !state.stop && state.begun - state.low >= WINDOW {
            state = self.caught_up.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stop {
            return None;
        }
        let found = state.items.next()?;
        state.begun += 1;
        Some((state.begun - 1, found))
    }
}

impl State<'_> {
    /// Moves `low` over all that has ended.
    fn advance(&mut self) {
        while let Some(ended) = self.ahead.remove(&self.low) {
            self.low += 1;
            let (sum, more) = (&mut self.progress.counters, ended.counted);
            sum.rewrapped += more.rewrapped;
            sum.done += more.done;
            sum.skipped += more.skipped;
            sum.gone += more.gone;
            sum.failed += more.failed;
            if ended.position.len() <= POSITION_MAX {
                self.progress.position = ended.position;
            }
        }
    }
}
