//! Whole chunks, as many as a call brings.

use inout::InOutBuf;
use zeroize::Zeroize;

use super::aes::{Counter, encrypt};
use super::crypt::{Groups, Opening, Sealing, crypt, is_whole_groups};
use super::ghash::{hash_bytes, lengths, tag};
use super::key::Key;
use super::lanes::{Block, Lanes, Task};
use crate::aead::equal;
use crate::nonce::Nonces;

/// The chunks of one call, one after the other: bytes, and the tag beside them. Dynamic, so that the kernel is compiled
/// once for every form of call.
pub(crate) type Chunks<'c, T> = &'c mut dyn Iterator<Item = T>;

/// Seals chunks, each under the next nonce.
pub(crate) struct Seal<'a, 'i, 'o, 't> {
    pub(crate) key: &'a Key,
    pub(crate) nonces: Nonces,
    pub(crate) aad: &'a [u8],
    pub(crate) chunks: Chunks<'a, (InOutBuf<'i, 'o, u8>, &'t mut Block)>,
}

impl Task for Seal<'_, '_, '_, '_> {
    type Out = ();

    /// A chunk of whole groups leaves its last one unhashed, for the next chunk's first to overlap with.
    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let key = self.key;
        let mut earlier: Option<Unfinished<'_, '_, '_, L>> = None;
        for ((body, to), j0) in self.chunks.zip(self.nonces) {
            let lengths = lengths(self.aad.len() as u64, body.len() as u64);
            let [mask] = encrypt(l, &key.schedule, [l.splat(&j0)]);
            let mut counter = Counter::after(l, &j0, 1);
            if self.aad.is_empty() && key.takes_groups::<L>() && is_whole_groups::<L>(&body) {
                let groups = match earlier {
                    None => Groups::start::<Sealing>(l, key, &mut counter, l.zero(), body),
                    Some(chunk) => {
                        let (groups, hash) =
                            Groups::start_after::<Sealing>(l, key, &mut counter, body, &chunk.groups, &chunk.lengths);
                        *chunk.tag = super::ghash::tag(l, hash, chunk.mask);
                        groups
                    }
                };
                let groups = groups.go_on::<Sealing>(l, key, &mut counter, 8);
                earlier = Some(Unfinished { groups, lengths, mask, tag: to });
            } else {
                if let Some(chunk) = earlier.take() {
                    chunk.finish(l, key);
                }
                let hash = hash_bytes(l, key, l.zero(), self.aad, None);
                let hash = crypt::<L, Sealing>(l, key, &mut counter, hash, body, Some(&lengths));
                *to = tag(l, hash, mask);
            }
        }
        if let Some(chunk) = earlier {
            chunk.finish(l, key);
        }
    }
}

/// A chunk that is sealed but for its tag.
struct Unfinished<'i, 'o, 't, L: Lanes> {
    groups: Groups<'i, 'o, L>,
    lengths: Block,
    mask: L::Vector,
    tag: &'t mut Block,
}

impl<L: Lanes> Unfinished<'_, '_, '_, L> {
    #[inline(always)]
    fn finish(self, l: L, key: &Key) {
        *self.tag = tag(l, self.groups.end(l, key, Some(&self.lengths)), self.mask);
    }
}

/// Opens chunks up to the first that does not verify, wipes that one, and returns how many came before it.
pub(crate) struct Open<'a, 'i, 'o, 't> {
    pub(crate) key: &'a Key,
    pub(crate) nonces: Nonces,
    pub(crate) aad: &'a [u8],
    pub(crate) chunks: Chunks<'a, (InOutBuf<'i, 'o, u8>, &'t Block)>,
}

impl Task for Open<'_, '_, '_, '_> {
    type Out = Result<(), u64>;

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> Result<(), u64> {
        let key = self.key;
        for (((mut body, expected), j0), number) in self.chunks.zip(self.nonces).zip(0..) {
            let lengths = lengths(self.aad.len() as u64, body.len() as u64);
            let hash = hash_bytes(l, key, l.zero(), self.aad, None);
            let [mask] = encrypt(l, &key.schedule, [l.splat(&j0)]);
            let mut counter = Counter::after(l, &j0, 1);
            let hash = crypt::<L, Opening>(l, key, &mut counter, hash, body.reborrow(), Some(&lengths));
            if !equal(&tag(l, hash, mask), expected) {
                body.get_out().zeroize();
                return Err(number);
            }
        }
        Ok(())
    }
}

/// Verifies chunks without decrypting them, up to the first that fails, and returns how many came before it.
pub(crate) struct Verify<'a, 'i> {
    pub(crate) key: &'a Key,
    pub(crate) nonces: Nonces,
    pub(crate) chunks: Chunks<'a, (&'i [u8], &'i Block)>,
}

impl Task for Verify<'_, '_> {
    type Out = Result<(), u64>;

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> Result<(), u64> {
        let key = self.key;
        for (((body, expected), j0), number) in self.chunks.zip(self.nonces).zip(0..) {
            let [mask] = encrypt(l, &key.schedule, [l.splat(&j0)]);
            let hash = hash_bytes(l, key, l.zero(), body, Some(&lengths(0, body.len() as u64)));
            if !equal(&tag(l, hash, mask), expected) {
                return Err(number);
            }
        }
        Ok(())
    }
}
