//! HKDF-SHA512 (RFC 5869) as the format uses it: keys for a purpose, keys of a message.
//!
//! Built on crate `hmac` because crate `hkdf` refuses a 32-byte pseudorandom key for SHA-512, which chunked-encryption
//! prescribes (its input key is uniform already).

use hmac::{Hmac, KeyInit, Mac};
use ossenc_mem::{Guarded, Lock};
use sha2::Sha512;
use zeroize::Zeroize;

use crate::secret::{KEY_LEN, Secret};
use crate::{Result, stack};

const HASH_LEN: usize = 64;

/// A pseudorandom key with its HMAC pads done. Wiped on drop.
#[derive(Clone)]
pub(crate) struct Prk(Hmac<Sha512>);

impl Prk {
    pub(crate) fn new(key: &[u8]) -> Prk {
        Prk(<Hmac<Sha512> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length"))
    }

    /// As [`new`](Prk::new), in memory for keys.
    pub(crate) fn guarded(lock: Lock, key: &Secret) -> Result<Guarded<Prk>> {
        let key = key.bytes()?;
        Ok(stack::cleared::<{ stack::HASHING }, _>(|| Guarded::make(lock, || Prk::new(key)))?)
    }

    /// HKDF-Extract of imported material (docs/FORMAT.md, section 4).
    pub(crate) fn import(material: &Secret) -> Result<Prk> {
        let mut mac = Prk::new(b"ossenc/v1/import").0;
        mac.update(material.bytes()?);
        let mut prk: [u8; HASH_LEN] = mac.finalize().into_bytes().into();
        let prk_ready = Prk::new(&prk);
        prk.zeroize();
        Ok(prk_ready)
    }

    /// HKDF-Expand (RFC 5869, section 2.3) into all of `out`; `info` is the concatenation of its parts.
    pub(crate) fn expand(&self, info: &[&[u8]], out: &mut [u8]) {
        let mut previous = [0; HASH_LEN];
        for (i, block) in out.chunks_mut(HASH_LEN).enumerate() {
            let mut mac = self.0.clone();
            if i > 0 {
                mac.update(&previous);
            }
            for part in info {
                mac.update(part);
            }
            mac.update(&[u8::try_from(i + 1).expect("HKDF gives at most 255 blocks")]);
            previous = mac.finalize().into_bytes().into();
            block.copy_from_slice(&previous[..block.len()]);
        }
        previous.zeroize();
    }
}

/// What a key derived from a master key is for. A master key is used for nothing but these derivations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    WrapDataKey,
    WrapBucketKey,
    Direct,
    Check,
}

impl Purpose {
    fn name(self) -> &'static [u8] {
        match self {
            Purpose::WrapDataKey => b"wrap-dek",
            Purpose::WrapBucketKey => b"wrap-bucket-key",
            Purpose::Direct => b"direct",
            Purpose::Check => b"check",
        }
    }
}

/// `K(purpose)` of docs/FORMAT.md, section 4.
pub(crate) fn purpose_key(lock: Lock, prk: &Prk, purpose: Purpose, key_id: &str, key_version: &str) -> Result<Secret> {
    let length = |s: &str| [u8::try_from(s.len()).expect("identifiers are at most 255 bytes")];
    let info: [&[u8]; 7] = [
        b"ossenc/v1/",
        purpose.name(),
        &[0],
        &length(key_id),
        key_id.as_bytes(),
        &length(key_version),
        key_version.as_bytes(),
    ];
    Secret::filled(lock, |out| {
        debug_assert_eq!(out.len(), KEY_LEN);
        prk.expand(&info, out);
        Ok(())
    })
}
