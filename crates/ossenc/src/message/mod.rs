//! Cobblestone-256 messages: C2SP chunked-encryption with SHA-512 and AES-256-GCM (c2sp.org/chunked-encryption,
//! docs/FORMAT.md section 2). Everything that libossenc seals is one of these.
//!
//! [`seal()`] and [`open()`] do a whole message at once ([`seal_slice`] and [`open_slice`] into memory of the caller's). A [`Sealer`] takes a message in pieces and holds nothing back but
//! the tail that the caller keeps; an [`Opener`] opens or verifies any range of chunks, in any order. [`size`] is the
//! arithmetic of lengths and offsets.
//!
//! ```
//! use ossenc::{Engine, Secret, message};
//!
//! let engine = Engine::new()?;
//! let key = Secret::new(&[7; 32]);
//! let sealed = message::seal(&engine, &key, &[b"context"], b"hello")?;
//! assert_eq!(sealed.len(), 56 + 5 + 16);
//! assert_eq!(&message::open(&engine, &key, &[b"context"], &sealed)?[..], b"hello");
//! assert_eq!(message::open(&engine, &key, &[b"other"], &sealed), Err(ossenc::Error::Commit));
//! # Ok::<(), ossenc::Error>(())
//! ```

mod open;
pub(crate) mod run;
mod seal;
pub mod size;

use ossenc_gcm::Chunked;
use ossenc_mem::Guarded;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

pub use open::{Opener, StreamOpener, Window, open, open_slice};
pub(crate) use open::{open_into, open_with_prk};
pub use seal::{Progress, Sealer, seal, seal_slice};
pub(crate) use seal::{seal_into, seal_with_prk};

use crate::kdf::Prk;
use crate::stack;
use crate::{Engine, Error, Result};
use size::{CHUNK_LEN, HEAD_LEN};

const SALT_LEN: usize = 24;
const COMMITMENT_LEN: usize = 32;

/// `salt || commitment`: what a message begins with.
pub type Head = [u8; HEAD_LEN];

/// Derives the keys of a message and its commitment. `longest_chunk` bounds the chunks that will be used.
fn derive(
    engine: &Engine,
    key: &Prk,
    salt: &[u8; SALT_LEN],
    context: &[&[u8]],
    longest_chunk: usize,
) -> Result<(Guarded<Chunked>, [u8; COMMITMENT_LEN])> {
    const MAX_PARTS: usize = 8;
    let mut info: [&[u8]; MAX_PARTS + 2] = [&[]; MAX_PARTS + 2];
    info[0] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";
    info[1] = salt;
    assert!(context.len() <= MAX_PARTS, "a context is given in at most 8 parts");
    info[2..2 + context.len()].copy_from_slice(context);

    stack::cleared::<{ stack::DERIVING }, _>(|| {
        let mut okm = [0; 32 + 12 + COMMITMENT_LEN];
        key.expand(&info[..2 + context.len()], &mut okm);
        let (key_bytes, rest) = okm.split_first_chunk::<32>().expect("76 bytes");
        let (base_nonce, commitment) = rest.split_first_chunk::<12>().expect("44 bytes");
        let chunked = Guarded::make(engine.lock(), || {
            Chunked::new(engine.backend(), key_bytes, base_nonce, CHUNK_LEN, longest_chunk)
        });
        let commitment = commitment.try_into().expect("32 bytes");
        okm.zeroize();
        Ok((chunked?, commitment))
    })
}

/// Keys for a new message, and its head, with a salt drawn for it.
pub(crate) fn begin(
    engine: &Engine,
    key: &Prk,
    context: &[&[u8]],
    longest_chunk: usize,
) -> Result<(Guarded<Chunked>, Head)> {
    let salt = engine.random::<SALT_LEN>()?;
    let (chunked, commitment) = derive(engine, key, &salt, context, longest_chunk)?;
    let mut head = [0; HEAD_LEN];
    head[..SALT_LEN].copy_from_slice(&salt);
    head[SALT_LEN..].copy_from_slice(&commitment);
    Ok((chunked, head))
}

/// Keys for a message that has this head, if it commits to key and context. No chunk can be touched before.
fn resume(
    engine: &Engine,
    key: &Prk,
    context: &[&[u8]],
    head: &Head,
    longest_chunk: usize,
) -> Result<Guarded<Chunked>> {
    let (salt, claimed) = head.split_first_chunk::<SALT_LEN>().expect("56 bytes");
    let (chunked, commitment) = derive(engine, key, salt, context, longest_chunk)?;
    if commitment[..].ct_eq(claimed).into() { Ok(chunked) } else { Err(Error::Commit) }
}

/// The longest chunk of a message of that many bytes.
fn longest_chunk(plain_len: u64) -> usize {
    usize::try_from(plain_len).map_or(CHUNK_LEN, |n| n.min(CHUNK_LEN))
}
