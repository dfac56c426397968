//! spin
use ossenc_gcm::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let cap = match &a[1][..] {
        "512" => Isa::Avx512,
        "256" => Isa::Avx2,
        _ => Isa::AesNi,
    };
    let n: usize = a[3].parse().unwrap();
    let gcm = Aes256Gcm::new(Backend::detect(cap).unwrap(), &[7; 32], n);
    let mut b = vec![1u8; n];
    let mut o = vec![0u8; n];
    let mut t = [0; 16];
    gcm.seal(&[0; 12], &[], (&mut b[..]).into(), &mut t).unwrap();
    for _ in 0..(2_000_000_000 / n) {
        if a[2] == "seal" {
            gcm.seal(&[0; 12], &[], inout::InOutBuf::new(&b, &mut o).unwrap(), &mut t).unwrap();
        } else {
            gcm.open(&[0; 12], &[], inout::InOutBuf::new(&b, &mut o).unwrap(), &t).unwrap();
        }
    }
}
