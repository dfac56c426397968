//! Master keys on a real token: SoftHSM. Run by `make provider-test`, which installs it and points SOFTHSM2_CONF to a
//! folder of its own; without that every test here is skipped, and says so.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use ossenc_kms::providers::{KeyWrap, Pkcs11Config, Pkcs11Error, Pkcs11Provider};
use ossenc_kms::{Answer, Ask, Failure, Provider, Verb};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "567890";

/// One token a test, so that the login of one is not the other's. They are made before the module is loaded: it does not
/// see later ones.
const TOKENS: [&str; 8] = ["round-trip", "pad", "damage", "rotate", "threads", "pin", "gone", "attributes"];

/// One test at a time: finalising the module is seen by the whole process, and SoftHSM fails now and then to make keys on
/// several tokens at once.
static PROCESS: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A token of this test's own, or `None` where there is no SoftHSM.
struct Token {
    module: Pkcs11,
    label: &'static str,
}

impl Token {
    fn new(label: &'static str) -> Option<Token> {
        static READY: OnceLock<bool> = OnceLock::new();
        if !READY.get_or_init(make_tokens) {
            // Past the capture of the test harness: a skip is loud.
            let skipped = format!("SKIPPED: pkcs11, {label}: no SoftHSM (make provider-test)\n");
            std::io::stderr().write_all(skipped.as_bytes()).unwrap();
            return None;
        }
        let token = Token { module: Pkcs11::new(MODULE).unwrap(), label };
        token.initialize();
        Some(token)
    }

    fn initialize(&self) {
        // Fails if it was done before.
        let _ = self.module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
    }

    fn slot(&self) -> Slot {
        let slots = self.module.get_slots_with_token().unwrap();
        slots.into_iter().find(|slot| self.module.get_token_info(*slot).unwrap().label() == self.label).unwrap()
    }

    fn info(&self) -> TokenInfo {
        self.module.get_token_info(self.slot()).unwrap()
    }

    /// Logs the process in until it is dropped, if no provider has.
    fn session(&self) -> Session {
        let session = self.module.open_rw_session(self.slot()).unwrap();
        let _ = session.login(UserType::User, Some(&cryptoki::types::AuthPin::new(PIN.into())));
        session
    }

    fn key(&self, label: &str, id: &[u8], more: &[Attribute]) -> ObjectHandle {
        let mut template = vec![
            Attribute::Label(label.as_bytes().to_vec()),
            Attribute::Id(id.to_vec()),
            Attribute::ValueLen(32.into()),
            Attribute::Token(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Wrap(true),
            Attribute::Unwrap(true),
        ];
        template.retain(|a| !more.iter().any(|b| core::mem::discriminant(a) == core::mem::discriminant(b)));
        template.extend_from_slice(more);
        self.session().generate_key(&Mechanism::AesKeyGen, &template).unwrap()
    }

    fn provider(&self, pin: &str) -> Pkcs11Provider {
        Pkcs11Provider::new(&self.config(KeyWrap::Kw), pin).unwrap()
    }

    fn config(&self, key_wrap: KeyWrap) -> Pkcs11Config<'static> {
        Pkcs11Config { module: Path::new(MODULE), token_label: self.label, key_wrap }
    }
}

fn make_tokens() -> bool {
    if std::env::var_os("SOFTHSM2_CONF").is_none() || !Path::new(MODULE).exists() {
        return false;
    }
    TOKENS.iter().all(|label| {
        Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--so-pin", "123456", "--pin", PIN, "--label", label])
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

fn ask<'a>(verb: Verb, key_id: &'a str, key_version: &'a str, blob: &'a [u8]) -> Ask<'a> {
    Ask {
        id: 1,
        verb,
        provider: "hsm",
        key_id,
        key_version,
        context: &[],
        context_bytes: &[],
        blob,
        bucket_key_id: &[],
    }
}

fn generate(provider: &dyn Provider, key_id: &str) -> Result<Answer, Failure> {
    provider.call(&ask(Verb::Generate, key_id, "", &[]), Duration::from_secs(10))
}

fn unwrap(provider: &dyn Provider, made: &Answer) -> Result<Answer, Failure> {
    provider.call(&ask(Verb::Unwrap, &made.key_id, &made.key_version, &made.blob), Duration::from_secs(10))
}

/// What a key seals under it, the same key opens: `Secret` shows its bytes to nobody.
fn same(a: &Answer, b: &Answer) -> bool {
    let engine = ossenc::Engine::new().unwrap();
    let image = ossenc::Keystore::init(&engine, "root", a.secret.as_ref().unwrap()).unwrap();
    ossenc::Keystore::load(&engine, &image, b.secret.as_ref().unwrap(), 0).is_ok()
}

#[test]
fn what_the_token_wrapped_it_unwraps_and_every_key_is_fresh() {
    let _alone = alone();
    let Some(token) = Token::new("round-trip") else { return };
    token.key("kek", &[1], &[]);
    let provider = token.provider(PIN);
    let (one, two) = (generate(&provider, "kek").unwrap(), generate(&provider, "kek").unwrap());
    assert_eq!((one.key_id.as_str(), one.key_version.as_str(), one.blob.len()), ("kek", "01", 40));
    let back = unwrap(&provider, &one).unwrap();
    assert_eq!((back.key_id.as_str(), back.key_version.as_str()), ("kek", "01"));
    assert!(same(&one, &back));
    assert!(!same(&one, &two) && one.blob != two.blob);
    assert_eq!(generate(&provider, "no-such-key").unwrap_err(), Failure::Unknown);
    assert_eq!(generate(&provider, "").unwrap_err(), Failure::Error { code: 0 });
    assert!(!format!("{provider:?}").contains(PIN));
    // No session object stays behind.
    let left = token.session().find_objects(&[Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Token(false)]);
    assert_eq!(left.unwrap(), []);
}

#[test]
fn the_padding_mechanism_is_another_one() {
    let _alone = alone();
    let Some(token) = Token::new("pad") else { return };
    token.key("kek", &[1], &[]);
    let pad = Pkcs11Provider::new(&token.config(KeyWrap::KwPad), PIN).unwrap();
    let made = generate(&pad, "kek").unwrap();
    assert!(same(&made, &unwrap(&pad, &made).unwrap()));
    assert!(matches!(unwrap(&token.provider(PIN), &made), Err(Failure::Error { .. })));
}

#[test]
fn a_blob_that_is_damaged_or_of_another_key_is_an_error() {
    let _alone = alone();
    let Some(token) = Token::new("damage") else { return };
    token.key("kek", &[1], &[]);
    token.key("other", &[1], &[]);
    let provider = token.provider(PIN);
    let made = generate(&provider, "kek").unwrap();
    let with = |key_id: &str, blob: &[u8]| {
        provider.call(&ask(Verb::Unwrap, key_id, "01", blob), Duration::ZERO).map(|_| ()).unwrap_err()
    };
    for byte in 0..made.blob.len() {
        let mut bad = made.blob.clone();
        bad[byte] ^= 1;
        assert!(matches!(with("kek", &bad), Failure::Error { .. }), "byte {byte}");
    }
    for len in [0, 1, 8, 16, 24, 32, 39] {
        assert!(matches!(with("kek", &made.blob[..len]), Failure::Error { .. }), "{len} bytes");
    }
    assert!(matches!(with("kek", &[7; 8193]), Failure::Error { code: 0 }));
    assert!(matches!(with("other", &made.blob), Failure::Error { .. }));
    assert_eq!(with("no-such-key", &made.blob), Failure::Unknown);
    assert!(same(&made, &unwrap(&provider, &made).unwrap()));
}

#[test]
fn a_new_key_of_the_label_wraps_and_the_old_one_still_unwraps() {
    let _alone = alone();
    let Some(token) = Token::new("rotate") else { return };
    token.key("kek", &[0xff], &[]);
    let provider = token.provider(PIN);
    let old = generate(&provider, "kek").unwrap();
    assert_eq!(old.key_version, "ff");
    // Staged: unwraps only. A longer id is a later one.
    let staged = token.key("kek", &[1, 0], &[Attribute::Wrap(false)]);
    assert_eq!(generate(&provider, "kek").unwrap().key_version, "ff");
    token.session().update_attributes(staged, &[Attribute::Wrap(true)]).unwrap();
    let new = generate(&provider, "kek").unwrap();
    assert_eq!(new.key_version, "0100");
    assert!(same(&old, &unwrap(&provider, &old).unwrap()) && same(&new, &unwrap(&provider, &new).unwrap()));
    let missing =
        Answer { key_version: "02".into(), key_id: "kek".into(), blob: old.blob.clone(), ..Answer::default() };
    assert_eq!(unwrap(&provider, &missing).unwrap_err(), Failure::Unknown);
    // Two keys that cannot be told apart: nobody guesses.
    token.key("kek", &[1, 0], &[]);
    assert_eq!(generate(&provider, "kek").unwrap_err(), Failure::Error { code: 0 });
    assert_eq!(unwrap(&provider, &new).unwrap_err(), Failure::Error { code: 0 });
    assert!(same(&old, &unwrap(&provider, &old).unwrap()));
}

#[test]
fn only_keys_that_cannot_leave_the_token_and_may_do_it_are_used() {
    let _alone = alone();
    let Some(token) = Token::new("attributes") else { return };
    let provider = token.provider(PIN);
    token.key("leaves", &[1], &[Attribute::Extractable(true)]);
    assert_eq!(generate(&provider, "leaves").unwrap_err(), Failure::Unknown);
    token.key("readable", &[1], &[Attribute::Sensitive(false)]);
    assert_eq!(generate(&provider, "readable").unwrap_err(), Failure::Unknown);
    token.key("no-wrap", &[1], &[Attribute::Wrap(false)]);
    assert_eq!(generate(&provider, "no-wrap").unwrap_err(), Failure::Disabled);
    let key = token.key("no-unwrap", &[1], &[]);
    let made = generate(&provider, "no-unwrap").unwrap();
    token.session().update_attributes(key, &[Attribute::Unwrap(false)]).unwrap();
    assert_eq!(unwrap(&provider, &made).unwrap_err(), Failure::Disabled);
    token.key("long-id", &[7; 33], &[]);
    assert_eq!(generate(&provider, "long-id").unwrap_err(), Failure::Error { code: 0 });
}

#[test]
fn threads_have_a_session_each() {
    let _alone = alone();
    let Some(token) = Token::new("threads") else { return };
    token.key("kek", &[1], &[]);
    let provider = token.provider(PIN);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let made = generate(&provider, "kek").unwrap();
                    assert!(same(&made, &unwrap(&provider, &made).unwrap()));
                }
            });
        }
    });
    // Kept ones are used again.
    assert!(token.info().session_count().is_none_or(|count| count <= 6));
}

#[test]
fn a_wrong_pin_is_tried_once_and_never_locks_the_token() {
    let _alone = alone();
    let Some(token) = Token::new("pin") else { return };
    token.key("kek", &[1], &[]);
    let wrong = token.provider("000000");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(generate(&wrong, "kek").unwrap_err(), Failure::Denied));
        }
    });
    assert!(token.info().user_pin_count_low() && !token.info().user_pin_locked());
    // The right one clears the count. The wrong one is not tried again, which would set it.
    let right = token.provider(PIN);
    generate(&right, "kek").unwrap();
    drop(right);
    assert!(!token.info().user_pin_count_low());
    assert_eq!(generate(&wrong, "kek").unwrap_err(), Failure::Denied);
    assert!(!token.info().user_pin_count_low());
}

#[test]
fn sessions_that_are_gone_are_opened_and_logged_in_anew() {
    let _alone = alone();
    let Some(token) = Token::new("gone") else { return };
    token.key("kek", &[1], &[]);
    let provider = token.provider(PIN);
    let made = generate(&provider, "kek").unwrap();
    // Somebody logs the process out: no error from the token, the key just cannot be seen.
    let other = token.module.open_ro_session(token.slot()).unwrap();
    other.logout().unwrap();
    drop(other);
    assert!(same(&made, &unwrap(&provider, &made).unwrap()));
    // Somebody finalises the module.
    token.module.clone().finalize().unwrap();
    assert!(same(&made, &unwrap(&provider, &made).unwrap()));
}

#[test]
fn a_token_that_is_away_is_asked_again_later() {
    let _alone = alone();
    let Some(token) = Token::new("round-trip") else { return };
    let config = Pkcs11Config { token_label: "no-such-token", ..token.config(KeyWrap::Kw) };
    let provider = Pkcs11Provider::new(&config, PIN).unwrap();
    assert_eq!(generate(&provider, "kek").unwrap_err(), Failure::Retry { after: Duration::ZERO });
}

#[test]
fn modules_have_absolute_paths_and_must_load() {
    let config = Pkcs11Config { module: Path::new("libsofthsm2.so"), token_label: "storage", key_wrap: KeyWrap::Kw };
    assert!(matches!(Pkcs11Provider::new(&config, PIN), Err(Pkcs11Error::Argument(_))));
    let config = Pkcs11Config { module: Path::new("/nowhere/module.so"), ..config };
    assert!(matches!(Pkcs11Provider::new(&config, PIN), Err(Pkcs11Error::Module(_))));
    let config = Pkcs11Config { token_label: "", ..config };
    assert!(matches!(Pkcs11Provider::new(&config, PIN), Err(Pkcs11Error::Argument(_))));
}
