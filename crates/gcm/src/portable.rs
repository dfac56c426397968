//! The backend for every CPU: GCM composed of RustCrypto's constant-time `aes`, `ctr` and `ghash`.
//!
//! Composed here rather than taken whole from `aes-gcm`, because that crate has neither pieces nor verification
//! without decryption.

use aes::Aes256Enc;
use aes::cipher::{BlockCipherEncrypt, InnerIvInit, KeyInit, StreamCipher, StreamCipherSeek};
use ctr::Ctr32BE;
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use inout::InOutBuf;
use zeroize::Zeroize;

use crate::{KEY_LEN, TAG_LEN};

const BLOCK: usize = 16;

/// Key schedule and hash key. Both types wipe themselves on drop.
pub(crate) struct Key {
    aes: Aes256Enc,
    ghash: GHash,
}

impl Key {
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Key {
        let aes = Aes256Enc::new(key.into());
        let mut h = [0; BLOCK];
        aes.encrypt_block((&mut h).into());
        let ghash = GHash::new((&h).into());
        h.zeroize();
        Key { aes, ghash }
    }
}

/// One message under way: key stream, hash, and the block that GHASH still waits to fill.
pub(crate) struct State<'k> {
    key: &'k Key,
    j0: [u8; BLOCK],
    ctr: Ctr32BE<&'k Aes256Enc>,
    ghash: GHash,
    aad_len: u64,
    len: u64,
    partial: [u8; BLOCK],
}

impl<'k> State<'k> {
    pub(crate) fn new(key: &'k Key, j0: &[u8; BLOCK], aad: &[u8]) -> State<'k> {
        let (nonce, counter) = j0.split_last_chunk::<4>().expect("4 of 16");
        let mut first = *j0;
        first[nonce.len()..].copy_from_slice(&u32::from_be_bytes(*counter).wrapping_add(1).to_be_bytes());
        let mut ghash = key.ghash.clone();
        ghash.update_padded(aad);
        State {
            key,
            j0: *j0,
            ctr: Ctr32BE::from_core(ctr::CtrCore::inner_iv_init(&key.aes, (&first).into())),
            ghash,
            aad_len: aad.len() as u64,
            len: 0,
            partial: [0; BLOCK],
        }
    }

    pub(crate) fn seal(&mut self, piece: InOutBuf<'_, '_, u8>) {
        let buf = piece.into_out_with_copied_in();
        self.ctr.apply_keystream(buf);
        self.hash(buf);
    }

    /// The source is loaded once, into the destination: a source that changes meanwhile cannot make the bytes that were
    /// verified differ from those that were decrypted.
    pub(crate) fn open(&mut self, piece: InOutBuf<'_, '_, u8>) {
        let buf = piece.into_out_with_copied_in();
        self.hash(buf);
        self.ctr.apply_keystream(buf);
    }

    pub(crate) fn absorb(&mut self, piece: &[u8]) {
        self.hash(piece);
        self.ctr.seek(self.len);
    }

    pub(crate) fn finish(mut self) -> [u8; TAG_LEN] {
        if !self.len.is_multiple_of(BLOCK as u64) {
            self.ghash.update(&[self.partial.into()]);
        }
        let mut lengths = [0; BLOCK];
        lengths[..8].copy_from_slice(&(self.aad_len * 8).to_be_bytes());
        lengths[8..].copy_from_slice(&(self.len * 8).to_be_bytes());
        self.ghash.update(&[lengths.into()]);
        let mut tag: [u8; TAG_LEN] = self.ghash.finalize().into();
        self.key.aes.encrypt_block((&mut self.j0).into());
        for (t, j) in tag.iter_mut().zip(self.j0) {
            *t ^= j;
        }
        self.j0.zeroize();
        tag
    }

    /// Adds ciphertext to GHASH, keeping what does not fill a block, zero-padded, for the next piece.
    fn hash(&mut self, mut bytes: &[u8]) {
        let held = (self.len % BLOCK as u64) as usize;
        self.len += bytes.len() as u64;
        if held > 0 {
            let (fill, rest) = bytes.split_at(bytes.len().min(BLOCK - held));
            self.partial[held..held + fill.len()].copy_from_slice(fill);
            if held + fill.len() < BLOCK {
                return;
            }
            self.ghash.update(&[self.partial.into()]);
            bytes = rest;
        }
        let (blocks, tail) = bytes.as_chunks::<BLOCK>();
        self.ghash.update(ghash::Block::cast_slice_from_core(blocks));
        self.partial = [0; BLOCK];
        self.partial[..tail.len()].copy_from_slice(tail);
    }
}
