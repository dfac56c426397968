//! Bucket keys: made once under a master key, they wrap the data keys of one bucket's objects, so that not every object
//! is a call of a key management service (docs/FORMAT.md, section 5).
//!
//! A bucket key is bound to tenant and bucket, and limited in time: past its `not_after` it wraps nothing more, and
//! goes on unwrapping what it wrapped. How many objects one key serves is for the caller to limit.

use alloc::string::ToString;
use alloc::vec::Vec;

use crate::codec::{Put, Reader};
use crate::kdf::{Prk, Purpose};
use crate::{
    BUCKET_KEY_ID_LEN, Context, Engine, Error, Keystore, OUTER_BLOB_MAX, RemoteKey, Result, Secret, Slot, WrappingKey,
    ident, message,
};

const MAGIC: &[u8; 7] = b"ossencB";
const VERSION: u8 = 1;
const KIND_LOCAL: u8 = 1;
const KIND_REMOTE: u8 = 2;
/// A message of 32 bytes.
const SEALED_LEN: usize = 56 + 32 + 16;

/// What is stored of a bucket key, parsed: in clear which master key wrapped it, and the key itself, wrapped. Nothing
/// of it is authentic before it was opened. It borrows the bytes it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketKeyRecord<'a> {
    id: [u8; BUCKET_KEY_ID_LEN],
    not_after: u64,
    provider: &'a str,
    key_id: &'a str,
    key_version: &'a str,
    /// All fields before `sealed`.
    fields: &'a [u8],
    sealed: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> BucketKeyRecord<'a> {
    /// Parses a record that takes all of `bytes`, at most 8,192.
    ///
    /// # Errors
    /// [`Error::Format`], [`Error::TooNew`], as docs/FORMAT.md has it.
    pub fn parse(bytes: &'a [u8]) -> Result<BucketKeyRecord<'a>> {
        if bytes.len() > OUTER_BLOB_MAX {
            return Err(Error::Format("a bucket key's record of more than 8,192 bytes"));
        }
        let mut reader = Reader::new(bytes, "record of a bucket key");
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(Error::Format("not the record of a bucket key"));
        }
        if reader.u8()? != VERSION {
            return Err(Error::TooNew("version of a bucket key's record"));
        }
        let (id, not_after) = (reader.array()?, reader.u64()?);
        let local = match reader.u8()? {
            KIND_LOCAL => true,
            KIND_REMOTE => false,
            _ => return Err(Error::TooNew("kind of a bucket key's record")),
        };
        let names = (reader.lp8()?, reader.lp8()?, reader.lp8()?);
        let fields = &bytes[..bytes.len() - reader.rest().len()];
        let sealed = reader.lp()?;
        let (Some(provider), Some(key_id), Some(key_version)) =
            (ident::provider(names.0), ident::key_id(names.1), ident::key_version(names.2))
        else {
            return reader.malformed();
        };
        let kind_fits = if local {
            provider.is_empty() && ident::local_version(key_version).is_some() && sealed.len() == SEALED_LEN
        } else {
            !provider.is_empty() && !sealed.is_empty()
        };
        if key_id.is_empty() || !kind_fits {
            return reader.malformed();
        }
        reader.finish()?;
        Ok(BucketKeyRecord { id, not_after, provider, key_id, key_version, fields, sealed, bytes })
    }

    /// The record that a slot holds, of a bucket key by value.
    ///
    /// # Errors
    /// [`Error::TooNew`] for a record of a later version; [`Error::Commit`] for one that is malformed or of another
    /// bucket key than the slot says; [`Error::Argument`] for a slot of another kind.
    pub fn in_slot(slot: &Slot<'a>) -> Result<BucketKeyRecord<'a>> {
        if slot.kind() != crate::Kind::BucketKey {
            return Err(Error::Argument("this slot holds no bucket key"));
        }
        match BucketKeyRecord::parse(slot.outer_blob()) {
            Ok(record) if record.belongs_to(slot) => Ok(record),
            Err(error @ Error::TooNew(_)) => Err(error),
            _ => Err(Error::Commit),
        }
    }

    /// Opens the record of a bucket key under a local master key. Of the context, tenant and bucket count. A key past
    /// its `not_after` opens: it unwraps what it wrapped. `now` is the wall time in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::KeyAbsent`] for the record of a remote key; [`Error::NoVersion`] for a master key or version that the
    /// keystore does not have, [`Error::KeyState`] for one that may not unwrap; [`Error::Commit`] for another tenant or
    /// bucket, or a record that is damaged; [`Error::Argument`] for a context outside its limits.
    pub fn open(&self, engine: &Engine, keystore: &Keystore, context: &Context<'_>, now: u64) -> Result<BucketKey> {
        if !self.is_local() {
            return Err(Error::KeyAbsent);
        }
        let bucket = context.encode_bucket()?;
        let number = ident::local_version(self.key_version).ok_or(Error::NoVersion)?;
        let master_key = keystore.key(self.key_id).ok_or(Error::NoVersion)?;
        let unwrapping_key = master_key.unwrapping_key(engine.lock(), Purpose::WrapBucketKey, number, now)?;
        let prk = Prk::guarded(engine.lock(), &unwrapping_key)?;
        let context = seal_context(self.fields, &bucket);
        let key =
            Secret::filled(engine.lock(), |out| message::open_into(engine, prk.get()?, &context, self.sealed, out))
                .map_err(|error| if error.is_of_the_process() { error } else { Error::Commit })?;
        Ok(BucketKey::new(self.bytes.to_vec(), self.not_after, bucket, WrappingKey::new(engine.lock(), &key)?))
    }

    /// Opens the record of a remote key with the 32 bytes that the service gave for [`BucketKeyRecord::blob`]. Whether
    /// they are the right ones shows only in a slot: another key opens none ([`Error::Commit`]).
    ///
    /// # Errors
    /// [`Error::Argument`] for the record of a local key, a secret of zeros, or a context outside its limits.
    pub fn open_remote(&self, secret: &Secret, context: &Context<'_>) -> Result<BucketKey> {
        if self.is_local() {
            return Err(Error::Argument("this bucket key is under a local master key"));
        }
        let bucket = context.encode_bucket()?;
        Ok(BucketKey::new(self.bytes.to_vec(), self.not_after, bucket, WrappingKey::remote(secret)?))
    }

    /// 16 random bytes, drawn when the key was made.
    #[must_use]
    pub fn id(&self) -> &[u8; BUCKET_KEY_ID_LEN] {
        &self.id
    }

    /// From when on it wraps nothing more, in seconds since 1970.
    #[must_use]
    pub fn not_after(&self) -> u64 {
        self.not_after
    }

    /// Which key management service has the master key; empty if it is a local one.
    #[must_use]
    pub fn provider(&self) -> &'a str {
        self.provider
    }

    /// The master key's id.
    #[must_use]
    pub fn key_id(&self) -> &'a str {
        self.key_id
    }

    /// The master key's version; a decimal counter for local keys.
    #[must_use]
    pub fn key_version(&self) -> &'a str {
        self.key_version
    }

    /// What the service unwraps; `None` if the master key is a local one.
    #[must_use]
    pub fn blob(&self) -> Option<&'a [u8]> {
        (!self.is_local()).then_some(self.sealed)
    }

    /// The record as stored: at most 8,192 bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn is_local(&self) -> bool {
        self.provider.is_empty()
    }

    /// Whether a slot names this bucket key, and the same master key.
    #[must_use]
    pub fn belongs_to(&self, slot: &Slot<'_>) -> bool {
        slot.bucket_key_id() == Some(&self.id)
            && (slot.provider(), slot.key_id(), slot.key_version()) == (self.provider, self.key_id, self.key_version)
    }
}

/// An open bucket key: a [`WrappingKey`], with what holds for these, and its record. Revoking its master key does not
/// reach it: forget it in time.
pub struct BucketKey {
    record: Vec<u8>,
    /// `lp(tenant) || lp(bucket_id)`
    bucket: Vec<u8>,
    key: WrappingKey,
}

impl BucketKey {
    /// Makes a bucket key under a local master key, given by id or alias. Of the context, tenant and bucket count. It
    /// wraps until before `not_after`. Both times are wall times in seconds since 1970.
    ///
    /// The caller keeps the [`BucketKey::record`] for those of its objects that hold a reference only.
    ///
    /// # Errors
    /// [`Error::NoVersion`] for a key that is not in the keystore, [`Error::KeyState`] for one that may not wrap;
    /// [`Error::Argument`] for a `not_after` that is not later than `now`, or a context outside its limits;
    /// [`Error::NoEntropy`].
    pub fn create(
        engine: &Engine,
        keystore: &Keystore,
        key: &str,
        context: &Context<'_>,
        not_after: u64,
        now: u64,
    ) -> Result<BucketKey> {
        let bucket = context.encode_bucket()?;
        check_end(not_after, now)?;
        let master_key = keystore.resolve(key).ok_or(Error::NoVersion)?;
        let (number, wrapping_key) = master_key.wrapping_key(engine.lock(), Purpose::WrapBucketKey, now)?;
        let id = engine.random()?;
        let key = engine.random_secret()?;
        let mut record = fields(&id, not_after, KIND_LOCAL, ["", master_key.id(), &number.to_string()]);
        let mut sealed = [0; SEALED_LEN];
        let prk = Prk::guarded(engine.lock(), &wrapping_key)?;
        message::seal_into(engine, prk.get()?, &seal_context(&record, &bucket), key.bytes()?, &mut sealed)?;
        record.put_lp(&sealed);
        Ok(BucketKey::new(record, not_after, bucket, WrappingKey::new(engine.lock(), &key)?))
    }

    /// Makes a bucket key of a key that a service has made under [`Context::kms_pairs`] of [`Context::bucket`].
    ///
    /// # Errors
    /// [`Error::Argument`] for names, a blob or a secret outside their limits, a record that would take more than 8,192
    /// bytes, a `not_after` that is not later than `now`, or a context outside its limits or not of UTF-8;
    /// [`Error::NoEntropy`].
    pub fn create_remote(
        engine: &Engine,
        key: &RemoteKey<'_>,
        context: &Context<'_>,
        not_after: u64,
        now: u64,
    ) -> Result<BucketKey> {
        key.check()?;
        check_end(not_after, now)?;
        context.bucket().kms_pairs()?;
        let names = [key.provider, key.key_id, key.key_version];
        let mut record = fields(&engine.random()?, not_after, KIND_REMOTE, names);
        record.put_lp(key.blob);
        if record.len() > OUTER_BLOB_MAX {
            return Err(Error::Argument("a bucket key's record takes at most 8,192 bytes"));
        }
        let wrapping_key = WrappingKey::given(engine.lock(), key.secret)?;
        Ok(BucketKey::new(record, not_after, context.encode_bucket()?, wrapping_key))
    }

    /// Its record: id, limit and master key, and the bytes that are stored.
    ///
    /// # Panics
    /// Never: it was parsed or made by this library.
    #[must_use]
    pub fn record(&self) -> BucketKeyRecord<'_> {
        BucketKeyRecord::parse(&self.record).expect("parsed or made here")
    }

    /// The key that wraps the data keys of the bucket's objects.
    #[must_use]
    pub fn wrapping_key(&self) -> &WrappingKey {
        &self.key
    }

    /// Whether that is its bucket.
    pub(crate) fn is_of(&self, context: &Context<'_>) -> Result<bool> {
        Ok(context.encode_bucket()? == self.bucket)
    }

    fn new(record: Vec<u8>, not_after: u64, bucket: Vec<u8>, key: WrappingKey) -> BucketKey {
        BucketKey { record, bucket, key: key.wrapping_before(not_after) }
    }
}

impl core::fmt::Debug for BucketKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("BucketKey").field("record", &self.record()).finish_non_exhaustive()
    }
}

fn check_end(not_after: u64, now: u64) -> Result<()> {
    if not_after > now { Ok(()) } else { Err(Error::Argument("a bucket key's end is later than its beginning")) }
}

/// The record up to `sealed`.
fn fields(id: &[u8; BUCKET_KEY_ID_LEN], not_after: u64, kind: u8, names: [&str; 3]) -> Vec<u8> {
    let mut out = Vec::new();
    out.put(MAGIC);
    out.put_u8(VERSION);
    out.put(id);
    out.put_u64(not_after);
    out.put_u8(kind);
    names.iter().for_each(|name| out.put_lp8(name.as_bytes()));
    out
}

/// The context of the message that wraps a bucket key.
fn seal_context<'a>(fields: &'a [u8], bucket: &'a [u8]) -> [&'a [u8]; 3] {
    [b"ossenc/bucket-key\0\x01", fields, bucket]
}
