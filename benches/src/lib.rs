//! libossenc beside its peers: what the benchmark `speed` measures and the program `report` reads. README.md says how to run
//! them, and how to read the numbers.
//!
//! - [`peers`]: implementations of AES-256-GCM behind one trait, a file each; [`steps`] is what is timed of them.
//! - [`messages`]: whole messages, of the library, of loops around the peers, and of other formats.
//! - [`objects`]: small objects with their wrapped keys.
//! - [`bound`]: what nobody can be faster than.
//! - [`clock`]: what counts as time.
//! - [`report`]: from criterion's samples to the table, the goals, summary.csv and the charts.
#![allow(clippy::missing_panics_doc, reason = "a benchmark that fails shall stop")]

pub mod bound;
pub mod buffer;
pub mod clock;
pub mod messages;
pub mod objects;
pub mod peers;
pub mod report;
pub mod steps;
pub mod store;
#[cfg(feature = "openssl")]
pub mod worker;
