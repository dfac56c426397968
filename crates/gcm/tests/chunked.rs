//! Runs of chunks against the plain AEAD, chunk by chunk, and against themselves in every form.

mod common;

use common::backends;
use ossenc_gcm::inout::InOutBuf;
use ossenc_gcm::{Aes256Gcm, Backend, Chunked, Error};

const CHUNK: usize = 160;
const STORED: usize = CHUNK + 16;
const KEY: [u8; 32] = [0x42; 32];
const NONCE: [u8; 12] = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0xff, 0xee, 0xdd];

fn cipher(backend: Backend) -> Chunked {
    Chunked::new(backend, &KEY, &NONCE, CHUNK, CHUNK)
}

fn plaintext(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 % 251) as u8).collect()
}

/// What a message with a short last chunk is, built from single GCM calls.
fn reference(backend: Backend, first: u64, plain: &[u8]) -> Vec<u8> {
    let gcm = Aes256Gcm::new(backend, &KEY, CHUNK);
    let mut out = Vec::new();
    for i in 0..=plain.len() / CHUNK {
        let mut nonce = NONCE;
        for (n, b) in nonce[4..].iter_mut().zip((first + i as u64).to_be_bytes()) {
            *n ^= b;
        }
        let mut chunk = plain[i * CHUNK..plain.len().min((i + 1) * CHUNK)].to_vec();
        let mut tag = [0; 16];
        gcm.seal(&nonce, &[], chunk.as_mut_slice().into(), &mut tag).unwrap();
        out.extend_from_slice(&chunk);
        out.extend_from_slice(&tag);
    }
    out
}

fn detach(sealed: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let chunks = || sealed.chunks(STORED).map(|c| c.split_at(c.len() - 16));
    (chunks().flat_map(|c| c.0).copied().collect(), chunks().flat_map(|c| c.1).copied().collect())
}

#[test]
fn every_form_agrees_with_single_calls() {
    for backend in backends() {
        let cipher = cipher(backend);
        for len in (0..3 * CHUNK + 40).step_by(7).chain([CHUNK, 2 * CHUNK]) {
            for first in [0, 1 << 31, (1 << 38) - 5] {
                let plain = plaintext(len);
                let want = reference(backend, first, &plain);
                let (want_body, want_tags) = detach(&want);

                let mut sealed = vec![0; want.len()];
                cipher.seal_inline(first, &plain, &mut sealed).unwrap();
                assert_eq!(sealed, want);

                let mut body = plain.clone();
                let mut tags = vec![0; want_tags.len()];
                cipher.seal_detached(first, body.as_mut_slice().into(), &mut tags).unwrap();
                assert_eq!((&body, &tags), (&want_body, &want_tags));

                let mut copied = vec![0; len];
                cipher.seal_detached(first, InOutBuf::new(&plain, &mut copied).unwrap(), &mut tags).unwrap();
                assert_eq!((&copied, &tags), (&want_body, &want_tags));

                let mut opened = vec![0; len];
                cipher.open_inline(first, &sealed, &mut opened).unwrap();
                assert_eq!(opened, plain);
                cipher.open_detached(first, body.as_mut_slice().into(), &tags).unwrap();
                assert_eq!(body, plain);

                cipher.verify_inline(first, &sealed).unwrap();
                cipher.verify_detached(first, &copied, &tags).unwrap();
            }
        }
    }
}

#[test]
fn streams_agree_for_every_split() {
    for backend in backends() {
        let cipher = cipher(backend);
        let plain = plaintext(CHUNK);
        let want = reference(backend, 5, &plain);
        for a in 0..=CHUNK {
            let b = (a * 3) % (CHUNK - a + 1) + a;
            let mut sealed = plain.clone();
            let mut stream = cipher.chunk(5);
            for piece in [0..a, a..b, b..CHUNK] {
                stream.seal(sealed[piece].as_mut().into()).unwrap();
            }
            assert_eq!((&sealed[..], &stream.finish()[..]), want[..STORED].split_at(CHUNK));

            // The middle piece alone is wanted as plaintext.
            let tag = want[CHUNK..STORED].try_into().unwrap();
            let mut stream = cipher.chunk(5);
            stream.absorb(&sealed[..a]).unwrap();
            let mut middle = sealed[a..b].to_vec();
            stream.open(middle.as_mut_slice().into()).unwrap();
            stream.absorb(&sealed[b..]).unwrap();
            stream.verify(tag).unwrap();
            assert_eq!(middle, plain[a..b]);
        }
    }
}

/// RUSTSEC-2023-0096 in another library: plaintext stayed in the buffer after a bad tag.
#[test]
fn a_bad_tag_wipes_its_chunk_keeps_those_before_and_touches_none_after() {
    for backend in backends() {
        let cipher = cipher(backend);
        let plain = plaintext(3 * CHUNK + 9);
        let sealed = reference(backend, 0, &plain);
        for chunk in 0..4 {
            for bit in [0, 5] {
                let mut bad = sealed.clone();
                bad[chunk * STORED + 3 + bit] ^= 1 << bit;
                let mut opened = vec![0xaa; plain.len()];
                assert_eq!(cipher.open_inline(0, &bad, &mut opened), Err(Error::BadTag { chunk: chunk as u64 }));
                assert_eq!(cipher.verify_inline(0, &bad), Err(Error::BadTag { chunk: chunk as u64 }));
                let (before, rest) = opened.split_at(chunk * CHUNK);
                let (failed, after) = rest.split_at(rest.len().min(CHUNK));
                assert_eq!(before, &plain[..before.len()]);
                assert!(failed.iter().all(|&b| b == 0), "not wiped");
                assert!(after.iter().all(|&b| b == 0xaa), "written before its turn");
            }
        }
    }
}
