//! The digests of a receipt: taken while a chunk is in cache, and no part of the protection.
//!
//! CRC-64/XZ, which OSS calls CRC-64/ECMA, of plaintext; CRC-32C (Castagnoli) of stored bytes.

#[cfg(feature = "std")]
pub use fast::crc64_combine;
#[cfg(feature = "std")]
pub(crate) use fast::{Digests, crc32c, crc32c_combine};
#[cfg(not(feature = "std"))]
pub(crate) use table::{Digests, crc32c};

#[cfg(feature = "std")]
mod fast {
    use crc_fast::{CrcAlgorithm, Digest, checksum, checksum_combine};

    const PLAIN: CrcAlgorithm = CrcAlgorithm::Crc64Xz;
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
            narrow(self.stored.finalize())
        }
    }

    /// CRC-32C of some bytes: the checksum of receipts.
    pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
        narrow(checksum(STORED, bytes))
    }

    /// The CRC-64 (OSS's ECMA) of two pieces of plaintext in a row, from the CRC-64 of each and the length of the
    /// second: how the checksum of a multipart object comes from those of its parts. The CRC-64 of nothing is 0.
    #[must_use]
    pub fn crc64_combine(first: u64, second: u64, second_len: u64) -> u64 {
        if second_len == 0 { first } else { checksum_combine(PLAIN, first, second, second_len) }
    }

    pub(crate) fn crc32c_combine(first: u32, second: u32, second_len: u64) -> u32 {
        if second_len == 0 { first } else { narrow(checksum_combine(STORED, first.into(), second.into(), second_len)) }
    }

    fn narrow(crc32: u64) -> u32 {
        u32::try_from(crc32).expect("32 bits")
    }
}

#[cfg(any(test, not(feature = "std")))]
mod table {
    use crc::{CRC_32_ISCSI, CRC_64_XZ, Crc, Digest, Table};

    static PLAIN: Crc<u64, Table<1>> = Crc::<u64, Table<1>>::new(&CRC_64_XZ);
    static STORED: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISCSI);

    /// Both digests of a segment under way.
    pub(crate) struct Digests {
        plain: Digest<'static, u64, Table<1>>,
        stored: Digest<'static, u32, Table<1>>,
    }

    impl Digests {
        pub(crate) fn new() -> Digests {
            Digests { plain: PLAIN.digest(), stored: STORED.digest() }
        }

        pub(crate) fn plain(&mut self, bytes: &[u8]) {
            self.plain.update(bytes);
        }

        pub(crate) fn stored(&mut self, bytes: &[u8]) {
            self.stored.update(bytes);
        }

        pub(crate) fn crc64_plain(&self) -> u64 {
            self.plain.clone().finalize()
        }

        pub(crate) fn crc32c_body(&self) -> u32 {
            self.stored.clone().finalize()
        }
    }

    /// CRC-32C of some bytes: the checksum of receipts.
    pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
        STORED.checksum(bytes)
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::{fast, table};

    /// The check values of the CRC catalogue (reveng), for "123456789", from both implementations.
    #[test]
    fn check_values() {
        assert_eq!(fast::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(table::crc32c(b"123456789"), 0xe306_9283);
        let (mut fast, mut table) = (fast::Digests::new(), table::Digests::new());
        for piece in [&b"1234"[..], b"56789"] {
            fast.plain(piece);
            table.plain(piece);
            fast.stored(piece);
            table.stored(piece);
        }
        assert_eq!((fast.crc64_plain(), fast.crc32c_body()), (0x995d_c9bb_df19_39fa, 0xe306_9283));
        assert_eq!((table.crc64_plain(), table.crc32c_body()), (0x995d_c9bb_df19_39fa, 0xe306_9283));
    }

    #[test]
    fn parts_combine() {
        let (a, b) = (&[1u8; 1_000][..], &[2u8; 77_777][..]);
        let whole = [a, b].concat();
        let crc64 = |bytes: &[u8]| {
            let mut digests = fast::Digests::new();
            digests.plain(bytes);
            digests.crc64_plain()
        };
        assert_eq!(fast::crc64_combine(crc64(a), crc64(b), b.len() as u64), crc64(&whole));
        assert_eq!(fast::crc64_combine(crc64(a), crc64(&[]), 0), crc64(a));
        assert_eq!(crc64(&[]), 0);
        assert_eq!(fast::crc32c_combine(fast::crc32c(a), fast::crc32c(b), b.len() as u64), fast::crc32c(&whole));
    }
}
