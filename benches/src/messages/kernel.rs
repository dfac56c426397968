//! Our kernel alone: what is left of the library's message without derivation, commitment and digests.

use ossenc_gcm::{Backend, Chunked};

use super::{CHUNK_LEN, Messages};
use crate::peers::Ossenc;

const STORED_LEN: usize = CHUNK_LEN + 16;

pub(super) struct Kernel {
    backend: Backend,
    /// How many chunks each call takes.
    run: usize,
}

impl Kernel {
    /// All chunks in one call.
    pub(super) fn one_call() -> Kernel {
        Kernel { backend: Ossenc::best().backend(), run: usize::MAX / STORED_LEN }
    }

    /// A call for each chunk.
    pub(super) fn chunkwise() -> Kernel {
        Kernel { run: 1, ..Kernel::one_call() }
    }

    fn key(&self) -> Chunked {
        Chunked::new(self.backend, &[7; 32], &[9; 12], CHUNK_LEN, CHUNK_LEN)
    }
}

impl Messages for Kernel {
    fn name(&self) -> &'static str {
        if self.run == 1 { "ossenc-kernel-chunkwise" } else { "ossenc-kernel" }
    }

    fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> usize {
        let (key, run) = (self.key(), self.run);
        let len = plain.len() + plain.len().div_ceil(CHUNK_LEN) * 16;
        let runs = plain.chunks(run * CHUNK_LEN).zip(sealed[..len].chunks_mut(run * STORED_LEN));
        for (i, (plain, sealed)) in runs.enumerate() {
            key.seal_inline((i * run) as u64, plain, sealed).expect("lengths match");
        }
        len
    }

    fn open(&mut self, sealed: &[u8], plain: &mut [u8]) {
        let (key, run) = (self.key(), self.run);
        let runs = sealed.chunks(run * STORED_LEN).zip(plain.chunks_mut(run * CHUNK_LEN));
        for (i, (sealed, plain)) in runs.enumerate() {
            key.open_inline((i * run) as u64, sealed, plain).expect("authentic");
        }
    }
}
