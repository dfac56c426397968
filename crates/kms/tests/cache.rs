//! What is kept, for whom and for how long. Time is passed in: nothing here sleeps.

mod service;

use ossenc::{Change, Context, Error, Expect, Method, Shape};
use ossenc_kms::{Choice, Failure, Limits, OpError, Opening, Verb};
use service::{ALLOW, BUCKET_KEY, Fixture, Mood, REMOTE, Said, at, bell, finish, opening, place, reply, step};

const BY_REFERENCE: Choice<'_> =
    Choice::BucketKey { method: Method::SseKms, provider: "test-kms", key: "cmk", by_reference: true };
const LOCAL_BY_REFERENCE: Choice<'_> =
    Choice::BucketKey { method: Method::SseKms, provider: "", key: "oss", by_reference: true };
const LOCAL_BY_VALUE: Choice<'_> =
    Choice::BucketKey { method: Method::SseKms, provider: "", key: "oss", by_reference: false };

fn opened_calls(limits: Limits, times: &[u64]) -> usize {
    let fixture = Fixture::new(limits);
    let envelope = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
    times.iter().for_each(|ms| fixture.open(&envelope, place(b"o"), *ms).unwrap());
    fixture.service.count_of(Verb::Unwrap)
}

#[test]
fn the_hard_lifetime_and_the_uses_bound_an_entry() {
    let limits = Limits::default();
    let times = [0, 1, 1_000, 3_599_999];
    assert_eq!(opened_calls(limits, &times), 1);
    assert_eq!(opened_calls(limits, &[0, 3_600_000]), 2);
    assert_eq!(opened_calls(Limits { hard_ms: 1_000, ..limits }, &times), 3);
    assert_eq!(opened_calls(Limits { hard_ms: 0, ..limits }, &times), 4);
    assert_eq!(opened_calls(Limits { uses: 1, ..limits }, &[0; 10]), 5, "asked for, served once, asked for");
    assert_eq!(opened_calls(Limits { uses: 9, ..limits }, &[0; 10]), 1);
    assert_eq!(opened_calls(Limits { uses: 8, ..limits }, &[0; 10]), 2);
    assert_eq!(opened_calls(Limits { entries: 0, ..limits }, &[0; 10]), 10);
    assert_eq!(opened_calls(Limits { negative_ms: 0, ..limits }, &[0; 10]), 1);
}

#[test]
fn the_least_recently_used_entry_goes_first() {
    for (entries, calls) in [(1, 6), (2, 5), (3, 3)] {
        let fixture = Fixture::new(Limits { entries, ..Limits::default() });
        let envelopes: Vec<_> = (0..3).map(|_| fixture.create(&REMOTE, &place(b"o"), 0).unwrap()).collect();
        for i in [0, 1, 0, 2, 1, 0] {
            fixture.open(&envelopes[i], place(b"o"), 0).unwrap();
        }
        assert_eq!(fixture.service.count_of(Verb::Unwrap), calls, "{entries}");
    }
}

#[test]
fn failures_are_kept_for_negative_ms() {
    for (negative_ms, calls) in [(0, 10), (1_000, 1), (4, 2)] {
        let fixture = Fixture::new(Limits { negative_ms, ..Limits::default() });
        let envelope = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
        fixture.service.is(Mood::Fails(Failure::Denied));
        for ms in [0, 1, 2, 3, 3, 4, 5, 6, 7, 7] {
            assert_eq!(fixture.open(&envelope, place(b"o"), ms), Err(OpError::Denied));
        }
        assert_eq!(fixture.service.count_of(Verb::Unwrap), calls, "{negative_ms}");
    }
}

#[test]
fn a_disabled_key_serves_no_longer_than_the_hard_lifetime() {
    let limits = Limits { soft_ms: 100, hard_ms: 1_000, ..Limits::default() };
    for choice in [REMOTE, BUCKET_KEY, BY_REFERENCE] {
        let fixture = Fixture::new(limits);
        let envelope = fixture.create(&choice, &place(b"o"), 0).unwrap();
        fixture.open(&envelope, place(b"o"), 0).unwrap();
        fixture.service.is(Mood::Fails(Failure::Disabled));
        // Served all the time, which makes it live no longer.
        for ms in (0..1_000).step_by(50) {
            assert_eq!(fixture.open(&envelope, place(b"o"), ms), Ok(()));
        }
        assert_eq!(fixture.open(&envelope, place(b"o"), 1_000), Err(OpError::Core(Error::KeyState)));
        assert_eq!(fixture.create(&choice, &place(b"o"), 1_000), Err(OpError::Core(Error::KeyState)));
    }
    // What an operation has in hand, too, ends with it.
    let fixture = Fixture::new(limits);
    let envelope = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
    let change = ossenc_kms::Rewrapping { to: Some(REMOTE), ..Default::default() };
    let mut op = fixture.keyring.rewrap(&opening(&envelope, place(b"o")), &change, at(0));
    let (_, waker) = bell();
    let unwrapped = reply(&fixture.service, &mut op, 0, &waker);
    let Said::Ask(_) = step(&mut op, Some(unwrapped), 0, &waker) else { panic!("it lacks the new key") };
    let generated = reply(&fixture.service, &mut op, 0, &waker);
    fixture.service.is(Mood::Fails(Failure::Disabled));
    let Said::Ask(_) = step(&mut op, Some(generated), 5_000, &waker) else { panic!("the old key is too old") };
    let refused = reply(&fixture.service, &mut op, 5_000, &waker);
    assert_eq!(step(&mut op, Some(refused), 5_000, &waker), Said::Failed(OpError::Core(Error::KeyState)));
}

/// The lifetime counts from the ask: what was decided before may have been revoked since.
#[test]
fn a_late_answer_lives_shorter() {
    let fixture = Fixture::new(Limits { hard_ms: 1_000, ..Limits::default() });
    let envelope = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
    let mut op = fixture.keyring.open(&opening(&envelope, place(b"o")), at(0));
    let (_, waker) = bell();
    let answer = reply(&fixture.service, &mut op, 0, &waker);
    assert_eq!(step(&mut op, Some(answer), 900, &waker), Said::Done);
    fixture.open(&envelope, place(b"o"), 999).unwrap();
    assert_eq!(fixture.service.count_of(Verb::Unwrap), 1);
    fixture.open(&envelope, place(b"o"), 1_000).unwrap();
    assert_eq!(fixture.service.count_of(Verb::Unwrap), 2);
}

/// CVE-2026-6550 elsewhere: a cache that several shared let one do what policy forbids it.
#[test]
fn policy_is_checked_on_every_hit() {
    let fixture = Fixture::new(Limits::default());
    for choice in [REMOTE, BUCKET_KEY, BY_REFERENCE, LOCAL_BY_REFERENCE] {
        let envelope = fixture.create(&choice, &place(b"o"), 0).unwrap();
        fixture.open(&envelope, place(b"o"), 0).unwrap();
        let calls = fixture.service.count();
        for expect in [
            Expect { methods: &[Method::SseOss], ..ALLOW },
            Expect { methods: &[], ..ALLOW },
            Expect { key_ids: &["other"], ..ALLOW },
            Expect { key_ids: &[], ..ALLOW },
        ] {
            let refused = Opening { expect, ..opening(&envelope, place(b"o")) };
            let mut op = fixture.keyring.open(&refused, at(0));
            assert!(matches!(fixture.finish(&mut op, 0), Err(OpError::Core(Error::Expect(_)))));
        }
        assert_eq!(fixture.service.count(), calls);
    }
}

#[test]
fn an_entry_of_one_context_is_never_served_to_another() {
    let home = place(b"o");
    let others = [
        Context { tenant: b"evil", ..home },
        Context { bucket_id: b"b-18", ..home },
        Context { tenant: b"acmeb", bucket_id: b"-17", ..home },
        Context { user: &[("project", "gemini")], ..home },
        Context { user: &[], ..home },
    ];
    for choice in [REMOTE, BUCKET_KEY, BY_REFERENCE, LOCAL_BY_REFERENCE, LOCAL_BY_VALUE] {
        let is_remote = matches!(choice, Choice::Remote { .. });
        let fixture = Fixture::new(Limits::default());
        let envelope = fixture.create(&choice, &home, 0).unwrap();
        fixture.open(&envelope, home, 0).unwrap();
        for (i, other) in others.iter().enumerate() {
            let before = fixture.service.count_of(Verb::Unwrap) + fixture.service.count_of(Verb::LoadBucketKey);
            let refused = fixture.open(&envelope, *other, 0).unwrap_err();
            let after = fixture.service.count_of(Verb::Unwrap) + fixture.service.count_of(Verb::LoadBucketKey);
            // Not at hand, so it was asked for under that context; a bucket key does not know user pairs.
            let is_elsewhere = is_remote || i < 3;
            let by_value_locally = matches!(choice, Choice::BucketKey { provider: "", by_reference: false, .. });
            assert_eq!(after > before, is_elsewhere && !by_value_locally, "{choice:?} {i}");
            let from_the_service = is_elsewhere && !matches!(choice, Choice::BucketKey { provider: "", .. });
            let expected = if from_the_service { OpError::Denied } else { OpError::Core(Error::Commit) };
            assert_eq!(refused, expected, "{choice:?} {i}");
        }
        // And nobody else has suffered.
        assert_eq!(fixture.open(&envelope, home, 0), Ok(()));
    }
}

#[test]
fn a_bucket_key_refuses_as_soon_as_its_local_master_key_does() {
    for choice in [LOCAL_BY_REFERENCE, LOCAL_BY_VALUE] {
        let mut fixture = Fixture::new(Limits::default());
        let envelope = fixture.create(&choice, &place(b"o"), 0).unwrap();
        fixture.open(&envelope, place(b"o"), 0).unwrap();
        let stored = fixture.service.count_of(Verb::StoreBucketKey);
        fixture.change(&Change::Stage { key_id: "oss" });
        fixture.change(&Change::Promote { key_id: "oss", version: None });
        assert_eq!(fixture.open(&envelope, place(b"o"), 0), Ok(()));
        // After the rotation another bucket key wraps.
        fixture.create(&choice, &place(b"o"), 0).unwrap();
        assert_eq!(fixture.service.count_of(Verb::StoreBucketKey), 2 * stored);
        fixture.change(&Change::Retire { key_id: "oss", version: 1 });
        assert_eq!(fixture.open(&envelope, place(b"o"), 0), Err(OpError::Core(Error::KeyState)), "{choice:?}");
    }
}

#[test]
fn a_refresh_asks_again_for_what_is_used_and_due() {
    let limits = Limits { soft_ms: 100, hard_ms: 1_000, ..Limits::default() };
    for choice in [REMOTE, BUCKET_KEY, BY_REFERENCE] {
        let fixture = Fixture::new(limits);
        let envelope = fixture.create(&choice, &place(b"o"), 0).unwrap();
        fixture.open(&envelope, place(b"o"), 0).unwrap();
        let calls = fixture.service.count();
        assert!(fixture.keyring.refresh(at(99)).is_none());
        assert!(fixture.keyring.refresh(at(100)).is_none(), "nobody has used it since");
        fixture.open(&envelope, place(b"o"), 900).unwrap();
        let mut op = fixture.keyring.refresh(at(900)).unwrap();
        assert!(fixture.keyring.refresh(at(900)).is_none(), "once");
        assert_eq!(fixture.finish(&mut op, 900), Ok(()));
        assert!(op.object().is_none() && op.envelope().is_none());
        assert_eq!(fixture.service.count() - calls, 1);
        // It lives from then on.
        assert_eq!(fixture.open(&envelope, place(b"o"), 1_899), Ok(()));
        assert_eq!(fixture.service.count() - calls, 1);
        // A wrong key is not believed, and does not replace the right one.
        fixture.service.is(Mood::WrongSecret);
        let mut op = fixture.keyring.refresh(at(1_899)).unwrap();
        assert_eq!(fixture.finish(&mut op, 1_899), Err(OpError::Kms { code: 0 }));
        assert_eq!(fixture.open(&envelope, place(b"o"), 1_899), Ok(()));
        // A key that the service has disabled goes at once.
        fixture.service.is(Mood::Well);
        let fixture = Fixture::new(limits);
        let envelope = fixture.create(&choice, &place(b"o"), 0).unwrap();
        fixture.open(&envelope, place(b"o"), 0).unwrap();
        fixture.open(&envelope, place(b"o"), 200).unwrap();
        fixture.service.is(Mood::Fails(Failure::Disabled));
        let disabled = Err(OpError::Core(Error::KeyState));
        assert_eq!(fixture.finish(&mut fixture.keyring.refresh(at(200)).unwrap(), 200), disabled);
        assert_eq!(fixture.open(&envelope, place(b"o"), 200), disabled);
    }
}

#[test]
fn evict_drops_the_keys_of_one_master_key_or_all_and_what_is_under_way() {
    let fixture = Fixture::new(Limits::default());
    let envelope = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
    let unwraps = || fixture.service.count_of(Verb::Unwrap);
    let open = || fixture.open(&envelope, place(b"o"), 0).unwrap();
    open();
    fixture.keyring.evict(Some("other"));
    open();
    assert_eq!(unwraps(), 1);
    fixture.keyring.evict(Some("cmk"));
    open();
    assert_eq!(unwraps(), 2);
    fixture.keyring.evict(None);
    // An answer to an ask from before an eviction serves its operation and is not kept.
    let mut op = fixture.keyring.open(&opening(&envelope, place(b"o")), at(0));
    let (_, waker) = bell();
    let answer = reply(&fixture.service, &mut op, 0, &waker);
    fixture.keyring.evict(None);
    assert_eq!(step(&mut op, Some(answer), 0, &waker), Said::Done);
    assert_eq!(unwraps(), 3);
    open();
    assert_eq!(unwraps(), 4);
    // A bucket key that was evicted wraps no more.
    fixture.create(&BUCKET_KEY, &place(b"o"), 0).unwrap();
    let generated = fixture.service.count_of(Verb::Generate);
    fixture.create(&BUCKET_KEY, &place(b"o"), 0).unwrap();
    assert_eq!(fixture.service.count_of(Verb::Generate), generated);
    fixture.keyring.evict(Some("cmk"));
    fixture.create(&BUCKET_KEY, &place(b"o"), 0).unwrap();
    assert_eq!(fixture.service.count_of(Verb::Generate), generated + 1);
}

#[test]
fn a_bucket_key_wraps_for_its_time_and_its_objects() {
    let generated = |limits: Limits, times: &[u64]| {
        let fixture = Fixture::new(limits);
        times.iter().for_each(|ms| drop(fixture.create(&BUCKET_KEY, &place(b"o"), *ms).unwrap()));
        fixture.service.count()
    };
    let limits = Limits::default();
    assert_eq!(generated(limits, &[0, 1, 3_599_999]), 1);
    assert_eq!(generated(limits, &[0, 3_600_000]), 2);
    assert_eq!(generated(Limits { bucket_key_s: 10, ..limits }, &[0, 9_999, 10_000, 19_999, 20_000]), 3);
    assert_eq!(generated(Limits { hard_ms: 10_000, ..limits }, &[0, 9_999, 10_000]), 2, "revoked is revoked");
    assert_eq!(generated(Limits { bucket_key_uses: 3, ..limits }, &[0; 9]), 3);
    assert_eq!(generated(Limits { bucket_key_uses: 1, ..limits }, &[0; 9]), 9);
    assert_eq!(generated(Limits { bucket_key_uses: 0, ..limits }, &[0; 9]), 9);
}

#[test]
fn no_slot_refers_to_a_bucket_key_before_its_record_is_durable() {
    for choice in [BY_REFERENCE, LOCAL_BY_REFERENCE] {
        let fixture = Fixture::new(Limits::default());
        let mut op = fixture.keyring.create(&choice, &place(b"o"), Shape::Single, at(0));
        let (_, waker) = bell();
        let mut last = None;
        let mut answer = None;
        loop {
            match op.step(answer.take(), at(0), &waker).unwrap() {
                ossenc_kms::Step::Ask(open) => {
                    last = Some(open.ask().verb);
                    answer = Some(fixture.service.reply(&open.ask()));
                }
                ossenc_kms::Step::Done => break,
                ossenc_kms::Step::Wait { .. } => panic!("nobody else is at it"),
            }
        }
        assert_eq!(last, Some(Verb::StoreBucketKey));
        // A store that refuses: no object, and the key is not used for the next one either.
        let fixture = Fixture::new(Limits { negative_ms: 0, ..Limits::default() });
        let mut op = fixture.keyring.create(&choice, &place(b"o"), Shape::Single, at(0));
        let mut outcome = None;
        while outcome.is_none() {
            let answer = reply(&fixture.service, &mut op, 0, &waker);
            let is_store = fixture.service.count_of(Verb::StoreBucketKey) > 0;
            let outcome_of = if is_store { Err(Failure::Denied) } else { answer.outcome };
            if let Said::Failed(error) =
                step(&mut op, Some(ossenc_kms::Reply { outcome: outcome_of, ..answer }), 0, &waker)
            {
                outcome = Some(error);
            }
        }
        assert_eq!(outcome, Some(OpError::Denied));
        let stored = fixture.service.count_of(Verb::StoreBucketKey);
        fixture.create(&choice, &place(b"o"), 0).unwrap();
        assert_eq!(fixture.service.count_of(Verb::StoreBucketKey), stored + 1);
    }
}

/// A record of another bucket key, or one that is damaged, is a bad answer.
#[test]
fn a_record_that_is_not_the_one_referred_to_is_refused() {
    let fixture = Fixture::new(Limits::default());
    let envelope = fixture.create(&BY_REFERENCE, &place(b"o"), 0).unwrap();
    let (_, waker) = bell();
    for blob in [vec![], vec![7; 100], vec![0; 9_000]] {
        let cold = fixture.cold(Limits::default());
        let mut op = cold.open(&opening(&envelope, place(b"o")), at(0));
        let mut answer = reply(&fixture.service, &mut op, 0, &waker);
        answer.outcome.as_mut().unwrap().blob = blob;
        assert_eq!(step(&mut op, Some(answer), 0, &waker), Said::Failed(OpError::Kms { code: 0 }));
    }
}

/// At most one call for each bucket and lifetime, however many objects. OSSENC_OBJECTS=1000000 for the full number.
#[test]
fn a_million_objects_of_a_hundred_buckets_take_a_call_for_each_bucket_and_lifetime() {
    const BUCKETS: u64 = 100;
    const LIFETIMES: u64 = 4;
    const LIFETIME_MS: u64 = 3_600_000;
    let objects: u64 = std::env::var("OSSENC_OBJECTS").map_or(4_000, |n| n.parse().unwrap());
    let limits = Limits { bucket_key_uses: u64::MAX, ..Limits::default() };
    assert_eq!((u64::from(limits.hard_ms), u64::from(limits.bucket_key_s) * 1_000), (LIFETIME_MS, LIFETIME_MS));
    let fixture = Fixture::new(limits);
    let mut first = Vec::new();
    for i in 0..objects {
        let ms = i * LIFETIMES * LIFETIME_MS / objects;
        let bucket = format!("bucket-{}", i % BUCKETS);
        let context = Context { bucket_id: bucket.as_bytes(), ..place(b"o") };
        let envelope = fixture.create(&BUCKET_KEY, &context, ms).unwrap();
        fixture.open(&envelope, context, ms).unwrap();
        if i < BUCKETS {
            first.push(envelope);
        }
    }
    let calls = fixture.service.count() as u64;
    assert!((BUCKETS * (LIFETIMES - 1)..=BUCKETS * LIFETIMES).contains(&calls), "{calls}");
    assert_eq!(fixture.service.count_of(Verb::Generate) as u64, calls);
    // A reader that has nothing: one more call for each.
    let cold = fixture.cold(Limits::default());
    for _ in 0..3 {
        for (i, envelope) in first.iter().enumerate() {
            let bucket = format!("bucket-{i}");
            let context = Context { bucket_id: bucket.as_bytes(), ..place(b"o") };
            finish(&fixture.service, &mut cold.open(&opening(envelope, context), at(0)), 0).unwrap();
        }
    }
    assert_eq!(fixture.service.count() as u64, calls + BUCKETS);
}

/// One object, created and opened through a day of which the service fails a moment, refreshed whenever that is due.
#[test]
fn every_knob_of_the_cache_changes_the_counted_calls() {
    let calls = |limits: Limits| {
        let fixture = Fixture::new(limits);
        let envelope = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
        let other = fixture.create(&REMOTE, &place(b"o"), 0).unwrap();
        for i in 0..100 {
            let ms = i * 100;
            fixture.service.is(if (5..8).contains(&i) { Mood::Fails(Failure::Denied) } else { Mood::Well });
            for envelope in [&envelope, &other] {
                let _ = fixture.open(envelope, place(b"o"), ms);
            }
            let _ = fixture.create(&BUCKET_KEY, &place(b"o"), ms);
            while let Some(mut op) = fixture.keyring.refresh(at(ms)) {
                let _ = fixture.finish(&mut op, ms);
            }
            // A leader that never answers: how soon another takes over is the lease's.
            if i == 50 {
                fixture.keyring.evict(None);
                let mut hung = fixture.keyring.open(&opening(&envelope, place(b"o")), at(ms));
                let (_, waker) = bell();
                step(&mut hung, None, ms, &waker);
                for later in [50, 99] {
                    let mut op = fixture.keyring.open(&opening(&envelope, place(b"o")), at(ms + later));
                    if let Said::Ask(_) = step(&mut op, None, ms + later, &waker) {
                        reply(&fixture.service, &mut op, ms + later, &waker);
                    }
                }
            }
        }
        fixture.service.count()
    };
    let limits = Limits {
        entries: 10,
        uses: 0,
        soft_ms: 300,
        hard_ms: 2_000,
        negative_ms: 300,
        call_ms: 10_000,
        bucket_key_s: 3_600,
        bucket_key_uses: 1 << 20,
    };
    let usual = calls(limits);
    for (knob, other) in [
        ("entries", Limits { entries: 1, ..limits }),
        ("uses", Limits { uses: 2, ..limits }),
        ("soft_ms", Limits { soft_ms: 1_500, ..limits }),
        ("hard_ms", Limits { hard_ms: 200, ..limits }),
        ("negative_ms", Limits { negative_ms: 0, ..limits }),
        ("call_ms", Limits { call_ms: 60, ..limits }),
        ("bucket_key_s", Limits { bucket_key_s: 2, ..limits }),
        ("bucket_key_uses", Limits { bucket_key_uses: 3, ..limits }),
    ] {
        assert_ne!(calls(other), usual, "{knob}");
    }
    assert_eq!(calls(limits), usual, "and nothing else does");
}
