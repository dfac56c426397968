//! Many that need one key: one call, nobody forgotten, nobody woken after its end.

mod service;

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::task::{Wake, Waker};
use std::time::Duration;

use ossenc::{Error, Shape};
use ossenc_kms::{Failure, Limits, Op, OpError, Reply, Step};
use service::{BUCKET_KEY, Fixture, Mood, REMOTE, Said, at, bell, opening, place, reply, step};

/// The key of one object, needed by many.
struct Crowd {
    fixture: Fixture,
    envelope: Vec<u8>,
}

impl Crowd {
    fn new(limits: Limits) -> Crowd {
        let fixture = Fixture::new(limits);
        let envelope = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
        fixture.service.calls.store(0, SeqCst);
        Crowd { fixture, envelope }
    }

    fn open(&self, ms: u64) -> Op {
        self.fixture.keyring.open(&opening(&self.envelope, place(b"o")), at(ms))
    }

    fn reply(&self, op: &mut Op, ms: u64) -> Reply {
        reply(&self.fixture.service, op, ms, &bell().1)
    }
}

#[test]
fn ten_thousand_stepped_opens_of_one_key_are_one_call() {
    let crowd = Crowd::new(Limits::default());
    let mut ops: Vec<_> = (0..10_000).map(|_| (crowd.open(0), bell())).collect();
    for (i, (op, (_, waker))) in ops.iter_mut().enumerate() {
        let said = step(op, None, 0, waker);
        assert!(if i == 0 { matches!(said, Said::Ask(_)) } else { said == Said::Wait(10_000) }, "{i}: {said:?}");
    }
    let answer = crowd.reply(&mut ops[0].0, 3);
    assert_eq!(step(&mut ops[0].0, Some(answer), 3, &bell().1), Said::Done);
    for (op, (rung, waker)) in &mut ops[1..] {
        assert_eq!(rung.0.load(SeqCst), 1);
        assert_eq!(step(op, None, 3, waker), Said::Done);
    }
    assert_eq!(crowd.fixture.service.count(), 1);
}

#[test]
fn ten_thousand_opens_by_threads_are_one_call() {
    let crowd = Crowd::new(Limits::default());
    *crowd.fixture.service.delay.lock().unwrap() = Duration::from_millis(20);
    let (threads, each) = (50, 200);
    let start = Barrier::new(threads);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                start.wait();
                for _ in 0..each {
                    crowd.open(0).run(&crowd.fixture.service, Duration::MAX, &|| at(0)).unwrap();
                }
            });
        }
    });
    assert_eq!(crowd.fixture.service.count(), 1);
}

#[test]
fn creates_of_one_bucket_by_threads_are_one_call() {
    let fixture = Fixture::new(Limits::default());
    *fixture.service.delay.lock().unwrap() = Duration::from_millis(20);
    let start = Barrier::new(20);
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                start.wait();
                let mut op = fixture.keyring.create(&BUCKET_KEY, &place(b"o"), Shape::Single, at(0));
                op.run(&fixture.service, Duration::MAX, &|| at(0)).unwrap();
            });
        }
    });
    assert_eq!(fixture.service.count(), 1);
}

#[test]
fn waiters_of_a_dead_service_cost_one_call_and_so_does_its_recovery() {
    let crowd = Crowd::new(Limits::default());
    let away = Failure::Retry { after: Duration::ZERO };
    let mut ops: Vec<_> = (0..1_000).map(|_| (crowd.open(0), bell())).collect();
    for (op, (_, waker)) in &mut ops {
        step(op, None, 0, waker);
    }
    crowd.fixture.service.is(Mood::Fails(away));
    let answer = crowd.reply(&mut ops[0].0, 0);
    let failed = Said::Failed(OpError::Retry { after: Duration::from_millis(50) });
    assert_eq!(step(&mut ops[0].0, Some(answer), 0, &bell().1), failed);
    for (op, (rung, waker)) in &mut ops[1..] {
        assert_eq!(rung.0.load(SeqCst), 1);
        assert_eq!(step(op, None, 0, waker), failed);
    }
    crowd.fixture.service.is(Mood::Well);
    let mut ops: Vec<_> = (0..1_000).map(|_| (crowd.open(50), bell())).collect();
    let asks = ops.iter_mut().filter_map(|(op, (_, waker))| match step(op, None, 50, waker) {
        Said::Ask(id) => Some(id),
        said => {
            assert_eq!(said, Said::Wait(10_050));
            None
        }
    });
    assert_eq!(asks.count(), 1);
    assert_eq!(crowd.fixture.service.count(), 1);
}

#[test]
fn a_leader_that_is_freed_or_times_out_is_followed_by_a_waiter() {
    let crowd = Crowd::new(Limits::default());
    let [mut first, mut second, mut third] = [(); 3].map(|()| crowd.open(0));
    let [a, b, c] = [(); 3].map(|()| bell());
    first.set_deadline(20_000_000);
    assert!(matches!(step(&mut first, None, 0, &a.1), Said::Ask(_)));
    assert_eq!(step(&mut second, None, 0, &b.1), Said::Wait(10_000));
    assert_eq!(step(&mut third, None, 0, &c.1), Said::Wait(10_000));
    assert_eq!(step(&mut first, None, 20, &a.1), Said::Failed(OpError::Timeout));
    assert_eq!([&a, &b, &c].map(|bell| bell.0.0.load(SeqCst)), [0, 1, 1]);
    // Whoever steps first leads; the other waits for it.
    assert!(matches!(step(&mut third, None, 21, &c.1), Said::Ask(_)));
    assert_eq!(step(&mut second, None, 22, &b.1), Said::Wait(10_021));
    drop(third);
    assert_eq!(b.0.0.load(SeqCst), 2);
    assert!(matches!(step(&mut second, None, 23, &b.1), Said::Ask(_)));
    let answer = crowd.reply(&mut second, 23);
    assert_eq!(step(&mut second, Some(answer), 23, &b.1), Said::Done);
}

#[test]
fn after_the_lease_a_waiter_takes_over_and_the_late_answer_still_counts() {
    let crowd = Crowd::new(Limits { call_ms: 100, ..Limits::default() });
    let [mut slow, mut heir, mut third] = [(); 3].map(|()| crowd.open(0));
    let [a, b, c] = [(); 3].map(|()| bell());
    assert!(matches!(step(&mut slow, None, 0, &a.1), Said::Ask(_)));
    assert_eq!(step(&mut heir, None, 1, &b.1), Said::Wait(100));
    assert_eq!(step(&mut third, None, 1, &c.1), Said::Wait(100));
    assert!(matches!(step(&mut heir, None, 100, &b.1), Said::Ask(_)));
    assert_eq!(step(&mut third, None, 101, &c.1), Said::Wait(200));
    let late = crowd.reply(&mut slow, 102);
    assert_eq!(step(&mut slow, Some(late), 102, &a.1), Said::Done);
    assert_eq!(c.0.0.load(SeqCst), 1);
    assert_eq!(step(&mut third, None, 103, &c.1), Said::Done, "the late answer is there");
    // The heir's own call is still open, and its answer is as good.
    let answer = crowd.reply(&mut heir, 104);
    assert_eq!(step(&mut heir, Some(answer), 104, &b.1), Said::Done);
}

#[test]
fn a_blocking_run_does_not_wait_for_a_stepped_operation() {
    let crowd = Crowd::new(Limits::default());
    let mut stepped = crowd.open(0);
    let (rung, waker) = bell();
    assert!(matches!(step(&mut stepped, None, 0, &waker), Said::Ask(_)));
    let mut run = crowd.open(0);
    run.run(&crowd.fixture.service, Duration::MAX, &|| at(0)).unwrap();
    assert_eq!(crowd.fixture.service.count(), 1);
    let answer = crowd.reply(&mut stepped, 0);
    assert_eq!(step(&mut stepped, Some(answer), 0, &waker), Said::Done);
    assert_eq!(rung.0.load(SeqCst), 0);
    // A stepped one waits for a run of another thread, whose provider steps it here.
    crowd.fixture.keyring.evict(None);
    let mut failing = crowd.open(0);
    crowd.fixture.service.is(Mood::Fails(Failure::Disabled));
    let failed = failing.run(&crowd.fixture.service, Duration::from_secs(1), &|| at(0));
    assert_eq!(failed, Err(OpError::Core(Error::KeyState)));
}

/// A waker that knows whether its operation has been freed.
struct Alarm {
    freed: AtomicBool,
    late: Arc<AtomicBool>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        if self.freed.load(SeqCst) {
            self.late.store(true, SeqCst);
        }
        std::thread::yield_now();
        if self.freed.load(SeqCst) {
            self.late.store(true, SeqCst);
        }
    }
}

#[test]
fn no_wake_comes_after_the_free_has_returned() {
    let crowd = Crowd::new(Limits { entries: 0, ..Limits::default() });
    let late = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        for seed in 0..8u64 {
            let (crowd, late) = (&crowd, &late);
            scope.spawn(move || {
                for i in 0..300u64 {
                    let alarm = Arc::new(Alarm { freed: AtomicBool::new(false), late: Arc::clone(late) });
                    let waker = Waker::from(Arc::clone(&alarm));
                    let mut op = crowd.open(0);
                    let asks = matches!(step(&mut op, None, 0, &waker), Said::Ask(_));
                    if asks && (i + seed) % 3 == 0 {
                        let answer = reply(&crowd.fixture.service, &mut op, 0, &waker);
                        step(&mut op, Some(answer), 0, &waker);
                    }
                    drop(op);
                    alarm.freed.store(true, SeqCst);
                }
            });
        }
    });
    assert!(!late.load(SeqCst));
}

/// An operation, its bell, when it asked, and if it waits how many rings it had heard.
type Walker = (Op, (Arc<service::Bell>, Waker), Option<u64>, Option<usize>);

/// Steps, frees and answers at random, against what has to hold: within a lease never two calls for one key, and nobody
/// waits where nobody leads.
#[test]
fn at_random_no_key_is_asked_for_twice_and_no_waiter_left_behind() {
    for seed in 1..=60u64 {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = |n: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % n
        };
        let crowd =
            Crowd::new(Limits { entries: (seed % 3) as u32, call_ms: 100, negative_ms: 0, ..Limits::default() });
        let mut ops: Vec<Walker> = Vec::new();
        let mut ms = 0;
        for _ in 0..400 {
            ms += next(20);
            let i = if ops.is_empty() { 0 } else { next(ops.len() as u64) as usize };
            match next(10) {
                0..=2 => ops.push((crowd.open(ms), bell(), None, None)),
                _ if ops.is_empty() => {}
                3 => drop(ops.swap_remove(i)),
                action => {
                    let (op, (rung, waker), asked, waits) = &mut ops[i];
                    let answer = (asked.is_some() && action > 6).then(|| {
                        let answer = reply(&crowd.fixture.service, op, ms, waker);
                        let fails = Err(Failure::Error { code: 1 });
                        if action == 9 { Reply { outcome: fails, ..answer } } else { answer }
                    });
                    let was_asking = asked.filter(|_| answer.is_none());
                    (*asked, *waits) = (None, None);
                    let rings = rung.0.load(SeqCst);
                    match op.step(answer, at(ms), waker) {
                        Ok(Step::Ask(_)) => *asked = Some(was_asking.unwrap_or(ms)),
                        Ok(Step::Wait { .. }) => *waits = Some(rings),
                        Ok(Step::Done) | Err(_) => drop(ops.swap_remove(i)),
                    }
                }
            }
            let calling = ops.iter().filter(|op| op.2.is_some_and(|asked| ms < asked + 100)).count();
            assert!(calling <= 1, "seed {seed}: {calling} calls within their lease");
            let asking = ops.iter().any(|op| op.2.is_some());
            let stuck = ops.iter().any(|op| op.3.is_some_and(|heard| op.1.0.0.load(SeqCst) == heard));
            assert!(asking || !stuck, "seed {seed}: one waits for nobody");
        }
    }
}
