//! Errors as clients see them: an HTTP status, a code, a sentence; and the XML around them.

use alloc::string::String;

use base64ct::{Base64, Encoding};

use crate::xml::Writer;
use crate::{Dialect, KeyId};

/// The outcome of everything here that can fail.
pub type Result<T> = core::result::Result<T, Error>;

/// Why a request is refused. Each dialect has its status and code for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// A method other than those that are built.
    InvalidEncryptionAlgorithm,
    /// A data encryption other than those that are built.
    InvalidDataEncryptionAlgorithm,
    /// A header or element where it does not belong, or with a value that it cannot have.
    InvalidArgument,
    /// A customer's key is missing or not wanted (S3).
    InvalidRequest,
    /// A malformed key id.
    InvalidKeyId,
    /// A rule that is not well-formed, or not a rule.
    MalformedXml,
    /// The key service forbids it; or a customer's key is not the object's.
    AccessDenied,
    /// There is no key service.
    KmsNotEnabled,
    /// There is no such customer master key.
    KeyNotFound,
    /// There is no such alias.
    AliasNotFound,
    /// The bucket has no rule.
    NoRule,
    /// The customer master key is disabled: reads fail, too.
    KeyDisabled,
    /// The customer master key is about to be deleted: reads fail, too.
    KeyPendingDeletion,
    /// The customer master key waits for its material: reads fail, too.
    KeyPendingImport,
    /// Not now; clients try again.
    Unavailable,
    /// Anything else: damage, a defect, an answer of the key service that makes no sense.
    Internal,
}

/// The HTTP status and the code in each dialect, and a sentence.
struct Row {
    oss: (u16, &'static str),
    s3: (u16, &'static str),
    message: &'static str,
}

impl Code {
    const fn row(self) -> Row {
        let (oss, s3, message) = match self {
            Code::InvalidEncryptionAlgorithm => (
                (400, "InvalidEncryptionAlgorithmError"),
                (400, "InvalidEncryptionAlgorithmError"),
                "The encryption request you specified is not valid.",
            ),
            Code::InvalidDataEncryptionAlgorithm => (
                (400, "InvalidDataEncryptionAlgorithmError"),
                (400, "InvalidEncryptionAlgorithmError"),
                "The data encryption algorithm you specified is not valid.",
            ),
            Code::InvalidArgument => ((400, "InvalidArgument"), (400, "InvalidArgument"), "An argument is not valid."),
            Code::InvalidRequest => ((400, "InvalidArgument"), (400, "InvalidRequest"), "The request is not valid."),
            Code::InvalidKeyId => {
                ((400, "InvalidParameter"), (400, "InvalidArgument"), "The key id you specified is not well-formed.")
            }
            Code::MalformedXml => (
                (400, "MalformedXML"),
                (400, "MalformedXML"),
                "The XML you provided was not well-formed or did not validate against our published schema.",
            ),
            Code::AccessDenied => ((403, "AccessDenied"), (403, "AccessDenied"), "Access denied."),
            Code::KmsNotEnabled => (
                (403, "KmsServiceNotEnabled"),
                (501, "NotImplemented"),
                "Encryption by KMS was requested, but no key management service is enabled.",
            ),
            Code::KeyNotFound => (
                (404, "KeyNotFound"),
                (400, "KMS.NotFoundException"),
                "The specified customer master key does not exist.",
            ),
            Code::AliasNotFound => {
                ((404, "AliasNotFound"), (400, "KMS.NotFoundException"), "The specified alias does not exist.")
            }
            Code::NoRule => (
                (404, "NoSuchServerSideEncryptionRule"),
                (404, "ServerSideEncryptionConfigurationNotFoundError"),
                "The server side encryption configuration was not found.",
            ),
            Code::KeyDisabled => {
                ((409, "KeyDisabled"), (400, "KMS.DisabledException"), "The customer master key is disabled.")
            }
            Code::KeyPendingDeletion => (
                (409, "KeyPendingDeletion"),
                (400, "KMS.KMSInvalidStateException"),
                "The customer master key is pending deletion.",
            ),
            Code::KeyPendingImport => (
                (409, "KeyPendingImport"),
                (400, "KMS.KMSInvalidStateException"),
                "The customer master key is pending import.",
            ),
            Code::Unavailable => {
                ((503, "ServiceUnavailable"), (503, "ServiceUnavailable"), "Please reduce your request rate.")
            }
            Code::Internal => {
                ((500, "InternalError"), (500, "InternalError"), "We encountered an internal error. Please try again.")
            }
        };
        Row { oss, s3, message }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self, dialect: Dialect) -> u16 {
        self.in_dialect(dialect).0
    }

    /// The code in the error's body.
    #[must_use]
    pub const fn name(self, dialect: Dialect) -> &'static str {
        self.in_dialect(dialect).1
    }

    const fn in_dialect(self, dialect: Dialect) -> (u16, &'static str) {
        match dialect {
            Dialect::Oss => self.row().oss,
            Dialect::S3 => self.row().s3,
        }
    }
}

/// A refusal. It holds nothing of the request's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    code: Code,
    message: &'static str,
}

impl Error {
    pub(crate) const fn new(code: Code, message: &'static str) -> Error {
        Error { code, message }
    }

    /// Why.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// A sentence for people.
    #[must_use]
    pub const fn message(&self) -> &'static str {
        self.message
    }

    /// The body of the response: [`error_xml`].
    #[must_use]
    pub fn to_xml(&self, dialect: Dialect, info: &RequestInfo<'_>) -> String {
        error_xml(dialect, self.code.name(dialect), self.message, info)
    }
}

/// The body of a response that is an error, of encryption or not. Any text: it is escaped.
#[must_use]
pub fn error_xml(dialect: Dialect, code: &str, message: &str, info: &RequestInfo<'_>) -> String {
    let mut xml = Writer::document();
    xml.open("Error").leaf("Code", code).leaf("Message", message);
    match dialect {
        Dialect::Oss => xml.leaf("RequestId", info.request_id).leaf("HostId", info.host_id).leaf_if_any("EC", info.ec),
        Dialect::S3 => {
            xml.leaf_if_any("Resource", info.resource).leaf("RequestId", info.request_id).leaf("HostId", info.host_id)
        }
    };
    xml.close("Error").finish()
}

/// The same for OSS's header `x-oss-err`, in base64: the response to a HEAD has no other place for it.
#[must_use]
pub fn error_header(code: &str, message: &str, info: &RequestInfo<'_>) -> String {
    Base64::encode_string(error_xml(Dialect::Oss, code, message, info).as_bytes())
}

impl From<Code> for Error {
    fn from(code: Code) -> Error {
        Error { code, message: code.row().message }
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.message)
    }
}

impl core::error::Error for Error {}

/// What an error's body tells of the request. Any text: it is escaped; what is empty and optional is left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestInfo<'a> {
    /// The request's id, as in the header `x-oss-request-id` or `x-amz-request-id`.
    pub request_id: &'a str,
    /// OSS: the host that the client used. S3: an id of the server.
    pub host_id: &'a str,
    /// OSS: the number of the error's page; optional.
    pub ec: &'a str,
    /// S3: the path; optional.
    pub resource: &'a str,
}

/// What opening, creating or rewrapping an object can fail of, as far as clients are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// There is no key service.
    NoKms,
    /// It forbids the use of the key.
    Denied,
    /// It has no such key, alias or version.
    NotFound,
    /// The key is disabled.
    Disabled,
    /// The key is about to be deleted.
    PendingDeletion,
    /// The key waits for its material.
    PendingImport,
    /// The key service is throttled or away.
    Busy,
    /// The customer's key does not open the object.
    WrongCustomerKey,
    /// Anything else.
    Other,
}

impl Failure {
    /// The error to answer with. `key` is the one that was named, if any.
    #[must_use]
    pub fn error(self, key: Option<&KeyId>) -> Error {
        let code = match self {
            Failure::NoKms => Code::KmsNotEnabled,
            Failure::Denied | Failure::WrongCustomerKey => Code::AccessDenied,
            Failure::NotFound if key.is_some_and(KeyId::is_alias) => Code::AliasNotFound,
            Failure::NotFound => Code::KeyNotFound,
            Failure::Disabled => Code::KeyDisabled,
            Failure::PendingDeletion => Code::KeyPendingDeletion,
            Failure::PendingImport => Code::KeyPendingImport,
            Failure::Busy => Code::Unavailable,
            Failure::Other => Code::Internal,
        };
        code.into()
    }
}
