//! Seals N chunks of 16 KiB on one backend and does nothing else: what docs/kernel.md counts instructions of.

use ossenc_gcm::{Backend, Chunked, Isa};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let cap = match arguments.next().as_deref() {
        Some("portable") => Isa::Portable,
        _ => Isa::Best,
    };
    let chunks: usize = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let cipher = Chunked::new(Backend::detect(cap).expect("self test"), &[1; 32], &[2; 12], 16_384, 16_384);
    let (mut body, mut tags) = (vec![0; 16_384 * chunks], vec![0; 16 * chunks]);
    cipher.seal_detached(0, body.as_mut_slice().into(), &mut tags).expect("lengths");
}
