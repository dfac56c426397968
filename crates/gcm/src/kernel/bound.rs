//! Counter mode without GHASH: the speed that GCM cannot pass. For benches only.

use inout::InOutBuf;

use super::aes::{Counter, encrypt};
use super::crypt::{Sealing, apply};
use super::key::Key;
use super::lanes::{Lanes, Task};

/// Encrypts the whole groups of eight vectors of `buf`, and nothing after them.
pub(crate) struct CounterMode<'a, 'i, 'o> {
    pub(crate) key: &'a Key,
    pub(crate) buf: InOutBuf<'i, 'o, u8>,
}

impl Task for CounterMode<'_, '_, '_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let mut counter = Counter::after(l, &[0; 16], 0);
        let mut buf = self.buf;
        while buf.len() >= 8 * L::WIDTH {
            let (group, rest) = buf.split_at(8 * L::WIDTH);
            let stream = encrypt(l, &self.key.schedule, counter.next(l));
            apply::<L, Sealing, 8>(l, group, &stream);
            buf = rest;
        }
    }
}
