//! Bytes as text: hexadecimal, base64 (RFC 4648, section 4, with its padding), and percent signs for single bytes.

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// How the bytes of an envelope are written. Its first six bytes are always the same, and tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Hex,
    Base64,
}

/// Reads an envelope, and tells how it was written.
pub(super) fn decode(text: &[u8]) -> Option<(Encoding, Vec<u8>)> {
    // "ossenc"
    if text.get(..12).is_some_and(|start| start.eq_ignore_ascii_case(b"6f7373656e63")) {
        unhex(text).map(|bytes| (Encoding::Hex, bytes))
    } else {
        unbase64(text).map(|bytes| (Encoding::Base64, bytes))
    }
}

pub(super) fn encode(encoding: Encoding, bytes: &[u8]) -> String {
    match encoding {
        Encoding::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Encoding::Base64 => bytes.chunks(3).flat_map(base64_group).map(char::from).collect(),
    }
}

/// Reads a field in which `%` and two hexadecimal digits stand for a byte, and everything else for itself.
pub(super) fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            out.extend(unhex(digits)?);
            rest = after;
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

fn base64_group(bytes: &[u8]) -> [u8; 4] {
    let at = |i: usize| u32::from(bytes.get(i).copied().unwrap_or(0));
    let bits = at(0) << 16 | at(1) << 8 | at(2);
    let mut group = [18, 12, 6, 0].map(|shift| BASE64[(bits >> shift & 63) as usize]);
    group[bytes.len() + 1..].fill(b'=');
    group
}

fn unbase64(text: &[u8]) -> Option<Vec<u8>> {
    let (groups, []) = text.as_chunks::<4>() else { return None };
    let mut out = Vec::with_capacity(groups.len() * 3);
    for (i, group) in groups.iter().enumerate() {
        let padding = group.iter().rev().take_while(|byte| **byte == b'=').count();
        if padding > 2 || (padding > 0 && i + 1 < groups.len()) {
            return None;
        }
        let mut bits = 0u32;
        for byte in &group[..4 - padding] {
            let value = BASE64.iter().position(|letter| letter == byte)?;
            bits = bits << 6 | u32::try_from(value).ok()?;
        }
        let bytes = (bits << (6 * padding)).to_be_bytes();
        let (kept, cut) = bytes[1..].split_at(3 - padding);
        // Bits that no byte takes are zero, or two texts would stand for the same bytes.
        if cut.iter().any(|byte| *byte != 0) {
            return None;
        }
        out.extend(kept);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, section 10.
    #[test]
    fn base64_is_that_of_the_standard() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, text) in cases {
            assert_eq!(encode(Encoding::Base64, plain.as_bytes()), text);
            assert_eq!(unbase64(text.as_bytes()).unwrap(), plain.as_bytes());
        }
        for bad in ["Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Zm-v", " Zm9"] {
            assert_eq!(unbase64(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn an_envelope_is_read_as_it_was_written() {
        let bytes: Vec<u8> = b"ossenc".iter().copied().chain(0..=255).collect();
        for encoding in [Encoding::Hex, Encoding::Base64] {
            assert_eq!(decode(encode(encoding, &bytes).as_bytes()), Some((encoding, bytes.clone())));
        }
        let upper = encode(Encoding::Hex, &bytes).to_uppercase();
        assert_eq!(decode(upper.as_bytes()), Some((Encoding::Hex, bytes)));
        assert_eq!(decode(b"6f7373656e630"), None);
        assert_eq!(decode(b"6f7373656e63+1"), None);
    }

    #[test]
    fn percent_signs_stand_for_bytes() {
        assert_eq!(unescape(b"a%09b%25%fF c").unwrap(), b"a\tb%\xff c");
        for bad in [&b"%"[..], b"a%1", b"%zz", b"%+1"] {
            assert_eq!(unescape(bad), None);
        }
    }
}
