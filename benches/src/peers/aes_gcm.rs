//! RustCrypto's crate aes-gcm.

use aes_gcm::Aes256Gcm;
use aes_gcm::KeyInit;
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::inout::InOutBuf;

use super::{Key, Nonce, Peer, Tag};

#[derive(Clone, Copy, Debug)]
pub(super) struct RustCrypto;

impl Peer for RustCrypto {
    type Key = Aes256Gcm;

    fn name(&self) -> &'static str {
        "aes-gcm"
    }

    fn key(&self, key: &[u8; 32], _longest: usize) -> Aes256Gcm {
        Aes256Gcm::new(key.into())
    }
}

impl Key for Aes256Gcm {
    fn seal(&mut self, nonce: &Nonce, body: &mut [u8]) -> Tag {
        self.encrypt_inout_detached(nonce.into(), &[], body.into()).expect("short enough").into()
    }

    fn open(&mut self, nonce: &Nonce, body: &mut [u8], tag: &Tag) {
        self.decrypt_inout_detached(nonce.into(), &[], body.into(), tag.into()).expect("authentic");
    }

    fn seal_to(&mut self, nonce: &Nonce, plain: &[u8], body: &mut [u8]) -> Tag {
        let both = InOutBuf::new(plain, body).expect("equal lengths");
        self.encrypt_inout_detached(nonce.into(), &[], both).expect("short enough").into()
    }

    fn open_to(&mut self, nonce: &Nonce, body: &[u8], tag: &Tag, plain: &mut [u8]) {
        let both = InOutBuf::new(body, plain).expect("equal lengths");
        self.decrypt_inout_detached(nonce.into(), &[], both, tag.into()).expect("authentic");
    }
}
