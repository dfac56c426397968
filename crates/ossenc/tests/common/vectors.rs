//! Reading vectors/*.json, whose schema is in vectors/README.md.

use std::collections::HashMap;

use ossenc::{
    BucketKey, BucketKeyRecord, Context, CustomerKey, Engine, Envelope, Error, Expect, Keystore, Layout, Method,
    Object, Slot, SlotKey, SlotKeys, WrappingKey,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::unhex;

/// The cases of a file.
pub fn load<C: DeserializeOwned>(file: &str) -> Vec<C> {
    #[derive(Deserialize)]
    struct File<C> {
        format: String,
        cases: Vec<C>,
    }
    let path = format!("{}/../../vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let file: File<C> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(file.format, "ossenc vectors 1");
    assert!(!file.cases.is_empty(), "{path} has no cases");
    file.cases
}

/// Bytes in hexadecimal, or `{"repeat": "61", "times": 65536}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hex, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Plain(String),
            Repeated { repeat: String, times: usize },
        }
        Ok(Hex(match Form::deserialize(deserializer)? {
            Form::Plain(hex) => unhex(&hex),
            Form::Repeated { repeat, times } => unhex(&repeat).repeat(times),
        }))
    }
}

impl Hex {
    pub fn key(&self) -> ossenc::Secret {
        ossenc::Secret::from_slice(&self.0).unwrap()
    }
}

#[derive(Deserialize)]
pub struct Place {
    tenant: Hex,
    bucket_id: Hex,
    object: Hex,
    version_id: Hex,
    user: Vec<(String, String)>,
}

impl Place {
    /// Calls `then` with the context, which borrows from a list that has to live as long.
    pub fn with<T>(&self, then: impl FnOnce(&Context<'_>) -> T) -> T {
        let user: Vec<(&str, &str)> = self.user.iter().map(|(key, value)| (&key[..], &value[..])).collect();
        then(&Context {
            tenant: &self.tenant.0,
            bucket_id: &self.bucket_id.0,
            object: &self.object.0,
            version_id: &self.version_id.0,
            user: &user,
        })
    }
}

#[derive(Deserialize)]
pub struct Allow {
    methods: Vec<String>,
    key_ids: Vec<String>,
}

impl Allow {
    pub fn with<T>(&self, then: impl FnOnce(&Expect<'_>) -> T) -> T {
        let methods: Vec<Method> = self.methods.iter().map(|name| method(name)).collect();
        let key_ids: Vec<&str> = self.key_ids.iter().map(String::as_str).collect();
        then(&Expect { methods: &methods, key_ids: &key_ids })
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LayoutName {
    Inline,
    Detached,
    Paged,
}

impl From<LayoutName> for Layout {
    fn from(name: LayoutName) -> Layout {
        match name {
            LayoutName::Inline => Layout::Inline,
            LayoutName::Detached => Layout::Detached,
            LayoutName::Paged => Layout::Paged,
        }
    }
}

pub fn method(name: &str) -> Method {
    match name {
        "SSE-OSS" => Method::SseOss,
        "SSE-KMS" => Method::SseKms,
        "SSE-C" => Method::SseC,
        other => panic!("no such method: {other}"),
    }
}

/// What opens an object in a case.
#[derive(Deserialize)]
pub struct Opening {
    keystore: String,
    now: u64,
    context: Place,
    allow: Allow,
    envelope: Hex,
}

impl Opening {
    pub fn open(&self, engine: &Engine, keystores: &HashMap<String, Keystore>) -> ossenc::Result<Object> {
        let keystore = &keystores[&self.keystore];
        self.context.with(|place| {
            self.allow.with(|allow| Object::open(engine, keystore, &self.envelope.0, place, allow, self.now))
        })
    }
}

/// What a case has at hand beside its keystore.
#[derive(Default, Deserialize)]
pub struct AtHand {
    #[serde(default)]
    pub slots: Vec<SecretOfSlot>,
    #[serde(default)]
    pub bucket_keys: Vec<OpenBucketKey>,
    pub customer_key: Option<Hex>,
}

#[derive(Deserialize)]
pub struct SecretOfSlot {
    pub slot: usize,
    pub secret: Hex,
}

#[derive(Deserialize)]
pub struct OpenBucketKey {
    record: Hex,
    secret: Option<Hex>,
    context: Option<Place>,
}

/// The same, as the library has it.
pub struct Keys<'a> {
    pub keystore: &'a Keystore,
    pub slots: Vec<SlotKey<'a>>,
    pub bucket_keys: Vec<BucketKey>,
    pub customer_key: Option<CustomerKey>,
}

impl AtHand {
    pub fn keys<'a>(
        &self,
        engine: &Engine,
        keystore: &'a Keystore,
        envelope: &'a [u8],
        place: &Place,
        now: u64,
    ) -> ossenc::Result<Keys<'a>> {
        let slot_key = |given: &SecretOfSlot| {
            let slot = Envelope::parse(envelope)?.slots()[given.slot].clone();
            Ok(SlotKey { slot, key: WrappingKey::remote(&given.secret.key())? })
        };
        let bucket_key = |given: &OpenBucketKey| {
            let record = BucketKeyRecord::parse(&given.record.0)?;
            given.context.as_ref().unwrap_or(place).with(|place| match &given.secret {
                Some(secret) => record.open_remote(&secret.key(), place),
                None => record.open(engine, keystore, place, now),
            })
        };
        Ok(Keys {
            keystore,
            slots: self.slots.iter().map(slot_key).collect::<ossenc::Result<_>>()?,
            bucket_keys: self.bucket_keys.iter().map(bucket_key).collect::<ossenc::Result<_>>()?,
            customer_key: self.customer_key.as_ref().map(|key| CustomerKey::new(&key.key())).transpose()?,
        })
    }
}

impl SlotKeys for Keys<'_> {
    fn wrapping_key(
        &self,
        engine: &Engine,
        slot: &Slot<'_>,
        context: &Context<'_>,
        now: u64,
    ) -> ossenc::Result<WrappingKey> {
        let keys = ((self.keystore, &self.slots[..]), (&self.bucket_keys[..], self.customer_key.as_slice()));
        keys.wrapping_key(engine, slot, context, now)
    }

    fn keystore(&self) -> Option<&Keystore> {
        Some(self.keystore)
    }
}

/// How a case ends: `Ok`, or a status and, with CHUNK, the chunk.
#[derive(Deserialize)]
pub struct Verdict {
    #[serde(default)]
    valid: bool,
    error: Option<String>,
    chunk: Option<u64>,
}

impl Verdict {
    pub fn is_truncated(&self) -> bool {
        self.error.as_deref() == Some("TRUNCATED")
    }

    pub fn is_valid(&self) -> bool {
        assert_eq!(self.valid, self.error.is_none(), "a case is valid or has an error");
        self.valid
    }

    /// Whether that is what came, and gives it back if the case is valid.
    #[track_caller]
    pub fn check<T>(&self, name: &str, outcome: ossenc::Result<T>) -> Option<T> {
        let (status, chunk) = match &outcome {
            Ok(_) => (None, None),
            Err(error) => (Some(status(error)), if let Error::Chunk { chunk } = error { Some(*chunk) } else { None }),
        };
        assert_eq!((status, self.valid), (self.error.as_deref(), self.error.is_none()), "case {name}");
        // A keystore's vectors do not say which chunk it is.
        assert!(self.chunk.is_none() || chunk == self.chunk, "case {name}: chunk {chunk:?}");
        outcome.ok()
    }
}

#[derive(Deserialize)]
pub struct KeystoreCase {
    pub name: String,
    #[serde(flatten)]
    pub verdict: Verdict,
    pub root_key: Hex,
    /// Of a keystore under KDF 1, whose `root_key` comes from it.
    pub passphrase: Option<Hex>,
    pub root_key_id: Option<String>,
    /// A chain of changes, or one image.
    #[serde(default)]
    pub steps: Vec<Step>,
    pub image: Option<Hex>,
    pub generation: Option<u64>,
    #[serde(default)]
    pub min_generation: u64,
    #[serde(default)]
    pub keys: Vec<KeyOfKeystore>,
}

#[derive(Deserialize)]
pub struct Step {
    pub op: String,
    #[serde(default)]
    pub key_id: String,
    pub version: Option<String>,
    pub material: Option<Hex>,
    #[serde(default)]
    pub not_after: u64,
    #[serde(default)]
    pub alias: String,
    #[serde(default)]
    pub period: u64,
    #[serde(default)]
    pub window_days: u32,
    pub now: u64,
    pub entropy: Hex,
    pub image: Hex,
    pub generation: u64,
}

#[derive(Deserialize, Debug, PartialEq)]
pub struct KeyOfKeystore {
    pub key_id: String,
    pub state: String,
    pub origin: String,
    pub primary: String,
    pub versions: Vec<VersionOfKey>,
    pub aliases: Vec<String>,
}

#[derive(Deserialize, Debug, PartialEq)]
pub struct VersionOfKey {
    pub number: String,
    pub state: String,
}

impl KeystoreCase {
    pub fn last_image(&self) -> &Hex {
        self.steps.last().map(|step| &step.image).or(self.image.as_ref()).expect("a keystore has an image")
    }

    pub fn load(&self, engine: &Engine) -> ossenc::Result<Keystore> {
        #[cfg(feature = "passphrase")]
        if let Some(Hex(passphrase)) = &self.passphrase {
            return Keystore::load_with_passphrase(engine, &self.last_image().0, passphrase, self.min_generation);
        }
        Keystore::load(engine, &self.last_image().0, &self.root_key.key(), self.min_generation)
    }
}

/// Every keystore of the vectors, loaded.
pub fn keystores_by_name(engine: &Engine) -> HashMap<String, Keystore> {
    let cases = load::<KeystoreCase>("keystores.json")
        .into_iter()
        .filter(|case| case.verdict.is_valid() && case.passphrase.is_none());
    cases.map(|case| (case.name.clone(), case.load(engine).unwrap())).collect()
}

/// The name that docs/FORMAT.md has for an error.
pub fn status(error: &Error) -> &'static str {
    match error {
        Error::Argument(_) => "ARGUMENT",
        Error::Format(_) => "FORMAT",
        Error::TooNew(_) => "TOONEW",
        Error::Expect(_) => "EXPECT",
        Error::NoVersion => "NOVERSION",
        Error::KeyState => "KEYSTATE",
        Error::KeyAbsent => "KEYABSENT",
        Error::Commit => "COMMIT",
        Error::Chunk { .. } => "CHUNK",
        Error::Manifest => "MANIFEST",
        Error::Truncated => "TRUNCATED",
        other => panic!("no status of the format: {other:?}"),
    }
}
