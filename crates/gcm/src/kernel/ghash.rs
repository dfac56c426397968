//! GHASH: sums of products in GF(2^128), with one reduction for many products.
//!
//! Blocks are byte-reversed and the hash key multiplied by x, which turns GHASH's backward bit order into plain
//! carry-less multiplication (RFC 8452, appendix A). A product is Karatsuba's three half products. The reduction
//! multiplies by x^-128, which the powers of the hash key carry along.

use super::key::Key;
use super::lanes::{Block, Lanes};

/// The reduction's constant: x^63 + x^62 + x^57, in both halves.
const POLYNOMIAL: Block = *b"\0\0\0\0\0\0\0\xc2\0\0\0\0\0\0\0\xc2";

/// A power of the hash key in each lane, with the XOR of its halves.
#[derive(Clone, Copy)]
pub(super) struct Power<L: Lanes> {
    pub(super) power: L::Vector,
    pub(super) folded: L::Vector,
}

/// A sum of products, not reduced.
pub(super) struct Sum<L: Lanes> {
    low: L::Vector,
    mid: L::Vector,
    high: L::Vector,
}

impl<L: Lanes> Sum<L> {
    #[inline(always)]
    pub(super) fn zero(l: L) -> Sum<L> {
        Sum { low: l.zero(), mid: l.zero(), high: l.zero() }
    }

    /// Adds `x` times a power.
    #[inline(always)]
    pub(super) fn add(&mut self, l: L, x: L::Vector, by: Power<L>) {
        self.low = l.xor(self.low, l.mul_low(x, by.power));
        self.high = l.xor(self.high, l.mul_high(x, by.power));
        self.mid = l.xor(self.mid, l.mul_low(l.xor(x, l.swap(x)), by.folded));
    }

    /// The sum modulo the polynomial, lane by lane.
    #[inline(always)]
    pub(super) fn reduce(self, l: L) -> L::Vector {
        let polynomial = l.splat(&POLYNOMIAL);
        let mid = l.xor(self.mid, l.xor(self.low, self.high));
        let once = l.xor(l.xor(mid, l.swap(self.low)), l.mul_low(self.low, polynomial));
        l.xor(l.xor(self.high, l.swap(once)), l.mul_low(once, polynomial))
    }
}

/// Which powers a group of vectors is multiplied by.
pub(super) trait Powers {
    fn power<L: Lanes>(&self, l: L, key: &Key, vector: usize) -> Power<L>;
}

/// A group that others follow: every lane is a Horner stream of its own, and moves on by eight vectors.
pub(super) struct Onward;

impl Powers for Onward {
    #[inline(always)]
    fn power<L: Lanes>(&self, l: L, key: &Key, vector: usize) -> Power<L> {
        key.splat(l, (8 - vector) * L::BLOCKS)
    }
}

/// A group at the end: its first block is so many blocks before the end of all that is hashed, itself counted.
pub(super) struct Ending(pub(super) usize);

impl Powers for Ending {
    #[inline(always)]
    fn power<L: Lanes>(&self, l: L, key: &Key, vector: usize) -> Power<L> {
        key.descending(l, self.0 - vector * L::BLOCKS)
    }
}

/// A vector of ciphertext as a summand of GHASH.
#[inline(always)]
pub(super) fn reversed<L: Lanes>(l: L, x: L::Vector) -> L::Vector {
    l.shuffle(x, l.splat(&super::aes::REVERSE))
}

/// Adds vectors of ciphertext, `carry` (the hash so far) XORed into the first.
#[inline(always)]
pub(super) fn absorb<L: Lanes, const N: usize>(
    l: L,
    key: &Key,
    sum: &mut Sum<L>,
    carry: L::Vector,
    ciphertext: &[L::Vector; N],
    powers: &impl Powers,
) {
    for i in (0..N).rev() {
        absorb_one(l, key, sum, carry, ciphertext, powers, i);
    }
}

/// Adds vector `i` of `ciphertext`.
#[inline(always)]
pub(super) fn absorb_one<L: Lanes, const N: usize>(
    l: L,
    key: &Key,
    sum: &mut Sum<L>,
    carry: L::Vector,
    ciphertext: &[L::Vector; N],
    powers: &impl Powers,
    i: usize,
) {
    let x = reversed(l, ciphertext[i]);
    let x = if i == 0 { l.xor(x, carry) } else { x };
    sum.add(l, x, powers.power(l, key, i));
}

/// Hashes `bytes`, padded with zeros to whole blocks, after `hash`, and then `lengths`, if any.
///
/// `hash` is in lane 0, here as in the result.
#[inline(always)]
pub(super) fn hash_bytes<L: Lanes>(
    l: L,
    key: &Key,
    mut hash: L::Vector,
    mut bytes: &[u8],
    lengths: Option<&Block>,
) -> L::Vector {
    if key.takes_groups::<L>() {
        while bytes.len() >= 9 * L::WIDTH {
            let mut sum = Sum::zero(l);
            for i in 0..8 {
                let x = reversed(l, l.load(&bytes[i * L::WIDTH..]));
                let x = if i == 0 { l.xor(x, hash) } else { x };
                sum.add(l, x, Onward.power(l, key, i));
            }
            hash = sum.reduce(l);
            bytes = &bytes[8 * L::WIDTH..];
        }
    } else {
        // More than was foreseen when the key was set up.
        let most = key.reach() * 16;
        while bytes.len() > most - 16 {
            let (piece, rest) = bytes.split_at(bytes.len().min(most));
            hash = hash_ending(l, key, hash, piece, None);
            bytes = rest;
        }
    }
    hash_ending(l, key, hash, bytes, lengths)
}

/// The end of a stretch, in one unreduced sum.
#[inline(always)]
fn hash_ending<L: Lanes>(l: L, key: &Key, hash: L::Vector, mut bytes: &[u8], lengths: Option<&Block>) -> L::Vector {
    let mut left = bytes.len().div_ceil(16) + usize::from(lengths.is_some());
    if left == 0 {
        return hash;
    }
    let mut sum = Sum::zero(l);
    let mut carry = hash;
    while bytes.len() >= L::WIDTH {
        let x = l.xor(reversed(l, l.load(bytes)), carry);
        sum.add(l, x, key.descending(l, left));
        carry = l.zero();
        left = left.saturating_sub(L::BLOCKS);
        bytes = &bytes[L::WIDTH..];
    }
    if !bytes.is_empty() {
        let x = l.xor(reversed(l, l.load_part(bytes)), carry);
        sum.add(l, x, key.descending(l, left));
        carry = l.zero();
    }
    if let Some(lengths) = lengths {
        sum.add(l, l.xor(l.lone(lengths), carry), key.descending(l, 1));
    }
    l.fold(sum.reduce(l))
}

/// GHASH's last block, as a summand.
#[inline(always)]
pub(super) fn lengths(aad: u64, text: u64) -> Block {
    (u128::from(aad * 8) << 64 | u128::from(text * 8)).to_le_bytes()
}

/// The tag: the hash, put back into GHASH's order, and encrypted.
#[inline(always)]
pub(super) fn tag<L: Lanes>(l: L, hash: L::Vector, mask: L::Vector) -> Block {
    l.first(l.xor(reversed(l, hash), mask))
}
