//! Who signs.

use ossenc::{Error, Result};
use zeroize::Zeroizing;

/// An access key, and its session token if it is a temporary one. Secrets are wiped on drop, and absent from `Debug`.
#[derive(Clone)]
pub struct AwsCredentials {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: Zeroizing<String>,
    pub(super) session_token: Option<Zeroizing<String>>,
}

impl AwsCredentials {
    /// Copies them.
    ///
    /// # Errors
    /// [`Error::Argument`] unless the access key id has 1 to 128 characters of 0x21 to 0x7e, the secret has some, and the
    /// session token has 1 to 8,192 of 0x21 to 0x7e: they go into headers.
    pub fn new(access_key_id: &str, secret_access_key: &str, session_token: Option<&str>) -> Result<AwsCredentials> {
        let graphic = |text: &str, max| (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if !graphic(access_key_id, 128) || access_key_id.contains(['/', ',', '=']) {
            return Err(Error::Argument("an access key id is 1 to 128 characters of 0x21 to 0x7e, without / , ="));
        }
        if secret_access_key.is_empty() || !session_token.is_none_or(|token| graphic(token, 8192)) {
            return Err(Error::Argument("a secret access key is not empty, a session token has 1 to 8,192 characters"));
        }
        Ok(AwsCredentials {
            access_key_id: access_key_id.to_string(),
            secret_access_key: Zeroizing::new(secret_access_key.to_string()),
            session_token: session_token.map(|token| Zeroizing::new(token.to_string())),
        })
    }
}

impl core::fmt::Debug for AwsCredentials {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AwsCredentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}
