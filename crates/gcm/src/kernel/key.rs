//! What is computed once for a key: the AES key schedule and the powers of the hash key.

use super::Width;
use super::aes::{Schedule, encrypt, expand};
use super::ghash::{Power, Sum};
use super::lanes::{Block, Lanes, Task};
use super::wipe;

/// Where H^0 would be: after ten of the widest vectors, and one block, so that H^33, with which a chunk's last eight of
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
        wipe::stack();
    }

    /// Does `task` with the key's instruction set.
    pub(crate) fn enter<T: Task>(&self, task: T) -> T::Out {
        self.width.enter(task)
    }

    /// Blocks that one unreduced sum can take, the block of lengths among them: whole vectors.
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

    /// Writes `power` as H^exponent and, lane by lane, the powers below it.
    #[inline(always)]
    fn put<L: Lanes>(&mut self, l: L, exponent: usize, power: L::Vector) {
        let vector = ZEROTH - exponent..ZEROTH - exponent + L::BLOCKS;
        l.store(power, self.powers[vector.clone()].as_flattened_mut());
        l.store(l.xor(power, l.swap(power)), self.folded[vector].as_flattened_mut());
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

/// All the powers that a width can use: for eight vectors, and of a ninth for the block of lengths and a part of
/// another.
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
        let h = l.splat(&times_x(l.first(h)));
        // The lowest powers, each in every lane, and with them the lowest vector.
        let mut low = [h; 4];
        for i in 1..L::BLOCKS {
            low[i] = times(l, low[(i - 1) / 2], low[i / 2]);
        }
        to.put(l, L::BLOCKS, l.diagonal(&low));
        // Then twice as many vectors a turn.
        let wanted = full::<L>().min(self.longest.div_ceil(16) + 1);
        let mut known = L::BLOCKS;
        let mut by = low[L::BLOCKS - 1];
        while known < wanted {
            let mut next = known;
            while next < 2 * known && next < wanted {
                next += L::BLOCKS;
                let power = to.descending(l, next - known).power;
                to.put(l, next, times(l, power, by));
            }
            by = times(l, by, by);
            known = next;
        }
        to.known = known;
    }
}

/// The product of two powers.
#[inline(always)]
fn times<L: Lanes>(l: L, x: L::Vector, y: L::Vector) -> L::Vector {
    let mut sum = Sum::zero(l);
    sum.add(l, x, Power { power: y, folded: l.xor(y, l.swap(y)) });
    sum.reduce(l)
}

/// The hash key as [`ghash`](super::ghash) wants it: byte-reversed and multiplied by x.
#[inline(always)]
fn times_x(h: Block) -> Block {
    const POLYNOMIAL: u128 = 0xc2000000_00000000_00000000_00000001;
    let h = u128::from_be_bytes(h);
    let carry = (h >> 127).wrapping_neg();
    (h << 1 ^ POLYNOMIAL & carry).to_le_bytes()
}
