//! A key service in the process of the test, and a keyring to use it with. Time is a number that the test sets.
#![allow(unreachable_pub, dead_code, reason = "each test file uses its part")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::time::Duration;

use ossenc::{Change, Context, Engine, Expect, Keystore, Method, Secret, Shape};
use ossenc_kms::{
    Answer, Ask, Choice, Failure, Keyring, Limits, Op, OpError, Opening, Provider, Reply, Step, Time, Verb,
};
use sha2::{Digest, Sha256};

pub const WALL: u64 = 1_700_000_000;
pub const REMOTE: Choice<'_> = Choice::Remote { method: Method::SseKms, provider: "test-kms", key: "cmk" };
pub const BUCKET_KEY: Choice<'_> =
    Choice::BucketKey { method: Method::SseKms, provider: "test-kms", key: "cmk", by_reference: false };
pub const ALLOW: Expect<'_> = Expect { methods: &[Method::SseKms], key_ids: &["cmk", "oss"] };
/// Not now, and nobody says when.
pub const AWAY: Failure = Failure::Retry { after: Duration::ZERO };

pub fn place(object: &[u8]) -> Context<'_> {
    Context { tenant: b"acme", bucket_id: b"b-17", object, version_id: b"", user: &[("project", "apollo")] }
}

pub fn opening<'a>(envelope: &'a [u8], context: Context<'a>) -> Opening<'a> {
    Opening { envelope, context, expect: ALLOW, customer_key: None }
}

pub fn at(ms: u64) -> Time {
    Time { wall_s: WALL + ms / 1_000, mono_ns: ms * 1_000_000 }
}

/// What the service does with the next calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Well,
    Fails(Failure),
    WrongLength,
    Zeros,
    WrongKeyId,
    WrongSecret,
    HugeBlob,
    BadVersion,
    /// As a service would that takes `cmk` for an alias and says so.
    Alias,
}

/// Wraps under a key of its own, with the context as associated data; keeps records; counts.
pub struct Service {
    mood: Mutex<Mood>,
    nonce: AtomicU64,
    pub calls: AtomicUsize,
    pub by_verb: Mutex<HashMap<Verb, usize>>,
    records: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    /// The version that it wraps under.
    pub version: Mutex<&'static str>,
    in_flight: AtomicUsize,
    pub most_in_flight: AtomicUsize,
    pub delay: Mutex<Duration>,
}

impl Service {
    pub fn new() -> Service {
        Service {
            mood: Mutex::new(Mood::Well),
            nonce: AtomicU64::new(1),
            calls: AtomicUsize::new(0),
            by_verb: Mutex::default(),
            records: Mutex::default(),
            version: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
            delay: Mutex::new(Duration::ZERO),
        }
    }

    pub fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub fn count(&self) -> usize {
        self.calls.load(SeqCst)
    }

    pub fn count_of(&self, verb: Verb) -> usize {
        self.by_verb.lock().unwrap().get(&verb).copied().unwrap_or(0)
    }

    fn hash(parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        parts.iter().for_each(|part| hash.update([&(part.len() as u64).to_be_bytes(), *part].concat()));
        hash.finalize().into()
    }

    fn pad(nonce: &[u8], context: &[u8]) -> [u8; 32] {
        Service::hash(&[b"pad", nonce, context])
    }

    fn answer(&self, ask: &Ask<'_>) -> Result<Answer, Failure> {
        let named = |answer: Answer| Answer { key_id: ask.key_id.into(), ..answer };
        match ask.verb {
            Verb::Generate => {
                let nonce = self.nonce.fetch_add(1, SeqCst).to_be_bytes();
                let secret = Service::hash(&[b"secret", &nonce]);
                let pad = Service::pad(&nonce, ask.context_bytes);
                let mut blob = nonce.to_vec();
                blob.extend(secret.iter().zip(pad).map(|(a, b)| a ^ b));
                blob.extend(Service::hash(&[b"mac", &blob.clone(), ask.context_bytes]));
                let key_version = (*self.version.lock().unwrap()).into();
                Ok(named(Answer { secret: Some(Secret::new(&secret)), blob, key_version, ..Answer::default() }))
            }
            Verb::Unwrap => {
                let Some((sealed, mac)) = ask.blob.split_last_chunk::<32>() else { return Err(Failure::Unknown) };
                if *mac != Service::hash(&[b"mac", sealed, ask.context_bytes]) {
                    return Err(Failure::Denied);
                }
                let pad = Service::pad(&sealed[..8], ask.context_bytes);
                let secret: [u8; 32] = core::array::from_fn(|i| sealed[8 + i] ^ pad[i]);
                Ok(named(Answer { secret: Some(Secret::new(&secret)), ..Answer::default() }))
            }
            Verb::LoadBucketKey => {
                let blob = self.records.lock().unwrap().get(ask.bucket_key_id).cloned().ok_or(Failure::Unknown)?;
                Ok(Answer { blob, ..Answer::default() })
            }
            Verb::StoreBucketKey => {
                self.records.lock().unwrap().insert(ask.bucket_key_id.to_vec(), ask.blob.to_vec());
                Ok(Answer::default())
            }
            _ => Err(Failure::Error { code: 404 }),
        }
    }

    pub fn reply(&self, ask: &Ask<'_>) -> Reply {
        Reply { id: ask.id, outcome: self.call(ask, Duration::MAX) }
    }
}

impl Provider for Service {
    fn call(&self, ask: &Ask<'_>, _: Duration) -> Result<Answer, Failure> {
        self.calls.fetch_add(1, SeqCst);
        *self.by_verb.lock().unwrap().entry(ask.verb).or_default() += 1;
        let flying = self.in_flight.fetch_add(1, SeqCst) + 1;
        self.most_in_flight.fetch_max(flying, SeqCst);
        let delay = *self.delay.lock().unwrap();
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        let answer = self.answer(ask);
        self.in_flight.fetch_sub(1, SeqCst);
        let mut answer = answer?;
        match *self.mood.lock().unwrap() {
            Mood::Well => {}
            Mood::Fails(failure) => return Err(failure),
            Mood::WrongLength => answer.secret = None,
            Mood::Zeros => answer.secret = Some(Secret::new(&[0; 32])),
            Mood::WrongKeyId => answer.key_id = "another".into(),
            Mood::WrongSecret => answer.secret = Some(Secret::new(&[9; 32])),
            Mood::HugeBlob => answer.blob = vec![1; 8_193],
            Mood::BadVersion => answer.key_version = "a b".into(),
            Mood::Alias => answer.key_id = "alias/cmk".into(),
        }
        Ok(answer)
    }
}

/// A waker that counts.
#[derive(Default)]
pub struct Bell(pub AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

pub fn bell() -> (Arc<Bell>, Waker) {
    let bell = Arc::new(Bell::default());
    (Arc::clone(&bell), Waker::from(bell))
}

pub struct Fixture {
    pub engine: Engine,
    pub service: Service,
    pub keyring: Keyring,
    pub keystore: Arc<Keystore>,
}

const ROOT: [u8; 32] = [7; 32];

impl Fixture {
    pub fn new(limits: Limits) -> Fixture {
        let engine = Engine::new().unwrap();
        let root = Secret::new(&ROOT);
        let image = Keystore::init(&engine, "root", &root).unwrap();
        let keystore = Arc::new(Keystore::load(&engine, &image, &root, 0).unwrap());
        let keyring = Keyring::new(engine.clone(), limits, None);
        let mut fixture = Fixture { engine, service: Service::new(), keyring, keystore };
        fixture.change(&Change::Create { key_id: "oss" });
        fixture
    }

    /// Changes the keystore, and publishes it.
    pub fn change(&mut self, change: &Change<'_>) {
        let image = self.keystore.apply(&self.engine, change, WALL).unwrap();
        self.keystore = Arc::new(Keystore::load(&self.engine, &image, &Secret::new(&ROOT), 0).unwrap());
        self.keyring.publish(Arc::clone(&self.keystore)).unwrap();
    }

    /// A keyring that knows nothing of what this one keeps.
    pub fn cold(&self, limits: Limits) -> Keyring {
        let keyring = Keyring::new(self.engine.clone(), limits, None);
        keyring.publish(Arc::clone(&self.keystore)).unwrap();
        keyring
    }

    pub fn create(&self, choice: &Choice<'_>, context: &Context<'_>, ms: u64) -> Result<Vec<u8>, OpError> {
        let mut op = self.keyring.create(choice, context, Shape::Single, at(ms));
        self.finish(&mut op, ms)?;
        Ok(op.envelope().unwrap().to_vec())
    }

    pub fn open(&self, envelope: &[u8], context: Context<'_>, ms: u64) -> Result<(), OpError> {
        self.finish(&mut self.keyring.open(&opening(envelope, context), at(ms)), ms)
    }

    pub fn finish(&self, op: &mut Op, ms: u64) -> Result<(), OpError> {
        finish(&self.service, op, ms)
    }
}

/// Steps an operation to its end, at one moment, answering its asks.
pub fn finish(service: &Service, op: &mut Op, ms: u64) -> Result<(), OpError> {
    let (_, waker) = bell();
    let mut reply = None;
    loop {
        match op.step(reply.take(), at(ms), &waker)? {
            Step::Done => return Ok(()),
            Step::Ask(open) => reply = Some(service.reply(&open.ask())),
            Step::Wait { .. } => panic!("nobody else makes a call here"),
        }
    }
}

/// What a step said, without what it borrows.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    Done,
    Ask(u64),
    Wait(u64),
    Failed(OpError),
}

pub fn step(op: &mut Op, reply: Option<Reply>, ms: u64, waker: &Waker) -> Said {
    match op.step(reply, at(ms), waker) {
        Ok(Step::Done) => Said::Done,
        Ok(Step::Ask(open)) => Said::Ask(open.ask().id),
        Ok(Step::Wait { until_ns }) => Said::Wait(until_ns / 1_000_000),
        Err(error) => Said::Failed(error),
    }
}

/// The reply to an operation's open ask.
pub fn reply(service: &Service, op: &mut Op, ms: u64, waker: &Waker) -> Reply {
    match op.step(None, at(ms), waker) {
        Ok(Step::Ask(open)) => service.reply(&open.ask()),
        said => panic!("no ask is open: {said:?}"),
    }
}
