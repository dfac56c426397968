//! What a request means: header before rule before nothing.

use crate::algorithm::{Algorithm, Method, check_data_encryption};
use crate::dialect::Name;
use crate::operation::{Operation, Role};
use crate::{Code, CustomerKey, Dialect, EncryptionContext, Error, Headers, Key, KeyId, Result, Rule};

/// All that counts of a request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What it does.
    pub operation: Operation,
    /// Its SSE headers.
    pub headers: Headers<'a>,
    /// The bucket's rule, if it has one: for copies that of the target's bucket. Looked at where the
    /// [operation uses it](Operation::uses_rule).
    pub rule: Option<&'a Rule>,
    /// The method of the object or upload that the operation goes on with or reads; `None` if it is not encrypted.
    pub recorded: Option<Method>,
    /// For copies, the method of the source.
    pub source: Option<Method>,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Decision {
    /// The operation makes an object or an upload: encrypt it so, and record it.
    Begin {
        /// How.
        encryption: Encryption,
        /// For copies, the key that opens a source under SSE-C.
        source_key: Option<CustomerKey>,
    },
    /// The operation goes on with an object or upload, or reads it: what is recorded counts.
    GoOn {
        /// The key that opens it under SSE-C. To complete an upload clients need not give it, but its manifest is sealed
        /// with the open object: a daemon keeps that from the upload's begin, or asks for the key.
        customer_key: Option<CustomerKey>,
        /// For part copies, the key that opens a source under SSE-C.
        source_key: Option<CustomerKey>,
    },
    /// The operation makes a bucket: with this rule, if any.
    MakeBucket(Option<Rule>),
    /// Encryption has no part in it.
    Nothing,
}

/// How an object or upload is to be encrypted. What is recorded of it: the method, the key once its alias is resolved
/// (both are in the envelope), and the context, which the daemon keeps beside it.
#[derive(Clone, Debug)]
pub enum Encryption {
    /// Not at all.
    Plain,
    /// Under the service's own master key.
    SseOss,
    /// Under a customer master key.
    SseKms {
        /// Which.
        key: Key,
        /// What the client wants bound to the data key, empty for nothing.
        context: EncryptionContext,
        /// Whether a bucket key shall spare calls to the key service (S3).
        bucket_key: bool,
    },
    /// Under the key that the customer gave.
    SseC(CustomerKey),
}

const OWN: [Name; 5] = [Name::Algorithm, Name::KeyId, Name::DataEncryption, Name::Context, Name::BucketKey];
const CUSTOMER: [Name; 3] = [Name::CustomerAlgorithm, Name::CustomerKey, Name::CustomerKeyMd5];
const SOURCE: [Name; 3] = [Name::SourceAlgorithm, Name::SourceKey, Name::SourceKeyMd5];

/// Decides what a request means.
///
/// What is more lenient than the rest, since clients rely on it: OSS's data encryption SM4 is ignored where the object is
/// not encrypted by KMS; AppendObject behind position 0 ignores the SSE headers, for the object keeps the encryption it
/// has; OSS's UploadPart, CompleteMultipartUpload and ListParts take the other headers without the algorithm, and do
/// nothing with them: clients give all of them the headers that the upload began with, and leave that one out (ali-oss;
/// oss2 for ListParts).
///
/// # Errors
/// - [`Code::InvalidArgument`]: an SSE header on an operation that takes none; a key id or context without KMS; a
///   context without a key id (OSS); a key id on AppendObject; a customer's key that is not whole, or comes with
///   another method.
/// - [`Code::InvalidEncryptionAlgorithm`], [`Code::InvalidDataEncryptionAlgorithm`], [`Code::InvalidKeyId`].
/// - [`Code::InvalidRequest`]: a customer's key for what is not under one, or none for what is.
/// - [`Code::NoRule`]: GetBucketEncryption of a bucket without a rule.
pub fn resolve(request: &Request<'_>) -> Result<Decision> {
    let Request { operation, headers, rule, recorded, source } = request;
    match operation.role() {
        Role::Begins => Ok(Decision::Begin {
            encryption: chosen(*operation, headers, *rule)?,
            source_key: source_key(*operation, headers, *source)?,
        }),
        Role::GoesOn => {
            if !matches!(operation, Operation::AppendObject { .. }) {
                refuse(headers, refused_of_own(*operation, headers.dialect()))?;
            }
            let customer_key = headers.customer_key()?;
            let may_lack = *operation == Operation::CompleteMultipartUpload;
            check_customer_key(customer_key.as_ref(), *recorded, may_lack)?;
            Ok(Decision::GoOn { customer_key, source_key: source_key(*operation, headers, *source)? })
        }
        Role::MakesBucket => {
            refuse(headers, &CUSTOMER)?;
            refuse(headers, &SOURCE)?;
            made_bucket_rule(headers).map(Decision::MakeBucket)
        }
        Role::Apart => {
            refuse(headers, &SOURCE)?;
            refuse(headers, refused_of_own(*operation, headers.dialect()))?;
            if *operation == Operation::ListParts {
                headers.customer_key()?;
            } else {
                refuse(headers, &CUSTOMER)?;
            }
            if *operation == Operation::GetBucketEncryption && rule.is_none() {
                return Err(Code::NoRule.into());
            }
            Ok(Decision::Nothing)
        }
    }
}

/// What an operation that takes no SSE header refuses.
fn refused_of_own(operation: Operation, dialect: Dialect) -> &'static [Name] {
    match (dialect, operation) {
        (Dialect::Oss, Operation::UploadPart | Operation::CompleteMultipartUpload | Operation::ListParts) => {
            &[Name::Algorithm]
        }
        _ => &OWN,
    }
}

fn refuse(headers: &Headers<'_>, names: &[Name]) -> Result<()> {
    if headers.has(names) {
        return Err(Error::new(Code::InvalidArgument, "An SSE header is not supported for this operation."));
    }
    Ok(())
}

/// The encryption of what the operation makes.
fn chosen(operation: Operation, headers: &Headers<'_>, rule: Option<&Rule>) -> Result<Encryption> {
    if let Some(key) = headers.customer_key()? {
        if headers.has(&OWN) {
            let message = "A customer's key does not go together with another method.";
            return Err(Error::new(Code::InvalidArgument, message));
        }
        return Ok(Encryption::SseC(key));
    }
    if matches!(operation, Operation::AppendObject { .. }) && headers.has(&[Name::KeyId]) {
        return Err(Error::new(Code::InvalidArgument, "AppendObject takes no key id."));
    }
    let dialect = headers.dialect();
    let asked = headers.get(Name::Algorithm).map(|value| Algorithm::parse(dialect, value)).transpose()?;
    let (algorithm, ruled) = match asked {
        Some(algorithm) => (Some(algorithm), None),
        None => (rule.map(|rule| rule.algorithm), rule),
    };
    let kms = algorithm == Some(Algorithm::Kms);
    check_data_encryption(headers.get(Name::DataEncryption), kms)?;
    // Without the header that they belong to these would not be used, and the client believes that they are.
    if asked != Some(Algorithm::Kms) && headers.has(&[Name::KeyId, Name::Context]) {
        let message = "A key id and an encryption context need the request for encryption by KMS.";
        return Err(Error::new(Code::InvalidArgument, message));
    }
    let bucket_key = match headers.get(Name::BucketKey) {
        None => rule.is_some_and(|rule| rule.bucket_key),
        Some("true") => true,
        Some("false") => false,
        Some(_) => return Err(Error::new(Code::InvalidArgument, "Whether to use a bucket key is true or false.")),
    };
    Ok(match (algorithm, ruled) {
        (None, _) => Encryption::Plain,
        (Some(Algorithm::Aes256), _) => Encryption::SseOss,
        (Some(Algorithm::Kms), Some(rule)) => {
            Encryption::SseKms { key: rule.key(dialect), context: EncryptionContext::default(), bucket_key }
        }
        (Some(Algorithm::Kms), None) => {
            let id = headers.get(Name::KeyId).map(KeyId::new).transpose()?;
            Encryption::SseKms { context: context(headers)?, key: Key::of(dialect, id), bucket_key }
        }
    })
}

fn context(headers: &Headers<'_>) -> Result<EncryptionContext> {
    let Some(value) = headers.get(Name::Context) else { return Ok(EncryptionContext::default()) };
    if headers.dialect() == Dialect::Oss && headers.get(Name::KeyId).is_none() {
        return Err(Error::new(Code::InvalidArgument, "An encryption context needs a key id."));
    }
    EncryptionContext::from_header(headers.dialect(), value)
}

/// OSS takes the rule of a new bucket from the request's headers; S3 does not.
fn made_bucket_rule(headers: &Headers<'_>) -> Result<Option<Rule>> {
    if headers.dialect() == Dialect::S3 {
        refuse(headers, &OWN)?;
    }
    refuse(headers, &[Name::Context])?;
    let (key_id, data_encryption) = (headers.get(Name::KeyId), headers.get(Name::DataEncryption));
    let Some(value) = headers.get(Name::Algorithm) else {
        check_data_encryption(data_encryption, false)?;
        return refuse(headers, &[Name::KeyId]).map(|()| None);
    };
    Rule::new(Algorithm::parse(headers.dialect(), value)?, key_id, data_encryption).map(Some)
}

fn source_key(operation: Operation, headers: &Headers<'_>, source: Option<Method>) -> Result<Option<CustomerKey>> {
    if !operation.copies() {
        return refuse(headers, &SOURCE).map(|()| None);
    }
    let key = headers.source_key()?;
    check_customer_key(key.as_ref(), source, false)?;
    Ok(key)
}

/// A customer's key has to be there exactly for what is under one.
fn check_customer_key(key: Option<&CustomerKey>, recorded: Option<Method>, may_lack: bool) -> Result<()> {
    let message = match (key.is_some(), recorded == Some(Method::SseC)) {
        (false, true) if !may_lack => "The object is encrypted under a customer's key, which the request has to give.",
        (true, false) => "The object is not encrypted under a customer's key.",
        _ => return Ok(()),
    };
    Err(Error::new(Code::InvalidRequest, message))
}
