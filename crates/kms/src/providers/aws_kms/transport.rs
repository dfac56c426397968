//! One signed POST, and its answer, within a time.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ureq::Agent;
use ureq::http::{HeaderMap, HeaderValue, Uri};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use zeroize::Zeroizing;

use super::{AwsCredentials, AwsKmsConfig, AwsKmsError, LATER, NONSENSE, sigv4, tls};
use crate::Failure;

/// Longest answer that is read. One with a blob of 8,192 bytes has some 11,000.
const BODY_MAX: usize = 65_536;

/// A service that wants to be left alone for longer is asked again nevertheless: it may have been mistaken.
const RETRY_AFTER_MAX: u64 = 3_600;

/// A bound for the arithmetic on times. Callers' timeouts are seconds.
const TIMEOUT_MAX: Duration = Duration::from_secs(3_600);

#[derive(Debug)]
pub(super) struct Transport {
    agent: Agent,
    url: String,
    host: String,
    region: String,
}

pub(super) struct Response {
    pub(super) status: u16,
    /// The header `x-amzn-errortype`.
    pub(super) error_type: Option<String>,
    pub(super) retry_after: Duration,
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl Transport {
    pub(super) fn new(config: &AwsKmsConfig<'_>) -> Result<Transport, AwsKmsError> {
        let (https, host) = endpoint(config.endpoint)?;
        let is_part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if config.region.is_empty() || !config.region.bytes().all(is_part) {
            return Err(AwsKmsError("a region is characters of a-z 0-9 -"));
        }
        let mut tls = TlsConfig::builder();
        match tls::crypto_provider() {
            Some(provider) => tls = tls.unversioned_rustls_crypto_provider(provider),
            None if https => {
                return Err(AwsKmsError("no cryptography for TLS on this machine: install a rustls provider"));
            }
            None => {}
        }
        if let Some(pem) = config.authorities_pem {
            tls = tls.root_certs(authorities(pem)?);
        }
        let agent = Agent::config_builder()
            .tls_config(tls.build())
            .timeout_connect(Some(config.connect_timeout.min(TIMEOUT_MAX)))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // Without this the environment would choose one.
            .proxy(None)
            .user_agent(concat!("ossenc-kms/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let scheme = if https { "https" } else { "http" };
        Ok(Transport { agent, url: format!("{scheme}://{host}/"), host, region: config.region.to_string() })
    }

    pub(super) fn post(
        &self,
        action: &str,
        body: &[u8],
        credentials: impl Fn(Duration) -> Result<AwsCredentials, Failure>,
        timeout: Duration,
    ) -> Result<Response, Failure> {
        let timeout = timeout.min(TIMEOUT_MAX);
        let start = Instant::now();
        let credentials = credentials(timeout)?;
        let left = timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(LATER);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| NONSENSE)?;
        let time = sigv4::timestamp(now.as_secs());
        let target = format!("TrentService.{action}");
        let mut headers = vec![
            ("content-type", "application/x-amz-json-1.1"),
            ("host", self.host.as_str()),
            ("x-amz-date", time.as_str()),
        ];
        if let Some(token) = &credentials.session_token {
            headers.push(("x-amz-security-token", token.as_str()));
        }
        headers.push(("x-amz-target", &target));
        let scope = sigv4::Scope { time: &time, region: &self.region, service: "kms" };
        let authorization = sigv4::authorization(&credentials, &scope, &headers, body);
        headers.push(("authorization", &authorization));

        let mut request = self.agent.post(&self.url).config().timeout_global(Some(left)).build();
        for (name, value) in headers {
            let mut value = HeaderValue::from_str(value).map_err(|_| NONSENSE)?;
            value.set_sensitive(matches!(name, "x-amz-security-token" | "authorization"));
            request = request.header(name, value);
        }
        let mut response = request.send(body).map_err(|error| failure(&error))?;
        let body = read(&mut response.body_mut().as_reader())?;
        Ok(Response {
            status: response.status().as_u16(),
            error_type: text(response.headers(), "x-amzn-errortype").map(str::to_string),
            retry_after: retry_after(response.headers()),
            body,
        })
    }
}

/// Whether it is https, and `host` or `host:port`.
fn endpoint(endpoint: &str) -> Result<(bool, String), AwsKmsError> {
    const RULE: AwsKmsError = AwsKmsError("an endpoint is https://host or https://host:port; http for loopback only");
    let uri: Uri = endpoint.parse().map_err(|_| RULE)?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(RULE) };
    let loopback = matches!(authority.host(), "127.0.0.1" | "[::1]" | "localhost");
    let allowed = scheme == "https" || (scheme == "http" && loopback);
    // A path or a query would have to be signed.
    if !allowed || authority.as_str().contains('@') || uri.path() != "/" || uri.query().is_some() {
        return Err(RULE);
    }
    Ok((scheme == "https", authority.as_str().to_ascii_lowercase()))
}

fn authorities(pem: &[u8]) -> Result<RootCerts, AwsKmsError> {
    let mut certificates = Vec::new();
    for item in parse_pem(pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            _ => return Err(AwsKmsError("authorities are certificates in PEM, and nothing else")),
        }
    }
    if certificates.is_empty() {
        return Err(AwsKmsError("authorities are at least one certificate"));
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}

/// Reads into one allocation: one that grew would leave copies of a key behind.
fn read(body: &mut impl Read) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(BODY_MAX + 1));
    body.take(BODY_MAX as u64 + 1).read_to_end(&mut bytes).map_err(|error| io_failure(&error))?;
    if bytes.len() > BODY_MAX { Err(NONSENSE) } else { Ok(bytes) }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// In seconds. The other form, a date, would need two clocks to agree.
fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = text(headers, "retry-after").and_then(|value| value.trim().parse().ok()).unwrap_or(0);
    Duration::from_secs(RETRY_AFTER_MAX.min(seconds))
}

fn failure(error: &ureq::Error) -> Failure {
    match error {
        ureq::Error::Timeout(_) | ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => LATER,
        ureq::Error::Io(error) => io_failure(error),
        _ => NONSENSE,
    }
}

/// What is broken about the connection may be whole next time; what is wrong about what came over it (a certificate, the
/// protocol) is not.
fn io_failure(error: &io::Error) -> Failure {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        Some(inner) => failure(inner),
        None if error.kind() == io::ErrorKind::InvalidData => NONSENSE,
        None => LATER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_travel_in_clear_over_loopback_only() {
        for good in
            ["https://kms.eu-central-1.amazonaws.com", "https://h:8443/", "http://127.0.0.1:5555", "http://[::1]:1"]
        {
            endpoint(good).unwrap();
        }
        for bad in [
            "http://kms.example",
            "http://127.0.0.1.example",
            "ftp://127.0.0.1",
            "https://user:pass@h",
            "https://h/path",
            "https://h/?q",
            "h:443",
            "/",
            "",
            "https://",
        ] {
            assert!(endpoint(bad).is_err(), "{bad:?}");
        }
    }
}
