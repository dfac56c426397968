//! The digests of a receipt: taken while a chunk is in cache, and no part of the protection.

use crc_fast::{CrcAlgorithm, Digest};

/// CRC-64/XZ, which OSS calls CRC-64/ECMA, of plaintext.
const PLAIN: CrcAlgorithm = CrcAlgorithm::Crc64Xz;
/// CRC-32C (Castagnoli) of stored bytes.
const STORED: CrcAlgorithm = CrcAlgorithm::Crc32Iscsi;

/// Both digests of a segment under way.
pub(crate) struct Digests {
    plain: Digest,
    stored: Digest,
}

impl Digests {
    pub(crate) fn new() -> Digests {
        Digests { plain: Digest::new(PLAIN), stored: Digest::new(STORED) }
    }

    pub(crate) fn plain(&mut self, bytes: &[u8]) {
        self.plain.update(bytes);
    }

    pub(crate) fn stored(&mut self, bytes: &[u8]) {
        self.stored.update(bytes);
    }

    pub(crate) fn crc64_plain(&self) -> u64 {
        self.plain.finalize()
    }

    pub(crate) fn crc32c_body(&self) -> u32 {
        u32::try_from(self.stored.finalize()).expect("32 bits")
    }
}

/// CRC-32C of some bytes: the checksum of receipts and of sealed files' headers.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    u32::try_from(crc_fast::checksum(STORED, bytes)).expect("32 bits")
}

/// The CRC-64 (OSS's ECMA) of two pieces of plaintext in a row, from the CRC-64 of each and the length of the second: how
/// the checksum of a multipart object comes from those of its parts.
#[must_use]
pub fn crc64_combine(first: u64, second: u64, second_len: u64) -> u64 {
    crc_fast::checksum_combine(PLAIN, first, second, second_len)
}

pub(crate) fn crc32c_combine(first: u32, second: u32, second_len: u64) -> u32 {
    u32::try_from(crc_fast::checksum_combine(STORED, first.into(), second.into(), second_len)).expect("32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the CRC catalogue (reveng), for "123456789".
    #[test]
    fn check_values() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        let mut digests = Digests::new();
        digests.plain(b"1234");
        digests.plain(b"56789");
        assert_eq!(digests.crc64_plain(), 0x995d_c9bb_df19_39fa);
    }

    #[test]
    fn parts_combine() {
        let (a, b) = (&[1u8; 1_000][..], &[2u8; 77_777][..]);
        let whole = [a, b].concat();
        let crc64 = |bytes: &[u8]| crc_fast::checksum(PLAIN, bytes);
        assert_eq!(crc64_combine(crc64(a), crc64(b), b.len() as u64), crc64(&whole));
        assert_eq!(crc64_combine(crc64(a), crc64(&[]), 0), crc64(a));
        assert_eq!(crc32c_combine(crc32c(a), crc32c(b), b.len() as u64), crc32c(&whole));
    }
}
