//! AES-256: the key schedule, and the key stream of counter mode.

use super::lanes::{Block, Lanes};

/// The 15 round keys.
pub(super) type Schedule = [Block; 15];

/// Reverses the bytes of a block.
pub(super) const REVERSE: Block = [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];

/// Expands `key` (FIPS 197, section 5.2), two round keys a turn.
///
/// SubWord is an AES round without its MixColumns: on four equal columns ShiftRows changes nothing.
#[inline(always)]
pub(super) fn expand<L: Lanes>(l: L, key: &[u8; 32], schedule: &mut Schedule) {
    const ROT_WORD: Block = [13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12];
    const WORD: Block = [12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15];
    let (low, high) = (key.first_chunk().expect("16 of 32"), key.last_chunk().expect("16 of 32"));
    let (mut even, mut odd) = (l.lone(low), l.lone(high));
    schedule[0] = *low;
    schedule[1] = *high;
    for i in 1..8 {
        let rcon = 1 << (i - 1);
        let rcon = [rcon, 0, 0, 0, rcon, 0, 0, 0, rcon, 0, 0, 0, rcon, 0, 0, 0];
        let word = l.shuffle(odd, l.splat(&ROT_WORD));
        even = l.xor(running_xor(l, even), l.last_round(word, l.zero(), l.splat(&rcon)));
        schedule[2 * i] = l.first(even);
        if i < 7 {
            let word = l.shuffle(even, l.splat(&WORD));
            odd = l.xor(running_xor(l, odd), l.last_round(word, l.zero(), l.zero()));
            schedule[2 * i + 1] = l.first(odd);
        }
    }
}

/// Each 32-bit word becomes the XOR of itself and those before it.
#[inline(always)]
fn running_xor<L: Lanes>(l: L, x: L::Vector) -> L::Vector {
    const BY_ONE: Block = [128, 128, 128, 128, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    const BY_TWO: Block = [128, 128, 128, 128, 128, 128, 128, 128, 0, 1, 2, 3, 4, 5, 6, 7];
    let x = l.xor(x, l.shuffle(x, l.splat(&BY_ONE)));
    l.xor(x, l.shuffle(x, l.splat(&BY_TWO)))
}

/// Encrypts `N` vectors of blocks.
#[inline(always)]
pub(super) fn encrypt<L: Lanes, const N: usize>(l: L, keys: &Schedule, mut x: [L::Vector; N]) -> [L::Vector; N] {
    for x in &mut x {
        *x = l.whiten(*x, l.splat(&keys[0]));
    }
    for r in 0..13 {
        round(l, keys, r, &mut x);
    }
    last_round(l, keys, &mut x);
    x
}

/// Round `r`, of 0 to 12, over `N` vectors.
#[inline(always)]
pub(super) fn round<L: Lanes, const N: usize>(l: L, keys: &Schedule, r: usize, x: &mut [L::Vector; N]) {
    let (before, after) = (l.splat(&keys[r]), l.splat(&keys[r + 1]));
    for x in x {
        *x = l.round(*x, before, after);
    }
}

/// Round 13 over `N` vectors.
#[inline(always)]
pub(super) fn last_round<L: Lanes, const N: usize>(l: L, keys: &Schedule, x: &mut [L::Vector; N]) {
    let (before, after) = (l.splat(&keys[13]), l.splat(&keys[14]));
    for x in x {
        *x = l.last_round(*x, before, after);
    }
}

/// The counter blocks to come.
#[derive(Clone, Copy)]
pub(super) struct Counter<L: Lanes> {
    /// The next vector, each block byte-reversed so that the counter is its lowest 32-bit word.
    next: L::Vector,
    /// The counter of its first block.
    count: u32,
}

impl<L: Lanes> Counter<L> {
    /// Counts from `skip` after `j0` on, modulo 2^32.
    #[inline(always)]
    pub(super) fn after(l: L, j0: &Block, skip: u32) -> Counter<L> {
        const LANES: [Block; 4] = [word(0), word(1), word(2), word(3)];
        let start = l.add32(l.shuffle(l.splat(j0), l.splat(&REVERSE)), l.splat(&word(skip)));
        let [.., a, b, c, d] = *j0;
        Counter {
            next: l.add32(start, l.load(LANES.as_flattened())),
            count: u32::from_be_bytes([a, b, c, d]).wrapping_add(skip),
        }
    }

    /// The next `N` vectors of counter blocks, as AES wants them.
    ///
    /// Byte shuffles compete with AES for its ports. As long as only a counter's last byte changes they are not needed:
    /// it is added to in place, as the top of a little-endian word.
    #[inline(always)]
    pub(super) fn next<const N: usize>(&mut self, l: L) -> [L::Vector; N] {
        let (step, reverse) = (l.splat(&word(L::BLOCKS as u32)), l.splat(&REVERSE));
        let ahead = N * L::BLOCKS;
        let first = l.shuffle(self.next, reverse);
        let mut blocks = [first; N];
        if self.count as usize % 256 + ahead <= 256 {
            for (i, block) in blocks.iter_mut().enumerate() {
                *block = l.add32(first, l.splat(&LAST_BYTE[i * L::BLOCKS]));
            }
            self.next = l.add32(self.next, l.splat(&word(ahead as u32)));
        } else {
            for block in &mut blocks {
                *block = l.shuffle(self.next, reverse);
                self.next = l.add32(self.next, step);
            }
        }
        self.count = self.count.wrapping_add(ahead as u32);
        blocks
    }
}

/// A block with `n` as its lowest 32-bit word.
const fn word(n: u32) -> Block {
    let [a, b, c, d] = n.to_le_bytes();
    [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// Blocks with 0, 1, 2 … in the last byte.
const LAST_BYTE: [Block; 32] = {
    let mut blocks = [[0; 16]; 32];
    let mut i = 0;
    while i < 32 {
        blocks[i][15] = i as u8;
        i += 1;
    }
    blocks
};
