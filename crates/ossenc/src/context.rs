//! The encryption context: what ties a wrapped key to its place (docs/FORMAT.md, section 3).

use alloc::vec::Vec;

use crate::codec::Put;
use crate::{Error, Result};

/// Most bytes that the encoded user map may take.
pub const USER_MAP_MAX: usize = 8_192;
/// Keys that begin so are the library's own.
const RESERVED_PREFIX: &str = "ossenc:";

/// Where an object belongs, as the caller's own index has it: never as the object's metadata claims.
///
/// A key wrapped under one context opens under no other. A field that is not used stays empty. Where renaming shall be
/// free, put a stable instance id into `object` instead of the name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context<'a> {
    /// The tenant or account. Any bytes, at most 65,535, as for the next three.
    pub tenant: &'a [u8],
    /// The bucket: an id that is not given to another bucket after this one is gone.
    pub bucket_id: &'a [u8],
    /// The object's name or instance id.
    pub object: &'a [u8],
    /// The object's version, in a versioned bucket.
    pub version_id: &'a [u8],
    /// Further pairs, in any order, each key once; encoded at most [`USER_MAP_MAX`] bytes.
    pub user: &'a [(&'a str, &'a str)],
}

const TENANT_KEY: &str = "ossenc:tenant";
const BUCKET_KEY: &str = "ossenc:bucket";

impl<'a> Context<'a> {
    /// `EC`, the canonical encoding.
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let mut out = self.encode_bucket()?;
        for field in [self.object, self.version_id] {
            put_field(&mut out, field)?;
        }
        put_map(&mut out, &self.user_pairs()?);
        Ok(out)
    }

    /// Tenant and bucket, with which `EC` begins: what a bucket key is bound to.
    pub(crate) fn encode_bucket(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        for field in [self.tenant, self.bucket_id] {
            put_field(&mut out, field)?;
        }
        Ok(out)
    }

    /// The encryption context for a key management service, as pairs sorted by the bytes of their keys: `ossenc:tenant`,
    /// `ossenc:bucket` and the user pairs. It names no object, so that renaming one is no call of the service. For a
    /// bucket key, which serves objects of any user pairs, it is that of [`Context::bucket`].
    ///
    /// # Errors
    /// [`Error::Argument`] for a tenant or bucket that is not UTF-8, which no service would take, and for a context
    /// outside its limits.
    pub fn kms_pairs(&self) -> Result<Vec<(&'a str, &'a str)>> {
        let mut pairs = self.user_pairs()?;
        for (key, field) in [(TENANT_KEY, self.tenant), (BUCKET_KEY, self.bucket_id)] {
            if field.len() > u16::MAX.into() {
                return Err(FIELD_TOO_LONG);
            }
            let value = core::str::from_utf8(field)
                .map_err(|_| Error::Argument("a remote key's tenant and bucket are UTF-8"))?;
            pairs.push((key, value));
        }
        pairs.sort_unstable();
        Ok(pairs)
    }

    /// The same as bytes, for services that take associated data: `map(m)` of docs/FORMAT.md, section 1.
    ///
    /// # Errors
    /// As [`Context::kms_pairs`].
    pub fn kms_bytes(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        put_map(&mut out, &self.kms_pairs()?);
        Ok(out)
    }

    /// The bucket alone: tenant and bucket, no object and no user pairs.
    #[must_use]
    pub fn bucket(&self) -> Context<'a> {
        Context { tenant: self.tenant, bucket_id: self.bucket_id, ..Context::default() }
    }

    /// The user pairs, checked and sorted.
    pub(crate) fn user_pairs(&self) -> Result<Vec<(&'a str, &'a str)>> {
        let len = self.user.iter().try_fold(4usize, |sum, (k, v)| sum.checked_add(4 + k.len() + v.len()));
        if len.is_none_or(|len| len > USER_MAP_MAX) {
            return Err(Error::Argument("the user pairs of a context take at most 8,192 bytes"));
        }
        let mut sorted = self.user.to_vec();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        if sorted.windows(2).any(|w| w[0].0 == w[1].0) {
            return Err(Error::Argument("a context has every key once"));
        }
        if sorted.iter().any(|(key, _)| key.is_empty() || key.starts_with(RESERVED_PREFIX)) {
            return Err(Error::Argument("a context's keys are not empty and do not begin with \"ossenc:\""));
        }
        Ok(sorted)
    }
}

const FIELD_TOO_LONG: Error = Error::Argument("a context field takes at most 65,535 bytes");

fn put_field(out: &mut Vec<u8>, field: &[u8]) -> Result<()> {
    if field.len() > u16::MAX.into() {
        return Err(FIELD_TOO_LONG);
    }
    out.put_lp(field);
    Ok(())
}

/// `map(m)` of pairs that are sorted.
fn put_map(out: &mut Vec<u8>, pairs: &[(&str, &str)]) {
    out.put_u32(u32::try_from(pairs.len()).expect("bounded by the bytes"));
    for (key, value) in pairs {
        out.put_lp(key.as_bytes());
        out.put_lp(value.as_bytes());
    }
}
