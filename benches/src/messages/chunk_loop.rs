//! What a program writes around an AEAD that knows no chunks: a key for the message, then a call for each chunk. No key is
//! derived, and nothing committed to.

use super::{CHUNK_LEN, Messages};
use crate::peers::{Key, Nonce, Peer};

const TAG_LEN: usize = 16;

pub(super) struct ChunkLoop<P: Peer> {
    peer: P,
    key: P::Key,
    sealed: u64,
}

impl<P: Peer> ChunkLoop<P> {
    pub(super) fn new(peer: P) -> ChunkLoop<P> {
        ChunkLoop { peer, key: peer.key(&[7; 32], CHUNK_LEN), sealed: 0 }
    }

    fn set_key(&mut self, longest: usize) {
        let mut key = [7; 32];
        key[..8].copy_from_slice(&self.sealed.to_be_bytes());
        self.peer.rekey(&mut self.key, &key, longest.min(CHUNK_LEN));
    }
}

fn nonce(chunk: u64) -> Nonce {
    let mut nonce = [9; 12];
    nonce[4..].copy_from_slice(&chunk.to_be_bytes());
    nonce
}

impl<P: Peer> Messages for ChunkLoop<P> {
    fn name(&self) -> &'static str {
        self.peer.name()
    }

    fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> usize {
        self.sealed += 1;
        self.set_key(plain.len());
        for ((plain, sealed), i) in plain.chunks(CHUNK_LEN).zip(sealed.chunks_mut(CHUNK_LEN + TAG_LEN)).zip(0..) {
            let (body, rest) = sealed.split_at_mut(plain.len());
            rest[..TAG_LEN].copy_from_slice(&self.key.seal_to(&nonce(i), plain, body));
        }
        plain.len() + plain.len().div_ceil(CHUNK_LEN) * TAG_LEN
    }

    fn open(&mut self, sealed: &[u8], plain: &mut [u8]) {
        self.set_key(plain.len());
        for ((sealed, plain), i) in sealed.chunks(CHUNK_LEN + TAG_LEN).zip(plain.chunks_mut(CHUNK_LEN)).zip(0..) {
            let (body, tag) = sealed.split_last_chunk().expect("a tag");
            self.key.open_to(&nonce(i), body, tag, plain);
        }
    }
}
