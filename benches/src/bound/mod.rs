//! What nobody can be faster than: counter mode without authentication, and a copy.

#[cfg(target_arch = "x86_64")]
mod counter_mode;

use std::hint::black_box;

use rayon::prelude::*;

use crate::buffer::Buffer;

/// Copies `size` bytes from one buffer to another.
pub fn copy(size: usize) -> impl FnMut() {
    let (source, mut target) = (Buffer::new(size), Buffer::new(size));
    move || black_box(&mut target[..]).copy_from_slice(black_box(&source))
}

/// The same by two threads, in pieces as large as those that they seal.
pub fn copy_by_two(size: usize) -> impl FnMut() {
    const PIECE: usize = 256 << 10;
    let (source, mut target) = (Buffer::new(size), Buffer::new(size));
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
    move || {
        let pieces = target.par_chunks_mut(PIECE).zip(source.par_chunks(PIECE));
        threads.install(|| pieces.for_each(|(target, source)| target.copy_from_slice(source)));
    }
}

/// A name in summary.csv, and what to time.
pub type Named = (&'static str, Box<dyn FnMut()>);

/// AES-256 in counter mode over `size` bytes in place, at every width of this CPU: the widest is `ctr-bound`. None for CPUs
/// other than x86-64 with AES-NI.
#[must_use]
pub fn counter_modes(size: usize) -> Vec<Named> {
    #[cfg(target_arch = "x86_64")]
    let modes = counter_mode::all(size);
    #[cfg(not(target_arch = "x86_64"))]
    let (modes, _) = (vec![], size);
    modes
}
