//! Calls to a service as operations keep them, and what they are for.

use std::sync::Arc;

use ossenc::{BucketKey, BucketKeyRecord, Context, Error, Result, Slot, WrappingKey};

use crate::id::Id;
use crate::provider::{Ask, Verb};

/// A key that wraps data keys.
#[derive(Debug)]
pub(crate) enum Held {
    Slot(WrappingKey),
    Bucket(BucketKey),
}

impl Held {
    pub(crate) fn wrapping_key(&self) -> &WrappingKey {
        match self {
            Held::Slot(key) => key,
            Held::Bucket(key) => key.wrapping_key(),
        }
    }
}

/// A call, owned.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) verb: Verb,
    pub(crate) provider: String,
    pub(crate) key_id: String,
    key_version: String,
    context: Vec<(String, String)>,
    context_bytes: Vec<u8>,
    blob: Vec<u8>,
    bucket_key_id: Vec<u8>,
}

impl Call {
    fn new(verb: Verb, [provider, key_id, key_version]: [&str; 3]) -> Call {
        Call {
            verb,
            provider: provider.into(),
            key_id: key_id.into(),
            key_version: key_version.into(),
            context: Vec::new(),
            context_bytes: Vec::new(),
            blob: Vec::new(),
            bucket_key_id: Vec::new(),
        }
    }

    fn under(mut self, context: &Context<'_>) -> Result<Call> {
        let owned = |(key, value): (&str, &str)| (key.into(), value.into());
        self.context = context.kms_pairs()?.into_iter().map(owned).collect();
        self.context_bytes = context.kms_bytes()?;
        Ok(self)
    }

    pub(crate) fn generate(provider: &str, key: &str, context: &Context<'_>) -> Result<Call> {
        let named = (1..=16).contains(&provider.len())
            && provider.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !named {
            return Err(Error::Argument("a provider is 1 to 16 characters of a-z, 0-9 and -"));
        }
        if !(1..=2_048).contains(&key.len()) {
            return Err(Error::Argument("a remote master key's name takes 1 to 2,048 bytes"));
        }
        Call::new(Verb::Generate, [provider, key, ""]).under(context)
    }

    pub(crate) fn unwrap_slot(slot: &Slot<'_>, context: &Context<'_>) -> Result<Call> {
        let names = [slot.provider(), slot.key_id(), slot.key_version()];
        Ok(Call { blob: slot.outer_blob().to_vec(), ..Call::new(Verb::Unwrap, names).under(context)? })
    }

    /// Unwraps a bucket key of a remote master key.
    pub(crate) fn unwrap_record(record: &BucketKeyRecord<'_>, context: &Context<'_>) -> Result<Call> {
        let names = [record.provider(), record.key_id(), record.key_version()];
        let blob = record.blob().unwrap_or_default().to_vec();
        Ok(Call { blob, ..Call::new(Verb::Unwrap, names).under(&context.bucket())? })
    }

    pub(crate) fn load(slot: &Slot<'_>) -> Call {
        let names = [slot.provider(), slot.key_id(), slot.key_version()];
        let bucket_key_id = slot.bucket_key_id().map(|id| id.to_vec()).unwrap_or_default();
        Call { bucket_key_id, ..Call::new(Verb::LoadBucketKey, names) }
    }

    pub(crate) fn store(record: &BucketKeyRecord<'_>) -> Call {
        let names = [record.provider(), record.key_id(), record.key_version()];
        let (blob, bucket_key_id) = (record.bytes().to_vec(), record.id().to_vec());
        Call { blob, bucket_key_id, ..Call::new(Verb::StoreBucketKey, names) }
    }

    /// Who fails when this call fails.
    pub(crate) fn service(&self) -> Id {
        let is_store = matches!(self.verb, Verb::LoadBucketKey | Verb::StoreBucketKey);
        Id::service(&self.provider, &self.key_id, is_store)
    }
}

/// What an operation lacks, and the next call on the way to it.
#[derive(Debug)]
pub(crate) struct Need {
    pub(crate) id: Id,
    pub(crate) call: Arc<Call>,
    pub(crate) want: Want,
}

/// What the answer to the call is for.
#[derive(Clone, Debug)]
pub(crate) enum Want {
    /// The key of a remote slot.
    SlotKey,
    /// A bucket key, whose record that is.
    BucketKey(Vec<u8>),
    /// The record of a bucket key that this slot, of this envelope, refers to.
    Record {
        /// The names that the record has to have: provider, key id, version.
        names: [String; 3],
        /// And the id.
        bucket_key_id: Vec<u8>,
    },
    /// A new key of a remote master key. It is for one slot, so nobody waits for it with this operation.
    Generated,
    /// A new bucket key of a remote master key, to wrap with.
    NewBucketKey {
        /// Whether slots will refer to it.
        by_reference: bool,
    },
    /// That the record of a new bucket key is durable.
    Stored(Arc<Held>),
    /// That a key that is kept may be kept on.
    Refreshed(Arc<Held>),
}

impl Want {
    /// Whether operations that lack the same wait for one call.
    pub(crate) fn is_shared(&self) -> bool {
        !matches!(self, Want::Generated)
    }

    /// Whether it is a bucket key to wrap with.
    pub(crate) fn is_to_wrap(&self) -> bool {
        matches!(self, Want::NewBucketKey { .. } | Want::Stored(_))
    }
}

/// A call that the operation asks its caller to make. It stays open until it is answered, or the operation ends.
#[derive(Debug)]
pub struct OpenAsk<'a> {
    id: u64,
    call: &'a Call,
    context: Vec<(&'a str, &'a str)>,
    until_ns: u64,
}

impl<'a> OpenAsk<'a> {
    pub(crate) fn new(id: u64, call: &'a Call, until_ns: u64) -> OpenAsk<'a> {
        let context = call.context.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        OpenAsk { id, call, context, until_ns }
    }

    /// The call.
    #[must_use]
    pub fn ask(&self) -> Ask<'_> {
        let call = self.call;
        Ask {
            id: self.id,
            verb: call.verb,
            provider: &call.provider,
            key_id: &call.key_id,
            key_version: &call.key_version,
            context: &self.context,
            context_bytes: &call.context_bytes,
            blob: &call.blob,
            bucket_key_id: &call.bucket_key_id,
        }
    }

    /// The monotonic time until which the answer is waited for: then another operation may make the call again, or this
    /// one has run out of time.
    #[must_use]
    pub fn until_ns(&self) -> u64 {
        self.until_ns
    }
}
