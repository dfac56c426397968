//! From criterion's samples to what people read.

pub mod about;
pub mod chart;
pub mod goals;
pub mod samples;
pub mod table;

/// Implementations in the order of every table, so that a row's neighbours are comparable.
const ORDER: &[&str] = &[
    "ossenc",
    "ossenc-256",
    "ossenc-128",
    "ossenc-portable",
    "ossenc-kernel",
    "ossenc-kernel-chunkwise",
    "ossenc-segment",
    "ossenc-segment-chunkwise",
    "ossenc-segment-1-thread",
    "ossenc-segment-2-threads",
    "aws-lc-rs",
    "ring",
    "graviola",
    "openssl",
    "openssl-aesni",
    "aes-gcm",
    "fast-floe",
    "age",
    "secretstream",
    "ctr-bound",
    "ctr-bound-512",
    "ctr-bound-256",
    "ctr-bound-128",
    "copy",
    "copy-2-threads",
];

/// Where an implementation stands in tables.
#[must_use]
pub fn rank(name: &str) -> usize {
    ORDER.iter().position(|other| *other == name).unwrap_or(ORDER.len())
}

/// A size as people write it.
#[must_use]
pub fn size_name(size: usize) -> String {
    match size {
        0..1_024 => format!("{size} B"),
        1_024..1_048_576 => format!("{} KiB", size >> 10),
        _ => format!("{} MiB", size >> 20),
    }
}
