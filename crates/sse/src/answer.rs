//! The headers of a response.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::algorithm::{Algorithm, Method};
use crate::dialect::Name;
use crate::operation::{Operation, Role};
use crate::{Dialect, EncryptionContext, KeyId};

/// What is recorded of an object's or upload's encryption: what the envelope says, once it has opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded<'a> {
    /// Under the service's own master key.
    SseOss,
    /// Under a customer master key.
    SseKms {
        /// The key itself: never an alias, also for the default key.
        key_id: KeyId,
        /// Whether a bucket key was used.
        bucket_key: bool,
        /// What the client wanted bound. S3 repeats it to those who make the object; `None` for nothing.
        context: Option<&'a EncryptionContext>,
    },
    /// Under a customer's key.
    SseC {
        /// Of the key in the request, from [`CustomerKey::md5`](crate::CustomerKey::md5).
        key_md5: &'a str,
    },
}

impl Recorded<'_> {
    /// Under a customer master key, without bucket key and context.
    #[must_use]
    pub const fn kms(key_id: KeyId) -> Recorded<'static> {
        Recorded::SseKms { key_id, bucket_key: false, context: None }
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> Method {
        match self {
            Recorded::SseOss => Method::SseOss,
            Recorded::SseKms { .. } => Method::SseKms,
            Recorded::SseC { .. } => Method::SseC,
        }
    }
}

/// The headers that tell how an object is encrypted, for a response that succeeds: names and values. None for what is
/// not encrypted, and for operations that neither make, continue nor read an object.
///
/// The data encryption of OSS never appears: it is not built, so no object has one.
#[must_use]
pub fn answer<'a>(
    dialect: Dialect,
    operation: Operation,
    recorded: Option<&'a Recorded<'a>>,
) -> Vec<(&'static str, Cow<'a, str>)> {
    let told = matches!(operation.role(), Role::Begins | Role::GoesOn);
    let Some(recorded) = recorded.filter(|_| told) else { return Vec::new() };
    let mut headers = Vec::new();
    // Where a dialect has no such header, there is nothing to tell.
    let mut tell = |name: Name, value: Cow<'a, str>| headers.extend(name.spelling(dialect).map(|name| (name, value)));
    match recorded {
        Recorded::SseOss => tell(Name::Algorithm, Algorithm::Aes256.name(dialect).into()),
        Recorded::SseKms { key_id, bucket_key, context } => {
            tell(Name::Algorithm, Algorithm::Kms.name(dialect).into());
            tell(Name::KeyId, key_id.as_str().into());
            if *bucket_key {
                tell(Name::BucketKey, "true".into());
            }
            // A response header of S3 alone.
            let told = operation.role() == Role::Begins && dialect == Dialect::S3;
            if let Some(context) = context.filter(|context| told && !context.is_empty()) {
                tell(Name::Context, context.to_header(dialect).into());
            }
        }
        // Completing takes no key, and tells none.
        Recorded::SseC { .. } if operation == Operation::CompleteMultipartUpload => {}
        Recorded::SseC { key_md5 } => {
            tell(Name::CustomerAlgorithm, Algorithm::Aes256.name(dialect).into());
            tell(Name::CustomerKeyMd5, (*key_md5).into());
        }
    }
    headers
}
