//! The bucket's rule: how objects are encrypted whose requests say nothing.

use alloc::string::String;

use crate::algorithm::{Algorithm, check_data_encryption};
use crate::xml::{self, Element, Writer};
use crate::{Code, Dialect, Error, Key, KeyId, Result};

/// Most bytes of a rule's document.
pub const RULE_MAX: usize = 65_536;
const S3_ROOT: &str = "ServerSideEncryptionConfiguration";
const S3_NAMESPACE: &str = "ServerSideEncryptionConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
const OSS_ROOT: &str = "ServerSideEncryptionRule";
const DEFAULT: &str = "ApplyServerSideEncryptionByDefault";

/// A bucket's rule. No rule means that nothing is encrypted by default.
///
/// A rule may name a key that does not exist: it is accepted, and the uploads fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub(crate) algorithm: Algorithm,
    key_id: Option<KeyId>,
    pub(crate) bucket_key: bool,
}

impl Rule {
    /// Puts together what a document or the headers of PutBucket say.
    pub(crate) fn new(algorithm: Algorithm, key_id: Option<&str>, data_encryption: Option<&str>) -> Result<Rule> {
        let kms = algorithm == Algorithm::Kms;
        check_data_encryption(data_encryption, kms)?;
        if key_id.is_some() && !kms {
            return Err(Error::new(Code::InvalidArgument, "A key id goes with encryption by KMS only."));
        }
        Ok(Rule { algorithm, key_id: key_id.map(KeyId::new).transpose()?, bucket_key: false })
    }

    /// Reads the document of PutBucketEncryption, of any client: children in any order, elements that are not known,
    /// any namespace or none, with or without a declaration. An empty key id or data encryption counts as absent.
    ///
    /// # Errors
    /// [`Code::MalformedXml`] for more than [`RULE_MAX`] bytes, what is not XML, has a document type, or has an element
    /// of a rule twice; [`Code::InvalidEncryptionAlgorithm`], [`Code::InvalidDataEncryptionAlgorithm`],
    /// [`Code::InvalidKeyId`]; [`Code::InvalidArgument`] for a key id without KMS.
    pub fn parse(dialect: Dialect, xml: &[u8]) -> Result<Rule> {
        xml::parse(xml, RULE_MAX, |root| match dialect {
            Dialect::Oss if root.is(OSS_ROOT) => read_default(dialect, root.required(DEFAULT)?),
            Dialect::S3 if root.is(S3_ROOT) => {
                let rule = root.required("Rule")?;
                let bucket_key = match rule.text_of("BucketKeyEnabled")?.as_deref() {
                    Some("true") => true,
                    None | Some("false") => false,
                    Some(_) => return Err(Code::MalformedXml.into()),
                };
                Ok(Rule { bucket_key, ..read_default(dialect, rule.required(DEFAULT)?)? })
            }
            _ => Err(Code::MalformedXml.into()),
        })
    }

    /// The document, as GetBucketEncryption answers it and [`Rule::parse`] reads it.
    #[must_use]
    pub fn to_xml(&self, dialect: Dialect) -> String {
        let mut xml = Writer::document();
        match dialect {
            Dialect::Oss => {
                self.write_default(dialect, xml.open(OSS_ROOT).open(DEFAULT)).close(DEFAULT).close(OSS_ROOT)
            }
            Dialect::S3 => {
                let xml = self.write_default(dialect, xml.open(S3_NAMESPACE).open("Rule").open(DEFAULT)).close(DEFAULT);
                let flag = if self.bucket_key { "true" } else { "false" };
                xml.leaf("BucketKeyEnabled", flag).close("Rule").close(S3_ROOT)
            }
        }
        .finish()
    }

    /// The element that GetBucketInfo of OSS has inside `<Bucket>`, flat, and saying `None` where there is no rule:
    /// clients need the word.
    #[must_use]
    pub fn to_bucket_info(rule: Option<&Rule>) -> String {
        let mut xml = Writer::fragment();
        let xml = xml.open(OSS_ROOT);
        match rule {
            Some(rule) => rule.write_default(Dialect::Oss, xml),
            None => xml.leaf("SSEAlgorithm", "None"),
        }
        .close(OSS_ROOT)
        .finish()
    }

    fn write_default<'w>(&self, dialect: Dialect, xml: &'w mut Writer) -> &'w mut Writer {
        xml.leaf("SSEAlgorithm", self.algorithm.name(dialect));
        xml.leaf_if_any("KMSMasterKeyID", self.key_id.as_ref().map_or("", KeyId::as_str))
    }

    /// The key of its objects, for a rule of KMS.
    pub(crate) fn key(&self, dialect: Dialect) -> Key {
        Key::of(dialect, self.key_id.clone())
    }
}

fn read_default(dialect: Dialect, default: Element<'_, '_>) -> Result<Rule> {
    let algorithm = Algorithm::parse(dialect, &default.required("SSEAlgorithm")?.text()?)?;
    let key_id = default.text_of("KMSMasterKeyID")?;
    // An element of OSS alone; in S3 it is one of those that are not known.
    let data_encryption = if dialect == Dialect::Oss { default.text_of("KMSDataEncryption")? } else { None };
    Rule::new(algorithm, key_id.as_deref(), data_encryption.as_deref())
}
