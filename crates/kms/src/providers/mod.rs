//! Key services that are ready to use, and the registry that finds one by its name. See docs/key-services.md, "Providers".
//!
//! | | feature | for |
//! |---|---|---|
//! | [`Providers`] | | one provider made of many, found by name |
//! | [`BucketKeyFolder`] | | bucket keys' records as files |
//! | `Pkcs11Provider` | `pkcs11` | a token: an HSM, a smart card, SoftHSM |
//! | `AwsKmsProvider` | `aws-kms` | AWS KMS, and services with its JSON interface |
//!
//! All of them block the calling thread, and may be shared by threads. Services need a feature; libossenc, the C library,
//! has none of them: there the daemon makes the calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ossenc::{Error, PROVIDER_MAX, Result};

use crate::{Answer, Ask, Failure, Provider, Verb};

#[cfg(feature = "aws-kms")]
mod aws_kms;
mod bucket_key_folder;
#[cfg(feature = "pkcs11")]
mod pkcs11;

#[cfg(feature = "aws-kms")]
pub use aws_kms::{AwsCredentials, AwsKmsConfig, AwsKmsError, AwsKmsProvider};
pub use bucket_key_folder::BucketKeyFolder;
#[cfg(feature = "pkcs11")]
pub use pkcs11::{KeyWrap, Pkcs11Config, Pkcs11Error, Pkcs11Provider};

/// An answer that makes no sense, or an ask that this provider is not for.
pub(crate) const NONSENSE: Failure = Failure::Error { code: 0 };

/// Not now, and nobody said when.
#[cfg(any(feature = "aws-kms", feature = "pkcs11"))]
pub(crate) const LATER: Failure = Failure::Retry { after: Duration::ZERO };

/// Longest blob of a key service that a slot can hold (docs/FORMAT.md, section 5).
#[cfg(any(feature = "aws-kms", feature = "pkcs11"))]
pub(crate) const BLOB_MAX: usize = ossenc::OUTER_BLOB_MAX;

/// Whether `text` is a key id as a slot can hold it.
#[cfg(any(feature = "aws-kms", feature = "pkcs11"))]
pub(crate) fn is_key_id(text: &str) -> bool {
    (1..=ossenc::KEY_ID_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Providers by name: itself a [`Provider`], which hands each ask to the one that it names.
///
/// Asks for bucket keys' records go to the store of records, whatever provider they name: where records are kept is not
/// the key services' business.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use ossenc_kms::providers::{BucketKeyFolder, Providers};
/// use ossenc_kms::{Answer, Ask, Failure, Provider};
///
/// struct Vault;
/// impl Provider for Vault {
///     fn call(&self, _: &Ask<'_>, _: Duration) -> Result<Answer, Failure> {
///         Err(Failure::Denied)
///     }
/// }
///
/// let mut providers = Providers::new();
/// providers.add("vault-1", Arc::new(Vault))?;
/// providers.keep_bucket_keys(Arc::new(BucketKeyFolder::new("/var/lib/daemon/bucket-keys")));
/// assert!(providers.add("vault-1", Arc::new(Vault)).is_err());
/// assert!(providers.add("../bin/sh", Arc::new(Vault)).is_err());
/// # Ok::<(), ossenc::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Providers {
    named: BTreeMap<String, Arc<dyn Provider>>,
    records: Option<Arc<dyn Provider>>,
}

impl Providers {
    /// None yet: every ask fails as [`Failure::Unknown`].
    #[must_use]
    pub fn new() -> Providers {
        Providers::default()
    }

    /// Registers `provider` under `name`, which stands in every slot that is made with it: a name is for ever.
    ///
    /// # Errors
    /// [`Error::Argument`] unless the name has 1 to 16 characters of `a`-`z`, `0`-`9`, `-`, and is free.
    pub fn add(&mut self, name: &str, provider: Arc<dyn Provider>) -> Result<()> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=PROVIDER_MAX).contains(&name.len()) || !name.bytes().all(allowed) {
            return Err(Error::Argument("a provider's name is 1 to 16 characters of a-z 0-9 -"));
        }
        if self.named.contains_key(name) {
            return Err(Error::Argument("a provider of this name is registered"));
        }
        self.named.insert(name.to_string(), provider);
        Ok(())
    }

    /// Makes `store` the one that is asked for bucket keys' records.
    pub fn keep_bucket_keys(&mut self, store: Arc<dyn Provider>) {
        self.records = Some(store);
    }
}

impl core::fmt::Debug for Providers {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let names: Vec<_> = self.named.keys().collect();
        f.debug_struct("Providers").field("named", &names).field("records", &self.records.is_some()).finish()
    }
}

impl Provider for Providers {
    fn call(&self, ask: &Ask<'_>, timeout: Duration) -> core::result::Result<Answer, Failure> {
        let provider = match ask.verb {
            Verb::Generate | Verb::Unwrap => self.named.get(ask.provider),
            Verb::LoadBucketKey | Verb::StoreBucketKey => self.records.as_ref(),
        };
        provider.ok_or(Failure::Unknown)?.call(ask, timeout)
    }
}
