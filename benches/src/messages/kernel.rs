//! Our kernel alone, over all chunks in one call: what is left of the library's message without derivation and commitment.
//! On two threads, each takes half of the chunks.

use ossenc_gcm::{Backend, Chunked};

use super::{CHUNK_LEN, Messages};
use crate::peers::Ossenc;

const STORED_LEN: usize = CHUNK_LEN + 16;

pub(super) struct Kernel {
    threads: usize,
    backend: Backend,
}

impl Kernel {
    pub(super) fn on_threads(threads: usize) -> Kernel {
        Kernel { threads, backend: Ossenc::best().backend() }
    }

    fn key(&self) -> Chunked {
        Chunked::new(self.backend, &[7; 32], &[9; 12], CHUNK_LEN, CHUNK_LEN)
    }

    /// Chunks for each thread, of `len` bytes of plaintext.
    fn share(&self, len: usize) -> usize {
        len.div_ceil(CHUNK_LEN).div_ceil(self.threads)
    }
}

impl Messages for Kernel {
    fn name(&self) -> &'static str {
        if self.threads == 1 { "ossenc-kernel" } else { "ossenc-kernel-2-threads" }
    }

    fn threads(&self) -> usize {
        self.threads
    }

    fn takes(&self, plain_len: usize) -> bool {
        self.threads == 1 || plain_len >= 64 << 20
    }

    fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> usize {
        let key = self.key();
        let share = self.share(plain.len());
        let len = plain.len() + plain.len().div_ceil(CHUNK_LEN) * 16;
        let shares = plain.chunks(share * CHUNK_LEN).zip(sealed[..len].chunks_mut(share * STORED_LEN));
        run(shares.enumerate(), |(i, (plain, sealed))| {
            key.seal_inline((i * share) as u64, plain, sealed).expect("lengths match");
        });
        len
    }

    fn open(&mut self, sealed: &[u8], plain: &mut [u8]) {
        let key = self.key();
        let share = self.share(plain.len());
        let shares = sealed.chunks(share * STORED_LEN).zip(plain.chunks_mut(share * CHUNK_LEN));
        run(shares.enumerate(), |(i, (sealed, plain))| {
            key.open_inline((i * share) as u64, sealed, plain).expect("authentic");
        });
    }
}

/// The first share on this thread, every other on one of its own.
fn run<T: Send>(mut shares: impl Iterator<Item = T>, work: impl Fn(T) + Sync) {
    let mine = shares.next();
    let work = &work;
    std::thread::scope(|scope| {
        for share in shares {
            scope.spawn(move || work(share));
        }
        mine.map(work);
    });
}
