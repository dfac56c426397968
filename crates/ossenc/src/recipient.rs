//! Under which key an object's data key shall be wrapped.

use crate::{BucketKey, CustomerKey, Error, Method, OUTER_BLOB_MAX, Result, Secret, ident};

/// Under which key an object shall be wrapped. The method is recorded in the envelope; it is that of SSE-C for a
/// customer's key and no other.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Recipient<'a> {
    /// A master key of the keystore.
    Local {
        /// SSE-OSS or SSE-KMS.
        method: Method,
        /// A master key's id, or an alias of it. Aliases are resolved before anything is stored.
        key: &'a str,
    },
    /// A master key in a key management service.
    Remote {
        /// SSE-OSS or SSE-KMS.
        method: Method,
        /// What the service gave: a fresh key for each slot.
        key: RemoteKey<'a>,
    },
    /// A bucket key, whose record is kept in the slot.
    BucketKey {
        /// SSE-OSS or SSE-KMS.
        method: Method,
        /// The key, open.
        key: &'a BucketKey,
    },
    /// A bucket key, whose record the caller keeps elsewhere: the slot has its id only.
    BucketKeyReference {
        /// SSE-OSS or SSE-KMS.
        method: Method,
        /// The key, open.
        key: &'a BucketKey,
    },
    /// A customer's key (SSE-C).
    Customer(&'a CustomerKey),
}

impl<'a> Recipient<'a> {
    /// A local master key, for SSE-OSS.
    #[must_use]
    pub const fn oss(key: &'a str) -> Recipient<'a> {
        Recipient::Local { method: Method::SseOss, key }
    }

    /// A local master key, for SSE-KMS.
    #[must_use]
    pub const fn kms(key: &'a str) -> Recipient<'a> {
        Recipient::Local { method: Method::SseKms, key }
    }

    /// The method that the envelope records.
    #[must_use]
    pub fn method(&self) -> Method {
        match *self {
            Recipient::Local { method, .. }
            | Recipient::Remote { method, .. }
            | Recipient::BucketKey { method, .. }
            | Recipient::BucketKeyReference { method, .. } => method,
            Recipient::Customer(_) => Method::SseC,
        }
    }
}

/// A key that a key management service has made: in clear, and wrapped under one of its master keys.
#[derive(Clone, Copy, Debug)]
pub struct RemoteKey<'a> {
    /// Names the service: 1 to 16 characters of `a`-`z`, `0`-`9` and `-`.
    pub provider: &'a str,
    /// The master key's id, as the service resolved it: 1 to 255 characters of 0x21 to 0x7e.
    pub key_id: &'a str,
    /// Its version, where the service tells: at most 64 such characters.
    pub key_version: &'a str,
    /// The key, wrapped by the service under [`Context::kms_pairs`](crate::Context::kms_pairs): 1 to 8,192 bytes.
    pub blob: &'a [u8],
    /// The key: 32 bytes, not zeros.
    pub secret: &'a Secret,
}

impl RemoteKey<'_> {
    /// That its names and its blob can be stored.
    pub(crate) fn check(&self) -> Result<()> {
        ident::check_remote_names(self.provider, self.key_id, self.key_version)?;
        if (1..=OUTER_BLOB_MAX).contains(&self.blob.len()) {
            Ok(())
        } else {
            Err(Error::Argument("what a service has wrapped takes 1 to 8,192 bytes"))
        }
    }
}
