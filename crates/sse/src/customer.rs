//! Keys that the customer gives with each request (SSE-C, of S3).

use alloc::boxed::Box;
use alloc::string::String;

use base64ct::{Base64, Encoding};
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Code, Error, Result};

const KEY_LEN: usize = 32;
const MD5_LEN: usize = 16;

/// A customer's key of AES-256, whose MD5 was as the request says, and not of zeros alone: the core takes those for a key
/// that was forgotten. Wiped on drop, absent from `Debug`.
#[derive(Clone)]
pub struct CustomerKey {
    key: Box<Zeroizing<[u8; KEY_LEN]>>,
    md5: String,
}

impl CustomerKey {
    /// Checks the three headers of a key against each other. `None` if there is none of them.
    pub(crate) fn from_headers(
        algorithm: Option<&str>,
        key: Option<&str>,
        key_md5: Option<&str>,
    ) -> Result<Option<CustomerKey>> {
        let refused = |message| Error::new(Code::InvalidArgument, message);
        if algorithm.is_none() && key.is_none() && key_md5.is_none() {
            return Ok(None);
        }
        match algorithm {
            Some("AES256") => {}
            Some(_) => return Err(Code::InvalidEncryptionAlgorithm.into()),
            None => return Err(refused("A customer's key needs its algorithm.")),
        }
        let key = key.ok_or(refused("A customer's key is missing."))?;
        let key_md5 = key_md5.ok_or(refused("A customer's key needs its MD5."))?;

        let mut decoded = Box::new(Zeroizing::new([0; KEY_LEN]));
        let bad_key = refused("The customer's key is not base64 of 32 bytes.");
        // The exact length first: base64 that is longer would not fit, and is not looked at.
        if key.len() != Base64::encoded_len(&[0; KEY_LEN])
            || Base64::decode(key, &mut decoded[..]).map_err(|_| bad_key)?.len() != KEY_LEN
        {
            return Err(bad_key);
        }
        if bool::from(decoded.ct_eq(&[0; KEY_LEN])) {
            return Err(refused("The customer's key is nothing but zeros."));
        }
        let mut stated = [0; MD5_LEN];
        let bad_md5 = refused("The MD5 of the customer's key is not as the request says.");
        if key_md5.len() != Base64::encoded_len(&stated)
            || Base64::decode(key_md5, &mut stated).map_err(|_| bad_md5)?.len() != MD5_LEN
        {
            return Err(bad_md5);
        }
        let md5: [u8; MD5_LEN] = Md5::digest(&decoded[..]).into();
        if !bool::from(md5.ct_eq(&stated)) {
            return Err(bad_md5);
        }
        Ok(Some(CustomerKey { key: decoded, md5: Base64::encode_string(&md5) }))
    }

    /// The key: for the core, and for nothing else.
    #[must_use]
    pub fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.key
    }

    /// Its MD5 in base64, which responses repeat. It guards against mistakes in transport only.
    #[must_use]
    pub fn md5(&self) -> &str {
        &self.md5
    }
}

impl core::fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("CustomerKey")
    }
}
