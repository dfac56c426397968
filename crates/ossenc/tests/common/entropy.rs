//! Sources of "random" bytes that a test knows beforehand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use ossenc::{Engine, Entropy, Error, Isa, Result};

/// A different byte string for each draw: the same ones in each run.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn engine() -> Engine {
        Engine::with(Isa::Best, Arc::new(Counter::default())).expect("a source that works")
    }
}

impl Entropy for Counter {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        for piece in out.chunks_mut(8) {
            // SplitMix64: no two numbers give the same output.
            let mut z = self.0.fetch_add(1, SeqCst).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            piece.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes()[..piece.len()]);
        }
        Ok(())
    }
}

/// Plays back recorded bytes, once [`Tape::play`] has begun; before that it is a [`Counter`].
#[derive(Default)]
pub struct Tape {
    before: Counter,
    recorded: Mutex<Option<Vec<u8>>>,
}

impl Tape {
    pub fn engine() -> (Engine, Arc<Tape>) {
        let tape = Arc::new(Tape::default());
        (Engine::with(Isa::Best, tape.clone()).expect("a source that works"), tape)
    }

    /// Runs an operation on the recorded bytes. It has to draw all of them, and not one more.
    pub fn play<T>(&self, recorded: &[u8], operation: impl FnOnce() -> T) -> T {
        *self.lock() = Some(recorded.to_vec());
        let outcome = operation();
        let left = self.lock().take().expect("play does not nest");
        assert!(left.is_empty(), "{} recorded bytes were not drawn", left.len());
        outcome
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Vec<u8>>> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entropy for Tape {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        let Some(recorded) = &mut *self.lock() else { return self.before.fill(out) };
        assert!(out.len() <= recorded.len(), "{} bytes are drawn, {} are recorded", out.len(), recorded.len());
        recorded.drain(..out.len()).zip(out).for_each(|(byte, out)| *out = byte);
        Ok(())
    }
}

/// Works until it is armed, then for a number of draws, and never again.
#[derive(Default)]
pub struct Failing {
    source: Counter,
    draws_left: Mutex<Option<usize>>,
}

impl Failing {
    pub fn engine() -> (Engine, Arc<Failing>) {
        let source = Arc::new(Failing::default());
        (Engine::with(Isa::Best, source.clone()).expect("a source that works"), source)
    }

    /// The next `draws` draws work, those after them fail. `None`: all work.
    pub fn arm(&self, draws: Option<usize>) {
        *self.draws_left.lock().unwrap() = draws;
    }
}

impl Entropy for Failing {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        match &mut *self.draws_left.lock().unwrap() {
            None => self.source.fill(out),
            Some(0) => {
                // As bad as a source can be: it fails, and has written something.
                self.source.fill(&mut out[..1])?;
                Err(Error::NoEntropy)
            }
            Some(left) => {
                *left -= 1;
                self.source.fill(out)
            }
        }
    }
}
