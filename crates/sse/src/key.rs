//! Which customer master key (CMK) is meant.

use alloc::string::String;

use crate::{Code, Dialect, Result};

/// Longest key id, in bytes.
pub const KEY_ID_MAX: usize = 255;

/// The name of a CMK as clients write it: an id, an alias, or the resource name (ARN) of either. Well-formed: 1 to 255
/// characters of 0x21 to 0x7e, so that it fits a header and an envelope. Whether there is such a key only the key
/// service knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// Checks the form.
    ///
    /// # Errors
    /// [`Code::InvalidKeyId`].
    pub fn new(id: &str) -> Result<KeyId> {
        let fits = (1..=KEY_ID_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(KeyId(id.into())) } else { Err(Code::InvalidKeyId.into()) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an alias, or the resource name of one.
    #[must_use]
    pub fn is_alias(&self) -> bool {
        self.0.starts_with("alias/") || self.0.contains(":alias/")
    }
}

/// The CMK to use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// The default one, which the daemon creates when it is first used.
    Default,
    /// The one that the request or the rule names.
    Named(KeyId),
}

impl Key {
    /// Who names the default key by its alias means it.
    pub(crate) fn of(dialect: Dialect, id: Option<KeyId>) -> Key {
        match id {
            Some(id) if id.as_str() != dialect.default_key() => Key::Named(id),
            _ => Key::Default,
        }
    }

    /// The name to ask the key service for.
    #[must_use]
    pub fn id(&self, dialect: Dialect) -> &str {
        match self {
            Key::Default => dialect.default_key(),
            Key::Named(id) => id.as_str(),
        }
    }
}
