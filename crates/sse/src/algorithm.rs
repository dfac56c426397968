//! The values that name a method, in headers and rules alike.

use crate::{Code, Dialect, Error, Result};

/// Who holds the keys of an object. The numbers are those of docs/FORMAT.md, section 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Method {
    /// The service (`AES256`): SSE-OSS, SSE-S3.
    SseOss = 1,
    /// A key management service (`KMS`, `aws:kms`).
    SseKms = 2,
    /// The customer, who gives the key with each request. S3 only.
    SseC = 3,
}

/// What can be asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Aes256,
    Kms,
}

impl Algorithm {
    /// Values are compared exactly. SM4, and S3's `aws:kms:dsse`, are not built.
    pub(crate) fn parse(dialect: Dialect, value: &str) -> Result<Algorithm> {
        [Algorithm::Aes256, Algorithm::Kms]
            .into_iter()
            .find(|algorithm| algorithm.name(dialect) == value)
            .ok_or_else(|| Code::InvalidEncryptionAlgorithm.into())
    }

    pub(crate) fn name(self, dialect: Dialect) -> &'static str {
        match (self, dialect) {
            (Algorithm::Aes256, _) => "AES256",
            (Algorithm::Kms, Dialect::Oss) => "KMS",
            (Algorithm::Kms, Dialect::S3) => "aws:kms",
        }
    }
}

/// OSS's second algorithm, of the data under a KMS key. SM4 is its only value, counts only with KMS, where it is not
/// built, and is silently ignored elsewhere: clients send it with AES256.
pub(crate) fn check_data_encryption(value: Option<&str>, kms: bool) -> Result<()> {
    match value {
        None => Ok(()),
        Some("SM4") if !kms => Ok(()),
        Some("SM4") => Err(Error::new(Code::InvalidDataEncryptionAlgorithm, "SM4 is not supported.")),
        Some(_) => Err(Code::InvalidDataEncryptionAlgorithm.into()),
    }
}
