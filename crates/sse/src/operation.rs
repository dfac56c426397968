//! The operations, and what part each plays for encryption.

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Uploads an object in one request.
    PutObject,
    /// Uploads an object by an HTML form: its fields are its headers.
    PostObject,
    /// Copies an object.
    CopyObject,
    /// Begins a multipart upload, and fixes its encryption. S3's CreateMultipartUpload.
    InitiateMultipartUpload,
    /// Uploads a part.
    UploadPart,
    /// Copies a range of an object into a part.
    UploadPartCopy,
    /// Ends a multipart upload.
    CompleteMultipartUpload,
    /// Appends to an object, or begins it where it does not exist yet.
    AppendObject {
        /// Where: 0 begins the object.
        position: u64,
    },
    /// Reads an object.
    GetObject,
    /// Reads an object's metadata.
    HeadObject,
    /// Lists the parts of an upload.
    ListParts,
    /// Creates a bucket. S3's CreateBucket.
    PutBucket,
    /// Sets the bucket's rule.
    PutBucketEncryption,
    /// Reads the bucket's rule.
    GetBucketEncryption,
    /// Removes the bucket's rule.
    DeleteBucketEncryption,
    /// Describes a bucket.
    GetBucketInfo,
    /// Any other.
    Other,
}

/// What part an operation plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Makes an object or an upload: the request chooses.
    Begins,
    /// Goes on with an object or an upload, or reads it: what is recorded counts.
    GoesOn,
    /// Makes a bucket: the request may set the rule.
    MakesBucket,
    /// Neither.
    Apart,
}

impl Operation {
    pub(crate) fn role(self) -> Role {
        match self {
            Operation::PutObject
            | Operation::PostObject
            | Operation::CopyObject
            | Operation::InitiateMultipartUpload
            | Operation::AppendObject { position: 0 } => Role::Begins,
            Operation::UploadPart
            | Operation::UploadPartCopy
            | Operation::CompleteMultipartUpload
            | Operation::AppendObject { .. }
            | Operation::GetObject
            | Operation::HeadObject => Role::GoesOn,
            Operation::PutBucket => Role::MakesBucket,
            Operation::ListParts
            | Operation::PutBucketEncryption
            | Operation::GetBucketEncryption
            | Operation::DeleteBucketEncryption
            | Operation::GetBucketInfo
            | Operation::Other => Role::Apart,
        }
    }

    /// Whether the bucket's rule has a say. For any other operation it need not be read: [`resolve()`](crate::resolve())
    /// does not look at it.
    #[must_use]
    pub fn uses_rule(self) -> bool {
        self.role() == Role::Begins || self == Operation::GetBucketEncryption
    }

    /// Whether it reads another object, which may be under a customer's key of its own.
    pub(crate) fn copies(self) -> bool {
        matches!(self, Operation::CopyObject | Operation::UploadPartCopy)
    }
}
