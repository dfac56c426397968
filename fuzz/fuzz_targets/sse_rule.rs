//! Any bytes as a rule of either dialect. What is read is written so that it reads back, and in the other dialect, too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ossenc_sse::{Code, Dialect, Rule};

const REFUSALS: [Code; 5] = [
    Code::MalformedXml,
    Code::InvalidEncryptionAlgorithm,
    Code::InvalidDataEncryptionAlgorithm,
    Code::InvalidArgument,
    Code::InvalidKeyId,
];

fuzz_target!(|bytes: &[u8]| {
    for dialect in [Dialect::Oss, Dialect::S3] {
        match Rule::parse(dialect, bytes) {
            Err(error) => assert!(REFUSALS.contains(&error.code()), "{error:?}"),
            Ok(rule) => {
                let written = rule.to_xml(dialect);
                assert_eq!(Rule::parse(dialect, written.as_bytes()), Ok(rule.clone()));
                let other =
                    Rule::parse(Dialect::Oss, rule.to_xml(Dialect::Oss).as_bytes()).expect("a rule in OSS, too");
                assert_eq!(Rule::to_bucket_info(Some(&other)), Rule::to_bucket_info(Some(&rule)));
            }
        }
    }
});
