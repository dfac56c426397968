//! The bodies of requests and answers, and what a refusal means.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use ossenc::{KEY_LEN, Secret};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::transport::Response;
use super::{BLOB_MAX, NONSENSE};
use crate::{Ask, Failure};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    key_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_spec: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_blob: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    encryption_context: BTreeMap<&'a str, &'a str>,
}

/// The body of `GenerateDataKey`.
pub(super) fn generate_data_key(ask: &Ask<'_>) -> Result<Vec<u8>, Failure> {
    request(ask, Some("AES_256"), None)
}

/// The body of `Decrypt`.
pub(super) fn decrypt(ask: &Ask<'_>) -> Result<Vec<u8>, Failure> {
    request(ask, None, Some(Base64::encode_string(ask.blob)))
}

fn request(ask: &Ask<'_>, key_spec: Option<&str>, ciphertext_blob: Option<String>) -> Result<Vec<u8>, Failure> {
    let encryption_context = ask.context.iter().copied().collect();
    let request = Request { key_id: ask.key_id, key_spec, ciphertext_blob, encryption_context };
    serde_json::to_vec(&request).map_err(|_| NONSENSE)
}

/// What both calls answer with.
pub(super) struct Reply {
    pub(super) secret: Secret,
    pub(super) key_id: Option<String>,
    pub(super) blob: Option<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplyText<'a> {
    /// Borrowed, so that it lies in the buffer that is wiped and nowhere else: base64 needs no escapes.
    plaintext: &'a str,
    #[serde(borrow)]
    key_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    ciphertext_blob: Option<Cow<'a, str>>,
}

impl Reply {
    pub(super) fn read(body: &[u8]) -> Result<Reply, Failure> {
        let text: ReplyText<'_> = serde_json::from_slice(body).map_err(|_| NONSENSE)?;
        let mut secret = Zeroizing::new([0; KEY_LEN]);
        let decoded = Base64::decode(text.plaintext, &mut secret[..]).map_err(|_| NONSENSE)?;
        let secret = Secret::from_slice(decoded).map_err(|_| NONSENSE)?;
        let blob = match text.ciphertext_blob {
            Some(blob) if blob.len() > BLOB_MAX.div_ceil(3) * 4 => return Err(NONSENSE),
            Some(blob) => Some(Base64::decode_vec(&blob).map_err(|_| NONSENSE)?),
            None => None,
        };
        Ok(Reply { secret, key_id: text.key_id.map(Cow::into_owned), blob })
    }
}

#[derive(Deserialize)]
struct Refusal<'a> {
    #[serde(rename = "__type", borrow)]
    name: Cow<'a, str>,
}

/// What an answer other than 200 means. The service names it in a header or in the body, with a namespace before `#` and
/// an address after `:`, or without.
pub(super) fn failure(response: &Response) -> Failure {
    let in_body =
        || serde_json::from_slice::<Refusal<'_>>(&response.body).ok().map(|refusal| refusal.name.into_owned());
    let named = response.error_type.clone().or_else(in_body).unwrap_or_default();
    let name = named.split(':').next().unwrap_or_default();
    let name = name.rsplit('#').next().unwrap_or_default();
    let retry = Failure::Retry { after: response.retry_after };
    match name {
        "AccessDenied"
        | "AccessDeniedException"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "NotAuthorized"
        | "OptInRequired"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => Failure::Denied,
        "NotFoundException" => Failure::Unknown,
        "DisabledException" | "KMSInvalidStateException" => Failure::Disabled,
        "DependencyTimeoutException"
        | "InternalFailure"
        | "KeyUnavailableException"
        | "KMSInternalException"
        | "LimitExceededException"
        | "RequestLimitExceeded"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException" => retry,
        _ => match response.status {
            408 | 429 | 500..=599 => retry,
            401 | 403 => Failure::Denied,
            status => Failure::Error { code: i32::from(status) },
        },
    }
}
