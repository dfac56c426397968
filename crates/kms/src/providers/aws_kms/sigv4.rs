//! AWS Signature Version 4 of the one kind of request that is sent here: POST to the root, without a query.
//!
//! Written out, since the crates that sign (aws-sigv4, reqsign) bring 60 others along, asynchronous run times among them,
//! and the first wants a newer compiler than this library does. The tests hold it to AWS's published example, and to a
//! server that checks signatures.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::AwsCredentials;

/// Where and when a signature is valid.
pub(super) struct Scope<'a> {
    /// As `20150830T123600Z`.
    pub(super) time: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

/// The value of the header `Authorization`. `headers` are all that are signed: names in lower case and sorted, values
/// without surrounding or doubled spaces.
pub(super) fn authorization(
    credentials: &AwsCredentials,
    scope: &Scope<'_>,
    headers: &[(&str, &str)],
    body: &[u8],
) -> String {
    let Scope { time, region, service } = scope;
    let date = &time[..8];
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    // The session token is among the headers.
    let mut request = Zeroizing::new(String::with_capacity(
        256 + headers.iter().map(|(name, value)| 2 * name.len() + value.len() + 3).sum::<usize>(),
    ));
    request.push_str("POST\n/\n\n");
    for (name, value) in headers {
        for part in [name, ":", value, "\n"] {
            request.push_str(part);
        }
    }
    for part in ["\n", &names, "\n", &hex(&Sha256::digest(body))] {
        request.push_str(part);
    }

    let place = format!("{date}/{region}/{service}/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{place}\n{}", hex(&Sha256::digest(request.as_bytes())));
    let secret = &credentials.secret_access_key;
    let mut first = Zeroizing::new(Vec::with_capacity(4 + secret.len()));
    first.extend_from_slice(b"AWS4");
    first.extend_from_slice(secret.as_bytes());
    let mut key = hmac(&first, date.as_bytes());
    for part in [region, service, "aws4_request"] {
        key = hmac(&key[..], part.as_bytes());
    }
    let signature = hex(&hmac(&key[..], text.as_bytes())[..]);
    format!(
        "AWS4-HMAC-SHA256 Credential={}/{place}, SignedHeaders={names}, Signature={signature}",
        credentials.access_key_id
    )
}

/// Seconds since 1970, as `20150830T123600Z`.
pub(super) fn timestamp(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years begin in March, so that the leap day is the last day of one; eras of 400 years have the same days.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

fn hmac(key: &[u8], data: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(data);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "post-vanilla" of AWS's test suite for Signature Version 4.
    #[test]
    fn the_published_example_is_signed_as_published() {
        let credentials = AwsCredentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None).unwrap();
        let scope = Scope { time: "20150830T123600Z", region: "us-east-1", service: "service" };
        let headers = [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")];
        assert_eq!(
            authorization(&credentials, &scope, &headers, b""),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
    }

    /// Against `date -u -d @… +%Y%m%dT%H%M%SZ`.
    #[test]
    fn times_are_dates() {
        for (seconds, date) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"),
            (1_440_938_160, "20150830T123600Z"),
            (1_735_689_599, "20241231T235959Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            assert_eq!(timestamp(seconds), date);
        }
    }
}
