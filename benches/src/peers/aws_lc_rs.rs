//! AWS-LC, through crate aws-lc-rs.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce as AwsNonce, UnboundKey};

use super::{Key, Nonce, Peer, Tag};

#[derive(Clone, Copy, Debug)]
pub(super) struct AwsLcRs;

impl Peer for AwsLcRs {
    type Key = LessSafeKey;

    fn name(&self) -> &'static str {
        "aws-lc-rs"
    }

    fn key(&self, key: &[u8; 32], _longest: usize) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes"))
    }
}

fn nonce_of(nonce: &Nonce) -> AwsNonce {
    AwsNonce::from(nonce)
}

impl Key for LessSafeKey {
    fn seal(&mut self, nonce: &Nonce, body: &mut [u8]) -> Tag {
        let tag = self.seal_in_place_separate_tag(nonce_of(nonce), Aad::empty(), body).expect("short enough");
        tag.as_ref().try_into().expect("16 bytes")
    }

    fn open(&mut self, nonce: &Nonce, body: &mut [u8], tag: &Tag) {
        self.open_in_place_separate_tag(nonce_of(nonce), Aad::empty(), tag, body).expect("authentic");
    }

    fn seal_to(&mut self, nonce: &Nonce, plain: &[u8], body: &mut [u8]) -> Tag {
        let mut tag = [0; 16];
        self.seal_out_of_place_scatter(nonce_of(nonce), Aad::empty(), plain, body, &[], &mut tag)
            .expect("equal lengths");
        tag
    }

    fn open_to(&mut self, nonce: &Nonce, body: &[u8], tag: &Tag, plain: &mut [u8]) {
        self.open_separate_gather(nonce_of(nonce), Aad::empty(), body, tag, plain).expect("authentic");
    }
}
