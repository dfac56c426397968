//! Who does the cryptography of TLS.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The process's own choice, or graviola, which builds without a C compiler. `None`: neither can be had.
pub(super) fn crypto_provider() -> Option<Arc<CryptoProvider>> {
    CryptoProvider::get_default().cloned().or_else(built_in)
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn built_in() -> Option<Arc<CryptoProvider>> {
    has_instructions().then(|| Arc::new(rustls_graviola::default_provider()))
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn built_in() -> Option<Arc<CryptoProvider>> {
    None
}

/// What graviola panics without.
#[cfg(target_arch = "x86_64")]
fn has_instructions() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("aes") && has!("pclmulqdq") && has!("adx") && has!("bmi1") && has!("bmi2") && has!("avx") && has!("avx2")
}

/// What graviola panics without.
#[cfg(target_arch = "aarch64")]
fn has_instructions() -> bool {
    use std::arch::is_aarch64_feature_detected as has;
    has!("neon") && has!("aes") && has!("pmull") && has!("sha2")
}
