//! The arithmetic of a message: lengths, chunks, offsets. Pure, and right up to 64 TiB on any machine.

use core::ops::Range;

use crate::{Error, Result};

/// Plaintext bytes of a chunk; the last one of a message has fewer.
pub const CHUNK_LEN: usize = 16_384;
/// Bytes of a tag.
pub const TAG_LEN: usize = 16;
/// Stored bytes of a whole chunk.
pub const STORED_CHUNK_LEN: usize = CHUNK_LEN + TAG_LEN;
/// Bytes of a message's head, `salt || commitment`.
pub const HEAD_LEN: usize = 56;
/// Most chunks of a message.
pub const MAX_CHUNKS: u64 = 1 << 32;
/// Most plaintext bytes of a message: its last chunk is never full.
pub const MAX_PLAIN_LEN: u64 = MAX_CHUNKS * CHUNK_LEN as u64 - 1;
/// Most bytes of a message.
pub const MAX_SEALED_LEN: u64 = HEAD_LEN as u64 + MAX_PLAIN_LEN + MAX_CHUNKS * TAG_LEN as u64;

/// How many chunks hold that many bytes of plaintext: at least one, and the last is never full.
#[must_use]
pub const fn chunks(plain_len: u64) -> u64 {
    plain_len / CHUNK_LEN as u64 + 1
}

/// The chunk in which a plaintext byte lies.
#[must_use]
pub const fn chunk_of(plain_offset: u64) -> u64 {
    plain_offset / CHUNK_LEN as u64
}

/// The stored bytes of chunk `k` in a message of `plain_len` bytes.
#[must_use]
pub fn stored_chunk(plain_len: u64, k: u64) -> Range<u64> {
    let start = HEAD_LEN as u64 + k * STORED_CHUNK_LEN as u64;
    start..start + chunk_len(plain_len, k) as u64 + TAG_LEN as u64
}

/// The plaintext bytes in chunk `k` of a message of `plain_len` bytes.
#[must_use]
pub fn chunk_len(plain_len: u64, k: u64) -> usize {
    let left = plain_len.saturating_sub(k * CHUNK_LEN as u64);
    usize::try_from(left).map_or(CHUNK_LEN, |n| n.min(CHUNK_LEN))
}

/// The length of a message that holds `plain_len` bytes.
///
/// # Errors
/// [`Error::Argument`] over [`MAX_PLAIN_LEN`].
pub fn sealed_len(plain_len: u64) -> Result<u64> {
    if plain_len > MAX_PLAIN_LEN {
        return Err(Error::Argument("a message holds at most 2^46 - 1 bytes"));
    }
    Ok(HEAD_LEN as u64 + plain_len + chunks(plain_len) * TAG_LEN as u64)
}

/// The length of the plaintext of a message of `sealed_len` bytes.
///
/// # Errors
/// [`Error::Truncated`] if no whole message has that length; [`Error::Format`] if it is too long for any.
pub fn plain_len(sealed_len: u64) -> Result<u64> {
    if sealed_len > MAX_SEALED_LEN {
        return Err(Error::Format("a message of more than 2^32 chunks"));
    }
    let chunks = sealed_len.checked_sub(HEAD_LEN as u64).ok_or(Error::Truncated)?;
    let (whole, last) = (chunks / STORED_CHUNK_LEN as u64, chunks % STORED_CHUNK_LEN as u64);
    let last = last.checked_sub(TAG_LEN as u64).ok_or(Error::Truncated)?;
    Ok(whole * CHUNK_LEN as u64 + last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_match_the_specification_s_examples() {
        // c2sp.org/chunked-encryption, "Message chunking".
        for (plain, chunk_count) in [(0, 1), (1 << 10, 1), (16 << 10, 2), (20 << 10, 2)] {
            assert_eq!(chunks(plain), chunk_count);
            assert_eq!(sealed_len(plain), Ok(56 + plain + 16 * chunk_count));
        }
        assert_eq!(stored_chunk(1 << 40, 3).start, 56 + 3 * 16_400);
    }

    #[test]
    fn plain_len_undoes_sealed_len_and_refuses_every_other_length() {
        let mut valid = 0;
        for sealed in 0..3 * STORED_CHUNK_LEN as u64 {
            match plain_len(sealed) {
                Ok(plain) => {
                    assert_eq!(sealed_len(plain), Ok(sealed));
                    valid += 1;
                }
                Err(error) => assert_eq!(error, Error::Truncated),
            }
        }
        assert_eq!(valid, 3 * CHUNK_LEN as u64 - HEAD_LEN as u64);
    }

    /// RUSTSEC-2025-0009 in another library: an overflow panic at 64 GB.
    #[test]
    fn lengths_hold_up_to_the_limit() {
        let one_tib = 1 << 40;
        assert_eq!(chunks(one_tib), (1 << 26) + 1);
        assert_eq!(stored_chunk(one_tib, 1 << 26), 56 + (1 << 26) * 16_400..56 + (1 << 26) * 16_400 + 16);
        assert_eq!(sealed_len(MAX_PLAIN_LEN), Ok(MAX_SEALED_LEN));
        assert_eq!(plain_len(MAX_SEALED_LEN), Ok(MAX_PLAIN_LEN));
        assert_eq!(chunks(MAX_PLAIN_LEN), MAX_CHUNKS);
        assert!(sealed_len(MAX_PLAIN_LEN + 1).is_err());
        assert!(sealed_len(u64::MAX).is_err());
        assert!(plain_len(MAX_SEALED_LEN + 1).is_err());
        assert!(plain_len(u64::MAX).is_err());
    }
}
