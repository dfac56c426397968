//! Crate graviola. It works in place only.

use graviola::aead::AesGcm;

use super::{Key, Nonce, Peer, Tag};

#[derive(Clone, Copy, Debug)]
pub(super) struct Graviola;

impl Peer for Graviola {
    type Key = AesGcm;

    fn name(&self) -> &'static str {
        "graviola"
    }

    fn key(&self, key: &[u8; 32], _longest: usize) -> AesGcm {
        AesGcm::new(key)
    }
}

impl Key for AesGcm {
    fn seal(&mut self, nonce: &Nonce, body: &mut [u8]) -> Tag {
        let mut tag = [0; 16];
        self.encrypt(nonce, &[], body, &mut tag);
        tag
    }

    fn open(&mut self, nonce: &Nonce, body: &mut [u8], tag: &Tag) {
        self.decrypt(nonce, &[], body, tag).expect("authentic");
    }
}
