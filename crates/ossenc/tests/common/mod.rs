//! What the tests share, and partly the fuzz targets. [`format`] writes the structures of docs/FORMAT.md without the
//! library, well-formed or not, and so reaches places that the library itself never writes to.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "every test file is a program of its own, and uses its own share of this"
)]

pub mod entropy;
pub mod format;
pub mod output;
pub mod parts;
pub mod pieces;
pub mod plan;
pub mod segments;
pub mod store;
pub mod vectors;

use crc::{CRC_32_ISCSI, CRC_64_XZ, Crc};
pub use output::{UNTOUCHED, assert_released, head, open_stream, pattern, pattern_from, untouched};
use proptest::test_runner::Config;

pub fn unhex(hex: &str) -> Vec<u8> {
    let digit = |c: u8| (c as char).to_digit(16).expect("hexadecimal") as u8;
    assert!(hex.len().is_multiple_of(2), "hexadecimal digits come in pairs");
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// Properties run `default` cases, or as many as the environment's PROPTEST_CASES says.
pub fn cases(default: u32) -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// Of the whole, by another implementation than the library's.
pub fn crc64(bytes: &[u8]) -> u64 {
    Crc::<u64>::new(&CRC_64_XZ).checksum(bytes)
}

/// Of the whole, by another implementation than the library's.
pub fn crc32c(bytes: &[u8]) -> u32 {
    Crc::<u32>::new(&CRC_32_ISCSI).checksum(bytes)
}
