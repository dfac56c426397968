//! GB/s of every backend beside aws-lc-rs, in one run: the quick look while tuning. `cargo run --release -p ossenc-gcm
//! --features bench --example ratios -- [16384]`, pinned to a core. The benches folder has the full comparison.

use std::hint::black_box;
use std::time::Instant;

use ossenc_gcm::{Aes256Gcm, Backend, Chunked, Isa};

const KEY: [u8; 32] = [7; 32];
const NONCE: [u8; 12] = [9; 12];

/// A name and what it runs.
type Contender<'a> = (&'static str, Box<dyn FnMut() + 'a>);

/// The best time of one call in nanoseconds, contenders taking turns so that the clock's moods hit all alike.
fn race(contenders: &mut [Contender<'_>], bytes: usize) -> Vec<f64> {
    let mut best = vec![f64::MAX; contenders.len()];
    let calls = (400_000 / bytes.max(200)).max(1);
    for _ in 0..60 {
        for (i, (_, call)) in contenders.iter_mut().enumerate() {
            call();
            for _ in 0..4 {
                let start = Instant::now();
                for _ in 0..calls {
                    call();
                }
                best[i] = best[i].min(start.elapsed().as_nanos() as f64 / calls as f64);
            }
        }
    }
    best
}

fn show(op: &str, bytes: usize, contenders: &mut [Contender<'_>]) {
    let best = race(contenders, bytes);
    print!("{op:13} {bytes:8}");
    for ((name, _), ns) in contenders.iter().zip(&best) {
        print!("  {name} {:.2} ({:.0} ns, {:.2}x)", bytes as f64 / ns, ns, best[0] / ns);
    }
    println!();
}

fn sealing(name: &'static str, cap: Isa, bytes: usize) -> Contender<'static> {
    let gcm = Aes256Gcm::new(Backend::detect(cap).unwrap(), &KEY, bytes);
    let mut buffer = vec![1; bytes];
    let mut tag = [0; 16];
    (name, Box::new(move || gcm.seal(&NONCE, &[], black_box(&mut buffer[..]).into(), &mut tag).unwrap()))
}

fn counter_mode(name: &'static str, cap: Isa, bytes: usize) -> Contender<'static> {
    let gcm = Aes256Gcm::new(Backend::detect(cap).unwrap(), &KEY, bytes);
    let mut buffer = vec![1; bytes];
    (name, Box::new(move || gcm.counter_mode(black_box(&mut buffer[..]).into())))
}

fn verifying(name: &'static str, cap: Isa, bytes: usize) -> Contender<'static> {
    let gcm = Chunked::new(Backend::detect(cap).unwrap(), &KEY, &NONCE, bytes, bytes);
    let mut buffer = vec![1; bytes];
    let mut tag = [0; 16];
    gcm.seal_detached(0, (&mut buffer[..]).into(), &mut tag).unwrap();
    (name, Box::new(move || gcm.verify_detached(0, black_box(&buffer[..]), &tag).unwrap()))
}

fn opening(name: &'static str, cap: Isa, bytes: usize) -> Contender<'static> {
    let gcm = Aes256Gcm::new(Backend::detect(cap).unwrap(), &KEY, bytes);
    let plain = vec![1; bytes];
    let mut sealed = plain.clone();
    let mut tag = [0; 16];
    gcm.seal(&NONCE, &[], (&mut sealed[..]).into(), &mut tag).unwrap();
    let mut out = vec![0; bytes];
    (
        name,
        Box::new(move || {
            let buffer = ossenc_gcm::inout::InOutBuf::new(black_box(&sealed[..]), &mut out[..]).unwrap();
            gcm.open(&NONCE, &[], buffer, &tag).unwrap();
        }),
    )
}

fn main() {
    use aws_lc_rs::aead;
    let only: Option<usize> = std::env::args().nth(1).map(|n| n.parse().unwrap());
    let aws = |key: &[u8; 32]| aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, key).unwrap());
    for bytes in [1024, 4096, 16_384, 65_536, 1 << 20].into_iter().filter(|&n| only.is_none_or(|only| only == n)) {
        let key = aws(&KEY);
        let mut buffer = vec![1; bytes];
        let peer = Box::new(|| {
            let nonce = aead::Nonce::assume_unique_for_key(NONCE);
            let _tag = black_box(
                key.seal_in_place_separate_tag(nonce, aead::Aad::empty(), black_box(&mut buffer[..])).unwrap(),
            );
        });
        show(
            "seal",
            bytes,
            &mut [
                ("aws-lc-rs", peer),
                sealing("512", Isa::Best, bytes),
                sealing("256", Isa::Avx2, bytes),
                sealing("128", Isa::AesNi, bytes),
            ],
        );
        show(
            "bound",
            bytes,
            &mut [
                counter_mode("ctr 512", Isa::Best, bytes),
                counter_mode("256", Isa::Avx2, bytes),
                counter_mode("128", Isa::AesNi, bytes),
                verifying("ghash 512", Isa::Best, bytes),
                verifying("256", Isa::Avx2, bytes),
                verifying("128", Isa::AesNi, bytes),
            ],
        );
        let plain = vec![1; bytes];
        let mut sealed = plain.clone();
        let tag = key
            .seal_in_place_separate_tag(aead::Nonce::assume_unique_for_key(NONCE), aead::Aad::empty(), &mut sealed)
            .unwrap();
        let mut out = vec![0; bytes];
        let peer = Box::new(|| {
            let nonce = aead::Nonce::assume_unique_for_key(NONCE);
            key.open_separate_gather(nonce, aead::Aad::empty(), black_box(&sealed[..]), tag.as_ref(), &mut out)
                .unwrap();
        });
        show(
            "open",
            bytes,
            &mut [
                ("aws-lc-rs", peer),
                opening("512", Isa::Best, bytes),
                opening("256", Isa::Avx2, bytes),
                opening("128", Isa::AesNi, bytes),
            ],
        );
    }
    for bytes in [32, 1024, 4096].into_iter().filter(|&n| only.is_none_or(|only| only == n)) {
        let mut buffer = vec![1; bytes];
        let peer = Box::new(|| {
            let nonce = aead::Nonce::assume_unique_for_key(NONCE);
            let key = aws(black_box(&KEY));
            let _tag = black_box(
                key.seal_in_place_separate_tag(nonce, aead::Aad::empty(), black_box(&mut buffer[..])).unwrap(),
            );
        });
        let own = |name: &'static str, cap| {
            let backend = Backend::detect(cap).unwrap();
            let mut buffer = vec![1; bytes];
            let mut tag = [0; 16];
            let call: Box<dyn FnMut()> = Box::new(move || {
                let gcm = Aes256Gcm::new(backend, black_box(&KEY), bytes);
                gcm.seal(&NONCE, &[], black_box(&mut buffer[..]).into(), &mut tag).unwrap();
            });
            (name, call)
        };
        show(
            "fresh seal",
            bytes,
            &mut [("aws-lc-rs", peer), own("512", Isa::Best), own("256", Isa::Avx2), own("128", Isa::AesNi)],
        );
    }
    let bytes = 1 << 20;
    if only.is_none_or(|only| only == bytes) {
        let cipher = Chunked::new(Backend::detect(Isa::Best).unwrap(), &KEY, &NONCE, 16_384, 16_384);
        let plain = vec![1; bytes];
        let (mut one, mut each, mut peers) =
            (vec![0; bytes + 64 * 16], vec![0; bytes + 64 * 16], vec![0; bytes + 64 * 16]);
        let key = aws(&KEY);
        show(
            "message seal",
            bytes,
            &mut [
                (
                    "aws-lc-rs",
                    Box::new(|| {
                        for (plain, sealed) in plain.chunks(16_384).zip(peers.chunks_mut(16_400)) {
                            let nonce = aead::Nonce::assume_unique_for_key(NONCE);
                            let (body, tag) = sealed.split_at_mut(16_384);
                            body.copy_from_slice(plain);
                            tag.copy_from_slice(
                                key.seal_in_place_separate_tag(nonce, aead::Aad::empty(), body).unwrap().as_ref(),
                            );
                        }
                    }),
                ),
                ("one call", Box::new(|| cipher.seal_inline(0, black_box(&plain), &mut one).unwrap())),
                (
                    "each chunk",
                    Box::new(|| {
                        for (i, (plain, sealed)) in plain.chunks(16_384).zip(each.chunks_mut(16_400)).enumerate() {
                            cipher.seal_inline(i as u64, black_box(plain), sealed).unwrap();
                        }
                    }),
                ),
            ],
        );
    }
}
