//! A limit of so many items a second, evenly.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

pub(super) struct Pace {
    begin: Instant,
    schedule: Option<Mutex<Schedule>>,
}

impl Pace {
    /// At most `per_second`; 0 for as fast as it goes.
    pub(super) fn new(per_second: u32) -> Pace {
        Pace { begin: Instant::now(), schedule: (per_second > 0).then(|| Mutex::new(Schedule::new(per_second))) }
    }

    /// Waits for one's turn.
    pub(super) fn wait(&self) {
        let Some(schedule) = &self.schedule else { return };
        let now = self.begin.elapsed();
        let turn = schedule.lock().unwrap_or_else(PoisonError::into_inner).next(now);
        thread::sleep(turn.saturating_sub(now));
    }
}

struct Schedule {
    interval: Duration,
    next: Duration,
}

impl Schedule {
    fn new(per_second: u32) -> Schedule {
        Schedule { interval: Duration::from_secs(1) / per_second, next: Duration::ZERO }
    }

    /// When the turn of one who asks now is. Time in which nobody asked is not made up for.
    fn next(&mut self, now: Duration) -> Duration {
        let turn = self.next.max(now);
        self.next = turn + self.interval;
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_evenly_and_lost_time_is_not_made_up_for() {
        let ms = Duration::from_millis;
        let mut schedule = Schedule::new(100);
        assert_eq!(schedule.next(ms(0)), ms(0));
        assert_eq!(schedule.next(ms(1)), ms(10));
        assert_eq!(schedule.next(ms(2)), ms(20));
        assert_eq!(schedule.next(ms(1_000)), ms(1_000));
        assert_eq!(schedule.next(ms(1_000)), ms(1_010));
    }
}
