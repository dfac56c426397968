//! AES-256-GCM over many chunks of one message at once: the kernel of libossenc.
//!
//! A message key encrypts a long run of chunks, each under its own nonce (`base_nonce XOR chunk number`), so the
//! interface takes runs: [`Chunked`] seals, opens or verifies any number of consecutive chunks in one call, from one
//! buffer to another or in place, with the tags between the chunks (*inline*) or aside (*detached*). Chunks whose bytes
//! lie in several places go through [`Stream`], piece by piece, without a copy of the chunk. [`Aes256Gcm`] is the plain
//! AEAD underneath.
//!
//! This crate is no_std, allocates nothing and knows no format. It is a building block: nonces are the caller's here,
//! and [`Stream`] hands out plaintext before its tag was checked. Users of libossenc want the crate `ossenc`.
//!
//! Sources: NIST SP 800-38D (GCM), FIPS 197 (AES).
//!
//! ```
//! use ossenc_gcm::{Backend, Chunked, Isa};
//!
//! let backend = Backend::detect(Isa::Best)?;
//! let cipher = Chunked::new(backend, &[7; 32], &[1; 12], 16_384, 16_384);
//! let plain = [42; 40_000];
//! let mut sealed = [0; 40_000 + 3 * 16];
//! cipher.seal_inline(0, &plain, &mut sealed)?;
//!
//! let mut opened = [0; 40_000];
//! cipher.open_inline(0, &sealed, &mut opened)?;
//! assert_eq!(opened, plain);
//!
//! sealed[20_000] ^= 1;
//! assert_eq!(cipher.open_inline(0, &sealed, &mut opened), Err(ossenc_gcm::Error::BadTag { chunk: 1 }));
//! # Ok::<(), ossenc_gcm::Error>(())
//! ```
#![no_std]
#![deny(unsafe_code)]

mod aead;
mod backend;
mod chunked;
mod declassify;
#[cfg_attr(
    not(any(all(target_arch = "x86_64", target_feature = "sse2"), target_arch = "aarch64")),
    allow(unused, reason = "the body has no instruction set to run on")
)]
mod kernel;
mod nonce;
mod portable;

pub use aead::{Aes256Gcm, Stream};
pub use backend::{Backend, Isa};
pub use chunked::Chunked;
pub use inout;

/// Bytes of an AES-256 key.
pub const KEY_LEN: usize = 32;
/// Bytes of a nonce.
pub const NONCE_LEN: usize = 12;
/// Bytes of a tag.
pub const TAG_LEN: usize = 16;
/// The most bytes that one nonce encrypts: 2^36 - 32 (SP 800-38D, section 5.2.1.1).
pub const MAX_LEN: u64 = (1 << 36) - 32;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A tag did not verify. What that chunk's output held is wiped; chunks before it are released, none after it is.
    BadTag {
        /// Its number within the message (0 for a single message).
        chunk: u64,
    },
    /// A length is over [`MAX_LEN`], or the buffers of one call do not go together. Nothing was read or written.
    Length,
    /// The known-answer test of a backend failed: the machine or the compiler computes wrongly.
    SelfTest,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Error::BadTag { chunk } => write!(f, "chunk {chunk} does not verify"),
            Error::Length => f.write_str("buffer lengths do not fit"),
            Error::SelfTest => f.write_str("AES-256-GCM known-answer test failed"),
        }
    }
}

impl core::error::Error for Error {}
