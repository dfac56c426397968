//! Any request. A seed's first bytes choose dialect, operation, recorded method, the source's, and the rule; then come
//! lines `name: value`. What is decided is what was asked for, and its answer can go on the wire.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ossenc_sse::{
    Decision, Dialect, Encryption, EncryptionContext, Headers, KeyId, Method, Operation, Recorded, Request, Rule,
    answer, resolve,
};

const OPERATIONS: [Operation; 18] = [
    Operation::PutObject,
    Operation::PostObject,
    Operation::CopyObject,
    Operation::InitiateMultipartUpload,
    Operation::UploadPart,
    Operation::UploadPartCopy,
    Operation::CompleteMultipartUpload,
    Operation::AppendObject { position: 0 },
    Operation::AppendObject { position: 1 },
    Operation::GetObject,
    Operation::HeadObject,
    Operation::ListParts,
    Operation::PutBucket,
    Operation::PutBucketEncryption,
    Operation::GetBucketEncryption,
    Operation::DeleteBucketEncryption,
    Operation::GetBucketInfo,
    Operation::Other,
];
const METHODS: [Option<Method>; 4] = [None, Some(Method::SseOss), Some(Method::SseKms), Some(Method::SseC)];

fuzz_target!(|bytes: &[u8]| {
    let Some((&[dialect, operation, recorded, source, rule], lines)) = bytes.split_first_chunk() else { return };
    let dialect = [Dialect::Oss, Dialect::S3][usize::from(dialect) % 2];
    let operation = OPERATIONS[usize::from(operation) % OPERATIONS.len()];
    let [recorded, source] = [recorded, source].map(|n| METHODS[usize::from(n) % METHODS.len()]);
    let rule = ["", "AES256", "KMS"][usize::from(rule) % 3];
    let xml = format!(
        "<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{rule}</SSEAlgorithm>\
         </ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>"
    );
    let rule = Rule::parse(Dialect::Oss, xml.as_bytes()).ok();
    let lines: Vec<(&[u8], &[u8])> = lines
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.iter().position(|byte| *byte == b':').map(|at| (&line[..at], &line[at + 1..])))
        .collect();
    let Ok(headers) = Headers::read(dialect, lines.iter().copied()) else { return };
    let request = Request { operation, headers, rule: rule.as_ref(), recorded, source };
    let Ok(decision) = resolve(&request) else { return };
    match &decision {
        Decision::Begin { encryption: Encryption::Plain, .. } => {
            let name = [&b"x-oss-server-side-encryption"[..], b"x-amz-server-side-encryption"][dialect as usize];
            assert!(rule.is_none() && !lines.iter().any(|line| line.0.eq_ignore_ascii_case(name)), "asked for");
        }
        Decision::Begin { encryption: Encryption::SseKms { key, context, bucket_key }, .. } => {
            assert_eq!(EncryptionContext::from_json(&context.to_json()).as_ref(), Ok(context));
            let key_id = KeyId::new(key.id(dialect)).expect("a well-formed id");
            let told = Recorded::SseKms { key_id, bucket_key: *bucket_key, context: Some(context) };
            for (_, value) in answer(dialect, operation, Some(&told)) {
                assert!(dialect == Dialect::Oss || value.bytes().all(|byte| byte.is_ascii_graphic()), "{value}");
            }
        }
        Decision::GoOn { customer_key, .. } => {
            assert!(customer_key.is_none() || recorded == Some(Method::SseC));
        }
        _ => {}
    }
});
