//! The keystore and its root key, as the options name them, and what they open.

use std::path::PathBuf;

use clap::Args;
use ossenc::{Envelope, Error, Expect, Keystore, Method, Object};
use ossenc_kms::FileStore;
use ossenc_kms::fleet::Place;

use crate::app::App;
use crate::fail::{Code, Failure};
use crate::out::name;
use crate::root_key::GivenRootKey;

pub(crate) const DEFAULT_ROOT_KEY_FILE: &str = "ossenc.rootkey";

/// What a keystore with local keys opens.
pub(crate) const METHODS: &[Method] = &[Method::SseOss, Method::SseKms];

#[derive(Args, Debug)]
#[command(next_help_heading = "Keys")]
pub(crate) struct KeyOptions {
    /// The keystore's file
    #[arg(long, global = true, env = "OSSENC_KEYSTORE", value_name = "PATH", default_value = "ossenc.keystore")]
    pub(crate) keystore: PathBuf,
    /// File of the root key: 32 bytes or 64 hexadecimal digits, mode 0600 [default: ossenc.rootkey]
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "passphrase_file")]
    pub(crate) root_key_file: Option<PathBuf>,
    /// File of the passphrase, mode 0600; without it, a terminal is asked
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Refuse a keystore older than this: pin the newest generation that you know
    #[arg(long, global = true, value_name = "N", default_value_t = 0)]
    pub(crate) min_generation: u64,
}

/// Which keys may have wrapped what is opened.
#[derive(Args, Debug)]
pub(crate) struct Allow {
    /// Allow this key only (repeat it for several) [default: every key of the keystore]
    #[arg(long, value_name = "KEY")]
    allow_key: Vec<String>,
}

impl Allow {
    /// Ids; what is given may be an alias.
    pub(crate) fn key_ids<'a>(&'a self, keystore: &'a Keystore) -> Vec<&'a str> {
        if self.allow_key.is_empty() {
            return keystore.keys().iter().map(|key| key.id()).collect();
        }
        self.allow_key.iter().map(|key| keystore.resolve(key).map_or(&key[..], |key| key.id())).collect()
    }
}

/// How a new slot is made.
#[derive(Args, Debug)]
pub(crate) struct Recipient {
    /// Master key, by id or alias
    #[arg(long, value_name = "KEY", default_value = "main")]
    pub(crate) key: String,
    /// What the envelope records as its method
    #[arg(long, value_enum, default_value = "oss")]
    pub(crate) method: MethodName,
}

impl Recipient {
    pub(crate) fn get(&self) -> ossenc::Recipient<'_> {
        ossenc::Recipient::Local { method: self.method.get(), key: &self.key }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum MethodName {
    /// SSE-OSS: master keys held and rotated by the service
    Oss,
    /// SSE-KMS: customer master keys
    Kms,
}

impl MethodName {
    pub(crate) fn get(self) -> Method {
        match self {
            MethodName::Oss => Method::SseOss,
            MethodName::Kms => Method::SseKms,
        }
    }
}

impl App {
    /// The keystore's file, with its root key.
    pub(crate) fn store(&self) -> FileStore<GivenRootKey> {
        let keys = &self.keys;
        FileStore::new(self.engine.clone(), &keys.keystore, GivenRootKey::new(keys), keys.min_generation)
    }

    pub(crate) fn load_keystore(&self) -> Result<Keystore, Failure> {
        self.store().load().map_err(|error| Failure::store(&self.keys.keystore, error))
    }

    /// Opens the object of an envelope, or says what about its keys is in the way. `about` is the file's name, safe to
    /// print.
    pub(crate) fn open_object(
        &self,
        keystore: &Keystore,
        envelope: &[u8],
        place: &Place,
        allow: &Allow,
        about: &str,
    ) -> Result<Object, Failure> {
        let expect = Expect { methods: METHODS, key_ids: &allow.key_ids(keystore) };
        place
            .with(|context| Object::open(&self.engine, keystore, envelope, context, &expect, self.now))
            .map_err(|error| explain(keystore, envelope, about, error))
    }
}

/// What is wrong with keys, with their names. What an envelope says is not authentic, and good enough for a hint.
pub(crate) fn explain(keystore: &Keystore, envelope: &[u8], about: &str, error: Error) -> Failure {
    let Ok(envelope) = Envelope::parse(envelope) else { return Failure::core(about, error) };
    let slot = &envelope.slots()[0];
    let (id, version) = (name(slot.key_id()), name(slot.key_version()));
    let generation = keystore.generation();
    let known = envelope.slots().iter().find(|slot| keystore.key(slot.key_id()).is_some());
    match (error, known) {
        (Error::Expect(_) | Error::NoVersion, None) => Failure::new(
            Code::Keys,
            about,
            format_args!("it is under key {id}, which the keystore (generation {generation}) does not have"),
            "stale or wrong keystore: load the newest one, or give the right one with --keystore",
        ),
        (Error::Expect(_), Some(slot)) if METHODS.contains(&slot.method()) => {
            let id = name(slot.key_id());
            let next = format!("allow key {id} with --allow-key {id}");
            Failure::new(Code::Refused, about, format_args!("it is under key {id}, which is not allowed"), next)
        }
        (Error::NoVersion, Some(_)) => Failure::new(
            Code::Keys,
            about,
            format_args!(
                "it is under version {version} of key {id}, which the keystore (generation {generation}) does not have"
            ),
            "stale keystore: load the newest one",
        ),
        (Error::KeyState, _) => Failure::new(
            Code::Keys,
            about,
            format_args!("the state of key {id}, or of its version {version}, forbids this use"),
            format!("`ossenc keystore show {id}` tells why; a disabled key: `ossenc keystore enable {id}`"),
        ),
        (error, _) => Failure::core(about, error),
    }
}
