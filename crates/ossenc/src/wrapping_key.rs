//! Keys that wrap data keys: `WK` of docs/FORMAT.md, section 5.

use alloc::sync::Arc;

use ossenc_mem::{Guarded, Lock};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::kdf::{Prk, Purpose, purpose_key};
use crate::{Error, KEY_LEN, Result, Secret, stack};

/// A key that wraps and unwraps data keys, and shows itself to nobody. It lives in key memory, about 0.5 KiB of it:
/// locked, if the engine's policy or the secret that it came from is, and gone in a forked child ([`Error::Forked`]).
/// Cheap to clone; clones share the key, which is wiped with the last of them.
#[derive(Clone)]
pub struct WrappingKey {
    prk: Arc<Guarded<Prk>>,
    /// Of a bucket key: from this time on it wraps nothing more.
    wraps_before: Option<u64>,
}

impl WrappingKey {
    /// The key of a remote slot: the 32 bytes that a key management service gave for it. They are copied; the caller
    /// drops its own. Its memory is locked if that of the secret is: see [`Engine::secret`](crate::Engine::secret).
    ///
    /// # Errors
    /// [`Error::Argument`] for zeros, which are what a buffer holds that nobody filled; [`Error::NoMemory`],
    /// [`Error::NotLocked`]; [`Error::Forked`] for a secret of a parent process.
    pub fn remote(secret: &Secret) -> Result<WrappingKey> {
        WrappingKey::given(secret.lock(), secret)
    }

    /// Whether two keys are the same, in constant time. Their time limits are not compared. Keys that are gone, in a forked
    /// child, are not the same as any.
    #[must_use]
    pub fn is_same(&self, other: &WrappingKey) -> bool {
        let probe = |key: &WrappingKey| {
            let mut out = Zeroizing::new([0; KEY_LEN]);
            key.prk().map(|prk| prk.expand(&[b"ossenc/v1/same"], &mut out[..])).map(|()| out)
        };
        match (probe(self), probe(other)) {
            (Ok(a), Ok(b)) => a.ct_eq(&*b).into(),
            _ => false,
        }
    }

    /// From a secret that comes from outside.
    pub(crate) fn given(lock: Lock, secret: &Secret) -> Result<WrappingKey> {
        not_zero(secret)?;
        WrappingKey::new(lock, secret)
    }

    pub(crate) fn new(lock: Lock, key: &Secret) -> Result<WrappingKey> {
        Ok(WrappingKey { prk: Arc::new(Prk::guarded(lock, key)?), wraps_before: None })
    }

    pub(crate) fn wrapping_before(self, not_after: u64) -> WrappingKey {
        WrappingKey { wraps_before: Some(not_after), ..self }
    }

    /// For unwrapping.
    pub(crate) fn prk(&self) -> Result<&Prk> {
        Ok(self.prk.get()?)
    }

    /// For wrapping.
    pub(crate) fn prk_to_wrap(&self, now: u64) -> Result<&Prk> {
        match self.wraps_before {
            Some(not_after) if not_after <= now => Err(Error::KeyState),
            _ => self.prk(),
        }
    }
}

impl core::fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("WrappingKey")
    }
}

/// A key that a customer gives with each request (SSE-C). It is never stored: without it the object stays shut. In memory
/// it is a [`WrappingKey`], with what holds for these.
#[derive(Clone, Debug)]
pub struct CustomerKey(WrappingKey);

impl CustomerKey {
    /// From the customer's 32 bytes, of which the caller wipes its own. Its memory is locked if that of the secret is:
    /// see [`Engine::secret`](crate::Engine::secret).
    ///
    /// # Errors
    /// As [`WrappingKey::remote`].
    pub fn new(material: &Secret) -> Result<CustomerKey> {
        not_zero(material)?;
        let lock = material.lock();
        let key = stack::cleared::<{ stack::HASHING }, _>(|| {
            purpose_key(lock, &Prk::import(material)?, Purpose::WrapDataKey, "", "")
        })?;
        Ok(CustomerKey(WrappingKey::new(lock, &key)?))
    }

    pub(crate) fn wrapping_key(&self) -> &WrappingKey {
        &self.0
    }
}

fn not_zero(key: &Secret) -> Result<()> {
    if key.is_zero()? { Err(Error::Argument("the key is all zeros")) } else { Ok(()) }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use alloc::sync::Arc;

    use super::*;
    use crate::{BucketKey, Change, Context, Engine, Keystore, RemoteKey};

    fn locked(key: &WrappingKey) -> bool {
        key.prk.protection().locked
    }

    #[test]
    fn keys_are_locked_as_the_engine_or_their_secret_is() {
        for lock in [Lock::Required, Lock::Off] {
            let engine = Engine::new().unwrap().with_lock(lock).unwrap();
            let wanted = lock == Lock::Required;
            let (own, outside) = (engine.secret(&[7; 32]).unwrap(), Secret::new(&[7; 32]));
            assert_eq!((own.lock(), own.clone().lock(), outside.lock()), (lock, lock, Lock::Off));
            assert_eq!(locked(&WrappingKey::remote(&own).unwrap()), wanted);
            assert!(!locked(&WrappingKey::remote(&outside).unwrap()));
            assert_eq!(locked(&CustomerKey::new(&own).unwrap().0), wanted);

            // With an engine it alone counts.
            let image = Keystore::init(&engine, "root", &outside).unwrap();
            let empty = Keystore::load(&engine, &image, &outside, 0).unwrap();
            let image = empty.apply(&engine, &Change::Create { key_id: "oss" }, 1).unwrap();
            let keystore = Keystore::load(&engine, &image, &outside, 0).unwrap();
            let material = keystore.key("oss").unwrap().material(1, 1).unwrap();
            assert_eq!(material.lock(), lock);
            let context = Context { tenant: b"t", bucket_id: b"b", ..Context::default() };
            let bucket_key = BucketKey::create(&engine, &keystore, "oss", &context, 9, 1).unwrap();
            assert_eq!(locked(bucket_key.wrapping_key()), wanted);
            let opened = bucket_key.record().open(&engine, &keystore, &context, 1).unwrap();
            assert_eq!(locked(opened.wrapping_key()), wanted);
            let remote = RemoteKey { provider: "kms", key_id: "k", key_version: "", blob: b"b", secret: &outside };
            let remote = BucketKey::create_remote(&engine, &remote, &context, 9, 1).unwrap();
            assert_eq!(locked(remote.wrapping_key()), wanted);
            assert_eq!(locked(remote.record().open_remote(&own, &context).unwrap().wrapping_key()), wanted);
            let held = Arc::clone(&remote.wrapping_key().clone().prk);
            assert!(Arc::ptr_eq(&held, &remote.wrapping_key().prk), "clones share the key");
        }
    }
}
