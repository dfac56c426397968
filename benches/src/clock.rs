//! Two clocks.

use std::time::{Duration, Instant};

/// What counts as time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// What this thread computed: not what it waited for while others had its core.
    Thread,
    /// The wall's, for work on several threads.
    Wall,
}

impl Clock {
    /// How long `steps` steps take.
    pub fn time(self, steps: u64, mut step: impl FnMut()) -> Duration {
        match self {
            Clock::Thread => {
                let start = thread_time();
                (0..steps).for_each(|_| step());
                thread_time() - start
            }
            Clock::Wall => {
                let start = Instant::now();
                (0..steps).for_each(|_| step());
                start.elapsed()
            }
        }
    }
}

fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the function writes into `time` and keeps no pointer.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(status, 0, "threads have clocks");
    let seconds = u64::try_from(time.tv_sec).expect("time runs forward");
    let nanoseconds = u32::try_from(time.tv_nsec).expect("less than a second");
    Duration::new(seconds, nanoseconds)
}
