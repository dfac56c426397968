//! Crate ring. It works in place only.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce as RingNonce, UnboundKey};

use super::{Key, Nonce, Peer, Tag};

#[derive(Clone, Copy, Debug)]
pub(super) struct Ring;

impl Peer for Ring {
    type Key = LessSafeKey;

    fn name(&self) -> &'static str {
        "ring"
    }

    fn key(&self, key: &[u8; 32], _longest: usize) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes"))
    }
}

impl Key for LessSafeKey {
    fn seal(&mut self, nonce: &Nonce, body: &mut [u8]) -> Tag {
        let nonce = RingNonce::assume_unique_for_key(*nonce);
        let tag = self.seal_in_place_separate_tag(nonce, Aad::empty(), body).expect("short enough");
        tag.as_ref().try_into().expect("16 bytes")
    }

    fn open(&mut self, nonce: &Nonce, body: &mut [u8], tag: &Tag) {
        let nonce = RingNonce::assume_unique_for_key(*nonce);
        self.open_in_place_separate_tag(nonce, Aad::empty(), (*tag).into(), body, 0..).expect("authentic");
    }
}
