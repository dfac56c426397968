//! The backend for every CPU: GCM composed of RustCrypto's constant-time `aes` and `ghash`.
//!
//! Composed here rather than taken whole from `aes-gcm`, because that crate has neither pieces nor verification
//! without decryption; and without `ctr`, whose buffers are of the widest CPU's size: 6 KiB of stack.

use aes::Aes256Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use inout::InOutBuf;
use zeroize::Zeroize;

use crate::{KEY_LEN, TAG_LEN};

const BLOCK: usize = 16;
/// Blocks of key stream that are made at once: twice what bit-sliced AES takes, all that AES instructions can overlap.
const BLOCKS: usize = 8;

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

/// One message under way: the hash, and the block that it still waits to fill.
pub(crate) struct State<'k> {
    key: &'k Key,
    j0: [u8; BLOCK],
    ghash: GHash,
    aad_len: u64,
    len: u64,
    partial: [u8; BLOCK],
}

impl<'k> State<'k> {
    pub(crate) fn new(key: &'k Key, j0: &[u8; BLOCK], aad: &[u8]) -> State<'k> {
        let mut ghash = key.ghash.clone();
        ghash.update_padded(aad);
        State { key, j0: *j0, ghash, aad_len: aad.len() as u64, len: 0, partial: [0; BLOCK] }
    }

    pub(crate) fn seal(&mut self, piece: InOutBuf<'_, '_, u8>) {
        let buf = piece.into_out_with_copied_in();
        self.crypt(self.len, buf);
        self.hash(buf);
    }

    /// The source is loaded once, into the destination: a source that changes meanwhile cannot make the bytes that were
    /// verified differ from those that were decrypted.
    pub(crate) fn open(&mut self, piece: InOutBuf<'_, '_, u8>) {
        let buf = piece.into_out_with_copied_in();
        let at = self.len;
        self.hash(buf);
        self.crypt(at, buf);
    }

    pub(crate) fn absorb(&mut self, piece: &[u8]) {
        self.hash(piece);
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

    /// Adds the key stream from byte `at` of the message on. The counter follows from the place: none is kept.
    fn crypt(&self, at: u64, mut bytes: &mut [u8]) {
        let (nonce, counter) = self.j0.split_last_chunk::<4>().expect("4 of 16");
        // Counters wrap; those of the message begin one after that of its tag.
        let mut next = u32::from_be_bytes(*counter).wrapping_add((at / BLOCK as u64) as u32).wrapping_add(1);
        let mut skip = (at % BLOCK as u64) as usize;
        let mut stream = [[0; BLOCK]; BLOCKS];
        while !bytes.is_empty() {
            let len = bytes.len().min(stream.len() * BLOCK - skip);
            let blocks = &mut stream[..(skip + len).div_ceil(BLOCK)];
            for block in &mut *blocks {
                block[..nonce.len()].copy_from_slice(nonce);
                block[nonce.len()..].copy_from_slice(&next.to_be_bytes());
                next = next.wrapping_add(1);
            }
            self.key.aes.encrypt_blocks(aes::Block::cast_slice_from_core_mut(blocks));
            let (now, rest) = bytes.split_at_mut(len);
            now.iter_mut().zip(&blocks.as_flattened()[skip..]).for_each(|(byte, key)| *byte ^= key);
            (bytes, skip) = (rest, 0);
        }
        stream.zeroize();
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
