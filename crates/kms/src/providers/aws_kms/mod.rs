//! Master keys in AWS KMS, or in a service with its JSON interface.

use std::time::Duration;

use super::{BLOB_MAX, LATER, NONSENSE, is_key_id};
use crate::{Answer, Ask, Failure, Provider, Verb};

mod credentials;
mod json;
mod sigv4;
mod tls;
mod transport;

pub use credentials::AwsCredentials;
use transport::Transport;

/// Which service, and how it is reached.
#[derive(Clone, Copy, Debug)]
pub struct AwsKmsConfig<'a> {
    /// `https://host` or `https://host:port`, for instance `https://kms.eu-central-1.amazonaws.com`. `http://` is for
    /// loopback addresses only, since answers hold keys.
    pub endpoint: &'a str,
    /// The region that requests are signed for.
    pub region: &'a str,
    /// Certificates of the authorities that may vouch for the endpoint, in PEM. `None`: those that Mozilla trusts, as this
    /// library's build knew them. The operating system's store is not looked at.
    pub authorities_pem: Option<&'a [u8]>,
    /// Longest time to reach the endpoint, within the time of a whole call.
    pub connect_timeout: Duration,
}

/// Why a provider could not be made: what in the configuration is outside the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AwsKmsError(pub &'static str);

impl core::fmt::Display for AwsKmsError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for AwsKmsError {}

type CredentialSource = Box<dyn Fn(Duration) -> Result<AwsCredentials, Failure> + Send + Sync>;

/// A provider over the calls `GenerateDataKey` and `Decrypt` of AWS KMS.
///
/// **Names.** `GENERATE` takes what the service takes: a key's id, its ARN, an alias. What is stored is the key id of the
/// answer, an ARN. `UNWRAP` always sends the key id of the slot, and compares the answer's, so that a blob cannot choose its
/// key; it takes no alias. Versions are the service's own affair: they are empty.
///
/// **Rotation** happens inside the service, and a slot made before opens as it did. For another key, point the alias there
/// and rewrap.
///
/// **Context.** The pairs go as the `EncryptionContext`, which the service authenticates, and writes to its audit log in
/// clear.
///
/// **Credentials** come from a callback before each call, with the call's timeout: one that fetches them keeps them until
/// they expire, and can be asked by many threads at once. Nothing is read from the environment, from files, or from an
/// instance's metadata service.
///
/// **Transport.** HTTP/1.1 over TLS; no proxy, no redirects, no cookies, answers up to 64 KiB. The buffers that this crate
/// has of keys are wiped; those of the HTTP and TLS libraries beneath are not. Cryptography for TLS is the process's
/// default provider of `rustls`, if it has installed one before the provider is made, else `graviola`.
///
/// **Threads.** Shared by all; connections are kept and reused. A name is resolved on a short-lived thread, since the
/// operating system's resolver takes no timeout.
///
/// ```
/// use std::time::Duration;
/// use ossenc_kms::providers::{AwsCredentials, AwsKmsConfig, AwsKmsProvider, Providers};
///
/// let config = AwsKmsConfig {
///     endpoint: "https://kms.eu-central-1.amazonaws.com",
///     region: "eu-central-1",
///     authorities_pem: None,
///     connect_timeout: Duration::from_secs(2),
/// };
/// let credentials = AwsCredentials::new("AKIDEXAMPLE", "in earnest, from the daemon's own vault", None)?;
/// let mut providers = Providers::new();
/// providers.add("aws-kms", std::sync::Arc::new(AwsKmsProvider::new(&config, move |_| Ok(credentials.clone()))?))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct AwsKmsProvider {
    transport: Transport,
    credentials: CredentialSource,
}

impl AwsKmsProvider {
    /// Checks the configuration. Nothing is sent before the first call.
    ///
    /// # Errors
    /// [`AwsKmsError`]: endpoint, region or certificates are not what [`AwsKmsConfig`] asks for; or the machine lacks the
    /// instructions that `graviola` needs, and the process has no other provider for TLS.
    pub fn new(
        config: &AwsKmsConfig<'_>,
        credentials: impl Fn(Duration) -> Result<AwsCredentials, Failure> + Send + Sync + 'static,
    ) -> Result<AwsKmsProvider, AwsKmsError> {
        Ok(AwsKmsProvider { transport: Transport::new(config)?, credentials: Box::new(credentials) })
    }

    fn post(&self, action: &str, body: &[u8], timeout: Duration) -> Result<json::Reply, Failure> {
        let response = self.transport.post(action, body, &self.credentials, timeout)?;
        if response.status == 200 { json::Reply::read(&response.body) } else { Err(json::failure(&response)) }
    }

    fn generate(&self, ask: &Ask<'_>, timeout: Duration) -> Result<Answer, Failure> {
        let reply = self.post("GenerateDataKey", &json::generate_data_key(ask)?, timeout)?;
        let key_id = reply.key_id.filter(|id| is_key_id(id) && !is_alias(id)).ok_or(NONSENSE)?;
        let blob = reply.blob.filter(|blob| (1..=BLOB_MAX).contains(&blob.len())).ok_or(NONSENSE)?;
        Ok(Answer { secret: Some(reply.secret), blob, key_id, key_version: String::new() })
    }

    fn unwrap(&self, ask: &Ask<'_>, timeout: Duration) -> Result<Answer, Failure> {
        let reply = self.post("Decrypt", &json::decrypt(ask)?, timeout)?;
        if !reply.key_id.is_some_and(|answered| is_same_key(ask.key_id, &answered)) {
            return Err(NONSENSE);
        }
        Ok(Answer { secret: Some(reply.secret), key_id: ask.key_id.to_string(), ..Answer::default() })
    }
}

impl core::fmt::Debug for AwsKmsProvider {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AwsKmsProvider").field("transport", &self.transport).finish_non_exhaustive()
    }
}

impl Provider for AwsKmsProvider {
    /// # Errors
    /// | | |
    /// |---|---|
    /// | [`Failure::Denied`] | the credentials are refused, have expired, or do not allow it |
    /// | [`Failure::Unknown`] | no such key; an alias in an ask to unwrap |
    /// | [`Failure::Disabled`] | the key's state forbids it |
    /// | [`Failure::Retry`] | throttled, `Retry-After` taken over (in seconds, at most an hour); 5xx; no connection; timeout |
    /// | [`Failure::Error`] | the rest. The code is the HTTP status, or 0 for an answer that makes no sense |
    fn call(&self, ask: &Ask<'_>, timeout: Duration) -> Result<Answer, Failure> {
        if !is_key_id(ask.key_id) {
            return Err(NONSENSE);
        }
        match ask.verb {
            Verb::Generate => self.generate(ask, timeout),
            Verb::Unwrap if is_alias(ask.key_id) => Err(Failure::Unknown),
            Verb::Unwrap if !(1..=BLOB_MAX).contains(&ask.blob.len()) => Err(NONSENSE),
            Verb::Unwrap => self.unwrap(ask, timeout),
            Verb::LoadBucketKey | Verb::StoreBucketKey => Err(NONSENSE),
        }
    }
}

/// An alias can be pointed elsewhere: it names no key.
fn is_alias(key_id: &str) -> bool {
    key_id.starts_with("alias/") || (key_id.starts_with("arn:") && key_id.contains(":alias/"))
}

/// The service answers with ARNs. A slot made by other means may hold a bare id.
fn is_same_key(asked: &str, answered: &str) -> bool {
    answered == asked
        || answered.strip_suffix(asked).is_some_and(|head| head.starts_with("arn:") && head.ends_with(":key/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_arn_or_the_id_at_the_arns_end_and_nothing_else() {
        let arn = "arn:aws:kms:eu-central-1:1:key/9a-1";
        assert!(is_same_key(arn, arn) && is_same_key("9a-1", arn));
        for other in [
            "1",
            "-1",
            "key/9a-1",
            "9a-2",
            "arn:aws:kms:eu-central-1:2:key/9a-1",
            "arn:aws:kms:eu-central-1:1:key/",
            "",
        ] {
            assert!(!is_same_key(other, arn), "{other:?}");
        }
        assert!(is_alias("alias/x") && is_alias("arn:aws:kms:eu-central-1:1:alias/x") && !is_alias(arn));
    }
}
