//! Requests as short as the tables want them.
#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs")]

use ossenc_sse::{
    Decision, Dialect, Encryption, Error, Headers, Key, Method, Operation, Request, Result, Rule, answer, resolve,
};

pub const SSE: &str = "x-oss-server-side-encryption";
pub const KEY_ID: &str = "x-oss-server-side-encryption-key-id";
pub const DATA: &str = "x-oss-server-side-data-encryption";
pub const CONTEXT: &str = "x-oss-server-side-encryption-context";

/// Operations that make an object or upload.
pub const BEGIN: [Operation; 5] = [
    Operation::PutObject,
    Operation::PostObject,
    Operation::CopyObject,
    Operation::InitiateMultipartUpload,
    Operation::AppendObject { position: 0 },
];
/// Those that go on with one, and take no header of their own.
pub const GO_ON: [Operation; 5] = [
    Operation::UploadPart,
    Operation::UploadPartCopy,
    Operation::CompleteMultipartUpload,
    Operation::GetObject,
    Operation::HeadObject,
];
/// Those that take none at all.
pub const OTHERS: [Operation; 5] = [
    Operation::PutBucketEncryption,
    Operation::GetBucketEncryption,
    Operation::DeleteBucketEncryption,
    Operation::GetBucketInfo,
    Operation::Other,
];

pub fn bytes<'a>(headers: &'a [(&'a str, &'a str)]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))
}

/// A request, with what most of them do not have left empty.
pub struct Ask<'a> {
    pub dialect: Dialect,
    pub operation: Operation,
    pub headers: &'a [(&'a str, &'a str)],
    pub rule: Option<&'a Rule>,
    pub recorded: Option<Method>,
    pub source: Option<Method>,
}

pub fn oss<'a>(operation: Operation, headers: &'a [(&'a str, &'a str)]) -> Ask<'a> {
    Ask { dialect: Dialect::Oss, operation, headers, rule: None, recorded: None, source: None }
}

pub fn s3<'a>(operation: Operation, headers: &'a [(&'a str, &'a str)]) -> Ask<'a> {
    Ask { dialect: Dialect::S3, ..oss(operation, headers) }
}

impl<'a> Ask<'a> {
    pub fn rule(self, rule: &'a Rule) -> Ask<'a> {
        Ask { rule: Some(rule), ..self }
    }

    pub fn recorded(self, recorded: Method) -> Ask<'a> {
        Ask { recorded: Some(recorded), ..self }
    }

    pub fn source(self, source: Method) -> Ask<'a> {
        Ask { source: Some(source), ..self }
    }

    pub fn resolve(&self) -> Result<Decision> {
        let headers = Headers::read(self.dialect, bytes(self.headers))?;
        let Ask { operation, rule, recorded, source, .. } = *self;
        resolve(&Request { operation, headers, rule, recorded, source })
    }

    /// The decision in a word or two: what the tables compare.
    pub fn outcome(&self) -> String {
        let key = |key: &Option<ossenc_sse::CustomerKey>| if key.is_some() { " key" } else { "" };
        match self.resolve() {
            Err(error) => refusal(self.dialect, &error),
            Ok(Decision::Nothing) => "nothing".into(),
            Ok(Decision::GoOn { customer_key, source_key }) => {
                format!("go on{}{}", key(&customer_key), if source_key.is_some() { " source" } else { "" })
            }
            Ok(Decision::MakeBucket(None)) => "no rule".into(),
            Ok(Decision::MakeBucket(Some(rule))) => Rule::to_bucket_info(Some(&rule)),
            Ok(Decision::Begin { encryption, source_key }) => {
                let how = match encryption {
                    Encryption::Plain => "plain".into(),
                    Encryption::SseOss => "service".into(),
                    Encryption::SseC(_) => "customer".into(),
                    Encryption::SseKms { key, context, bucket_key } => format!(
                        "kms {}{}{}",
                        if let Key::Named(id) = &key { id.as_str() } else { "default" },
                        if context.is_empty() { String::new() } else { format!(" {}", context.to_json()) },
                        if bucket_key { " bucket key" } else { "" }
                    ),
                };
                how + if source_key.is_some() { " source" } else { "" }
            }
        }
    }
}

pub fn refusal(dialect: Dialect, error: &Error) -> String {
    format!("{} {}", error.code().status(dialect), error.code().name(dialect))
}

/// Checks a table of headers and outcomes for each of some operations.
pub fn table(operations: &[Operation], rows: &[(&[(&str, &str)], &str)]) {
    for operation in operations {
        for (headers, outcome) in rows {
            assert_eq!(oss(*operation, headers).outcome(), *outcome, "{operation:?} {headers:?}");
        }
    }
}

pub fn told(dialect: Dialect, operation: Operation, recorded: Option<&ossenc_sse::Recorded<'_>>) -> String {
    let lines: Vec<String> = answer(dialect, operation, recorded).iter().map(|(n, v)| format!("{n}: {v}")).collect();
    lines.join("\n")
}
