//! Whole messages, from a buffer of plaintext to another of stored bytes, and back.

mod age;
mod chunk_loop;
mod fast_floe;
mod kernel;
mod ossenc;
#[cfg(feature = "sodium")]
mod secretstream;

pub(crate) use fast_floe::FastFloe;

use crate::clock::Clock;
use crate::peers::{Peer, Visit, others};

/// Plaintext bytes of a chunk, for all that leave the choice.
pub const CHUNK_LEN: usize = 16_384;

/// An implementation of whole messages. Every message has a key or a salt of its own. What cannot fail here panics.
pub trait Messages {
    /// The `impl` of summary.csv.
    fn name(&self) -> &'static str;

    /// What times it: the wall's clock if it works on other threads than the caller's.
    fn clock(&self) -> Clock {
        Clock::Thread
    }

    /// Whether messages of that length are worth measuring.
    fn takes(&self, plain_len: usize) -> bool {
        plain_len > 0
    }

    /// Seals `plain` at the beginning of `sealed`, which has room enough, and says how much it took.
    fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> usize;

    /// Opens all of `sealed` into all of `plain`.
    fn open(&mut self, sealed: &[u8], plain: &mut [u8]);
}

/// Room for any implementation's message.
#[must_use]
pub fn room(plain_len: usize) -> usize {
    plain_len + plain_len / 64 + 4_096
}

/// All of them, ours first.
#[must_use]
pub fn all() -> Vec<Box<dyn Messages>> {
    let mut loops = Loops(vec![]);
    others(&mut loops);
    let mut all: Vec<Box<dyn Messages>> = vec![
        Box::new(ossenc::OneCall::new()),
        Box::new(kernel::Kernel::one_call()),
        Box::new(kernel::Kernel::chunkwise()),
        Box::new(ossenc::Segment::new()),
        Box::new(ossenc::Pool::new(1)),
        Box::new(ossenc::Pool::new(2)),
        Box::new(ossenc::Chunkwise::new()),
    ];
    all.append(&mut loops.0);
    all.push(Box::new(fast_floe::FastFloe::new()));
    all.push(Box::new(age::Age));
    #[cfg(feature = "sodium")]
    all.push(Box::new(secretstream::SecretStream::new()));
    all
}

struct Loops(Vec<Box<dyn Messages>>);

impl Visit for Loops {
    fn visit<P: Peer>(&mut self, peer: P) {
        self.0.push(Box::new(chunk_loop::ChunkLoop::new(peer)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::Buffer;

    #[test]
    fn every_message_comes_back() {
        for len in [1, CHUNK_LEN, 3 * CHUNK_LEN + 5, 1 << 18] {
            let plain = Buffer::new(len);
            for messages in &mut all() {
                let mut sealed = vec![0; room(len)];
                let n = messages.seal(&plain, &mut sealed);
                let mut opened = vec![0; len];
                messages.open(&sealed[..n], &mut opened);
                assert_eq!(opened, plain[..], "{}, {len}", messages.name());
            }
        }
    }
}
