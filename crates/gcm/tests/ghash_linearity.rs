//! GHASH is linear in the ciphertext: for a few lengths, what each single bit does to the tag is what it does in the
//! reference. Together with the lengths' own tests that leaves no input of these lengths unproved.

mod common;

use common::{amount, backends};
use ossenc_gcm::{Aes256Gcm, Backend, Isa};

fn tag(gcm: &Aes256Gcm, ciphertext: &[u8]) -> u128 {
    let mut stream = gcm.stream(&[5; 12], &[]);
    stream.absorb(ciphertext).unwrap();
    u128::from_ne_bytes(stream.finish())
}

/// The same through the loops that decrypt.
fn tag_opening(gcm: &Aes256Gcm, ciphertext: &[u8], scratch: &mut [u8]) -> u128 {
    scratch.copy_from_slice(ciphertext);
    let mut stream = gcm.stream(&[5; 12], &[]);
    stream.open(scratch.into()).unwrap();
    u128::from_ne_bytes(stream.finish())
}

#[test]
fn every_basis_vector() {
    let reference = Backend::detect(Isa::Portable).unwrap();
    for backend in backends() {
        for len in [1, 16, 69, 512, 637, 1088] {
            let (own, other) = (Aes256Gcm::new(backend, &[0xc3; 32], len), Aes256Gcm::new(reference, &[0xc3; 32], len));
            let (mut bytes, mut scratch) = (vec![0; len], vec![0; len]);
            let zero = tag(&other, &bytes);
            assert_eq!(tag(&own, &bytes), zero);
            for bit in (0..8 * len).step_by(amount("OSSENC_GCM_STEP", 1)) {
                bytes[bit / 8] = 1 << (bit % 8);
                let want = tag(&other, &bytes);
                assert_eq!(tag(&own, &bytes), want, "bit {bit} of {len} bytes, {:?}", backend.isa());
                assert_eq!(tag_opening(&own, &bytes, &mut scratch), want, "bit {bit} of {len}, {:?}", backend.isa());
                bytes[bit / 8] = 0;
            }
            // Sums of vectors, for the linearity itself.
            let (mut x, mut y) = (vec![0; len], vec![0; len]);
            for i in 0..len {
                (x[i], y[i], bytes[i]) = (i as u8, (i * i) as u8, i as u8 ^ (i * i) as u8);
            }
            assert_eq!(tag(&own, &x) ^ tag(&own, &y), tag(&own, &bytes) ^ zero, "{len}, {:?}", backend.isa());
        }
    }
}
