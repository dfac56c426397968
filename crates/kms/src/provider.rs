//! What an operation asks of a key service, and what it may answer. See docs/key-services.md.

use core::time::Duration;

use ossenc::Secret;

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// Make 32 secret bytes, and wrap them under the key.
    Generate,
    /// Unwrap a blob.
    Unwrap,
    /// Fetch a bucket key's record.
    LoadBucketKey,
    /// Keep a bucket key's record: durable when answered.
    StoreBucketKey,
}

/// A call to be made.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Which one: an answer names it.
    pub id: u64,
    /// What to do.
    pub verb: Verb,
    /// Whom to ask: the provider's name. Empty for bucket keys' records under local master keys.
    pub provider: &'a str,
    /// The master key: its id, or for [`Verb::Generate`] whatever the service takes for one.
    pub key_id: &'a str,
    /// Its version, for [`Verb::Unwrap`]; may be empty.
    pub key_version: &'a str,
    /// The encryption context: pairs of strings, sorted, each key once. Authenticated by services that can.
    pub context: &'a [(&'a str, &'a str)],
    /// The same, as the bytes of `map` in docs/FORMAT.md, section 3: for services that take additional data.
    pub context_bytes: &'a [u8],
    /// What to unwrap, or the record to keep.
    pub blob: &'a [u8],
    /// The bucket key whose record it is; empty for the other verbs.
    pub bucket_key_id: &'a [u8],
}

/// What a service gives when it does as asked.
#[derive(Debug, Default)]
pub struct Answer {
    /// The 32 bytes: [`Verb::Generate`], [`Verb::Unwrap`].
    pub secret: Option<Secret>,
    /// What unwraps to them later ([`Verb::Generate`]), or the record ([`Verb::LoadBucketKey`]).
    pub blob: Vec<u8>,
    /// The key that was used: its own id, of 1 to 255 characters of 0x21 to 0x7e, not an alias. May be empty for
    /// [`Verb::Unwrap`].
    pub key_id: String,
    /// Its version, if the service tells.
    pub key_version: String,
}

/// Why a service did not do as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// It forbids this.
    Denied,
    /// It has no such key, version or record.
    Unknown,
    /// The key is there, but its state forbids the use.
    Disabled,
    /// Not now: throttled, away, too slow. Zero if the service does not say when.
    Retry {
        /// How long to wait.
        after: Duration,
    },
    /// Anything else, and answers that make no sense.
    Error {
        /// The service's own code, for the log; 0 if there is none.
        code: i32,
    },
}

/// A key service, as the blocking way of running operations uses it: a KMS, an HSM, a store of bucket keys.
pub trait Provider: Send + Sync {
    /// Makes the call and waits for its answer, for at most `timeout`.
    ///
    /// # Errors
    /// [`Failure`]. Running out of time is [`Failure::Retry`].
    fn call(&self, ask: &Ask<'_>, timeout: Duration) -> Result<Answer, Failure>;
}
