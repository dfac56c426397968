//! A slot: one recipient's wrapped copy of the data key, and in clear which key opens it.

use alloc::vec::Vec;

use super::prelude::Prelude;
use crate::codec::{Put, Reader};
use crate::{Error, Result, ident};

/// Bytes of the message that wraps a data key: 56, 32 and 16.
pub(crate) const INNER_LEN: usize = 104;
/// Bytes of a bucket key's id.
pub const BUCKET_KEY_ID_LEN: usize = 16;
/// Most bytes that a slot takes of what a key management service wrapped, or of a bucket key's record.
pub const OUTER_BLOB_MAX: usize = 8_192;

/// How an object's data key is kept, as the storage's clients see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Master keys held and rotated by the service.
    SseOss = 1,
    /// Customer master keys (CMKs).
    SseKms = 2,
    /// Keys that the customer gives with each request.
    SseC = 3,
}

/// What wraps a data key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A master key of the keystore.
    Local = 1,
    /// A master key in a key management service.
    Remote = 2,
    /// A bucket key, kept in the slot, wrapped.
    BucketKey = 3,
    /// A bucket key, kept elsewhere.
    BucketKeyReference = 4,
    /// A key of the customer's.
    Customer = 5,
}

impl Kind {
    pub(crate) fn from_number(number: u8) -> Option<Kind> {
        [Kind::Local, Kind::Remote, Kind::BucketKey, Kind::BucketKeyReference, Kind::Customer]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }
}

/// What a slot says of itself, in clear. It is authenticated when the slot opens, and not before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotHead<'a> {
    pub(crate) method: Method,
    pub(crate) kind: Kind,
    pub(crate) wrapped_at: u64,
    pub(crate) provider: &'a str,
    pub(crate) key_id: &'a str,
    pub(crate) key_version: &'a str,
    pub(crate) bucket_key_id: &'a [u8],
    pub(crate) outer_blob: &'a [u8],
}

/// One slot of a parsed envelope: unauthenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot<'a> {
    pub(crate) head: SlotHead<'a>,
    /// `lp(slot_head) || inner`, as stored.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Slot<'a> {
    pub(crate) fn parse(reader: &mut Reader<'a>) -> Result<Slot<'a>> {
        let stored = reader.rest();
        let head = reader.lp()?;
        reader.take(INNER_LEN)?;
        let head = SlotHead::parse(head)?;
        let bytes = &stored[..stored.len() - reader.rest().len()];
        Ok(Slot { head, bytes })
    }

    /// `lp(slot_head)`.
    pub(crate) fn head_bytes(&self) -> &'a [u8] {
        &self.bytes[..self.bytes.len() - INNER_LEN]
    }

    /// The message that wraps the data key.
    pub(crate) fn inner(&self) -> &'a [u8] {
        &self.bytes[self.bytes.len() - INNER_LEN..]
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.head.method
    }

    /// What wraps the data key.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.head.kind
    }

    /// When it was wrapped, in seconds since 1970.
    #[must_use]
    pub fn wrapped_at(&self) -> u64 {
        self.head.wrapped_at
    }

    /// Which key management service has the master key; empty for local and customer keys.
    #[must_use]
    pub fn provider(&self) -> &'a str {
        self.head.provider
    }

    /// The master key's id; empty for customer keys.
    #[must_use]
    pub fn key_id(&self) -> &'a str {
        self.head.key_id
    }

    /// The master key's version; a decimal counter for local keys.
    #[must_use]
    pub fn key_version(&self) -> &'a str {
        self.head.key_version
    }

    /// The id of the bucket key that wraps the data key, by value or by reference.
    #[must_use]
    pub fn bucket_key_id(&self) -> Option<&'a [u8; BUCKET_KEY_ID_LEN]> {
        self.head.bucket_key_id.first_chunk()
    }

    /// Of a remote slot, what the service unwraps. Of a bucket key by value, its record: see
    /// [`BucketKeyRecord::in_slot`](crate::BucketKeyRecord::in_slot). Else empty.
    #[must_use]
    pub fn outer_blob(&self) -> &'a [u8] {
        self.head.outer_blob
    }

    /// The number of the local master key's version; none where the master key is not a local one.
    pub(crate) fn local_version(&self) -> Option<u64> {
        if self.head.provider.is_empty() { ident::local_version(self.head.key_version) } else { None }
    }
}

impl<'a> SlotHead<'a> {
    /// Without names: a customer key's, and the base of all others.
    pub(crate) fn new(method: Method, wrapped_at: u64) -> SlotHead<'a> {
        SlotHead {
            method,
            kind: Kind::Customer,
            wrapped_at,
            provider: "",
            key_id: "",
            key_version: "",
            bucket_key_id: &[],
            outer_blob: &[],
        }
    }

    fn parse(bytes: &'a [u8]) -> Result<SlotHead<'a>> {
        let mut reader = Reader::new(bytes, "slot");
        let (method, kind) = (reader.u8()?, reader.u8()?);
        let method = match method {
            1 => Method::SseOss,
            2 => Method::SseKms,
            3 => Method::SseC,
            _ => return Err(Error::TooNew("method")),
        };
        let kind = Kind::from_number(kind).ok_or(Error::TooNew("kind of key"))?;
        let wrapped_at = reader.u64()?;
        let provider = ident::provider(reader.lp8()?).ok_or(Error::Format("provider of a slot"))?;
        let key_id = ident::key_id(reader.lp8()?).ok_or(Error::Format("key id of a slot"))?;
        let key_version = ident::key_version(reader.lp8()?).ok_or(Error::Format("key version of a slot"))?;
        let (bucket_key_id, outer_blob) = (reader.lp8()?, reader.lp()?);
        reader.finish()?;
        let head = SlotHead { method, kind, wrapped_at, provider, key_id, key_version, bucket_key_id, outer_blob };
        if head.is_consistent() { Ok(head) } else { Err(Error::Format("fields of a slot that do not go together")) }
    }

    /// The table of kinds in docs/FORMAT.md, section 5.
    fn is_consistent(&self) -> bool {
        let has_provider = !self.provider.is_empty();
        let has_bucket_key = self.bucket_key_id.len() == BUCKET_KEY_ID_LEN;
        let has_blob = (1..=OUTER_BLOB_MAX).contains(&self.outer_blob.len());
        let (no_bucket_key, no_blob) = (self.bucket_key_id.is_empty(), self.outer_blob.is_empty());
        let has_key = !self.key_id.is_empty();
        // Without a provider the master key is a local one, whose versions are counted.
        let version_fits = has_provider || ident::local_version(self.key_version).is_some();
        let fields_fit = match self.kind {
            Kind::Local => !has_provider && has_key && version_fits && no_bucket_key && no_blob,
            Kind::Remote => has_provider && has_key && no_bucket_key && has_blob,
            Kind::BucketKey => has_key && version_fits && has_bucket_key && has_blob,
            Kind::BucketKeyReference => has_key && version_fits && has_bucket_key && no_blob,
            Kind::Customer => !has_provider && !has_key && self.key_version.is_empty() && no_bucket_key && no_blob,
        };
        fields_fit && (self.kind == Kind::Customer) == (self.method == Method::SseC)
    }

    /// `lp(slot_head)`.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut head = Vec::new();
        head.put_u8(self.method as u8);
        head.put_u8(self.kind as u8);
        head.put_u64(self.wrapped_at);
        head.put_lp8(self.provider.as_bytes());
        head.put_lp8(self.key_id.as_bytes());
        head.put_lp8(self.key_version.as_bytes());
        head.put_lp8(self.bucket_key_id);
        head.put_lp(self.outer_blob);
        let mut prefixed = Vec::with_capacity(2 + head.len() + INNER_LEN);
        prefixed.put_lp(&head);
        prefixed
    }
}

/// The context of the message that wraps a data key: it is bound to the object, to all that the slot says of itself,
/// and to the place that the caller says the object has.
pub(crate) fn wrap_context<'a>(prelude: &'a Prelude, head_bytes: &'a [u8], context: &'a [u8]) -> [&'a [u8]; 4] {
    [b"ossenc/wrap\0\x01", prelude.bytes(), head_bytes, context]
}
