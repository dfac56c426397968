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

impl Context<'_> {
    /// `EC`, the canonical encoding.
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        for field in [self.tenant, self.bucket_id, self.object, self.version_id] {
            if field.len() > u16::MAX.into() {
                return Err(Error::Argument("a context field takes at most 65,535 bytes"));
            }
            out.put_lp(field);
        }
        encode_map(self.user, &mut out)?;
        Ok(out)
    }
}

/// `map(user)`.
pub(crate) fn encode_map(pairs: &[(&str, &str)], out: &mut Vec<u8>) -> Result<()> {
    let len = pairs.iter().try_fold(4usize, |sum, (k, v)| sum.checked_add(4 + k.len() + v.len()));
    if len.is_none_or(|len| len > USER_MAP_MAX) {
        return Err(Error::Argument("the user pairs of a context take at most 8,192 bytes"));
    }
    let mut sorted = pairs.to_vec();
    sorted.sort_unstable_by_key(|(key, _)| *key);
    if sorted.windows(2).any(|w| w[0].0 == w[1].0) {
        return Err(Error::Argument("a context has every key once"));
    }
    if sorted.iter().any(|(key, _)| key.is_empty() || key.starts_with(RESERVED_PREFIX)) {
        return Err(Error::Argument("a context's keys are not empty and do not begin with \"ossenc:\""));
    }
    out.put_u32(u32::try_from(sorted.len()).expect("bounded by the bytes"));
    for (key, value) in sorted {
        out.put_lp(key.as_bytes());
        out.put_lp(value.as_bytes());
    }
    Ok(())
}
