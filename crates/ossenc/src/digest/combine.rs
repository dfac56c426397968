//! The checksum of two pieces in a row, from those of the pieces.
//!
//! A CRC is a remainder modulo a polynomial P over GF(2). Putting n bytes behind a piece multiplies its remainder by
//! `x^(8 n)`, and the remainder of the second piece is added; what the standard checksums do at their beginning and end
//! cancels out, since both invert all bits. `x^(8 n)` is the product of the powers `x^(8 2^k)` of the bits of n, which
//! are known when this is compiled: a few multiplications, each of as many steps as the checksum has bits.

/// The CRC-64 (OSS's ECMA) of two pieces of plaintext in a row, from the CRC-64 of each and the length of the second:
/// how the checksum of a multipart object comes from those of its parts. The CRC-64 of nothing is 0.
#[must_use]
pub fn crc64_combine(first: u64, second: u64, second_len: u64) -> u64 {
    static MODULUS: Modulus<64> = Modulus::new(0xc96c_5795_d787_0f42);
    MODULUS.combine(first, second, second_len)
}

/// The same for the CRC-32C: of the bodies of tickets, so gated as those are.
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub(crate) fn crc32c_combine(first: u32, second: u32, second_len: u64) -> u32 {
    static MODULUS: Modulus<32> = Modulus::new(0x82f6_3b78);
    // Remainders have 32 bits.
    MODULUS.combine(first.into(), second.into(), second_len) as u32
}

/// P, of that many bits, and the powers. All polynomials have their bits reflected: the coefficient of `x^0` is the
/// highest bit.
struct Modulus<const BITS: u32> {
    p: u64,
    /// `x^(8 2^k)`.
    powers: [u64; 64],
}

impl<const BITS: u32> Modulus<BITS> {
    const fn new(p: u64) -> Modulus<BITS> {
        let mut modulus = Modulus { p, powers: [0; 64] };
        let mut power = 1 << (BITS - 1 - 8);
        let mut k = 0;
        while k < 64 {
            modulus.powers[k] = power;
            power = modulus.multiply(power, power);
            k += 1;
        }
        modulus
    }

    const fn multiply(&self, a: u64, mut b: u64) -> u64 {
        let mut product = 0;
        let mut i = BITS;
        while i > 0 {
            i -= 1;
            product ^= b & (a >> i & 1).wrapping_neg();
            b = b >> 1 ^ self.p & (b & 1).wrapping_neg();
        }
        product
    }

    fn combine(&self, first: u64, second: u64, second_len: u64) -> u64 {
        let bits = (0..64).filter(|k| second_len >> k & 1 == 1);
        bits.fold(first, |shifted, k| self.multiply(shifted, self.powers[k as usize])) ^ second
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use crc_fast::{CrcAlgorithm, checksum, checksum_combine};

    use super::*;

    #[test]
    fn pieces_combine_as_a_library_combines_them() {
        let bytes: alloc::vec::Vec<u8> = (0..70_000u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
        for (at, end) in [(0, 0), (0, 9), (9, 9), (1, 2), (5, 5 + 256), (1_000, 70_000), (69_999, 70_000)] {
            let (first, second) = (&bytes[..at], &bytes[at..end]);
            let of = |algorithm, bytes: &[u8]| checksum(algorithm, bytes);
            let crc64 = CrcAlgorithm::Crc64Xz;
            let combined = crc64_combine(of(crc64, first), of(crc64, second), second.len() as u64);
            assert_eq!(combined, of(crc64, &bytes[..end]), "{at} {end}");
            let crc32c = CrcAlgorithm::Crc32Iscsi;
            let combined = crc32c_combine(of(crc32c, first) as u32, of(crc32c, second) as u32, second.len() as u64);
            assert_eq!(u64::from(combined), of(crc32c, &bytes[..end]), "{at} {end}");
        }
        // Lengths that nobody has in memory.
        for len in [1 << 20, (1 << 46) - 1, 5 << 40, 0x1234_5678_9abc] {
            let (first, second) = (0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210);
            assert_eq!(
                crc64_combine(first, second, len),
                checksum_combine(CrcAlgorithm::Crc64Xz, first, second, len),
                "{len}"
            );
            assert_eq!(
                u64::from(crc32c_combine(0x0123_4567, 0x89ab_cdef, len)),
                checksum_combine(CrcAlgorithm::Crc32Iscsi, 0x0123_4567, 0x89ab_cdef, len),
                "{len}"
            );
        }
    }
}
