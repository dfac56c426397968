//! A key service at its worst, one test for each way: a clear status, one call for all who need the key, and a recovery
//! without a stampede.

mod service;

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use ossenc::Error;
use ossenc_kms::{Answer, Ask, Failure, Limits, Op, OpError, Provider, Time, Verb};
use service::{AWAY, Fixture, Mood, REMOTE, Said, WALL, at, bell, opening, place, reply, step};

/// An object under a remote key, and how many calls were made since.
struct Case {
    fixture: Fixture,
    envelope: Vec<u8>,
}

impl Case {
    fn new(limits: Limits) -> Case {
        let fixture = Fixture::new(limits);
        let envelope = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
        fixture.service.calls.store(0, SeqCst);
        Case { fixture, envelope }
    }

    fn op(&self, ms: u64) -> Op {
        self.fixture.keyring.open(&opening(&self.envelope, place(b"o")), at(ms))
    }

    fn calls(&self) -> usize {
        self.fixture.service.count()
    }

    /// A thousand that need the key, when the service is well again: one call.
    #[track_caller]
    fn recovers(&self, ms: u64) {
        self.fixture.service.is(Mood::Well);
        let before = self.calls();
        let (_, waker) = bell();
        let mut ops: Vec<Op> = (0..1_000).map(|_| self.op(ms)).collect();
        let said: Vec<Said> = ops.iter_mut().map(|op| step(op, None, ms, &waker)).collect();
        let asked = said.iter().filter(|said| matches!(said, Said::Ask(_))).count();
        assert_eq!(asked, 1);
        let answer = reply(&self.fixture.service, &mut ops[0], ms, &waker);
        assert_eq!(step(&mut ops[0], Some(answer), ms, &waker), Said::Done);
        assert!(ops.iter_mut().all(|op| step(op, None, ms, &waker) == Said::Done));
        assert_eq!(self.calls() - before, 1);
    }
}

/// A hundred opens while the service is so: that status each, one call for all; then it is well.
#[track_caller]
fn fails(mood: Mood, status: OpError, well_after_ms: u64) {
    let case = Case::new(Limits::default());
    case.fixture.service.is(mood);
    for _ in 0..100 {
        assert_eq!(case.fixture.open(&case.envelope, place(b"o"), 0), Err(status));
    }
    assert_eq!(case.calls(), 1);
    case.recovers(well_after_ms);
}

#[test]
fn hung() {
    let case = Case::new(Limits::default());
    let (_, waker) = bell();
    let mut ops: Vec<Op> = (0..100).map(|_| case.op(0)).collect();
    for op in &mut ops {
        op.set_deadline(2_000_000_000);
        assert!(matches!(step(op, None, 0, &waker), Said::Ask(_) | Said::Wait(_)));
    }
    // No answer comes. At the deadline each ends, whether it asked or waited.
    for op in &mut ops {
        assert_eq!(step(op, None, 2_000, &waker), Said::Failed(OpError::Timeout));
    }
    case.recovers(2_000);
}

/// The same for those that block: the provider keeps to its timeout, which the deadline bounds.
#[test]
fn hung_while_threads_block() {
    struct Hung;
    impl Provider for Hung {
        fn call(&self, _: &Ask<'_>, timeout: Duration) -> Result<Answer, Failure> {
            assert!(timeout <= Duration::from_millis(50), "{timeout:?}");
            std::thread::sleep(timeout);
            Err(AWAY)
        }
    }
    let (case, begin) = (Case::new(Limits::default()), Instant::now());
    let clock = || Time { wall_s: WALL, mono_ns: begin.elapsed().as_nanos() as u64 };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut op = case.fixture.keyring.open(&opening(&case.envelope, place(b"o")), clock());
                let outcome = op.run(&Hung, Duration::from_millis(50), &clock);
                assert!(matches!(outcome, Err(OpError::Timeout | OpError::Retry { .. })), "{outcome:?}");
            });
        }
    });
    assert_eq!(case.calls(), 0);
}

#[test]
fn slow() {
    let case = Case::new(Limits { call_ms: 1_000, ..Limits::default() });
    let (_, waker) = bell();
    let mut ops: Vec<Op> = (0..100).map(|_| case.op(0)).collect();
    for op in &mut ops {
        op.set_deadline(3_000_000_000);
        step(op, None, 0, &waker);
    }
    // Late, but within the lease and the deadline: it counts for all.
    let answer = reply(&case.fixture.service, &mut ops[0], 999, &waker);
    assert_eq!(step(&mut ops[0], Some(answer), 999, &waker), Said::Done);
    assert!(ops[1..].iter_mut().all(|op| step(op, None, 999, &waker) == Said::Done));
    assert_eq!(case.calls(), 1);
}

#[test]
fn away_as_with_5xx() {
    fails(Mood::Fails(AWAY), OpError::Retry { after: Duration::from_millis(50) }, 50);
}

#[test]
fn throttled_for_as_long_as_it_says() {
    let after = Duration::from_millis(800);
    fails(Mood::Fails(Failure::Retry { after }), OpError::Retry { after }, 800);
}

#[test]
fn an_error_of_its_own() {
    fails(Mood::Fails(Failure::Error { code: 42 }), OpError::Kms { code: 42 }, 1_000);
}

#[test]
fn garbage() {
    for mood in [Mood::Zeros, Mood::BadVersion] {
        fails(mood, OpError::Kms { code: 0 }, 1_000);
    }
}

#[test]
fn a_key_of_the_wrong_length() {
    fails(Mood::WrongLength, OpError::Kms { code: 0 }, 1_000);
}

#[test]
fn another_key_id() {
    fails(Mood::WrongKeyId, OpError::Kms { code: 0 }, 1_000);
}

#[test]
fn a_wrong_key() {
    fails(Mood::WrongSecret, OpError::Core(Error::Commit), 1_000);
}

/// Its answers are all in order, each for the other's ask: neither object opens with it, nor suffers for longer than a
/// failure is kept.
#[test]
fn the_right_key_of_another_object() {
    let case = Case::new(Limits::default());
    let other = case.fixture.create(&REMOTE, &place(b"p"), 0).unwrap();
    let (_, waker) = bell();
    let mut one = case.op(0);
    let mut two = case.fixture.keyring.open(&opening(&other, place(b"p")), at(0));
    let [mut a, mut b] = [&mut one, &mut two].map(|op| reply(&case.fixture.service, op, 0, &waker));
    std::mem::swap(&mut a.outcome, &mut b.outcome);
    for (op, answer) in [(&mut one, a), (&mut two, b)] {
        assert_eq!(step(op, Some(answer), 0, &waker), Said::Failed(OpError::Core(Error::Commit)));
    }
    assert_eq!(case.fixture.open(&case.envelope, place(b"o"), 999), Err(OpError::Core(Error::Commit)));
    case.recovers(1_000);
    assert_eq!(case.fixture.open(&other, place(b"p"), 1_000), Ok(()));
    assert_eq!(case.fixture.service.count_of(Verb::Unwrap), 4);
}

#[test]
fn a_key_that_is_unknown_denied_or_disabled() {
    for (failure, status) in [
        (Failure::Unknown, OpError::Core(Error::NoVersion)),
        (Failure::Denied, OpError::Denied),
        (Failure::Disabled, OpError::Core(Error::KeyState)),
    ] {
        fails(Mood::Fails(failure), status, 1_000);
    }
}
