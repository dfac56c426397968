//! One message in pieces of any length.

use core::marker::PhantomData;

use inout::InOutBuf;

use super::aes::{Counter, encrypt};
use super::crypt::{Direction, Opening, Sealing, crypt};
use super::ghash::{Sum, hash_bytes, lengths, reversed, tag};
use super::key::Key;
use super::lanes::{Block, Lanes, Task};
use crate::TAG_LEN;

/// A message under way. Between pieces it may stand inside a block.
pub(crate) struct State<'k> {
    key: &'k Key,
    j0: Block,
    aad_len: u64,
    len: u64,
    /// The hash of all whole blocks so far.
    hash: Block,
    /// The key stream of the block that is under way, and its ciphertext, padded with zeros.
    stream: Block,
    ciphertext: Block,
}

impl<'k> State<'k> {
    pub(crate) fn new(key: &'k Key, j0: &Block, aad: &[u8]) -> State<'k> {
        let zero = [0; 16];
        let mut state =
            State { key, j0: *j0, aad_len: aad.len() as u64, len: 0, hash: zero, stream: zero, ciphertext: zero };
        if !aad.is_empty() {
            key.enter(Aad { state: &mut state, aad });
        }
        state
    }

    pub(crate) fn seal(&mut self, piece: InOutBuf<'_, '_, u8>) {
        self.key.enter(Piece { state: self, piece, direction: PhantomData::<Sealing> });
    }

    pub(crate) fn open(&mut self, piece: InOutBuf<'_, '_, u8>) {
        self.key.enter(Piece { state: self, piece, direction: PhantomData::<Opening> });
    }

    pub(crate) fn absorb(&mut self, piece: &[u8]) {
        self.key.enter(Absorb { state: self, piece });
    }

    pub(crate) fn finish(mut self) -> [u8; TAG_LEN] {
        self.key.enter(Finish { state: &mut self })
    }

    /// Bytes of the block under way.
    #[inline(always)]
    fn held(&self) -> usize {
        (self.len % 16) as usize
    }

    /// The counter at which the block under way stands.
    #[inline(always)]
    fn counter<L: Lanes>(&self, l: L) -> Counter<L> {
        Counter::after(l, &self.j0, 1_u32.wrapping_add((self.len / 16) as u32))
    }

    /// The key stream of the block under way.
    #[inline(always)]
    fn fill<L: Lanes>(&mut self, l: L) {
        let [stream] = encrypt(l, &self.key.schedule, self.counter(l).next(l));
        self.stream = l.first(stream);
    }

    /// Hashes the block under way.
    #[inline(always)]
    fn hash_held<L: Lanes>(&mut self, l: L) {
        let block = reversed(l, l.lone(&self.ciphertext));
        self.hash = l.first(self.times_h(l, block));
        self.ciphertext = [0; 16];
    }

    /// The hash after one more block, which is a summand already.
    #[inline(always)]
    fn times_h<L: Lanes>(&self, l: L, block: L::Vector) -> L::Vector {
        let mut sum = Sum::zero(l);
        sum.add(l, l.xor(l.lone(&self.hash), block), self.key.descending(l, 1));
        sum.reduce(l)
    }
}

impl Drop for State<'_> {
    fn drop(&mut self) {
        self.j0 = [0; 16];
        self.hash = [0; 16];
        self.stream = [0; 16];
        self.ciphertext = [0; 16];
        zeroize::optimization_barrier(self);
    }
}

struct Aad<'s, 'k> {
    state: &'s mut State<'k>,
    aad: &'s [u8],
}

impl Task for Aad<'_, '_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        self.state.hash = l.first(hash_bytes(l, self.state.key, l.zero(), self.aad, None));
    }
}

struct Piece<'s, 'k, 'i, 'o, D> {
    state: &'s mut State<'k>,
    piece: InOutBuf<'i, 'o, u8>,
    direction: PhantomData<D>,
}

impl<D: Direction> Piece<'_, '_, '_, '_, D> {
    /// Goes on with the block under way, byte by byte, each loaded once.
    #[inline(always)]
    fn bytes(state: &mut State<'_>, mut bytes: InOutBuf<'_, '_, u8>) {
        let held = state.held();
        for i in 0..bytes.len() {
            let mut byte = bytes.get(i);
            let input = *byte.get_in();
            let output = input ^ state.stream[held + i];
            *byte.get_out() = output;
            state.ciphertext[held + i] = if D::SEALS { output } else { input };
        }
        state.len += bytes.len() as u64;
    }
}

impl<D: Direction> Task for Piece<'_, '_, '_, '_, D> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let Piece { state, mut piece, .. } = self;
        if state.held() > 0 {
            let fill = piece.len().min(16 - state.held());
            let (head, rest) = piece.split_at(fill);
            Self::bytes(state, head);
            if state.held() > 0 {
                return;
            }
            state.hash_held(l);
            piece = rest;
        }
        let whole = piece.len() / 16 * 16;
        let (blocks, tail) = piece.split_at(whole);
        if !blocks.is_empty() {
            let hash = l.lone(&state.hash);
            state.hash = l.first(crypt::<L, D>(l, state.key, &mut state.counter(l), hash, blocks, None));
            state.len += whole as u64;
        }
        if !tail.is_empty() {
            state.fill(l);
            Self::bytes(state, tail);
        }
    }
}

struct Absorb<'s, 'k> {
    state: &'s mut State<'k>,
    piece: &'s [u8],
}

impl Task for Absorb<'_, '_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let Absorb { state, mut piece } = self;
        let held = state.held();
        if held > 0 {
            let (head, rest) = piece.split_at(piece.len().min(16 - held));
            state.ciphertext[held..held + head.len()].copy_from_slice(head);
            state.len += head.len() as u64;
            if state.held() > 0 {
                return;
            }
            state.hash_held(l);
            piece = rest;
        }
        let (blocks, tail) = piece.split_at(piece.len() / 16 * 16);
        state.hash = l.first(hash_bytes(l, state.key, l.lone(&state.hash), blocks, None));
        state.len += blocks.len() as u64;
        if !tail.is_empty() {
            // Opening may go on inside this block.
            state.fill(l);
            state.ciphertext[..tail.len()].copy_from_slice(tail);
            state.len += tail.len() as u64;
        }
    }
}

struct Finish<'s, 'k> {
    state: &'s mut State<'k>,
}

impl Task for Finish<'_, '_> {
    type Out = [u8; TAG_LEN];

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> [u8; TAG_LEN] {
        let state = self.state;
        if state.held() > 0 {
            state.hash_held(l);
        }
        let hash = state.times_h(l, l.lone(&lengths(state.aad_len, state.len)));
        let [mask] = encrypt(l, &state.key.schedule, [l.splat(&state.j0)]);
        tag(l, hash, mask)
    }
}
