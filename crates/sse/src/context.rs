//! The encryption context that a client gives a KMS: a map of strings.

use alloc::string::String;
use alloc::vec::Vec;

use base64ct::{Base64, Encoding};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::{Code, Dialect, Error, Result};

/// Most bytes of a context, as JSON and as the map of docs/FORMAT.md, section 3.
pub const CONTEXT_MAX: usize = 8_192;
const RESERVED_PREFIX: &str = "ossenc:";

/// Pairs of strings, sorted by key, each key once, and within the limits that the core sets for the pairs of a context.
/// The data key opens under no other context, so the daemon keeps it with the object: [`EncryptionContext::to_json`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionContext(Vec<(String, String)>);

impl EncryptionContext {
    /// Reads a JSON object whose values are strings.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for anything else, a key that comes twice, is empty or begins `ossenc:`, and more than
    /// [`CONTEXT_MAX`] bytes.
    pub fn from_json(json: &str) -> Result<EncryptionContext> {
        let malformed = || Error::new(Code::InvalidArgument, "The encryption context is not a JSON map of strings.");
        if json.len() > CONTEXT_MAX {
            return Err(Error::new(Code::InvalidArgument, "The encryption context is too long."));
        }
        let Pairs(mut pairs) = serde_json::from_str(json).map_err(|_| malformed())?;
        pairs.sort_unstable();
        let encoded: usize = 4 + pairs.iter().map(|(key, value)| 4 + key.len() + value.len()).sum::<usize>();
        if encoded > CONTEXT_MAX {
            return Err(Error::new(Code::InvalidArgument, "The encryption context is too long."));
        }
        if pairs.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Error::new(Code::InvalidArgument, "The encryption context has a key twice."));
        }
        if pairs.iter().any(|(key, _)| key.is_empty() || key.starts_with(RESERVED_PREFIX)) {
            return Err(Error::new(
                Code::InvalidArgument,
                "The encryption context has a key that is empty or reserved.",
            ));
        }
        Ok(EncryptionContext(pairs))
    }

    /// Reads the header: JSON in OSS, base64 of it in S3.
    pub(crate) fn from_header(dialect: Dialect, value: &str) -> Result<EncryptionContext> {
        let malformed = || Error::new(Code::InvalidArgument, "The encryption context is not base64 of JSON.");
        match dialect {
            Dialect::Oss => EncryptionContext::from_json(value),
            Dialect::S3 if value.len() > CONTEXT_MAX.div_ceil(3) * 4 => {
                Err(Error::new(Code::InvalidArgument, "The encryption context is too long."))
            }
            Dialect::S3 => {
                let json = String::from_utf8(Base64::decode_vec(value).map_err(|_| malformed())?);
                EncryptionContext::from_json(&json.map_err(|_| malformed())?)
            }
        }
    }

    pub(crate) fn to_header(&self, dialect: Dialect) -> String {
        match dialect {
            Dialect::Oss => self.to_json(),
            Dialect::S3 => Base64::encode_string(self.to_json().as_bytes()),
        }
    }

    /// The one JSON object of these pairs: sorted, without white space.
    #[must_use]
    pub fn to_json(&self) -> String {
        let text = |text: &str| serde_json::to_string(text).expect("a string is always JSON");
        let mut json = String::from("{");
        for (i, (key, value)) in self.0.iter().enumerate() {
            json += if i > 0 { "," } else { "" };
            json += &text(key);
            json += ":";
            json += &text(value);
        }
        json + "}"
    }

    /// The pairs, sorted by key.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Whether there is none: the same as no context.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A JSON object as it was written: a map type would hide a key that comes twice.
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> core::result::Result<Pairs, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("a map of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> core::result::Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}
