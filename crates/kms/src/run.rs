//! Operations for callers that may block.

use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Wake, Waker};

use crate::flight::ThreadToken;
use crate::provider::Provider;
use crate::{Op, OpError, Reply, Step, Time};

/// What a thread sleeps on. `std::thread::park` would do, but leaves memory behind in threads that are not Rust's.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    fn wait(&self, timeout: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(rung, timeout, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }
}

/// Tells this thread from all others that live.
fn this_thread() -> ThreadToken {
    thread_local!(static PLACE: u8 = const { 0 });
    PLACE.with(|place| ThreadToken(core::ptr::from_ref(place).addr()))
}

impl Op {
    /// Takes the operation to its end on this thread, within `timeout`. Its calls are made by `provider`; a key that
    /// another thread is asking for in the same way is waited for. Nothing is locked while the provider runs. `clock`
    /// tells the time, as for a step.
    ///
    /// # Errors
    /// As [`Op::step`].
    pub fn run(&mut self, provider: &dyn Provider, timeout: Duration, clock: &dyn Fn() -> Time) -> Result<(), OpError> {
        let timeout_ns = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        self.block(this_thread(), clock().mono_ns.saturating_add(timeout_ns));
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        let mut reply = None;
        loop {
            let now = clock();
            let left = |until_ns: u64| Duration::from_nanos(until_ns.saturating_sub(now.mono_ns));
            match self.step(reply.take(), now, &waker)? {
                Step::Done => return Ok(()),
                Step::Wait { until_ns } => bell.wait(left(until_ns)),
                Step::Ask(open) => {
                    let ask = open.ask();
                    let outcome = provider.call(&ask, left(open.until_ns()));
                    reply = Some(Reply { id: ask.id, outcome });
                }
            }
        }
    }
}
