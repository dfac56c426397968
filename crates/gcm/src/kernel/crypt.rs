//! Counter mode and GHASH together, over one stretch of bytes.
//!
//! The middle of a long stretch goes by groups of eight vectors, and one group's hash is computed between the AES
//! rounds of another: when opening, of the same; when sealing, of the next, because there is no ciphertext before. What is
//! left, at least a vector, goes by eight, four, two and one, and the CPU overlaps those by itself.

use inout::InOutBuf;

use super::aes::{Counter, encrypt, last_round, round};
use super::ghash::{Ending, Onward, Powers, Sum, absorb, absorb_one};
use super::key::Key;
use super::lanes::{Block, Lanes};

/// What becomes of the bytes. Ciphertext is hashed either way.
pub(super) trait Direction {
    const SEALS: bool;
}

pub(super) struct Sealing;

impl Direction for Sealing {
    const SEALS: bool = true;
}

pub(super) struct Opening;

impl Direction for Opening {
    const SEALS: bool = false;
}

/// Encrypts or decrypts `buf` and returns the hash, which was `hash` before and has `lengths`, if any, as its last block.
///
/// `hash` is in lane 0, here as in the result. `buf` may end inside a block only if nothing is hashed after it but
/// `lengths`.
#[inline(always)]
pub(super) fn crypt<L: Lanes, D: Direction>(
    l: L,
    key: &Key,
    counter: &mut Counter<L>,
    mut hash: L::Vector,
    mut buf: InOutBuf<'_, '_, u8>,
    lengths: Option<&Block>,
) -> L::Vector {
    if key.takes_groups::<L>() {
        if buf.len() >= 9 * L::WIDTH {
            (hash, buf) = groups::<L, D>(l, key, counter, hash, buf);
        }
    } else {
        // More than was foreseen when the key was set up.
        let most = (key.reach() - 1) * 16;
        while buf.len() > most {
            let (piece, rest) = buf.split_at(most);
            hash = ending::<L, D>(l, key, counter, hash, piece, None);
            buf = rest;
        }
    }
    ending::<L, D>(l, key, counter, hash, buf, lengths)
}

/// Whole groups, as long as a vector or more is left after them.
#[inline(always)]
fn groups<'i, 'o, L: Lanes, D: Direction>(
    l: L,
    key: &Key,
    counter: &mut Counter<L>,
    mut hash: L::Vector,
    buf: InOutBuf<'i, 'o, u8>,
) -> (L::Vector, InOutBuf<'i, 'o, u8>) {
    let (mut group, mut buf) = buf.split_at(8 * L::WIDTH);
    let stream = encrypt(l, &key.schedule, counter.next(l));
    let mut before = apply::<L, D, 8>(l, &mut group, &stream);
    while buf.len() >= 9 * L::WIDTH {
        let (mut group, rest) = buf.split_at(8 * L::WIDTH);
        let (stream, sum) = encrypt_absorbing(l, key, counter, hash, &before, &Onward);
        hash = sum.reduce(l);
        before = apply::<L, D, 8>(l, &mut group, &stream);
        buf = rest;
    }
    let mut sum = Sum::zero(l);
    absorb(l, key, &mut sum, hash, &before, &Onward);
    hash = sum.reduce(l);
    (hash, buf)
}

/// The end of a stretch: at most eight vectors and a part of one, in one unreduced sum.
#[inline(always)]
fn ending<L: Lanes, D: Direction>(
    l: L,
    key: &Key,
    counter: &mut Counter<L>,
    hash: L::Vector,
    buf: InOutBuf<'_, '_, u8>,
    lengths: Option<&Block>,
) -> L::Vector {
    let blocks = buf.len().div_ceil(16) + usize::from(lengths.is_some());
    if blocks == 0 {
        return hash;
    }
    let mut end = End { left: blocks, carry: hash, sum: Sum::zero(l) };
    let buf = end.vectors::<D, 8>(l, key, counter, buf);
    let buf = end.vectors::<D, 4>(l, key, counter, buf);
    let buf = end.vectors::<D, 2>(l, key, counter, buf);
    let mut buf = end.vectors::<D, 1>(l, key, counter, buf);
    if !buf.is_empty() {
        let [stream] = encrypt(l, &key.schedule, counter.next(l));
        let input = l.load_part(buf.get_in());
        let output = l.store_part(l.xor(input, stream), buf.get_out());
        end.absorb(l, key, &[if D::SEALS { output } else { input }]);
    }
    if let Some(lengths) = lengths {
        end.sum.add(l, l.xor(l.lone(lengths), end.carry), key.descending(l, 1));
    }
    l.fold(end.sum.reduce(l))
}

/// The state of an [`ending`].
struct End<L: Lanes> {
    /// Blocks not yet hashed, the block of lengths among them.
    left: usize,
    /// The hash before, until the first vector has taken it.
    carry: L::Vector,
    sum: Sum<L>,
}

impl<L: Lanes> End<L> {
    /// The next `N` vectors, if there are as many.
    #[inline(always)]
    fn vectors<'i, 'o, D: Direction, const N: usize>(
        &mut self,
        l: L,
        key: &Key,
        counter: &mut Counter<L>,
        buf: InOutBuf<'i, 'o, u8>,
    ) -> InOutBuf<'i, 'o, u8> {
        if buf.len() < N * L::WIDTH {
            return buf;
        }
        let (mut group, rest) = buf.split_at(N * L::WIDTH);
        let stream = encrypt(l, &key.schedule, counter.next(l));
        let ciphertext = apply::<L, D, N>(l, &mut group, &stream);
        self.absorb(l, key, &ciphertext);
        rest
    }

    #[inline(always)]
    fn absorb<const N: usize>(&mut self, l: L, key: &Key, ciphertext: &[L::Vector; N]) {
        absorb(l, key, &mut self.sum, self.carry, ciphertext, &Ending(self.left));
        self.carry = l.zero();
        self.left = self.left.saturating_sub(N * L::BLOCKS);
    }
}

/// The key stream of eight vectors, and the sum over eight vectors of ciphertext in between.
#[inline(always)]
pub(super) fn encrypt_absorbing<L: Lanes>(
    l: L,
    key: &Key,
    counter: &mut Counter<L>,
    carry: L::Vector,
    ciphertext: &[L::Vector; 8],
    powers: &impl Powers,
) -> ([L::Vector; 8], Sum<L>) {
    let keys = &key.schedule;
    let mut sum = Sum::zero(l);
    let mut x = counter.next(l);
    for x in &mut x {
        *x = l.whiten(*x, l.splat(&keys[0]));
    }
    for r in 0..8 {
        round(l, keys, r, &mut x);
        absorb_one(l, key, &mut sum, carry, ciphertext, powers, 7 - r);
    }
    for r in 8..13 {
        round(l, keys, r, &mut x);
    }
    last_round(l, keys, &mut x);
    (x, sum)
}

/// XORs the key stream into a group of exactly its length, and returns the ciphertext.
#[inline(always)]
pub(super) fn apply<L: Lanes, D: Direction, const N: usize>(
    l: L,
    group: &mut InOutBuf<'_, '_, u8>,
    stream: &[L::Vector; N],
) -> [L::Vector; N] {
    let mut ciphertext = load(l, group);
    let output = store(l, group, &ciphertext, stream);
    if D::SEALS {
        ciphertext = output;
    }
    ciphertext
}

/// The input of a group.
#[inline(always)]
fn load<L: Lanes, const N: usize>(l: L, group: &InOutBuf<'_, '_, u8>) -> [L::Vector; N] {
    let bytes = &group.get_in()[..N * L::WIDTH];
    let mut x = [l.zero(); N];
    for i in 0..N {
        x[i] = l.load(&bytes[i * L::WIDTH..]);
    }
    x
}

/// Writes the output of a group.
#[inline(always)]
fn store<L: Lanes, const N: usize>(
    l: L,
    group: &mut InOutBuf<'_, '_, u8>,
    input: &[L::Vector; N],
    stream: &[L::Vector; N],
) -> [L::Vector; N] {
    let bytes = &mut group.get_out()[..N * L::WIDTH];
    let mut x = [l.zero(); N];
    for i in 0..N {
        x[i] = l.xor(input[i], stream[i]);
        l.store(x[i], &mut bytes[i * L::WIDTH..]);
    }
    x
}
