//! Master keys on a PKCS#11 token, which they never leave.

use std::path::Path;
use std::time::Duration;

use cryptoki::context::{Function, Pkcs11};
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, SessionState};
use ossenc::{KEY_LEN, KEY_VERSION_MAX, Secret};
use zeroize::{Zeroize, Zeroizing};

use super::{BLOB_MAX, NONSENSE, is_key_id};
use crate::{Answer, Ask, Failure, Provider, Verb};

mod pool;
mod trouble;

use pool::Pool;
use trouble::Trouble;

/// How the token wraps. It is not written into slots: a provider's name stands for one of them for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyWrap {
    /// `CKM_AES_KEY_WRAP`: RFC 3394, NIST SP 800-38F KW. Blobs have 40 bytes.
    #[default]
    Kw,
    /// `CKM_AES_KEY_WRAP_PAD`: what tokens without the other one have. Vendors differ in what it means; blobs of one are
    /// not for another.
    KwPad,
}

/// Which token, and how.
#[derive(Clone, Copy, Debug)]
pub struct Pkcs11Config<'a> {
    /// The vendor's module: an absolute path. The operator's configuration gives it, and nothing that is stored or comes
    /// with a request: loading it runs its code.
    pub module: &'a Path,
    /// The token's label, without the padding. No two tokens of the module may have it.
    pub token_label: &'a str,
    /// The mechanism.
    pub key_wrap: KeyWrap,
}

/// Why a provider could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pkcs11Error {
    /// The configuration is outside the rules.
    Argument(&'static str),
    /// The module does not load; the text says why.
    Module(String),
}

impl core::fmt::Display for Pkcs11Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Pkcs11Error::Argument(rule) => f.write_str(rule),
            Pkcs11Error::Module(reason) => write!(f, "the PKCS#11 module does not load: {reason}"),
        }
    }
}

impl std::error::Error for Pkcs11Error {}

/// A provider whose master keys are AES keys on a PKCS#11 token.
///
/// **Names.** A key id is a `CKA_LABEL`, a key version is the `CKA_ID` of one key of that label, in hexadecimal (at most
/// 32 bytes; empty if the key has none). A key counts only if it is an AES key object of the token that is sensitive and
/// not extractable: one that could leave the token is not taken for a master key.
///
/// **Rotation.** `GENERATE` wraps with that key of the label which has `CKA_WRAP` and, among those, the last `CKA_ID`:
/// longer ids come after shorter ones, ids of one length in the order of their bytes. `UNWRAP` takes the key that the slot
/// names. So a new key of the same label with the next `CKA_ID` is the new version; made without `CKA_WRAP` it is only
/// staged, and setting `CKA_WRAP` promotes it.
///
/// **What is wrapped.** AES key wrap has no associated data: the blob binds neither context nor object. A slot's inner
/// message does both, with the key that the blob gives (docs/FORMAT.md, section 5): a blob that was swapped gives a key
/// that does not commit.
///
/// **Secrets.** Fresh keys are the token's random bytes. The PIN is kept until the provider is dropped, and wiped then. Of
/// an unwrapped key the crate `cryptoki` leaves one copy of 32 bytes in freed memory, which cannot be reached from here.
///
/// **Login.** At the first call, and again after the token was removed or somebody logged the process out. A PIN that the
/// token refused is not tried again: every call is then [`Failure::Denied`], until the provider is made anew. Nor is it
/// tried when the token says that one more wrong PIN would lock it.
///
/// **Threads.** Each call has a session of its own; as many are kept as were in use at once. Calls of the module are not
/// bounded in time, whatever the timeout says. After a fork the child makes a provider of its own.
///
/// The module is initialised for the process (`CKF_OS_LOCKING_OK`), or shared if it was before, and never finalised.
///
/// ```no_run
/// use std::path::Path;
/// use ossenc_kms::providers::{KeyWrap, Pkcs11Config, Pkcs11Provider, Providers};
///
/// let config = Pkcs11Config {
///     module: Path::new("/usr/lib/softhsm/libsofthsm2.so"),
///     token_label: "storage",
///     key_wrap: KeyWrap::Kw,
/// };
/// let pin = std::fs::read_to_string("/etc/daemon/token.pin")?;
/// let mut providers = Providers::new();
/// providers.add("hsm", std::sync::Arc::new(Pkcs11Provider::new(&config, pin.trim_end())?))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Pkcs11Provider {
    pool: Pool,
    key_wrap: KeyWrap,
}

impl Pkcs11Provider {
    /// Loads the module. The token is not touched before the first call. `pin` is the user PIN, of which a copy is kept.
    ///
    /// # Errors
    /// [`Pkcs11Error`].
    pub fn new(config: &Pkcs11Config<'_>, pin: &str) -> Result<Pkcs11Provider, Pkcs11Error> {
        if !config.module.is_absolute() {
            return Err(Pkcs11Error::Argument("the module's path is absolute"));
        }
        if !(1..=32).contains(&config.token_label.len()) || config.token_label.ends_with(' ') {
            return Err(Pkcs11Error::Argument("a token's label is 1 to 32 bytes, without padding"));
        }
        let module = Pkcs11::new(config.module).map_err(|error| Pkcs11Error::Module(error.to_string()))?;
        Ok(Pkcs11Provider { pool: Pool::new(module, config.token_label, pin), key_wrap: config.key_wrap })
    }

    fn mechanism(&self) -> Mechanism<'static> {
        match self.key_wrap {
            KeyWrap::Kw => Mechanism::AesKeyWrap,
            KeyWrap::KwPad => Mechanism::AesKeyWrapPad,
        }
    }

    /// The secret is drawn by the token, but not as a key of it: reading a key object leaves a copy (see above).
    fn generate(&self, session: &Session, ask: &Ask<'_>) -> Result<Answer, Trouble> {
        let keys = versions(session, ask.key_id)?;
        if keys.is_empty() {
            return Err(Failure::Unknown.into());
        }
        let key = keys.iter().filter(|key| key.wraps).max_by_key(|key| (key.id.len(), &key.id));
        let key = only(&keys, &key.ok_or(Failure::Disabled)?.id)?;
        if key.id.len() > KEY_VERSION_MAX / 2 {
            return Err(NONSENSE.into());
        }

        let mut secret = Zeroizing::new([0; KEY_LEN]);
        session.generate_random_slice(&mut secret[..])?;
        let mut template = [
            Attribute::Value(secret.to_vec()),
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Token(false),
            Attribute::Sensitive(true),
            Attribute::Extractable(true),
        ];
        let object = session.create_object(&template);
        wipe(&mut template[0]);
        let object = object?;
        let blob = session.wrap_key(&self.mechanism(), key.handle, object)?;
        session.destroy_object(object)?;
        if !(KEY_LEN..=BLOB_MAX).contains(&blob.len()) {
            return Err(NONSENSE.into());
        }
        Ok(Answer {
            secret: Some(Secret::new(&secret)),
            blob,
            key_id: ask.key_id.to_string(),
            key_version: hex(&key.id),
        })
    }

    fn unwrap(&self, session: &Session, ask: &Ask<'_>) -> Result<Answer, Trouble> {
        let keys = versions(session, ask.key_id)?;
        let id = keys.iter().map(|key| &key.id).find(|id| hex(id) == ask.key_version).ok_or(Failure::Unknown)?;
        let key = only(&keys, id)?;
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Token(false),
            Attribute::Sensitive(false),
            Attribute::Extractable(true),
        ];
        let object = session.unwrap_key(&self.mechanism(), key.handle, ask.blob, &template)?;
        let mut attributes = session.get_attributes(object, &[AttributeType::Value])?;
        let secret = match attributes.as_slice() {
            [Attribute::Value(value)] => Secret::from_slice(value).map_err(|_| NONSENSE),
            _ => Err(NONSENSE),
        };
        attributes.iter_mut().for_each(wipe);
        session.destroy_object(object)?;
        Ok(Answer {
            secret: Some(secret?),
            blob: Vec::new(),
            key_id: ask.key_id.to_string(),
            key_version: ask.key_version.to_string(),
        })
    }
}

impl core::fmt::Debug for Pkcs11Provider {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Pkcs11Provider").field("key_wrap", &self.key_wrap).finish_non_exhaustive()
    }
}

impl Provider for Pkcs11Provider {
    /// # Errors
    /// | | |
    /// |---|---|
    /// | [`Failure::Unknown`] | no key of this label that may serve as a master key, or none of this `CKA_ID` |
    /// | [`Failure::Disabled`] | the key lacks `CKA_WRAP` or `CKA_UNWRAP` |
    /// | [`Failure::Denied`] | the PIN is wrong, locked or expired, or the token's policy forbids it |
    /// | [`Failure::Retry`] | the token is away, or busy |
    /// | [`Failure::Error`] | the rest, a damaged blob too. The code is the `CKR_` value of the module, or 0 |
    fn call(&self, ask: &Ask<'_>, _timeout: Duration) -> Result<Answer, Failure> {
        if !is_key_id(ask.key_id) {
            return Err(NONSENSE);
        }
        match ask.verb {
            Verb::Generate => self.pool.with_session(|session| self.generate(session, ask)),
            Verb::Unwrap if !(1..=BLOB_MAX).contains(&ask.blob.len()) => Err(NONSENSE),
            Verb::Unwrap => self.pool.with_session(|session| self.unwrap(session, ask)),
            Verb::LoadBucketKey | Verb::StoreBucketKey => Err(NONSENSE),
        }
    }
}

/// One version of a master key.
struct Version {
    handle: ObjectHandle,
    id: Vec<u8>,
    wraps: bool,
}

/// The keys of a label that may serve as master keys.
fn versions(session: &Session, label: &str) -> Result<Vec<Version>, Trouble> {
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Token(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    let mut versions = Vec::new();
    for handle in session.find_objects(&template)? {
        let (mut named, mut id, mut wraps) = (false, Vec::new(), false);
        for attribute in
            session.get_attributes(handle, &[AttributeType::Label, AttributeType::Id, AttributeType::Wrap])?
        {
            match attribute {
                Attribute::Label(found) => named = found == label.as_bytes(),
                Attribute::Id(found) => id = found,
                Attribute::Wrap(found) => wraps = found,
                _ => {}
            }
        }
        // A search has state in its session. Asking the object itself rules out the finds of another search.
        if named {
            versions.push(Version { handle, id, wraps });
        }
    }
    // Who is logged out sees no private keys, and no error either.
    let state = if versions.is_empty() { Some(session.get_session_info()?.session_state()) } else { None };
    match state {
        Some(SessionState::RoPublic | SessionState::RwPublic) => {
            Err(cryptoki::error::Error::Pkcs11(RvError::UserNotLoggedIn, Function::FindObjects).into())
        }
        _ => Ok(versions),
    }
}

/// The one version with this id: with two of them nobody could say which one wrapped.
fn only<'a>(versions: &'a [Version], id: &[u8]) -> Result<&'a Version, Failure> {
    let mut same = versions.iter().filter(|version| version.id == id);
    match (same.next(), same.next()) {
        (Some(version), None) => Ok(version),
        _ => Err(NONSENSE),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn wipe(attribute: &mut Attribute) {
    if let Attribute::Value(value) = attribute {
        value.zeroize();
    }
}
