//! The digests of a receipt: taken while a chunk is in cache, and no part of the protection.
//!
//! CRC-64/XZ, which OSS calls CRC-64/ECMA, of plaintext; CRC-32C (Castagnoli) of stored bytes.

mod combine;

#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub(crate) use combine::crc32c_combine;
pub use combine::crc64_combine;
#[cfg(feature = "std")]
use fast::{Crc32c, Crc64};
#[cfg(not(feature = "std"))]
use table::{Crc32c, Crc64};

/// Which digests receipts shall hold; one that is not taken is 0 there. Both together take about as long as the
/// encryption, on CPUs where that is fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakeDigests {
    /// The CRC-64/XZ (OSS's ECMA) of the plaintext.
    pub crc64_plain: bool,
    /// The CRC-32C of the body.
    pub crc32c_body: bool,
}

impl Default for TakeDigests {
    /// Both.
    fn default() -> TakeDigests {
        TakeDigests { crc64_plain: true, crc32c_body: true }
    }
}

/// The digests of a segment under way.
pub(crate) struct Digests {
    plain: Option<Crc64>,
    stored: Option<Crc32c>,
}

impl Digests {
    pub(crate) fn new(take: TakeDigests) -> Digests {
        Digests { plain: take.crc64_plain.then(Crc64::new), stored: take.crc32c_body.then(Crc32c::new) }
    }

    pub(crate) fn plain(&mut self, bytes: &[u8]) {
        if let Some(crc) = &mut self.plain {
            crc.update(bytes);
        }
    }

    pub(crate) fn stored(&mut self, bytes: &[u8]) {
        if let Some(crc) = &mut self.stored {
            crc.update(bytes);
        }
    }

    pub(crate) fn crc64_plain(&self) -> u64 {
        self.plain.as_ref().map_or(0, Crc64::value)
    }

    pub(crate) fn crc32c_body(&self) -> u32 {
        self.stored.as_ref().map_or(0, Crc32c::value)
    }
}

/// The CRC-32C (Castagnoli) of some bytes: the checksum of receipts, censuses and sealed files' headers. It tells of
/// accidents, and nothing of intent.
#[must_use]
pub fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = Crc32c::new();
    crc.update(bytes);
    crc.value()
}

#[cfg(feature = "std")]
mod fast {
    use crc_fast::{CrcAlgorithm, Digest};

    const PLAIN: CrcAlgorithm = CrcAlgorithm::Crc64Xz;
    const STORED: CrcAlgorithm = CrcAlgorithm::Crc32Iscsi;

    pub(super) struct Crc64(Digest);

    impl Crc64 {
        pub(super) fn new() -> Crc64 {
            Crc64(Digest::new(PLAIN))
        }

        pub(super) fn update(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        pub(super) fn value(&self) -> u64 {
            self.0.finalize()
        }
    }

    pub(super) struct Crc32c(Digest);

    impl Crc32c {
        pub(super) fn new() -> Crc32c {
            Crc32c(Digest::new(STORED))
        }

        pub(super) fn update(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        pub(super) fn value(&self) -> u32 {
            u32::try_from(self.0.finalize()).expect("32 bits")
        }
    }
}

#[cfg(any(test, not(feature = "std")))]
mod table {
    use crc::{CRC_32_ISCSI, CRC_64_XZ, Crc, Digest, Table};

    static PLAIN: Crc<u64, Table<1>> = Crc::<u64, Table<1>>::new(&CRC_64_XZ);
    static STORED: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISCSI);

    pub(super) struct Crc64(Digest<'static, u64, Table<1>>);

    impl Crc64 {
        pub(super) fn new() -> Crc64 {
            Crc64(PLAIN.digest())
        }

        pub(super) fn update(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        pub(super) fn value(&self) -> u64 {
            self.0.clone().finalize()
        }
    }

    pub(super) struct Crc32c(Digest<'static, u32, Table<1>>);

    impl Crc32c {
        pub(super) fn new() -> Crc32c {
            Crc32c(STORED.digest())
        }

        pub(super) fn update(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        pub(super) fn value(&self) -> u32 {
            self.0.clone().finalize()
        }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::{Digests, TakeDigests, fast, table};

    /// The check values of the CRC catalogue (reveng), for "123456789", from both implementations.
    #[test]
    fn check_values() {
        let pieces = [&b"1234"[..], b"56789"];
        let (mut fast, mut table) = (fast::Crc64::new(), table::Crc64::new());
        pieces.iter().for_each(|piece| (fast.update(piece), table.update(piece)).0);
        assert_eq!((fast.value(), table.value()), (0x995d_c9bb_df19_39fa, 0x995d_c9bb_df19_39fa));
        let (mut fast, mut table) = (fast::Crc32c::new(), table::Crc32c::new());
        pieces.iter().for_each(|piece| (fast.update(piece), table.update(piece)).0);
        assert_eq!((fast.value(), table.value()), (0xe306_9283, 0xe306_9283));
    }

    #[test]
    fn what_is_not_taken_is_0() {
        for (crc64_plain, crc32c_body) in [(true, true), (true, false), (false, true), (false, false)] {
            let mut digests = Digests::new(TakeDigests { crc64_plain, crc32c_body });
            digests.plain(b"123456789");
            digests.stored(b"123456789");
            assert_eq!(digests.crc64_plain(), if crc64_plain { 0x995d_c9bb_df19_39fa } else { 0 });
            assert_eq!(digests.crc32c_body(), if crc32c_body { 0xe306_9283 } else { 0 });
        }
    }
}
