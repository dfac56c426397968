//! Every backend against AWS-LC and against the others: every length, every alignment, every way through the interface.
//!
//! OSSENC_GCM_CASES makes the random cases more (a million for the long run), OSSENC_GCM_STEP the lengths fewer (under
//! emulation).

mod common;

use common::{Random, amount, backends, reference_seal};
use ossenc_gcm::inout::InOutBuf;
use ossenc_gcm::{Aes256Gcm, Chunked, Error};

const KEY: [u8; 32] = [0x36; 32];
const NONCE: [u8; 12] = *b"twelve bytes";

/// openssl PR 31633: wrong tags from 1,792 bytes on, while round sizes passed.
#[test]
fn every_length_to_4112() {
    let backends = backends();
    let plain = Random(1).bytes(4112);
    for len in (0..=plain.len()).step_by(amount("OSSENC_GCM_STEP", 1)) {
        let aad = &plain[..len % 37];
        let plain = &plain[..len];
        let (sealed, tag) = reference_seal(&KEY, &NONCE, aad, plain);
        for backend in &backends {
            // Set up for less than comes, for as much, and for more.
            for longest in [len / 3, len, 1 << 20] {
                let gcm = Aes256Gcm::new(*backend, &KEY, longest);
                let mut buffer = plain.to_vec();
                let mut own_tag = [0; 16];
                gcm.seal(&NONCE, aad, buffer.as_mut_slice().into(), &mut own_tag).unwrap();
                assert!(buffer == sealed && own_tag == tag, "seal {len}, {longest}, {:?}", backend.isa());
                let mut opened = vec![0xaa; len];
                gcm.open(&NONCE, aad, InOutBuf::new(&buffer, &mut opened).unwrap(), &tag).unwrap();
                assert!(opened == plain, "open {len}, {longest}, {:?}", backend.isa());
                let mut stream = gcm.stream(&NONCE, aad);
                stream.absorb(&buffer).unwrap();
                stream.verify(&tag).unwrap();
            }
        }
    }
}

#[test]
fn every_alignment_of_source_and_target() {
    let backends = backends();
    let source = Random(2).bytes(2048 + 64);
    for len in (0..2048).step_by(61 * amount("OSSENC_GCM_STEP", 1)).chain([512, 1024, 2048]) {
        for backend in &backends {
            let gcm = Aes256Gcm::new(*backend, &KEY, len);
            for at in 0..64 {
                let plain = &source[at..at + len];
                let (sealed, tag) = reference_seal(&KEY, &NONCE, &[], plain);
                let to = at * 7 % 64;
                let mut target = vec![0x55; len + 128];
                let mut own_tag = [0; 16];
                let buffer = InOutBuf::new(plain, &mut target[to..to + len]).unwrap();
                gcm.seal(&NONCE, &[], buffer, &mut own_tag).unwrap();
                assert!(target[to..to + len] == sealed && own_tag == tag, "{len} at {at}, {:?}", backend.isa());
                let outside = target[..to].iter().chain(&target[to + len..]);
                assert!(outside.copied().all(|b| b == 0x55), "wrote outside: {len} at {to}, {:?}", backend.isa());
                gcm.open(&NONCE, &[], (&mut target[to..to + len]).into(), &tag).unwrap();
                assert!(&target[to..to + len] == plain, "{len} at {at}, {:?}", backend.isa());
            }
        }
    }
}

/// Random keys, lengths, chunk lengths, splits and forms.
#[test]
fn random_cases_with_random_splits() {
    let backends = backends();
    let mut random = Random(0x0123_4567_89ab_cdef);
    for case in 0..amount("OSSENC_GCM_CASES", 1500) {
        let key = random.array();
        let nonce = random.array();
        let most = [64, 600, 5000, 70_000][random.below(20).min(3 + case % 2) % 4];
        let len = random.below(most);
        let plain = random.bytes(len);
        let aad_len = random.below(90);
        let aad = random.bytes(aad_len);
        let (sealed, tag) = reference_seal(&key, &nonce, &aad, &plain);
        let backend = backends[random.below(backends.len())];
        let what = format!("case {case}, {len} bytes, {:?}", backend.isa());
        let longest = random.below(2 * most);
        let gcm = Aes256Gcm::new(backend, &key, longest);

        // Sealed in pieces, in place and copied in turn.
        let mut target = plain.clone();
        let mut stream = gcm.stream(&nonce, &aad);
        let mut at = 0;
        while at < len {
            let end = at + 1 + random.below((len - at).min(most / 3 + 1));
            if random.below(2) == 0 {
                stream.seal((&mut target[at..end]).into()).unwrap();
            } else {
                stream.seal(InOutBuf::new(&plain[at..end], &mut target[at..end]).unwrap()).unwrap();
            }
            at = end;
        }
        assert!(target == sealed && stream.finish() == tag, "{what}");

        // Opened in pieces, some of them only absorbed.
        let mut stream = gcm.stream(&nonce, &aad);
        let mut at = 0;
        while at < len {
            let end = at + 1 + random.below((len - at).min(most / 3 + 1));
            if random.below(3) == 0 {
                stream.absorb(&sealed[at..end]).unwrap();
                target[at..end].copy_from_slice(&plain[at..end]);
            } else {
                stream.open((&mut target[at..end]).into()).unwrap();
            }
            at = end;
        }
        stream.verify(&tag).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!(target == plain, "{what}");

        chunks(&mut random, &plain, &key, &nonce, backend, &what);
    }
}

/// The same bytes as a run of chunks, in every form.
fn chunks(
    random: &mut Random,
    plain: &[u8],
    key: &[u8; 32],
    nonce: &[u8; 12],
    backend: ossenc_gcm::Backend,
    what: &str,
) {
    let chunk_len = [128, 256, 512, 1024, 4096, 16_384, 1 + random.below(3000)][random.below(7)];
    let first = random.next() >> random.below(64) >> 1;
    let cipher = Chunked::new(backend, key, nonce, chunk_len, chunk_len);
    let (mut want, mut want_body, mut want_tags) = (Vec::new(), Vec::new(), Vec::new());
    for (i, chunk) in plain.chunks(chunk_len).enumerate() {
        let mut nonce = *nonce;
        for (n, b) in nonce[4..].iter_mut().zip((first + i as u64).to_be_bytes()) {
            *n ^= b;
        }
        let (body, tag) = reference_seal(key, &nonce, &[], chunk);
        want.extend_from_slice(&body);
        want.extend_from_slice(&tag);
        want_body.extend_from_slice(&body);
        want_tags.extend_from_slice(&tag);
    }
    let what = format!("{what}, chunks of {chunk_len} from {first}");
    let mut sealed = vec![0; want.len()];
    cipher.seal_inline(first, plain, &mut sealed).unwrap();
    assert!(sealed == want, "{what}");
    let mut opened = vec![0; plain.len()];
    cipher.open_inline(first, &sealed, &mut opened).unwrap();
    assert!(opened == plain, "{what}");
    let mut tags = vec![0; want_tags.len()];
    cipher.seal_detached(first, opened.as_mut_slice().into(), &mut tags).unwrap();
    assert!(opened == want_body && tags == want_tags, "{what}");
    cipher.verify_detached(first, &opened, &tags).unwrap();
    cipher.open_detached(first, opened.as_mut_slice().into(), &tags).unwrap();
    assert!(opened == plain, "{what}");
    if !sealed.is_empty() {
        let at = random.below(sealed.len());
        sealed[at] ^= 1 << random.below(8);
        let chunk = at / (chunk_len + 16);
        let bad = Error::BadTag { chunk: first + chunk as u64 };
        assert_eq!(cipher.verify_inline(first, &sealed), Err(bad), "{what}");
        assert_eq!(cipher.open_inline(first, &sealed, &mut opened), Err(bad), "{what}");
        let failed = &opened[chunk * chunk_len..plain.len().min((chunk + 1) * chunk_len)];
        assert!(failed.iter().all(|&b| b == 0), "not wiped: {what}");
    }
}

#[test]
fn chunk_numbers_end_at_the_last() {
    for backend in backends() {
        let cipher = Chunked::new(backend, &KEY, &NONCE, 64, 64);
        let mut sealed = [0; 160];
        assert_eq!(cipher.seal_inline(u64::MAX, &[1; 128], &mut sealed), Err(Error::Length));
        assert_eq!(sealed, [0; 160], "written all the same");
        cipher.seal_inline(u64::MAX - 1, &[1; 128], &mut sealed).unwrap();
        let mut nonce = NONCE;
        nonce[4..].iter_mut().for_each(|b| *b ^= 0xff);
        let (body, tag) = reference_seal(&KEY, &nonce, &[], &[1; 64]);
        assert_eq!((&sealed[80..144], &sealed[144..]), (&body[..], &tag[..]));
        assert_eq!(cipher.open_inline(u64::MAX, &sealed, &mut [0; 128]), Err(Error::Length));
        assert_eq!(cipher.verify_inline(u64::MAX, &sealed), Err(Error::Length));
    }
}
