//! The stack that a call takes, on every backend: threads of a storage engine have little of it.

mod common;

use common::backends;
use ossenc_gcm::inout::InOutBuf;
use ossenc_gcm::{Aes256Gcm, Backend, Chunked};

/// What every call keeps below, its caller's copy of the key it returns included.
const BOUND: usize = 8192;
/// `Backend::detect` runs a self test with its own key and buffers, once.
const DETECT_BOUND: usize = 16_384;

/// As far as stack is looked at.
const REACH: usize = 128 << 10;
/// Left alone: what `depth` uses itself.
const MARGIN: usize = 512;
const PAINT: u8 = 0xc5;

/// The bytes of stack that `call` uses. Paints what lies below this frame, calls, and looks how far the paint is gone.
#[inline(never)]
fn depth(mut call: impl FnMut()) -> usize {
    let call: &mut dyn FnMut() = &mut call;
    call(); // whatever is done only once
    let mut frame = 0_u8;
    let top = (&raw mut frame).expose_provenance();
    for below in MARGIN..REACH {
        // SAFETY: a test's thread has 2 MiB of stack, and below this frame nothing is alive on it.
        unsafe { std::ptr::with_exposed_provenance_mut::<u8>(top - below).write_volatile(PAINT) };
    }
    call();
    (MARGIN..REACH)
        .rev()
        // SAFETY: as above.
        .find(|below| unsafe { std::ptr::with_exposed_provenance::<u8>(top - below).read_volatile() } != PAINT)
        .unwrap_or(MARGIN)
}

#[inline(never)]
fn use_stack<const LEN: usize>() {
    std::hint::black_box([1_u8; LEN]);
}

#[test]
fn the_measure_measures() {
    for (len, used) in [(3000, depth(use_stack::<3000>)), (20_000, depth(use_stack::<20_000>))] {
        assert!(used >= len && used < 2 * len + 2000, "{used} instead of {len}");
    }
}

#[test]
fn every_call_stays_below_the_bound() {
    if cfg!(debug_assertions) {
        println!("SKIPPED: frames of an unoptimised build say nothing; `make test` runs this test in release");
        return;
    }
    const KEY: [u8; 32] = [1; 32];
    const NONCE: [u8; 12] = [2; 12];
    const LENGTHS: [usize; 9] = [0, 1, 100, 512, 577, 1024, 5000, 16_384, 40_000];
    let plain = vec![7; 40_000];
    let mut body = vec![0; 40_000];
    let mut tags = [0; 3 * 16];
    let mut sealed = vec![0; 40_000 + 3 * 16];
    for backend in backends() {
        let isa = backend.isa();
        let mut worst = std::collections::BTreeMap::<&str, usize>::new();
        let mut note = |name, used: usize| {
            let bound = if name == "detect" { DETECT_BOUND } else { BOUND };
            assert!(used < bound, "{isa:?}: {name} uses {used} bytes of stack");
            let worst = worst.entry(name).or_insert(0);
            *worst = used.max(*worst);
        };
        note("detect", depth(|| assert_eq!(Backend::detect(isa).unwrap().isa(), isa)));
        for len in LENGTHS {
            for longest in [len / 3, len] {
                note("Aes256Gcm::new", depth(|| drop(Aes256Gcm::new(backend, &KEY, longest))));
                let gcm = Aes256Gcm::new(backend, &KEY, longest);
                let (plain, body, aad) = (&plain[..len], &mut body[..len], &plain[..len % 67]);
                let mut tag = [0; 16];
                let used = depth(|| {
                    gcm.seal(&NONCE, aad, InOutBuf::new(plain, body).unwrap(), &mut tag).unwrap();
                });
                note("seal", used);
                let ciphertext = body.to_vec();
                let used = depth(|| gcm.open(&NONCE, aad, InOutBuf::new(&ciphertext, body).unwrap(), &tag).unwrap());
                note("open", used);
                let bad = [0; 16];
                let used = depth(|| {
                    gcm.open(&NONCE, aad, InOutBuf::new(&ciphertext, body).unwrap(), &bad).unwrap_err();
                });
                note("open, bad tag", used);
                note("stream", depth(|| drop(gcm.stream(&NONCE, aad))));
                let mut stream = gcm.stream(&NONCE, aad);
                note("Stream::seal", depth(|| stream.seal(InOutBuf::new(plain, body).unwrap()).unwrap()));
                let mut stream = gcm.stream(&NONCE, aad);
                note("Stream::open", depth(|| stream.open(InOutBuf::new(&ciphertext, body).unwrap()).unwrap()));
                note("Stream::absorb", depth(|| stream.absorb(&ciphertext).unwrap()));
                note("Stream::finish", depth(|| assert_ne!(gcm.stream(&NONCE, aad).finish(), bad)));
                note("Stream::verify", depth(|| assert!(gcm.stream(&NONCE, aad).verify(&bad).is_err())));
            }
            note("Chunked::new", depth(|| drop(Chunked::new(backend, &KEY, &NONCE, 16_384, len))));
            let cipher = Chunked::new(backend, &KEY, &NONCE, 16_384, 16_384);
            let (plain, body) = (&plain[..len], &mut body[..len]);
            let tags = &mut tags[..len.div_ceil(16_384) * 16];
            let sealed = &mut sealed[..len + tags.len()];
            note("chunk", depth(|| drop(cipher.chunk(3))));
            note("seal_inline", depth(|| cipher.seal_inline(0, plain, sealed).unwrap()));
            note("open_inline", depth(|| cipher.open_inline(0, sealed, body).unwrap()));
            note("verify_inline", depth(|| cipher.verify_inline(0, sealed).unwrap()));
            let used = depth(|| cipher.seal_detached(0, InOutBuf::new(plain, body).unwrap(), tags).unwrap());
            note("seal_detached", used);
            let ciphertext = body.to_vec();
            note("verify_detached", depth(|| cipher.verify_detached(0, body, tags).unwrap()));
            let used = depth(|| cipher.open_detached(0, InOutBuf::new(&ciphertext, body).unwrap(), tags).unwrap());
            note("open_detached", used);
        }
        println!("{isa:?}: {worst:?}");
    }
}
