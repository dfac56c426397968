//! The strict grammar of identifiers that come from outside (docs/FORMAT.md, section 1).

use alloc::string::{String, ToString};

use crate::{Error, Result};

/// Longest key id, in bytes.
pub const KEY_ID_MAX: usize = 255;
/// Longest key version, in bytes.
pub const KEY_VERSION_MAX: usize = 64;
/// Longest provider name, in bytes.
pub const PROVIDER_MAX: usize = 16;

fn graphic(bytes: &[u8], max: usize) -> Option<&str> {
    let fits = bytes.len() <= max && bytes.iter().all(|b| (0x21..=0x7e).contains(b));
    if fits { core::str::from_utf8(bytes).ok() } else { None }
}

/// A key id, or the empty string.
pub(crate) fn key_id(bytes: &[u8]) -> Option<&str> {
    graphic(bytes, KEY_ID_MAX)
}

pub(crate) fn key_version(bytes: &[u8]) -> Option<&str> {
    graphic(bytes, KEY_VERSION_MAX)
}

pub(crate) fn provider(bytes: &[u8]) -> Option<&str> {
    let fits = bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-');
    if fits { graphic(bytes, PROVIDER_MAX) } else { None }
}

pub(crate) fn alias(bytes: &[u8]) -> Option<&str> {
    graphic(bytes, KEY_ID_MAX).filter(|a| a.starts_with("alias/") && a.len() > "alias/".len())
}

/// A key id as a caller gives one: not empty.
pub(crate) fn key_id_argument(id: &str) -> Result<String> {
    match key_id(id.as_bytes()) {
        Some(id) if !id.is_empty() => Ok(id.to_string()),
        _ => Err(Error::Argument("a key id is 1 to 255 characters of 0x21 to 0x7e")),
    }
}

/// A remote key's names as a caller gives them: a provider and a key id, not empty, and a version.
pub(crate) fn check_remote_names(provider_name: &str, id: &str, version: &str) -> Result<()> {
    if provider_name.is_empty() || provider(provider_name.as_bytes()).is_none() {
        return Err(Error::Argument("a provider is 1 to 16 characters of a-z, 0-9 and -"));
    }
    key_id_argument(id)?;
    match key_version(version.as_bytes()) {
        Some(_) => Ok(()),
        None => Err(Error::Argument("a key version is at most 64 characters of 0x21 to 0x7e")),
    }
}

/// The version of a local master key: a counter from 1, in decimal without leading zeros.
pub(crate) fn local_version(version: &str) -> Option<u64> {
    let canonical = !version.starts_with('0') && version.bytes().all(|b| b.is_ascii_digit());
    if canonical { version.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_versions_are_canonical_decimals() {
        assert_eq!(local_version("1"), Some(1));
        assert_eq!(local_version("18446744073709551615"), Some(u64::MAX));
        for bad in ["", "0", "01", "+1", "-1", "1 ", "18446744073709551616", "x"] {
            assert_eq!(local_version(bad), None, "{bad:?}");
        }
    }

    /// RUSTSEC-2024-0432 in another system: a provider's name ran a binary.
    #[test]
    fn identifiers_have_a_strict_grammar() {
        assert!(provider(b"aws-kms-1").is_some());
        for bad in [&b"AWS"[..], b"../bin/sh", b"a b", b"a\0", b"seventeen-letters"] {
            assert!(provider(bad).is_none(), "{bad:?}");
        }
        for bad in [&b"a b"[..], b"a\n", b"\xc3\xa9", &[b'x'; 256]] {
            assert!(key_id(bad).is_none(), "{bad:?}");
        }
        for bad in [&b"alias/"[..], b"alia/x", b"alias/ x"] {
            assert!(alias(bad).is_none(), "{bad:?}");
        }
    }
}
