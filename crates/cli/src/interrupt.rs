//! Long work: it is watched (progress on a terminal), and it stops when a signal asks for it.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ossenc_kms::fleet::{Counters, Observer, Outcome};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::fail::{Code, Failure};
use crate::files::Operands;
use crate::out::Out;

/// Whether a signal asked to stop. The first one is waited out to a place where nothing is half done; a second one ends
/// the process at once, which is safe as well: what has no name yet stays behind under a temporary one.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub(crate) fn watch() -> Result<Interrupt, Failure> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // In this order: the first signal only sets the flag, the second finds it set.
            flag::register_conditional_shutdown(signal, Code::Interrupted as i32, Arc::clone(&asked))
                .and_then(|_| flag::register(signal, Arc::clone(&asked)))
                .map_err(|error| Failure::system("signals", "watch for them", &error))?;
        }
        Ok(Interrupt(asked))
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.is_asked() { Err(Failure::interrupted()) } else { Ok(()) }
    }
}

/// A source that is watched. A signal is an error of it, also at its end: the program at the other end of a pipe got the
/// signal, too, and the end may not be the end.
pub(crate) struct Watched<'a, R> {
    pub(crate) source: R,
    pub(crate) interrupt: &'a Interrupt,
    pub(crate) bar: &'a ProgressBar,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(out)?;
        if self.interrupt.is_asked() {
            return Err(io::Error::other("interrupted"));
        }
        self.bar.inc(n as u64);
        Ok(n)
    }
}

/// A job over many files that is watched: each failure is told at once.
pub(crate) struct WatchedJob {
    out: Out,
    /// Whether the files were named: one that is not there then is a failure. In a folder, files come and go.
    named: bool,
    bar: ProgressBar,
    interrupt: Interrupt,
    /// Of the files that failed.
    codes: Mutex<Vec<Code>>,
}

impl WatchedJob {
    pub(crate) fn new(out: Out, operands: &Operands) -> Result<WatchedJob, Failure> {
        let (interrupt, named) = (Interrupt::watch()?, !operands.is_folder());
        let files = operands.count(out.is_chatty() && !named)?;
        Ok(WatchedJob { out, named, bar: files_bar(out, files), interrupt, codes: Mutex::default() })
    }

    /// The job has ended: the codes of the files that failed.
    pub(crate) fn finish(self) -> Vec<Code> {
        self.bar.finish_and_clear();
        self.codes.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for WatchedJob {
    fn item(&self, name: &Path, outcome: &Outcome, counters: &Counters) -> ControlFlow<()> {
        let failure = match outcome {
            Outcome::Failed(error) => Some(Failure::item(name, error)),
            Outcome::Gone if self.named => Some(Failure::io(name, "open it", &io::ErrorKind::NotFound.into())),
            _ => None,
        };
        if let Some(failure) = failure {
            self.bar.suspend(|| self.out.failure(&failure));
            self.codes.lock().unwrap_or_else(PoisonError::into_inner).push(failure.code());
        }
        self.bar.set_position(counters.items());
        if self.interrupt.is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Of so many bytes, or of an unknown number.
pub(crate) fn bytes_bar(out: Out, len: Option<u64>) -> ProgressBar {
    let template = match len {
        Some(_) => "{bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left",
        None => "{spinner} {bytes} {bytes_per_sec}",
    };
    bar(out, len, template)
}

/// Of so many files, or of an unknown number.
pub(crate) fn files_bar(out: Out, len: Option<u64>) -> ProgressBar {
    let template = match len {
        Some(_) => "{bar:30} {pos}/{len} files, {per_sec}, {eta} left",
        None => "{spinner} {pos} files, {per_sec}",
    };
    bar(out, len, template)
}

/// Drawn on standard error if that is a terminal, and a few times a second.
fn bar(out: Out, len: Option<u64>, template: &str) -> ProgressBar {
    let target = if out.is_chatty() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template(template).expect("a template that is right");
    ProgressBar::with_draw_target(len, target).with_style(style)
}
