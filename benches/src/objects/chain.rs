//! What a program writes by hand on top of aws-lc-rs: random key, salt and nonce; the key wrapped by GCM under a key that
//! HKDF-SHA256 derives from the master key; the body sealed by GCM under another that it derives from the data key. It
//! commits to nothing, and binds nothing to the object.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::rand;

use super::Objects;
use crate::buffer::Buffer;

const TAG_LEN: usize = 16;

struct Envelope {
    salt: [u8; 32],
    nonce: [u8; 12],
    wrapped: [u8; 32 + TAG_LEN],
}

const EMPTY: Envelope = Envelope { salt: [0; 32], nonce: [0; 12], wrapped: [0; 48] };

pub(super) struct Chain {
    master_key: [u8; 32],
    envelope: Envelope,
    body: Buffer,
}

impl Chain {
    pub(super) fn new(len: usize) -> Chain {
        Chain { master_key: [7; 32], envelope: EMPTY, body: Buffer::new(len + TAG_LEN) }
    }

    fn wrap(&mut self, data_key: &[u8; 32], salt: &[u8; 32], nonce: &[u8; 12]) {
        self.envelope = Envelope { salt: *salt, nonce: *nonce, wrapped: [0; 48] };
        let (body, tag) = self.envelope.wrapped.split_at_mut(32);
        derive(&self.master_key, salt, b"wrap")
            .seal_out_of_place_scatter(nonce.into(), Aad::empty(), data_key, body, &[], tag)
            .expect("sealed");
    }

    fn unwrap(&self) -> [u8; 32] {
        let Envelope { salt, nonce, wrapped } = &self.envelope;
        let mut data_key = [0; 32];
        let (body, tag) = wrapped.split_at(32);
        derive(&self.master_key, salt, b"wrap")
            .open_separate_gather(nonce.into(), Aad::empty(), body, tag, &mut data_key)
            .expect("authentic");
        data_key
    }
}

fn derive(key: &[u8; 32], salt: &[u8; 32], info: &[u8]) -> LessSafeKey {
    let mut bytes = [0; 32];
    Salt::new(HKDF_SHA256, salt)
        .extract(key)
        .expand(&[info], HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut bytes))
        .expect("32 bytes");
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).expect("32 bytes"))
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("entropy");
    bytes
}

/// The body's key is used once.
fn body_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

impl Objects for Chain {
    fn name(&self) -> &'static str {
        "aws-lc-rs"
    }

    fn seal(&mut self, plain: &[u8]) {
        let (data_key, salt, nonce) = (random(), random(), random());
        self.wrap(&data_key, &salt, &nonce);
        let (body, tag) = self.body.split_at_mut(plain.len());
        derive(&data_key, &salt, b"body")
            .seal_out_of_place_scatter(body_nonce(), Aad::empty(), plain, body, &[], tag)
            .expect("sealed");
    }

    fn open(&mut self, plain: &mut [u8]) {
        let (body, tag) = self.body.split_at(plain.len());
        derive(&self.unwrap(), &self.envelope.salt, b"body")
            .open_separate_gather(body_nonce(), Aad::empty(), body, tag, plain)
            .expect("authentic");
    }

    fn rewrap(&mut self) {
        // The body's salt stays, so this chain wraps under it again; only the nonce is new.
        let (data_key, salt) = (self.unwrap(), self.envelope.salt);
        self.wrap(&data_key, &salt, &random());
    }
}
