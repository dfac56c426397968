//! The dialect of S3: its names, bucket keys, and customers' keys (SSE-C).

mod common;

use common::{BEGIN, GO_ON, OTHERS, refusal, s3, told};
use ossenc_sse::{
    Code, CustomerKey, Decision, Dialect, Encryption, Failure, KeyId, Method, Operation, Recorded, RequestInfo, Rule,
};

const SSE: &str = "x-amz-server-side-encryption";
const KEY_ID: &str = "x-amz-server-side-encryption-aws-kms-key-id";
const CONTEXT: &str = "x-amz-server-side-encryption-context";
const BUCKET_KEY: &str = "x-amz-server-side-encryption-bucket-key-enabled";
const C_ALGORITHM: &str = "x-amz-server-side-encryption-customer-algorithm";
const C_KEY: &str = "x-amz-server-side-encryption-customer-key";
const C_MD5: &str = "x-amz-server-side-encryption-customer-key-MD5";
const S_ALGORITHM: &str = "x-amz-copy-source-server-side-encryption-customer-algorithm";
const S_KEY: &str = "x-amz-copy-source-server-side-encryption-customer-key";
const S_MD5: &str = "x-amz-copy-source-server-side-encryption-customer-key-MD5";
/// `0123456789abcdef0123456789ABCDEF`, and its MD5 by md5sum.
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=";
const MD5: &str = "V5euSAsQOO0sIBHETfEa4w==";
const CUSTOMER: [(&str, &str); 3] = [(C_ALGORITHM, "AES256"), (C_KEY, KEY), (C_MD5, MD5)];
const SOURCE: [(&str, &str); 3] = [(S_ALGORITHM, "AES256"), (S_KEY, KEY), (S_MD5, MD5)];
const BAD_ARGUMENT: &str = "400 InvalidArgument";
const BAD_REQUEST: &str = "400 InvalidRequest";

fn rule(algorithm: &str, bucket_key: &str) -> Rule {
    let xml = format!(
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
         <SSEAlgorithm>{algorithm}</SSEAlgorithm></ApplyServerSideEncryptionByDefault>{bucket_key}</Rule>\
         </ServerSideEncryptionConfiguration>"
    );
    Rule::parse(Dialect::S3, xml.as_bytes()).expect("a rule")
}

#[test]
fn names_and_values_are_those_of_s3() {
    for operation in &BEGIN[..4] {
        for (headers, outcome) in [
            (&[][..], "plain"),
            (&[(SSE, "AES256")], "service"),
            (&[(SSE, "aws:kms")], "kms default"),
            (&[(SSE, "aws:kms"), (KEY_ID, "arn:aws:kms:us-east-1:1:key/k")], "kms arn:aws:kms:us-east-1:1:key/k"),
            (&[(SSE, "aws:kms"), (CONTEXT, "eyJiIjoiMiIsImEiOiIxIn0=")], r#"kms default {"a":"1","b":"2"}"#),
            (&[(SSE, "aws:kms"), (CONTEXT, r#"{"a":"1"}"#)], BAD_ARGUMENT),
            (&[(SSE, "aws:kms"), (BUCKET_KEY, "true")], "kms default bucket key"),
            (&[(SSE, "aws:kms"), (BUCKET_KEY, "yes")], BAD_ARGUMENT),
            (&[(SSE, "AES256"), (BUCKET_KEY, "true")], "service"),
            (&[(SSE, "KMS")], "400 InvalidEncryptionAlgorithmError"),
            (&[(SSE, "aws:kms:dsse")], "400 InvalidEncryptionAlgorithmError"),
            (&[(KEY_ID, "k")], BAD_ARGUMENT),
            (&[(SSE, "AES256"), (KEY_ID, "k")], BAD_ARGUMENT),
            (&[(SSE, "aws:kms"), (KEY_ID, "a b")], BAD_ARGUMENT),
            (&[("x-oss-server-side-encryption", "AES256")], "plain"),
        ] {
            assert_eq!(s3(*operation, headers).outcome(), outcome, "{operation:?} {headers:?}");
        }
    }
    for operation in GO_ON.into_iter().chain(OTHERS).chain([Operation::PutBucket, Operation::ListParts]) {
        let service = rule("AES256", "");
        for header in [(SSE, "AES256"), (KEY_ID, "k"), (BUCKET_KEY, "true")] {
            assert_eq!(s3(operation, &[header]).rule(&service).outcome(), BAD_ARGUMENT, "{operation:?} {header:?}");
        }
    }
}

#[test]
fn the_bucket_key_is_the_headers_before_the_rules() {
    let with = rule("aws:kms", "<BucketKeyEnabled>true</BucketKeyEnabled>");
    for (headers, outcome) in [
        (&[][..], "kms default bucket key"),
        (&[(BUCKET_KEY, "false")], "kms default"),
        (&[(SSE, "aws:kms"), (KEY_ID, "k")], "kms k bucket key"),
        (&[(SSE, "aws:kms"), (KEY_ID, "k"), (BUCKET_KEY, "false")], "kms k"),
        (&[(SSE, "AES256")], "service"),
    ] {
        assert_eq!(s3(Operation::PutObject, headers).rule(&with).outcome(), outcome, "{headers:?}");
    }
}

#[test]
fn a_customers_key_is_checked_whole() {
    for operation in BEGIN {
        assert_eq!(s3(operation, &CUSTOMER).outcome(), "customer", "{operation:?}");
    }
    let long = KEY.repeat(1_000);
    let with = |place: usize, value: &'static str| {
        let mut headers = CUSTOMER;
        headers[place].1 = value;
        headers.to_vec()
    };
    const ZEROS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let bad: [(Vec<(&str, &str)>, &str); 17] = [
        (with(0, "aws:kms"), "400 InvalidEncryptionAlgorithmError"),
        (with(0, "AES128"), "400 InvalidEncryptionAlgorithmError"),
        (with(0, ""), "400 InvalidEncryptionAlgorithmError"),
        (CUSTOMER[1..].to_vec(), BAD_ARGUMENT),
        (CUSTOMER[..2].to_vec(), BAD_ARGUMENT),
        (vec![CUSTOMER[0], CUSTOMER[2]], BAD_ARGUMENT),
        (with(1, ""), BAD_ARGUMENT),
        // 31 and 33 bytes, no padding, other alphabet, white space inside.
        (with(1, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERQ=="), BAD_ARGUMENT),
        (with(1, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUZH"), BAD_ARGUMENT),
        (with(1, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY"), BAD_ARGUMENT),
        (with(1, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERU-="), BAD_ARGUMENT),
        (with(1, "MDEyMzQ1Njc4OWFi 2RlZjAxMjM0NTY3ODlBQkNERUY="), BAD_ARGUMENT),
        (vec![CUSTOMER[0], (C_KEY, long.as_str()), CUSTOMER[2]], BAD_ARGUMENT),
        (with(2, ""), BAD_ARGUMENT),
        (with(2, "AAAAAAAAAAAAAAAAAAAAAA=="), BAD_ARGUMENT),
        // Zeros, with their MD5.
        (vec![CUSTOMER[0], (C_KEY, ZEROS), (CUSTOMER[2].0, "cLyPS3KoaSFGi/joRB3OUQ==")], BAD_ARGUMENT),
        ([&CUSTOMER[..], &[(SSE, "AES256")]].concat(), BAD_ARGUMENT),
    ];
    for (headers, outcome) in bad {
        let ask = s3(Operation::PutObject, &headers);
        assert_eq!(ask.outcome(), outcome, "{headers:?}");
    }
}

#[test]
fn a_customers_key_goes_before_the_rule() {
    let service = rule("AES256", "");
    assert_eq!(s3(Operation::PutObject, &CUSTOMER).rule(&service).outcome(), "customer");
}

#[test]
fn a_customers_key_is_given_for_what_is_under_one_and_for_nothing_else() {
    let append = Operation::AppendObject { position: 5 };
    for operation in GO_ON.into_iter().chain([append]) {
        let complete = operation == Operation::CompleteMultipartUpload;
        let without = if complete { "go on" } else { BAD_REQUEST };
        assert_eq!(s3(operation, &[]).recorded(Method::SseC).outcome(), without, "{operation:?}");
        assert_eq!(s3(operation, &CUSTOMER).recorded(Method::SseC).outcome(), "go on key", "{operation:?}");
        assert_eq!(s3(operation, &CUSTOMER).recorded(Method::SseKms).outcome(), BAD_REQUEST, "{operation:?}");
        assert_eq!(s3(operation, &CUSTOMER).outcome(), BAD_REQUEST, "{operation:?}");
        assert_eq!(s3(operation, &[]).recorded(Method::SseOss).outcome(), "go on", "{operation:?}");
    }
    let service = rule("AES256", "");
    for operation in OTHERS.into_iter().chain([Operation::PutBucket]) {
        assert_eq!(s3(operation, &CUSTOMER).rule(&service).outcome(), BAD_ARGUMENT, "{operation:?}");
    }
    assert_eq!(s3(Operation::ListParts, &CUSTOMER).outcome(), "nothing");
    assert_eq!(s3(Operation::ListParts, &CUSTOMER[..2]).outcome(), BAD_ARGUMENT);
}

#[test]
fn the_sources_key_is_taken_by_copies_alone() {
    let copy = |headers| s3(Operation::CopyObject, headers);
    assert_eq!(copy(&SOURCE).source(Method::SseC).outcome(), "plain source");
    assert_eq!(copy(&[]).source(Method::SseC).outcome(), BAD_REQUEST);
    assert_eq!(copy(&SOURCE).source(Method::SseOss).outcome(), BAD_REQUEST);
    assert_eq!(copy(&SOURCE[..2]).source(Method::SseC).outcome(), BAD_ARGUMENT);
    let both = [CUSTOMER, SOURCE].concat();
    assert_eq!(copy(&both).source(Method::SseC).outcome(), "customer source");
    let part = s3(Operation::UploadPartCopy, &both).recorded(Method::SseC).source(Method::SseC);
    assert_eq!(part.outcome(), "go on key source");
    let service = rule("AES256", "");
    let others = [BEGIN.as_slice(), &GO_ON, &OTHERS, &[Operation::PutBucket, Operation::ListParts]].concat();
    for operation in others {
        if !matches!(operation, Operation::CopyObject | Operation::UploadPartCopy) {
            assert_eq!(s3(operation, &SOURCE).rule(&service).outcome(), BAD_ARGUMENT, "{operation:?}");
        }
    }
}

fn customer_key() -> CustomerKey {
    match s3(Operation::PutObject, &CUSTOMER).resolve() {
        Ok(Decision::Begin { encryption: Encryption::SseC(key), .. }) => key,
        other => panic!("{other:?}"),
    }
}

/// CVE-2018-16889 of another system: keys in logs.
#[test]
fn a_customers_key_is_in_no_debug_output() {
    let key = customer_key();
    assert_eq!(key.bytes(), b"0123456789abcdef0123456789ABCDEF");
    assert_eq!(key.md5(), MD5);
    let headers = ossenc_sse::Headers::read(Dialect::S3, common::bytes(&CUSTOMER)).unwrap();
    let decision = s3(Operation::GetObject, &CUSTOMER).recorded(Method::SseC).resolve();
    let printed = format!("{key:?} {headers:?} {decision:?}");
    for secret in ["0123456789", KEY, "48, 49, 50"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert!(printed.contains(C_KEY), "{printed}");
}

#[test]
fn responses_tell_the_encryption() {
    let (key, key_id) = (customer_key(), KeyId::new("key-1").unwrap());
    let Ok(Decision::Begin { encryption: Encryption::SseKms { context, .. }, .. }) =
        s3(Operation::PutObject, &[(SSE, "aws:kms"), (CONTEXT, "eyJhIjoiMSJ9")]).resolve()
    else {
        panic!("a KMS object")
    };
    let kms = Recorded::SseKms { key_id, bucket_key: true, context: Some(&context) };
    let customer = Recorded::SseC { key_md5: key.md5() };
    for operation in BEGIN.into_iter().chain(GO_ON) {
        assert_eq!(told(Dialect::S3, operation, Some(&Recorded::SseOss)), format!("{SSE}: AES256"), "{operation:?}");
        let line = if BEGIN.contains(&operation) { format!("\n{CONTEXT}: eyJhIjoiMSJ9") } else { String::new() };
        let all = format!("{SSE}: aws:kms\n{KEY_ID}: key-1\n{BUCKET_KEY}: true{line}");
        assert_eq!(told(Dialect::S3, operation, Some(&kms)), all, "{operation:?}");
        let all = if operation == Operation::CompleteMultipartUpload {
            String::new()
        } else {
            format!("{C_ALGORITHM}: AES256\n{C_MD5}: {MD5}")
        };
        assert_eq!(told(Dialect::S3, operation, Some(&customer)), all, "{operation:?}");
    }
}

#[test]
fn errors_have_their_status_and_code() {
    for (code, row) in [
        (Code::InvalidEncryptionAlgorithm, "400 InvalidEncryptionAlgorithmError"),
        (Code::InvalidArgument, "400 InvalidArgument"),
        (Code::InvalidRequest, "400 InvalidRequest"),
        (Code::InvalidKeyId, "400 InvalidArgument"),
        (Code::MalformedXml, "400 MalformedXML"),
        (Code::AccessDenied, "403 AccessDenied"),
        (Code::KmsNotEnabled, "501 NotImplemented"),
        (Code::KeyNotFound, "400 KMS.NotFoundException"),
        (Code::AliasNotFound, "400 KMS.NotFoundException"),
        (Code::NoRule, "404 ServerSideEncryptionConfigurationNotFoundError"),
        (Code::KeyDisabled, "400 KMS.DisabledException"),
        (Code::KeyPendingDeletion, "400 KMS.KMSInvalidStateException"),
        (Code::KeyPendingImport, "400 KMS.KMSInvalidStateException"),
        (Code::Unavailable, "503 ServiceUnavailable"),
        (Code::Internal, "500 InternalError"),
    ] {
        assert_eq!(refusal(Dialect::S3, &code.into()), row);
    }
    assert_eq!(refusal(Dialect::S3, &Failure::WrongCustomerKey.error(None)), "403 AccessDenied");
    let info = RequestInfo { request_id: "1", host_id: "2", ec: "3", resource: "/b/k" };
    assert_eq!(
        ossenc_sse::Error::from(Code::AccessDenied).to_xml(Dialect::S3, &info),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Access denied.</Message>\
         <Resource>/b/k</Resource><RequestId>1</RequestId><HostId>2</HostId></Error>"
    );
}
