//! What the tests share: the backends, a reference, and numbers that look random.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::io::Write;

use ossenc_gcm::{Backend, Isa};

/// The caps that mean something on this architecture.
pub(crate) const ISAS: &[Isa] = if cfg!(target_arch = "x86_64") {
    &[Isa::Portable, Isa::AesNi, Isa::Avx2, Isa::Avx512]
} else if cfg!(target_arch = "aarch64") {
    &[Isa::Portable, Isa::Armv8]
} else {
    &[Isa::Portable]
};

/// Every backend that this machine can be made to choose. One that it lacks is named, past the test harness's capture.
pub(crate) fn backends() -> Vec<Backend> {
    let mut backends = Vec::new();
    for &isa in ISAS {
        let backend = Backend::detect(isa).expect("self test");
        if backend.isa() == isa {
            backends.push(backend);
        } else {
            writeln!(std::io::stderr(), "SKIPPED: this machine cannot run {isa:?}").expect("stderr");
        }
    }
    backends
}

/// `plain` sealed by AWS-LC, where it is built for the tests, else by RustCrypto.
pub(crate) fn reference_seal(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], plain: &[u8]) -> (Vec<u8>, [u8; 16]) {
    let mut sealed = plain.to_vec();
    #[cfg(target_arch = "x86_64")]
    let tag = {
        use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        key.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut sealed).unwrap().as_ref().try_into().unwrap()
    };
    #[cfg(not(target_arch = "x86_64"))]
    let tag = {
        let gcm = ossenc_gcm::Aes256Gcm::new(Backend::detect(Isa::Portable).unwrap(), key, plain.len());
        let mut tag = [0; 16];
        gcm.seal(nonce, aad, sealed.as_mut_slice().into(), &mut tag).unwrap();
        tag
    };
    (sealed, tag)
}

/// xorshift64*: reproducible, and good enough to choose lengths.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| (self.next() >> 56) as u8)
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(len).collect()
    }
}

/// A number from the environment: the same tests run short in CI and long when asked to.
pub(crate) fn amount(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |value| value.parse().expect("a number"))
}
