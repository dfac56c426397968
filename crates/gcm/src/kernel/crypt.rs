//! Counter mode and GHASH together, over one stretch of bytes.
//!
//! A long stretch goes by groups of eight vectors, and each group's ciphertext is hashed between the AES rounds of the
//! next. That is a must when sealing; when opening, which could hash a group before it decrypts it, it leaves the
//! narrow sets with fewer values at hand. What is left, at least a vector, goes by eight, four, two and one, and the
//! CPU overlaps those by itself.

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

/// Encrypts or decrypts `buf` and returns the hash, which was `hash` before and has `lengths`, if any, as its last
/// block.
///
/// `hash` is in lane 0, here as in the result. `buf` may end inside a block only if nothing is hashed after it but
/// `lengths`.
#[inline(always)]
pub(super) fn crypt<L: Lanes, D: Direction>(
    l: L,
    key: &Key,
    counter: &mut Counter<L>,
    hash: L::Vector,
    buf: InOutBuf<'_, '_, u8>,
    lengths: Option<&Block>,
) -> L::Vector {
    if !key.takes_groups::<L>() {
        return longer_than_foreseen::<L, D>(l, key, counter, hash, buf, lengths);
    }
    if is_whole_groups::<L>(&buf) {
        let groups = Groups::start::<D>(l, key, counter, hash, buf);
        groups.go_on::<D>(l, key, counter, 8).end(l, key, lengths)
    } else if buf.len() >= 9 * L::WIDTH {
        let groups = Groups::start::<D>(l, key, counter, hash, buf);
        let (hash, rest) = groups.go_on::<D>(l, key, counter, 9).leave(l, key);
        ending::<L, D>(l, key, counter, hash, rest, lengths)
    } else {
        ending::<L, D>(l, key, counter, hash, buf, lengths)
    }
}

/// [`crypt`] in pieces as long as the powers reach that were computed for shorter inputs.
#[inline(always)]
fn longer_than_foreseen<L: Lanes, D: Direction>(
    l: L,
    key: &Key,
    counter: &mut Counter<L>,
    mut hash: L::Vector,
    mut buf: InOutBuf<'_, '_, u8>,
    lengths: Option<&Block>,
) -> L::Vector {
    let most = key.reach() * 16;
    while buf.len() > most - 16 {
        let taken = buf.len().min(most);
        let (piece, rest) = buf.split_at(taken);
        hash = ending::<L, D>(l, key, counter, hash, piece, None);
        buf = rest;
    }
    ending::<L, D>(l, key, counter, hash, buf, lengths)
}

/// Whether `buf` is groups of eight vectors and nothing else.
#[inline(always)]
pub(super) fn is_whole_groups<L: Lanes>(buf: &InOutBuf<'_, '_, u8>) -> bool {
    !buf.is_empty() && buf.len().is_multiple_of(8 * L::WIDTH)
}

/// A stretch on its way through groups of eight vectors.
pub(super) struct Groups<'i, 'o, L: Lanes> {
    /// The last group's ciphertext, not hashed yet.
    ciphertext: [L::Vector; 8],
    /// The hash before it.
    hash: L::Vector,
    rest: InOutBuf<'i, 'o, u8>,
}

impl<'i, 'o, L: Lanes> Groups<'i, 'o, L> {
    /// The first group.
    #[inline(always)]
    pub(super) fn start<D: Direction>(
        l: L,
        key: &Key,
        counter: &mut Counter<L>,
        hash: L::Vector,
        buf: InOutBuf<'i, 'o, u8>,
    ) -> Self {
        let stream = encrypt(l, &key.schedule, counter.next(l));
        let (group, rest) = buf.split_at(8 * L::WIDTH);
        Groups { ciphertext: apply::<L, D, 8>(l, group, &stream), hash, rest }
    }

    /// The first group of a message, while the hash of an `earlier` one is finished.
    #[inline(always)]
    pub(super) fn start_after<D: Direction>(
        l: L,
        key: &Key,
        counter: &mut Counter<L>,
        buf: InOutBuf<'i, 'o, u8>,
        earlier: &Self,
        lengths: &Block,
    ) -> (Self, L::Vector) {
        let powers = Ending(8 * L::BLOCKS + 1);
        let (stream, sum) = encrypt_absorbing(l, key, counter, earlier.hash, &earlier.ciphertext, &powers);
        let (group, rest) = buf.split_at(8 * L::WIDTH);
        let groups = Groups { ciphertext: apply::<L, D, 8>(l, group, &stream), hash: l.zero(), rest };
        (groups, close(l, key, sum, l.zero(), Some(lengths)))
    }

    /// Further groups, as long as there are `least` vectors.
    #[inline(always)]
    pub(super) fn go_on<D: Direction>(self, l: L, key: &Key, counter: &mut Counter<L>, least: usize) -> Self {
        let Groups { mut ciphertext, mut hash, mut rest } = self;
        while rest.len() >= least * L::WIDTH {
            let (group, after) = rest.split_at(8 * L::WIDTH);
            let (stream, sum) = encrypt_absorbing(l, key, counter, hash, &ciphertext, &Onward);
            hash = sum.reduce(l);
            ciphertext = apply::<L, D, 8>(l, group, &stream);
            rest = after;
        }
        Groups { ciphertext, hash, rest }
    }

    /// The hash, each lane for itself, and what is left: a vector or more.
    #[inline(always)]
    fn leave(self, l: L, key: &Key) -> (L::Vector, InOutBuf<'i, 'o, u8>) {
        let mut sum = Sum::zero(l);
        absorb(l, key, &mut sum, self.hash, &self.ciphertext, &Onward);
        (sum.reduce(l), self.rest)
    }

    /// The hash, when nothing is left but `lengths`.
    #[inline(always)]
    pub(super) fn end(self, l: L, key: &Key, lengths: Option<&Block>) -> L::Vector {
        let mut sum = Sum::zero(l);
        let powers = Ending(8 * L::BLOCKS + usize::from(lengths.is_some()));
        absorb(l, key, &mut sum, self.hash, &self.ciphertext, &powers);
        close(l, key, sum, l.zero(), lengths)
    }
}

/// The hash of a sum that is complete but for `lengths`.
#[inline(always)]
fn close<L: Lanes>(l: L, key: &Key, mut sum: Sum<L>, carry: L::Vector, lengths: Option<&Block>) -> L::Vector {
    if let Some(lengths) = lengths {
        sum.add(l, l.xor(l.lone(lengths), carry), key.descending(l, 1));
    }
    l.fold(sum.reduce(l))
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
    close(l, key, end.sum, end.carry, lengths)
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
        let (group, rest) = buf.split_at(N * L::WIDTH);
        let stream = encrypt(l, &key.schedule, counter.next(l));
        let ciphertext = apply::<L, D, N>(l, group, &stream);
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
    mut group: InOutBuf<'_, '_, u8>,
    stream: &[L::Vector; N],
) -> [L::Vector; N] {
    let (mut input, mut output) = ([l.zero(); N], [l.zero(); N]);
    let bytes = &group.get_in()[..N * L::WIDTH];
    for i in 0..N {
        input[i] = l.load(&bytes[i * L::WIDTH..]);
        output[i] = l.xor(input[i], stream[i]);
    }
    let bytes = &mut group.get_out()[..N * L::WIDTH];
    for i in 0..N {
        l.store(output[i], &mut bytes[i * L::WIDTH..]);
    }
    if D::SEALS { output } else { input }
}
