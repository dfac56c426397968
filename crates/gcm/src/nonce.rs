//! Nonces: a message's base nonce, and the chunk numbers that make one nonce of it each.

use crate::NONCE_LEN;

/// GCM's first counter block under `nonce`: the one that encrypts the tag.
#[inline(always)]
pub(crate) fn j0(nonce: &[u8; NONCE_LEN]) -> [u8; 16] {
    let mut j0 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    j0[..NONCE_LEN].copy_from_slice(nonce);
    j0
}

/// The first counter blocks of consecutive chunks: chunk `i` has the nonce `base XOR i`, where `i` is a big-endian
/// integer as wide as the nonce.
#[derive(Clone, Copy)]
pub(crate) struct Nonces {
    /// The base's own first counter block, as a big-endian integer.
    base: u128,
    next: u64,
}

impl Nonces {
    #[inline(always)]
    pub(crate) fn from(base: &[u8; NONCE_LEN], first: u64) -> Nonces {
        Nonces { base: u128::from_be_bytes(j0(base)), next: first }
    }
}

impl Iterator for Nonces {
    type Item = [u8; 16];

    #[inline(always)]
    fn next(&mut self) -> Option<[u8; 16]> {
        let block = self.base ^ u128::from(self.next) << 32;
        self.next = self.next.wrapping_add(1);
        Some(block.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunk_number_enters_the_nonce_as_96_bit_big_endian() {
        let j0 = Nonces::from(&[0xff; NONCE_LEN], 0x0102_0304_0506_0708).next().unwrap();
        assert_eq!(j0, [0xff, 0xff, 0xff, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8, 0xf7, 0, 0, 0, 1]);
    }
}
