//! Many envelopes whose keys a service has: rewrapped by operations, with the service's calls counted.
#![cfg(unix)]

mod service;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use ossenc::{Context, Envelope, Error, Expect, Kind, Method, Shape};
use ossenc_kms::fleet::{
    CheckpointError, Counters, EnvelopeList, Folder, ItemError, JobError, ListJob, Location, Observer, Outcome, Place,
    RewrapJob, ServiceRewrapper, Summary,
};
use ossenc_kms::sealed_file::{Create, SealedFile, create};
use ossenc_kms::{Answer, Ask, Choice, Failure, Keyring, Limits, OpError, Provider, Time, Verb};
use service::{ALLOW, AWAY, BUCKET_KEY, Fixture, Mood, REMOTE, WALL, at, finish, opening};

const FILES: usize = 30;
const OTHER: Choice<'_> = Choice::Remote { method: Method::SseKms, provider: "test-kms", key: "cmk-2" };
const LOCAL: Choice<'_> = Choice::Local { method: Method::SseKms, key: "oss" };
const EITHER: Expect<'_> = Expect { methods: &[Method::SseKms], key_ids: &["cmk", "cmk-2", "oss"] };
const HERE: Context<'_> = Context { tenant: b"acme", bucket_id: b"b-0", object: b"", version_id: b"", user: &[] };

/// Two buckets.
fn place(tenant: &str, name: &Path) -> Place {
    let name = name.to_str().unwrap();
    Place::new(tenant, format!("b-{}", name.len() % 2), name)
}

fn locate(name: &Path) -> Result<Location, String> {
    Ok(Location::at(place("acme", name)))
}

/// Sealed files under keys of `choice`; a keyring that keeps nothing yet.
struct Fleet {
    fixture: Fixture,
    folder: tempfile::TempDir,
    keyring: Keyring,
}

impl Fleet {
    fn new(choice: &Choice<'_>) -> Fleet {
        let (fixture, folder) = (Fixture::new(Limits::default()), tempfile::tempdir().unwrap());
        for i in 0..FILES {
            let name = PathBuf::from(format!("{i}"));
            place("acme", &name).with(|context| {
                let mut op = fixture.keyring.create(choice, context, Shape::Single, at(0));
                fixture.finish(&mut op, 0).unwrap();
                let (object, envelope) = (op.object().unwrap(), op.envelope().unwrap());
                create(folder.path().join(&name), object, envelope, &b"data"[..], &Create::default()).unwrap();
            });
        }
        fixture.service.calls.store(0, SeqCst);
        fixture.service.by_verb.lock().unwrap().clear();
        let keyring = fixture.cold(Limits::default());
        Fleet { fixture, folder, keyring }
    }

    fn source(&self) -> Folder {
        Folder::new(self.folder.path())
    }

    fn envelopes(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| PathBuf::from(entry.unwrap().file_name()));
        names
            .map(|name| {
                let envelope = SealedFile::open(self.folder.path().join(&name)).unwrap().envelope().to_vec();
                (name, envelope)
            })
            .collect()
    }

    /// Every file is under that key alone, and opens with a keyring that keeps nothing.
    #[track_caller]
    fn is_under(&self, kind: Kind, key: &str, version: &str, tenant: &str) {
        let cold = self.fixture.cold(Limits::default());
        for (name, envelope) in self.envelopes() {
            let parsed = Envelope::parse(&envelope).unwrap();
            let slot = &parsed.slots()[0];
            assert_eq!((parsed.slots().len(), slot.kind(), slot.key_id()), (1, kind, key));
            assert_eq!(slot.key_version(), version);
            place(tenant, &name).with(|context| {
                let opening = ossenc_kms::Opening { expect: EITHER, ..opening(&envelope, *context) };
                finish(&self.fixture.service, &mut cold.open(&opening, at(0)), 0).unwrap();
            });
        }
    }

    fn calls(&self) -> (usize, usize) {
        (self.fixture.service.count_of(Verb::Unwrap), self.fixture.service.count_of(Verb::Generate))
    }
}

fn counted(rewrapped: usize, done: usize) -> Counters {
    Counters { rewrapped: rewrapped as u64, done: done as u64, ..Counters::default() }
}

/// A real clock.
fn clock() -> impl Fn() -> Time + Sync {
    let begin = Instant::now();
    move || Time { wall_s: WALL, mono_ns: begin.elapsed().as_nanos() as u64 }
}

fn still() -> Time {
    at(0)
}

#[test]
fn to_another_remote_key_is_two_calls_for_each_envelope_and_none_for_those_that_are_done() {
    let fleet = Fleet::new(&REMOTE);
    for (round, rewrapped) in [(1, FILES), (2, 0)] {
        let service = &fleet.fixture.service;
        let rewrapper = ServiceRewrapper::new(&fleet.keyring, service, &still, EITHER, OTHER, &HERE).unwrap();
        let job = RewrapJob { threads: 4, ..RewrapJob::new(&rewrapper, &locate) };
        if round == 1 {
            let dry = RewrapJob { dry_run: true, ..job }.run(&fleet.source()).unwrap();
            assert_eq!(dry.counters, counted(FILES, 0));
            fleet.is_under(Kind::Remote, "cmk", "", "acme");
            fleet.keyring.evict(None);
            service.by_verb.lock().unwrap().clear();
        }
        let summary = job.run(&fleet.source()).unwrap();
        assert_eq!(summary.counters, counted(rewrapped, FILES - rewrapped), "{summary:?}");
        // The one besides is asked for the version that wraps: before the first round it was not counted.
        assert_eq!(fleet.calls(), (FILES, FILES + round - 1));
    }
    fleet.is_under(Kind::Remote, "cmk-2", "", "acme");
}

#[test]
fn to_bucket_keys_is_one_call_for_each_bucket_besides_those_that_unwrap() {
    let fleet = Fleet::new(&REMOTE);
    let rewrapper =
        ServiceRewrapper::new(&fleet.keyring, &fleet.fixture.service, &still, ALLOW, BUCKET_KEY, &HERE).unwrap();
    let job = RewrapJob { threads: 4, ..RewrapJob::new(&rewrapper, &locate) };
    assert_eq!(job.run(&fleet.source()).unwrap().counters, counted(FILES, 0));
    assert_eq!(fleet.calls(), (FILES, 2));
    assert_eq!(job.run(&fleet.source()).unwrap().counters, counted(0, FILES));
    assert_eq!(fleet.calls(), (FILES, 2));
    fleet.is_under(Kind::BucketKey, "cmk", "", "acme");
}

#[test]
fn between_the_keystore_and_a_service_in_both_directions() {
    let fleet = Fleet::new(&LOCAL);
    for (to, kind, key, version, calls) in
        [(REMOTE, Kind::Remote, "cmk", "", (0, FILES + 1)), (LOCAL, Kind::Local, "oss", "1", (FILES, 0))]
    {
        let service = &fleet.fixture.service;
        service.by_verb.lock().unwrap().clear();
        let rewrapper = ServiceRewrapper::new(&fleet.keyring, service, &still, EITHER, to, &HERE).unwrap();
        let summary = RewrapJob::new(&rewrapper, &locate).run(&fleet.source()).unwrap();
        assert_eq!(summary.counters, counted(FILES, 0), "{summary:?}");
        assert_eq!(fleet.calls(), calls);
        fleet.is_under(kind, key, version, "acme");
    }
}

/// A token says which version wraps: what is under an older one goes under it, other keys' slots stay, and a checkpoint
/// of before is no use.
#[test]
fn a_new_version_at_the_service_is_a_rotation() {
    let fleet = Fleet::new(&REMOTE);
    let service = &fleet.fixture.service;
    // A second slot, of a local key.
    let adding = ServiceRewrapper::new(&fleet.keyring, service, &still, ALLOW, LOCAL, &HERE).unwrap();
    let adding = adding.keeping_slots(true);
    assert_eq!(RewrapJob::new(&adding, &locate).run(&fleet.source()).unwrap().counters, counted(FILES, 0));
    assert_eq!(RewrapJob::new(&adding, &locate).run(&fleet.source()).unwrap().counters, counted(0, FILES));

    let checkpoint = fleet.folder.path().with_extension("checkpoint");
    for version in ["7", "8"] {
        *service.version.lock().unwrap() = version;
        let rewrapper = ServiceRewrapper::new(&fleet.keyring, service, &still, ALLOW, REMOTE, &HERE).unwrap();
        let rewrapper = rewrapper.keeping_slots(true);
        let ending = Ending(AtomicUsize::new(FILES / 3));
        let job = RewrapJob { checkpoint: Some(&checkpoint), ..RewrapJob::new(&rewrapper, &locate) };
        let begun = RewrapJob { observer: &ending, ..job }.run(&fleet.source()).unwrap();
        assert!(!begun.complete);
        *service.version.lock().unwrap() = "9";
        let later = ServiceRewrapper::new(&fleet.keyring, service, &still, ALLOW, REMOTE, &HERE).unwrap();
        let later = later.keeping_slots(true);
        let other = RewrapJob { rewrapper: &later, ..job }.run(&fleet.source());
        assert!(matches!(other, Err(JobError::Checkpoint(CheckpointError::OtherJob))));
        *service.version.lock().unwrap() = version;
        let summary = job.run(&fleet.source()).unwrap();
        assert!(summary.resumed && summary.complete);
        assert_eq!(summary.counters, counted(FILES, 0), "{summary:?}");
        for (_, envelope) in fleet.envelopes() {
            let envelope = Envelope::parse(&envelope).unwrap();
            let mut slots: Vec<_> = envelope.slots().iter().map(|slot| (slot.key_id(), slot.key_version())).collect();
            slots.sort_unstable();
            assert_eq!(slots, [("cmk", version), ("oss", "1")]);
        }
    }
}

struct Ending(AtomicUsize);

impl Observer for Ending {
    fn item(&self, _: &Path, _: &Outcome, _: &Counters) -> ControlFlow<()> {
        if self.0.fetch_sub(1, SeqCst) > 1 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

#[test]
fn a_rename_is_done_once() {
    for (choice, kind) in [(REMOTE, Kind::Remote), (BUCKET_KEY, Kind::BucketKey)] {
        let fleet = Fleet::new(&choice);
        let moved = |name: &Path| Ok(Location { place: place("acme", name), new_place: Some(place("umbrella", name)) });
        let service = &fleet.fixture.service;
        let rewrapper = ServiceRewrapper::new(&fleet.keyring, service, &still, ALLOW, choice, &HERE).unwrap();
        let job = RewrapJob { threads: 3, ..RewrapJob::new(&rewrapper, &moved) };
        let summary = job.run(&fleet.source()).unwrap();
        assert_eq!(summary.counters, counted(FILES, 0), "{summary:?}");
        assert_eq!(job.run(&fleet.source()).unwrap().counters, counted(0, FILES));
        fleet.is_under(kind, "cmk", "", "umbrella");
    }
}

/// Says "later" to every tenth call.
struct Throttled<'a> {
    service: &'a service::Service,
    calls: AtomicUsize,
}

impl Provider for Throttled<'_> {
    fn call(&self, ask: &Ask<'_>, timeout: Duration) -> Result<Answer, Failure> {
        let throttles = self.calls.fetch_add(1, SeqCst).is_multiple_of(10);
        if throttles { Err(AWAY) } else { self.service.call(ask, timeout) }
    }
}

#[test]
fn a_throttled_service_is_waited_for() {
    let fleet = Fleet::new(&REMOTE);
    let (clock, service) = (clock(), &fleet.fixture.service);
    let throttled = Throttled { service, calls: AtomicUsize::new(0) };
    let rewrapper = ServiceRewrapper::new(&fleet.keyring, &throttled, &clock, EITHER, OTHER, &HERE).unwrap();
    let job = RewrapJob { threads: 4, ..RewrapJob::new(&rewrapper, &locate) };
    let summary = job.run(&fleet.source()).unwrap();
    assert_eq!(summary.counters, counted(FILES, 0), "{summary:?}");
    fleet.is_under(Kind::Remote, "cmk-2", "", "acme");
}

#[test]
fn what_the_service_refuses_stays_as_it_is_and_is_reported() {
    let fleet = Fleet::new(&REMOTE);
    let service = &fleet.fixture.service;
    let rewrapper = ServiceRewrapper::new(&fleet.keyring, service, &still, EITHER, OTHER, &HERE).unwrap();
    let rewrapper = rewrapper.within(Duration::from_millis(10));
    let before = fleet.envelopes();
    let mut failures: Vec<Summary> = Vec::new();
    for failure in [Failure::Denied, AWAY, Failure::Disabled] {
        service.is(Mood::Fails(failure));
        fleet.keyring.evict(None);
        failures.push(RewrapJob::new(&rewrapper, &locate).run(&fleet.source()).unwrap());
    }
    for (summary, told) in failures.iter().zip(["forbids", "away", "state"]) {
        assert_eq!(summary.counters, Counters { failed: FILES as u64, ..Counters::default() });
        assert!(summary.failures[0].1.to_string().contains(told), "{summary:?}");
    }
    assert!(matches!(failures[0].failures[0].1, ItemError::Keys(_)));
    assert!(matches!(failures[2].failures[0].1, ItemError::Envelope(Error::KeyState)));
    assert!(fleet.envelopes() == before);
    service.is(Mood::Fails(Failure::Denied));
    let refused = ServiceRewrapper::new(&fleet.keyring, service, &still, EITHER, OTHER, &HERE);
    assert_eq!(refused.unwrap_err(), OpError::Denied);
}

#[test]
fn a_list_of_envelopes_of_remote_keys() {
    let fleet = Fleet::new(&REMOTE);
    let home = tempfile::tempdir().unwrap();
    let (old, new) = (home.path().join("old"), home.path().join("new"));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lines: Vec<String> = fleet
        .envelopes()
        .iter()
        .map(|(name, envelope)| {
            let name = name.to_str().unwrap();
            format!("{}\tacme\tb-{}\t{name}\n", hex(envelope), name.len() % 2)
        })
        .collect();
    fs::write(&old, lines.concat()).unwrap();
    let service = &fleet.fixture.service;
    let rewrapper = ServiceRewrapper::new(&fleet.keyring, service, &still, EITHER, OTHER, &HERE).unwrap();
    let job = ListJob { threads: 3, ..ListJob::new(&rewrapper) };
    assert_eq!(job.run(&EnvelopeList::new(&old), &new).unwrap().counters, counted(FILES, 0));
    assert_eq!(fleet.calls(), (FILES, FILES + 1));
    assert_eq!(job.run(&EnvelopeList::new(&new), &new).unwrap().counters, counted(0, FILES));
}
