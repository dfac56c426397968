//! Operations for callers that may block.

use core::time::Duration;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};

use crate::provider::Provider;
use crate::{Op, OpError, Reply, Step, Time};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
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
        self.block(thread::current().id(), clock().mono_ns.saturating_add(timeout_ns));
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut reply = None;
        loop {
            let now = clock();
            let left = |until_ns: u64| Duration::from_nanos(until_ns.saturating_sub(now.mono_ns));
            match self.step(reply.take(), now, &waker)? {
                Step::Done => return Ok(()),
                Step::Wait { until_ns } => thread::park_timeout(left(until_ns)),
                Step::Ask(open) => {
                    let ask = open.ask();
                    let outcome = provider.call(&ask, left(open.until_ns()));
                    reply = Some(Reply { id: ask.id, outcome });
                }
            }
        }
    }
}
