//! Keys that wrap data keys: `WK` of docs/FORMAT.md, section 5.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::kdf::{Prk, Purpose, purpose_key};
use crate::{Error, KEY_LEN, Result, Secret};

/// A key that wraps and unwraps data keys, and shows itself to nobody. Wiped on drop; clones are keys of their own.
#[derive(Clone)]
pub struct WrappingKey {
    prk: Prk,
    /// Of a bucket key: from this time on it wraps nothing more.
    wraps_before: Option<u64>,
}

impl WrappingKey {
    /// The key of a remote slot: the 32 bytes that a key management service gave for it. They are copied; the caller
    /// wipes its own.
    ///
    /// # Errors
    /// [`Error::Argument`] for zeros, which are what a buffer holds that nobody filled.
    pub fn remote(secret: &Secret) -> Result<WrappingKey> {
        not_zero(secret)?;
        Ok(WrappingKey::new(secret))
    }

    /// Whether two keys are the same, in constant time. Their time limits are not compared.
    #[must_use]
    pub fn is_same(&self, other: &WrappingKey) -> bool {
        let probe = |key: &WrappingKey| {
            let mut out = Zeroizing::new([0; KEY_LEN]);
            key.prk.expand(&[b"ossenc/v1/same"], &mut out[..]);
            out
        };
        probe(self).ct_eq(&*probe(other)).into()
    }

    pub(crate) fn new(key: &Secret) -> WrappingKey {
        WrappingKey { prk: Prk::new(key.bytes()), wraps_before: None }
    }

    pub(crate) fn wrapping_before(self, not_after: u64) -> WrappingKey {
        WrappingKey { wraps_before: Some(not_after), ..self }
    }

    /// For unwrapping.
    pub(crate) fn prk(&self) -> &Prk {
        &self.prk
    }

    /// For wrapping.
    pub(crate) fn prk_to_wrap(&self, now: u64) -> Result<&Prk> {
        match self.wraps_before {
            Some(not_after) if not_after <= now => Err(Error::KeyState),
            _ => Ok(&self.prk),
        }
    }
}

impl core::fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("WrappingKey")
    }
}

/// A key that a customer gives with each request (SSE-C). It is never stored: without it the object stays shut.
#[derive(Clone, Debug)]
pub struct CustomerKey(WrappingKey);

impl CustomerKey {
    /// From the customer's 32 bytes, which the caller keeps, and wipes.
    ///
    /// # Errors
    /// [`Error::Argument`] for zeros.
    pub fn new(material: &Secret) -> Result<CustomerKey> {
        not_zero(material)?;
        let key = purpose_key(&Prk::import(material), Purpose::WrapDataKey, "", "");
        Ok(CustomerKey(WrappingKey::new(&key)))
    }

    pub(crate) fn wrapping_key(&self) -> &WrappingKey {
        &self.0
    }
}

fn not_zero(key: &Secret) -> Result<()> {
    if key.is_zero() { Err(Error::Argument("the key is all zeros")) } else { Ok(()) }
}
