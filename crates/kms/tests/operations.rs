//! Operations one by one: asks and answers, failures, deadlines, what is refused.

mod service;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ossenc::{Context, CustomerKey, Error, Expect, Method, Secret, Shape};
use ossenc_kms::{
    Answer, Audit, Choice, Event, Failure, Keyring, Limits, OpError, Opening, Reply, Rewrapping, Step, Verb, What,
};
use service::{BUCKET_KEY, Fixture, Mood, REMOTE, Said, at, bell, finish, opening, place, reply, step};

#[test]
fn a_local_operation_has_ended_when_it_is_made() {
    let fixture = Fixture::new(Limits::default());
    let local = Choice::Local { method: Method::SseKms, key: "oss" };
    let mut op = fixture.keyring.create(&local, &place(b"o"), Shape::Single, at(0));
    let (_, waker) = bell();
    assert!(op.object().is_none(), "not told yet");
    assert_eq!(step(&mut op, None, 0, &waker), Said::Done);
    assert_eq!(step(&mut op, None, 0, &waker), Said::Done);
    assert!(op.object().is_some());
    let envelope = op.envelope().unwrap().to_vec();
    assert_eq!(fixture.open(&envelope, place(b"o"), 0), Ok(()));
    assert_eq!(fixture.open(&envelope, place(b"p"), 0), Err(OpError::Core(Error::Commit)));
    let mut op = fixture.keyring.open(&opening(&envelope, place(b"p")), at(0));
    assert_eq!(step(&mut op, None, 0, &waker), Said::Failed(OpError::Core(Error::Commit)));
    assert!(matches!(step(&mut op, None, 0, &waker), Said::Failed(OpError::Core(Error::State(_)))));
    assert_eq!(fixture.service.count(), 0);
}

#[test]
fn every_kind_of_key_wraps_opens_and_is_rewrapped_into_every_other() {
    let fixture = Fixture::new(Limits::default());
    let customer = CustomerKey::new(&Secret::new(&[3; 32])).unwrap();
    let by_reference = |provider, key| Choice::BucketKey { method: Method::SseKms, provider, key, by_reference: true };
    let choices = [
        Choice::Local { method: Method::SseKms, key: "oss" },
        REMOTE,
        BUCKET_KEY,
        Choice::BucketKey { method: Method::SseKms, provider: "", key: "oss", by_reference: false },
        by_reference("test-kms", "cmk"),
        by_reference("", "oss"),
        Choice::Customer(&customer),
    ];
    let allow = Expect { methods: &[Method::SseKms, Method::SseC], key_ids: &["", "cmk", "oss"] };
    let context = place(b"o");
    for from in &choices {
        for to in &choices {
            // A keyring that kept nothing has to open what another has made.
            let cold = fixture.cold(Limits::default());
            let envelope = fixture.create(from, &context, 0).unwrap();
            let opening = Opening { envelope: &envelope, context, expect: allow, customer_key: Some(&customer) };
            finish(&fixture.service, &mut cold.open(&opening, at(0)), 0).unwrap();
            let change = Rewrapping { to: Some(*to), ..Rewrapping::default() };
            let mut op = fixture.cold(Limits::default()).rewrap(&opening, &change, at(0));
            finish(&fixture.service, &mut op, 0).unwrap();
            let envelope = op.envelope().unwrap().to_vec();
            let opening = Opening { envelope: &envelope, ..opening };
            finish(&fixture.service, &mut fixture.cold(Limits::default()).open(&opening, at(0)), 0).unwrap();
        }
    }
}

#[test]
fn an_ask_says_what_the_service_needs_and_an_answer_names_it() {
    let fixture = Fixture::new(Limits::default());
    let envelope = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
    let opening = opening(&envelope, place(b"o"));
    let (mut one, mut two) =
        (fixture.keyring.open(&opening, at(0)), fixture.cold(Limits::default()).open(&opening, at(0)));
    let (_, waker) = bell();
    let Step::Ask(open) = one.step(None, at(0), &waker).unwrap() else { panic!("it lacks a key") };
    let ask = open.ask();
    assert_eq!((ask.verb, ask.provider, ask.key_id), (Verb::Unwrap, "test-kms", "cmk"));
    assert_eq!(ask.context, [("ossenc:bucket", "b-17"), ("ossenc:tenant", "acme"), ("project", "apollo")]);
    assert_eq!(ask.context_bytes, place(b"o").kms_bytes().unwrap());
    assert_eq!(open.until_ns(), 10_000_000_000);
    let id = ask.id;
    let good = fixture.service.reply(&ask);
    // The same ask, as long as it is not answered.
    assert_eq!(step(&mut one, None, 5, &waker), Said::Ask(id));
    // Foreign, early and made-up answers are refused, and change nothing.
    let foreign = reply(&fixture.service, &mut two, 5, &waker);
    for id in [0, id + 1, foreign.id + 1_000, u64::MAX] {
        let wrong = Reply { id, outcome: Err(Failure::Denied) };
        assert_eq!(step(&mut one, Some(wrong), 5, &waker), Said::Failed(OpError::NotAsked));
    }
    assert_eq!(step(&mut one, None, 5, &waker), Said::Ask(id));
    assert_eq!(step(&mut one, Some(good), 5, &waker), Said::Done);
    let late = Reply { id, outcome: Err(Failure::Denied) };
    assert_eq!(step(&mut one, Some(late), 5, &waker), Said::Failed(OpError::NotAsked));
    assert_eq!(step(&mut one, None, 5, &waker), Said::Done);
}

#[test]
fn each_failure_has_its_status_and_is_kept_for_its_time() {
    let error = OpError::Kms { code: 0 };
    let cases = [
        (Mood::Fails(Failure::Denied), OpError::Denied),
        (Mood::Fails(Failure::Unknown), OpError::Core(Error::NoVersion)),
        (Mood::Fails(Failure::Disabled), OpError::Core(Error::KeyState)),
        (Mood::Fails(Failure::Error { code: 17 }), OpError::Kms { code: 17 }),
        (Mood::WrongLength, error),
        (Mood::Zeros, error),
        (Mood::WrongKeyId, error),
        (Mood::BadVersion, error),
        // Found by the slot's commitment; not trusted, and gone after negative_ms.
        (Mood::WrongSecret, OpError::Core(Error::Commit)),
    ];
    for (mood, expected) in cases {
        let fixture = Fixture::new(Limits::default());
        let envelope = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
        let made = fixture.service.count();
        fixture.service.is(mood);
        for _ in 0..100 {
            assert_eq!(fixture.open(&envelope, place(b"o"), 10), Err(expected), "{mood:?}");
        }
        assert_eq!(fixture.service.count() - made, 1, "{mood:?}: one call for all");
        fixture.service.is(Mood::Well);
        assert_eq!(fixture.open(&envelope, place(b"o"), 1_009), Err(expected), "{mood:?}");
        assert_eq!(fixture.open(&envelope, place(b"o"), 1_011), Ok(()), "{mood:?}");
        assert_eq!(fixture.service.count() - made, 2, "{mood:?}");
    }
}

#[test]
fn a_bad_answer_to_generate_makes_no_object() {
    for choice in [REMOTE, BUCKET_KEY] {
        for mood in [Mood::WrongLength, Mood::Zeros, Mood::HugeBlob, Mood::BadVersion, Mood::Alias] {
            let fixture = Fixture::new(Limits::default());
            fixture.service.is(mood);
            assert_eq!(fixture.create(&choice, &place(b"o"), 0), Err(OpError::Kms { code: 0 }), "{mood:?}");
        }
    }
    let fixture = Fixture::new(Limits::default());
    let bad = |provider, key| Choice::Remote { method: Method::SseKms, provider, key };
    let long = "k".repeat(2_049);
    for choice in [bad("../bin/sh", "k"), bad("", "k"), bad("test-kms", ""), bad("test-kms", &long)] {
        assert!(matches!(fixture.create(&choice, &place(b"o"), 0), Err(OpError::Core(Error::Argument(_)))));
    }
    let nameless = Context { tenant: b"\xff", ..place(b"o") };
    assert!(matches!(fixture.create(&REMOTE, &nameless, 0), Err(OpError::Core(Error::Argument(_)))));
    assert_eq!(fixture.service.count(), 0, "nobody is asked for what cannot be");
}

#[test]
fn the_back_off_doubles_is_probed_by_one_and_ends_with_a_success() {
    let fixture = Fixture::new(Limits::default());
    // Keys of their own, one service.
    let envelopes: Vec<_> = (0..50).map(|_| fixture.create(&REMOTE, &place(b"o"), 0).unwrap()).collect();
    let made = fixture.service.count();
    fixture.service.is(Mood::Fails(Failure::Retry { after: Duration::ZERO }));
    let mut ms = 1_000;
    for (round, pause) in [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000].into_iter().enumerate() {
        for envelope in &envelopes {
            let failed = fixture.open(envelope, place(b"o"), ms);
            assert_eq!(failed, Err(OpError::Retry { after: Duration::from_millis(pause) }));
        }
        assert_eq!(fixture.service.count() - made, round + 1, "one operation finds out for all");
        ms += pause;
    }
    // The service is back: one probes, and while it does, nobody else asks.
    fixture.service.is(Mood::Well);
    let (_, waker) = bell();
    let mut probe = fixture.keyring.open(&opening(&envelopes[0], place(b"o")), at(ms));
    let answer = reply(&fixture.service, &mut probe, ms, &waker);
    for envelope in &envelopes[1..] {
        assert!(matches!(fixture.open(envelope, place(b"o"), ms), Err(OpError::Retry { .. })));
    }
    assert_eq!(fixture.service.count() - made, 10);
    assert_eq!(step(&mut probe, Some(answer), ms, &waker), Said::Done);
    for envelope in &envelopes[1..] {
        assert_eq!(fixture.open(envelope, place(b"o"), ms), Ok(()));
    }
    assert_eq!(fixture.service.count() - made, 59);
}

#[test]
fn a_service_says_when_and_a_probe_that_is_dropped_frees_the_next() {
    let fixture = Fixture::new(Limits::default());
    let envelope = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
    let made = fixture.service.count();
    fixture.service.is(Mood::Fails(Failure::Retry { after: Duration::from_millis(700) }));
    let retry = |ms| Err(OpError::Retry { after: Duration::from_millis(ms) });
    assert_eq!(fixture.open(&envelope, place(b"o"), 0), retry(700));
    assert_eq!(fixture.open(&envelope, place(b"o"), 699), retry(1));
    assert_eq!(fixture.service.count() - made, 1);
    fixture.service.is(Mood::Well);
    let (_, waker) = bell();
    let mut probe = fixture.keyring.open(&opening(&envelope, place(b"o")), at(700));
    assert!(matches!(step(&mut probe, None, 700, &waker), Said::Ask(_)));
    drop(probe);
    assert_eq!(fixture.open(&envelope, place(b"o"), 700), Ok(()));
    // A month is not believed.
    fixture.keyring.evict(None);
    fixture.service.is(Mood::Fails(Failure::Retry { after: Duration::from_secs(30 * 86_400) }));
    assert_eq!(fixture.open(&envelope, place(b"o"), 800), retry(60_000));
}

#[test]
fn a_deadline_ends_what_would_ask_or_wait() {
    let fixture = Fixture::new(Limits::default());
    let envelope = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
    let opening = opening(&envelope, place(b"o"));
    let (_, waker) = bell();
    let [mut leader, mut waiter, mut third] = [(); 3].map(|()| fixture.keyring.open(&opening, at(0)));
    leader.set_deadline(500_000_000);
    waiter.set_deadline(400_000_000);
    assert!(matches!(step(&mut leader, None, 0, &waker), Said::Ask(_)));
    assert_eq!(step(&mut waiter, None, 0, &waker), Said::Wait(400));
    assert_eq!(step(&mut waiter, None, 400, &waker), Said::Failed(OpError::Timeout));
    assert_eq!(step(&mut third, None, 400, &waker), Said::Wait(10_000));
    assert_eq!(step(&mut leader, None, 500, &waker), Said::Failed(OpError::Timeout));
    assert!(matches!(step(&mut third, None, 500, &waker), Said::Ask(_)), "the leader's place is free");
    // An answer that comes at the last moment counts: it ends the operation anyway.
    third.set_deadline(600_000_000);
    let answer = reply(&fixture.service, &mut third, 599, &waker);
    assert_eq!(step(&mut third, Some(answer), 700, &waker), Said::Done);
}

#[test]
fn another_slot_opens_when_the_first_ones_service_is_away() {
    let fixture = Fixture::new(Limits::default());
    let envelope = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
    let local = Choice::Local { method: Method::SseKms, key: "oss" };
    let both = |to, keep_slots| {
        let change = Rewrapping { to: Some(to), keep_slots, ..Rewrapping::default() };
        let mut op = fixture.keyring.rewrap(&opening(&envelope, place(b"o")), &change, at(0));
        fixture.finish(&mut op, 0).unwrap();
        op.envelope().unwrap().to_vec()
    };
    let two_slots = both(local, true);
    let cold = fixture.cold(Limits::default());
    fixture.service.is(Mood::Fails(Failure::Denied));
    let only_remote = Opening {
        expect: Expect { methods: &[Method::SseKms], key_ids: &["cmk"] },
        ..opening(&two_slots, place(b"o"))
    };
    assert_eq!(finish(&fixture.service, &mut cold.open(&only_remote, at(0)), 0), Err(OpError::Denied));
    assert_eq!(finish(&fixture.service, &mut cold.open(&opening(&two_slots, place(b"o")), at(0)), 0), Ok(()));
}

#[test]
fn a_rewrap_asks_for_the_new_key_once_the_old_one_has_opened() {
    let fixture = Fixture::new(Limits::default());
    let envelope = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
    let generated = fixture.service.count_of(Verb::Generate);
    let change = Rewrapping { to: Some(REMOTE), ..Rewrapping::default() };
    let mut op = fixture.keyring.rewrap(&opening(&envelope, place(b"wrong")), &change, at(0));
    assert_eq!(fixture.finish(&mut op, 0), Err(OpError::Core(Error::Commit)));
    assert_eq!(fixture.service.count_of(Verb::Generate), generated);
    // A rename of a remote object is no call, once it is open.
    fixture.open(&envelope, place(b"o"), 5_000).unwrap();
    let before = fixture.service.count();
    let change = Rewrapping { context: Some(place(b"p")), ..Rewrapping::default() };
    let mut op = fixture.keyring.rewrap(&opening(&envelope, place(b"o")), &change, at(5_000));
    assert_eq!(fixture.finish(&mut op, 5_000), Ok(()));
    assert_eq!(fixture.service.count(), before);
    let renamed = op.envelope().unwrap().to_vec();
    assert_eq!(fixture.open(&renamed, place(b"p"), 5_000), Ok(()));
}

/// What was done, whether the object is told, provider, key, and how it ended.
type Entry = (What, bool, String, String, Result<(), OpError>);

#[derive(Default)]
struct Log(Mutex<Vec<Entry>>);

impl Audit for Log {
    fn event(&self, event: &Event<'_>) {
        let (provider, key_id) = (event.provider.into(), event.key_id.into());
        self.0.lock().unwrap().push((event.what, event.object_id.is_some(), provider, key_id, event.outcome));
    }
}

#[test]
fn every_wrap_and_unwrap_is_audited_and_counted() {
    let mut fixture = Fixture::new(Limits::default());
    let log = Arc::new(Log::default());
    fixture.keyring = Keyring::new(fixture.engine.clone(), Limits::default(), Some(Arc::clone(&log) as _));
    fixture.keyring.publish(Arc::clone(&fixture.keystore)).unwrap();
    let envelope = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
    fixture.open(&envelope, place(b"o"), 0).unwrap();
    fixture.open(&envelope, place(b"o"), 0).unwrap();
    fixture.open(&envelope, place(b"p"), 0).unwrap_err();
    let mut op = fixture.keyring.rewrap(&opening(&envelope, place(b"o")), &Rewrapping::default(), at(0));
    fixture.finish(&mut op, 0).unwrap();
    let missing = Choice::Local { method: Method::SseKms, key: "no\"ne\\" };
    fixture.create(&missing, &place(b"o"), 0).unwrap_err();
    fixture.open(b"junk", place(b"o"), 0).unwrap_err();
    let cmk = |what, outcome| (what, true, "test-kms".to_owned(), "cmk".to_owned(), outcome);
    let (commit, none) = (Err(OpError::Core(Error::Commit)), Err(OpError::Core(Error::NoVersion)));
    let expected = vec![
        cmk(What::Wrap, Ok(())),
        cmk(What::Unwrap, Ok(())),
        cmk(What::Unwrap, Ok(())),
        cmk(What::Unwrap, commit),
        cmk(What::Unwrap, Ok(())),
        cmk(What::Wrap, Ok(())),
        (What::Wrap, false, String::new(), "no\"ne\\".into(), none),
    ];
    let mut found = std::mem::take(&mut *log.0.lock().unwrap());
    let junk = found.pop().unwrap();
    assert_eq!(found, expected);
    assert!(matches!(junk, (What::Unwrap, false, _, _, Err(OpError::Core(Error::Format(_))))));
    let text = fixture.keyring.stats();
    for line in [
        "ossenc_cache_entries 1",
        r#"ossenc_wraps_total{provider="test-kms",key_id="cmk",outcome="ok"} 2"#,
        r#"ossenc_wraps_total{provider="",key_id="no\"ne\\",outcome="noversion"} 1"#,
        r#"ossenc_unwraps_total{provider="test-kms",key_id="cmk",outcome="ok"} 3"#,
        r#"ossenc_unwraps_total{provider="test-kms",key_id="cmk",outcome="commit"} 1"#,
        r#"ossenc_cache_hits_total{provider="test-kms",key_id="cmk"} 3"#,
        r#"ossenc_kms_calls_total{provider="test-kms",key_id="cmk",verb="unwrap"} 1"#,
        r#"ossenc_kms_call_seconds_count{provider="test-kms",key_id="cmk"} 2"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn nothing_printed_holds_a_secret() {
    let answer = Answer { secret: Some(Secret::new(&[0x5a; 32])), ..Answer::default() };
    assert!(!format!("{answer:?}").contains("90"));
    let fixture = Fixture::new(Limits::default());
    let mut op = fixture.keyring.create(&REMOTE, &place(b"o"), Shape::Single, at(0));
    let (_, waker) = bell();
    step(&mut op, None, 0, &waker);
    assert_eq!(format!("{op:?}"), "Op { state: \"asks\", .. }");
    assert!(format!("{:?}", fixture.keyring).starts_with("Keyring { limits"));
}

#[test]
fn without_a_keystore_nothing_begins() {
    let fixture = Fixture::new(Limits::default());
    let keyring = Keyring::new(fixture.engine.clone(), Limits::default(), None);
    let mut op = keyring.create(&REMOTE, &place(b"o"), Shape::Single, at(0));
    assert_eq!(fixture.finish(&mut op, 0), Err(OpError::NoKeystore));
}
