//! The two protocols, and how each spells what they share.

/// Which protocol a request speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Alibaba Cloud OSS.
    Oss,
    /// Amazon S3.
    S3,
}

impl Dialect {
    /// The alias of the default customer master key, which the daemon creates when it is first used. Clients cannot
    /// make aliases that begin `alias/acs` (OSS) or `alias/aws` (S3).
    #[must_use]
    pub const fn default_key(self) -> &'static str {
        match self {
            Dialect::Oss => "alias/acs/oss",
            Dialect::S3 => "alias/aws/s3",
        }
    }
}

/// The headers of server-side encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Algorithm,
    KeyId,
    DataEncryption,
    Context,
    BucketKey,
    CustomerAlgorithm,
    CustomerKey,
    CustomerKeyMd5,
    SourceAlgorithm,
    SourceKey,
    SourceKeyMd5,
}

impl Name {
    pub(crate) const ALL: [Name; 11] = [
        Name::Algorithm,
        Name::KeyId,
        Name::DataEncryption,
        Name::Context,
        Name::BucketKey,
        Name::CustomerAlgorithm,
        Name::CustomerKey,
        Name::CustomerKeyMd5,
        Name::SourceAlgorithm,
        Name::SourceKey,
        Name::SourceKeyMd5,
    ];

    /// How a dialect spells it; `None` where it has no such header.
    pub(crate) const fn spelling(self, dialect: Dialect) -> Option<&'static str> {
        match (self, dialect) {
            (Name::Algorithm, Dialect::Oss) => Some("x-oss-server-side-encryption"),
            (Name::KeyId, Dialect::Oss) => Some("x-oss-server-side-encryption-key-id"),
            (Name::DataEncryption, Dialect::Oss) => Some("x-oss-server-side-data-encryption"),
            (Name::Context, Dialect::Oss) => Some("x-oss-server-side-encryption-context"),
            (_, Dialect::Oss) | (Name::DataEncryption, Dialect::S3) => None,
            (Name::Algorithm, Dialect::S3) => Some("x-amz-server-side-encryption"),
            (Name::KeyId, Dialect::S3) => Some("x-amz-server-side-encryption-aws-kms-key-id"),
            (Name::Context, Dialect::S3) => Some("x-amz-server-side-encryption-context"),
            (Name::BucketKey, Dialect::S3) => Some("x-amz-server-side-encryption-bucket-key-enabled"),
            (Name::CustomerAlgorithm, Dialect::S3) => Some("x-amz-server-side-encryption-customer-algorithm"),
            (Name::CustomerKey, Dialect::S3) => Some("x-amz-server-side-encryption-customer-key"),
            (Name::CustomerKeyMd5, Dialect::S3) => Some("x-amz-server-side-encryption-customer-key-MD5"),
            (Name::SourceAlgorithm, Dialect::S3) => Some("x-amz-copy-source-server-side-encryption-customer-algorithm"),
            (Name::SourceKey, Dialect::S3) => Some("x-amz-copy-source-server-side-encryption-customer-key"),
            (Name::SourceKeyMd5, Dialect::S3) => Some("x-amz-copy-source-server-side-encryption-customer-key-MD5"),
        }
    }
}
