//! Server-side encryption (SSE) as clients of object stores speak it: request headers, the bucket's rule, response
//! headers and errors, in the dialects of OSS and S3. Pure functions, without I/O and without encryption: a storage
//! daemon asks what a request means, and has the core do it.
//!
//! # From a request to its answer
//!
//! 1. [`Headers::read`] picks the SSE headers out of a request's.
//! 2. [`resolve()`] weighs them against the operation, the bucket's [`Rule`], and what is recorded with the object or
//!    upload that the operation goes on with: a [`Decision`], or an [`Error`] that knows its HTTP status and code.
//! 3. The daemon creates or opens the object. What the key service refuses becomes an error by [`Failure::error`].
//! 4. [`answer()`] makes the response's headers from what is recorded; [`Error::to_xml`] the body of an error.
//!
//! ```
//! use ossenc_sse::{Decision, Dialect, Encryption, Headers, Key, KeyId, Operation, Recorded, Request, Rule, answer, resolve};
//!
//! let rule = Rule::parse(Dialect::Oss, b"<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault>\
//!     <SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>")?;
//! let headers = [("Content-Type", "text/plain"), ("x-oss-server-side-encryption", "KMS")];
//! let headers = headers.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
//! let request = Request {
//!     operation: Operation::PutObject,
//!     headers: Headers::read(Dialect::Oss, headers)?,
//!     rule: Some(&rule),
//!     recorded: None,
//!     source: None,
//! };
//! // The header goes before the rule. No key is named: the default one serves.
//! let Decision::Begin { encryption: Encryption::SseKms { key, .. }, .. } = resolve(&request)? else { panic!() };
//! assert_eq!((&key, key.id(Dialect::Oss)), (&Key::Default, "alias/acs/oss"));
//!
//! // Sealed: the alias was resolved, and the response tells the key itself.
//! let recorded = Recorded::kms(KeyId::new("key-1")?);
//! assert_eq!(
//!     answer(Dialect::Oss, Operation::PutObject, Some(&recorded)),
//!     [("x-oss-server-side-encryption", "KMS".into()), ("x-oss-server-side-encryption-key-id", "key-1".into())]
//! );
//! # Ok::<(), ossenc_sse::Error>(())
//! ```
//!
//! # What holds
//!
//! - **A request gets the protection it asks for, or an error.** An algorithm that is not built (SM4) is refused, not
//!   replaced; a key that is named where it would not be used is refused, not dropped. The exceptions are those that
//!   clients of OSS rely on: see [`resolve()`].
//! - **Header before rule before nothing.** What is stored keeps the method it began with: a changed rule changes no
//!   object, a copy inherits nothing, a multipart upload goes on as it was initiated.
//! - **Names are strict, ambiguity is an error.** Header names in any case, values without the white space around them,
//!   and a header that comes twice is refused even if both agree.
//! - **Secrets**: a [`CustomerKey`] (SSE-C, of S3) is wiped on drop, checked in constant time, and never printed. SSE-C
//!   belongs on encrypted connections; whether this is one only the caller knows.
//!
//! The crate is no_std with alloc, and everything in it may be used by any number of threads.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod algorithm;
mod answer;
mod context;
mod customer;
mod dialect;
mod error;
mod headers;
mod key;
mod operation;
mod resolve;
mod rule;
mod xml;

pub use algorithm::Method;
pub use answer::{Recorded, answer};
pub use context::{CONTEXT_MAX, EncryptionContext};
pub use customer::CustomerKey;
pub use dialect::Dialect;
pub use error::{Code, Error, Failure, RequestInfo, Result, error_header, error_xml};
pub use headers::Headers;
pub use key::{KEY_ID_MAX, Key, KeyId};
pub use operation::Operation;
pub use resolve::{Decision, Encryption, Request, resolve};
pub use rule::{RULE_MAX, Rule};
