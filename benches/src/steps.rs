//! What is timed of the plain AEAD: one step each, to be repeated for ever.

use std::hint::black_box;

use crate::buffer::Buffer;
use crate::peers::{Key, Nonce, Peer, Tag};

const KEY: [u8; 32] = *b"a key of thirty-two bytes, fixed";

/// A nonce that no step used before.
fn advance(nonce: &mut Nonce) {
    let counter = nonce.last_chunk_mut::<8>().expect("12 bytes");
    *counter = u64::from_le_bytes(*counter).wrapping_add(1).to_le_bytes();
}

/// Seals a buffer in place, again and again, under one key.
pub fn seal<P: Peer>(peer: P, size: usize) -> impl FnMut() {
    let mut key = peer.key(&KEY, size);
    let mut buffer = Buffer::new(size);
    let mut nonce = [0; 12];
    move || {
        advance(&mut nonce);
        black_box(key.seal(&nonce, black_box(&mut buffer)));
    }
}

/// Opens a buffer in place, again and again, under one key.
///
/// Opening in place leaves no ciphertext behind to open again, and copying some would be timed too. But counter mode
/// undoes itself: under one nonce, plaintext P opens to ciphertext C as C opens to P, only the tags differ. So every
/// second step opens P, and no byte is copied.
pub fn open<P: Peer>(peer: P, size: usize) -> impl FnMut() {
    let mut key = peer.key(&KEY, size);
    let mut buffer = Buffer::new(size);
    let mut nonce = [0; 12];
    let pairs: Vec<(Nonce, [Tag; 2])> = (0..8)
        .map(|_| {
            advance(&mut nonce);
            let tag_of_cipher = key.seal(&nonce, &mut buffer);
            let tag_of_plain = key.seal(&nonce, &mut buffer);
            (nonce, [tag_of_plain, tag_of_cipher])
        })
        .collect();
    let mut turns = (0..pairs.len()).flat_map(|i| [(i, 0), (i, 1)]).collect::<Vec<_>>().into_iter().cycle();
    move || {
        let (i, turn) = turns.next().expect("a cycle");
        let (nonce, tags) = &pairs[i];
        key.open(nonce, black_box(&mut buffer), &tags[turn]);
    }
}

/// Sets up a key that was not used before, and seals one buffer in place under it.
pub fn fresh_seal<P: Peer>(peer: P, size: usize) -> impl FnMut() {
    let mut bytes = KEY;
    let mut key = peer.key(&bytes, size);
    let mut buffer = Buffer::new(size);
    move || {
        advance(bytes.last_chunk_mut().expect("32 bytes"));
        peer.rekey(&mut key, black_box(&bytes), size);
        black_box(key.seal(&[0; 12], black_box(&mut buffer)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::{Visit, others, ours};

    struct Agrees(Vec<u8>);

    impl Visit for Agrees {
        fn visit<P: Peer>(&mut self, peer: P) {
            let mut key = peer.key(&[0; 32], 0);
            peer.rekey(&mut key, &KEY, 100);
            let plain = Buffer::new(100);
            let mut sealed = [0; 116];
            let (body, tag) = sealed.split_last_chunk_mut().unwrap();
            *tag = key.seal_to(&[7; 12], &plain, body);
            assert!(self.0.is_empty() || self.0 == sealed, "{}", peer.name());
            self.0 = sealed.to_vec();

            let (body, tag) = sealed.split_last_chunk_mut().unwrap();
            let mut opened = [0; 100];
            key.open_to(&[7; 12], body, tag, &mut opened);
            assert_eq!(opened, plain[..]);
            key.open(&[7; 12], body, tag);
            assert_eq!(body, &plain[..]);
            assert_eq!(key.seal(&[7; 12], body), self.0[100..]);
            let mut step = open(peer, 100);
            (0..50).for_each(|_| step());
        }
    }

    #[test]
    fn all_peers_compute_the_same() {
        let mut agrees = Agrees(vec![]);
        ours(&mut agrees);
        others(&mut agrees);
    }
}
