//! What is computed once for a key: the AES key schedule and the powers of the hash key.

use super::Width;
use super::aes::{Schedule, encrypt, expand};
use super::ghash::{Power, Sum};
use super::lanes::{Block, Lanes, Task};

/// Where H^0 would be: after the 37 powers of the widest vectors, and so far that H^33, with which a chunk's last eight of
/// those begin, is at a vector's boundary.
const ZEROTH: usize = 41;
/// Room to load a whole vector from H^1 on.
const ROOM: usize = ZEROTH + 3;

/// The secrets of a key, wiped on drop.
#[repr(C, align(64))]
pub(crate) struct Key {
    powers: [Block; ROOM],
    folded: [Block; ROOM],
    pub(super) schedule: Schedule,
    /// H^1 to H^known are there.
    known: usize,
    width: Width,
}

impl Key {
    /// A key that [`set`](Key::set) must still set, so that the secrets are written where they stay.
    #[inline(always)]
    pub(crate) fn unset(width: Width) -> Key {
        Key { powers: [[0; 16]; ROOM], folded: [[0; 16]; ROOM], schedule: [[0; 16]; 15], known: 0, width }
    }

    /// `longest` is the longest input that is expected.
    pub(crate) fn set(&mut self, key: &[u8; 32], longest: usize) {
        self.width.enter(Set { to: self, key, longest });
    }

    /// Does `task` with the key's instruction set.
    pub(crate) fn enter<T: Task>(&self, task: T) -> T::Out {
        self.width.enter(task)
    }

    /// Blocks that one unreduced sum can take, the block of lengths among them.
    #[inline(always)]
    pub(super) fn reach(&self) -> usize {
        self.known
    }

    /// Whether whole groups of vectors can be hashed, and then some.
    #[inline(always)]
    pub(super) fn takes_groups<L: Lanes>(&self) -> bool {
        self.known >= full::<L>()
    }

    /// H^exponent in every lane.
    #[inline(always)]
    pub(super) fn splat<L: Lanes>(&self, l: L, exponent: usize) -> Power<L> {
        let i = ZEROTH - exponent;
        Power { power: l.splat(&self.powers[i]), folded: l.splat(&self.folded[i]) }
    }

    /// H^exponent in the first lane, the next lower power in the next, and so on; zeros after H^1.
    #[inline(always)]
    pub(super) fn descending<L: Lanes>(&self, l: L, exponent: usize) -> Power<L> {
        let i = ZEROTH - exponent;
        let vector = i..i + L::BLOCKS;
        Power {
            power: l.load(self.powers[vector.clone()].as_flattened()),
            folded: l.load(self.folded[vector].as_flattened()),
        }
    }

    /// Writes the first `count` lanes of `power` as H^exponent and the powers below it.
    #[inline(always)]
    fn put<L: Lanes>(&mut self, l: L, exponent: usize, count: usize, power: L::Vector) {
        let folded = l.xor(power, l.swap(power));
        let vector = ZEROTH - exponent..ZEROTH - exponent + count;
        let (powers, folds) = (self.powers[vector.clone()].as_flattened_mut(), self.folded[vector].as_flattened_mut());
        if count < L::BLOCKS {
            l.store_part(power, powers);
            l.store_part(folded, folds);
        } else {
            l.store(power, powers);
            l.store(folded, folds);
        }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.powers = [[0; 16]; ROOM];
        self.folded = [[0; 16]; ROOM];
        self.schedule = [[0; 16]; 15];
        zeroize::optimization_barrier(self);
    }
}

/// All the powers that a width can use: for eight vectors, a part of another, and the block of lengths.
#[inline(always)]
fn full<L: Lanes>() -> usize {
    9 * L::BLOCKS + 1
}

struct Set<'a> {
    to: &'a mut Key,
    key: &'a [u8; 32],
    longest: usize,
}

impl Task for Set<'_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let to = self.to;
        expand(l, self.key, &mut to.schedule);
        let [h] = encrypt(l, &to.schedule, [l.zero()]);
        to.put(l, 1, 1, l.lone(&times_x(l.first(h))));
        let wanted = full::<L>().min(self.longest.div_ceil(16) + 1).max(2);
        let mut known = 1;
        while known < wanted {
            let by = to.splat(l, known);
            let more = known.min(full::<L>() - known);
            let mut done = 0;
            while done < more {
                let count = L::BLOCKS.min(more - done);
                let mut sum = Sum::zero(l);
                sum.add(l, to.descending(l, done + count).power, by);
                to.put(l, known + done + count, count, sum.reduce(l));
                done += count;
            }
            known += more;
        }
        to.known = known;
    }
}

/// The hash key as [`ghash`](super::ghash) wants it: byte-reversed and multiplied by x.
#[inline(always)]
fn times_x(h: Block) -> Block {
    const POLYNOMIAL: u128 = 0xc2000000_00000000_00000000_00000001;
    let h = u128::from_be_bytes(h);
    let carry = (h >> 127).wrapping_neg();
    (h << 1 ^ POLYNOMIAL & carry).to_le_bytes()
}
