//! The wire facts of OSS, one test for each group of its tables: precedence, operations, headers, errors, answers.

mod common;

use common::{BEGIN, CONTEXT, DATA, GO_ON, KEY_ID, OTHERS, SSE, oss, refusal, table, told};
use ossenc_sse::{
    Code, Decision, Dialect, Failure, KeyId, Method, Operation, Recorded, RequestInfo, Rule, error_header,
};

const BAD_ALGORITHM: &str = "400 InvalidEncryptionAlgorithmError";
const BAD_DATA: &str = "400 InvalidDataEncryptionAlgorithmError";
const BAD_ARGUMENT: &str = "400 InvalidArgument";
const NO_KEY_ID_ON_APPEND: &str = BAD_ARGUMENT;

fn rule(algorithm: &str, key: &str) -> Rule {
    let xml = format!(
        "<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{algorithm}</SSEAlgorithm>\
         <KMSMasterKeyID>{key}</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>"
    );
    Rule::parse(Dialect::Oss, xml.as_bytes()).expect("a rule")
}

/// PutObject, PostObject, CopyObject, InitiateMultipartUpload: all three headers; AppendObject at 0: no key id.
#[test]
fn operations_that_begin_an_object_take_the_headers() {
    let rows: &[(&[(&str, &str)], &str)] = &[
        (&[], "plain"),
        (&[(SSE, "AES256")], "service"),
        (&[(SSE, "KMS")], "kms default"),
        // SM4 counts only with KMS, and is silently ignored otherwise.
        (&[(SSE, "AES256"), (DATA, "SM4")], "service"),
        (&[(DATA, "SM4")], "plain"),
        (&[(SSE, "KMS"), (DATA, "SM4")], BAD_DATA),
        (&[(SSE, "KMS"), (DATA, "AES256")], BAD_DATA),
        (&[(SSE, "AES256"), (DATA, "sm4")], BAD_DATA),
        (&[(DATA, "")], BAD_DATA),
        (&[(SSE, "SM4")], BAD_ALGORITHM),
        (&[(SSE, "aes256")], BAD_ALGORITHM),
        (&[(SSE, "aws:kms")], BAD_ALGORITHM),
        (&[(SSE, "None")], BAD_ALGORITHM),
        (&[(SSE, "")], BAD_ALGORITHM),
        // A key that would not be used.
        (&[(KEY_ID, "k")], BAD_ARGUMENT),
        (&[(SSE, "AES256"), (KEY_ID, "k")], BAD_ARGUMENT),
        (&[(CONTEXT, "{}")], BAD_ARGUMENT),
        (&[(SSE, "KMS"), (CONTEXT, "{}")], BAD_ARGUMENT),
    ];
    table(&BEGIN, rows);
    table(
        &BEGIN[..4],
        &[
            (&[(SSE, "KMS"), (KEY_ID, "key-1")], "kms key-1"),
            (&[(SSE, "KMS"), (KEY_ID, "alias/mine")], "kms alias/mine"),
            (&[(SSE, "KMS"), (KEY_ID, "alias/acs/oss")], "kms default"),
            (&[(SSE, "KMS"), (KEY_ID, "k"), (CONTEXT, r#"{"b":"2","a":"1"}"#)], r#"kms k {"a":"1","b":"2"}"#),
            (&[(SSE, "KMS"), (KEY_ID, "")], "400 InvalidParameter"),
            (&[(SSE, "KMS"), (KEY_ID, "a b")], "400 InvalidParameter"),
            (&[(SSE, "KMS"), (KEY_ID, "schl\u{fc}ssel")], "400 InvalidParameter"),
        ],
    );
    table(&BEGIN[4..], &[(&[(SSE, "KMS"), (KEY_ID, "key-1")], NO_KEY_ID_ON_APPEND)]);
}

/// Object header, then bucket default, then none.
#[test]
fn the_header_goes_before_the_rule_before_none() {
    let (service, kms, named) = (rule("AES256", ""), rule("KMS", ""), rule("KMS", "key-1"));
    for operation in BEGIN {
        for (headers, rule, outcome) in [
            (&[][..], &service, "service"),
            (&[], &kms, "kms default"),
            (&[], &named, "kms key-1"),
            (&[(SSE, "KMS")], &service, "kms default"),
            // The header's method comes with its own key: the default one, not the rule's.
            (&[(SSE, "KMS")], &named, "kms default"),
            (&[(SSE, "AES256")], &named, "service"),
            (&[(SSE, "FOO")], &service, BAD_ALGORITHM),
            (&[(DATA, "SM4")], &service, "service"),
            // The data would be encrypted by KMS: refused, not replaced.
            (&[(DATA, "SM4")], &named, BAD_DATA),
            (&[(KEY_ID, "key-2")], &named, BAD_ARGUMENT),
        ] {
            assert_eq!(oss(operation, headers).rule(rule).outcome(), outcome, "{operation:?} {headers:?} {rule:?}");
        }
    }
}

/// Where an operation does not use the rule, it decides nothing.
#[test]
fn the_rule_has_its_say_where_an_object_begins() {
    let rules = [rule("AES256", ""), rule("KMS", "key-1")];
    for operation in BEGIN {
        assert!(operation.uses_rule(), "{operation:?}");
    }
    for operation in GO_ON.into_iter().chain(OTHERS).chain([Operation::ListParts, Operation::PutBucket]) {
        let without = oss(operation, &[]).outcome();
        let same = rules.iter().all(|rule| oss(operation, &[]).rule(rule).outcome() == without);
        assert_eq!(same, !operation.uses_rule(), "{operation:?}");
    }
}

/// The source's encryption is never inherited.
#[test]
fn copies_take_nothing_of_their_source() {
    let service = rule("AES256", "");
    for source in [Method::SseOss, Method::SseKms] {
        assert_eq!(oss(Operation::CopyObject, &[]).source(source).outcome(), "plain");
        assert_eq!(oss(Operation::CopyObject, &[]).source(source).rule(&service).outcome(), "service");
        // The part has the upload's, even from a plain source.
        assert_eq!(oss(Operation::UploadPartCopy, &[]).recorded(Method::SseKms).source(source).outcome(), "go on");
    }
    // What was there under that name does not count either.
    assert_eq!(oss(Operation::PutObject, &[]).recorded(Method::SseKms).outcome(), "plain");
}

/// UploadPart, CompleteMultipartUpload, UploadPartCopy, GetObject, HeadObject: none allowed; any other: none either.
#[test]
fn the_other_operations_refuse_the_headers() {
    let one: &[&[(&str, &str)]] =
        &[&[(SSE, "AES256")], &[(SSE, "FOO")], &[(KEY_ID, "k")], &[(DATA, "SM4")], &[(CONTEXT, "{}")]];
    let service = rule("AES256", "");
    for operation in GO_ON.into_iter().chain(OTHERS) {
        for headers in one {
            if UPLOAD.contains(&operation) && headers[0].0 != SSE {
                continue; // see below
            }
            assert_eq!(oss(operation, headers).rule(&service).outcome(), BAD_ARGUMENT, "{operation:?} {headers:?}");
        }
    }
    for operation in GO_ON {
        assert_eq!(oss(operation, &[("Content-Type", "a")]).rule(&service).outcome(), "go on", "{operation:?}");
    }
    for operation in OTHERS {
        assert_eq!(oss(operation, &[]).rule(&service).outcome(), "nothing", "{operation:?}");
    }
}

const UPLOAD: [Operation; 3] = [Operation::UploadPart, Operation::CompleteMultipartUpload, Operation::ListParts];

/// ali-oss gives every request of an upload the headers that it began with, but the algorithm; the resumable upload of
/// oss2 does so when it lists parts.
#[test]
fn requests_of_an_upload_take_all_headers_but_the_algorithm() {
    for operation in UPLOAD {
        let good = if operation == Operation::ListParts { "nothing" } else { "go on" };
        table(
            &[operation],
            &[
                (&[], good),
                (&[(KEY_ID, "key-1")], good),
                (&[(CONTEXT, "{}")], good),
                (&[(KEY_ID, "key-1"), (CONTEXT, "{}")], good),
                (&[(DATA, "SM4")], good),
                (&[(KEY_ID, "key-1"), (DATA, "SM4")], good),
                (&[(SSE, "KMS")], BAD_ARGUMENT),
                (&[(KEY_ID, "key-1"), (SSE, "KMS")], BAD_ARGUMENT),
                (&[(DATA, "SM4"), (SSE, "AES256")], BAD_ARGUMENT),
            ],
        );
    }
}

/// At a position above 0 a different header is ignored, the original stays.
#[test]
fn appending_keeps_the_encryption_that_is_there() {
    let kms = rule("KMS", "key-1");
    for headers in [&[][..], &[(SSE, "AES256")], &[(SSE, "SM4")], &[(SSE, "KMS"), (KEY_ID, "k"), (DATA, "SM4")]] {
        for position in [1, u64::MAX] {
            let ask = oss(Operation::AppendObject { position }, headers).rule(&kms);
            assert_eq!(ask.outcome(), "go on", "{headers:?}");
        }
    }
    let told = told(Dialect::Oss, Operation::AppendObject { position: 9 }, Some(&Recorded::SseOss));
    assert_eq!(told, "x-oss-server-side-encryption: AES256");
}

/// PutBucket: all three headers become the bucket's rule, and need no answer.
#[test]
fn a_new_bucket_takes_its_rule_from_the_headers() {
    let element = |inside: &str| format!("<ServerSideEncryptionRule>{inside}</ServerSideEncryptionRule>");
    let service = element("<SSEAlgorithm>AES256</SSEAlgorithm>");
    table(
        &[Operation::PutBucket],
        &[
            (&[], "no rule"),
            (&[(DATA, "SM4")], "no rule"),
            (&[(SSE, "AES256")], &service),
            (&[(SSE, "AES256"), (DATA, "SM4")], &service),
            (&[(SSE, "KMS")], &element("<SSEAlgorithm>KMS</SSEAlgorithm>")),
            (
                &[(SSE, "KMS"), (KEY_ID, "no-such-key")],
                &element("<SSEAlgorithm>KMS</SSEAlgorithm><KMSMasterKeyID>no-such-key</KMSMasterKeyID>"),
            ),
            (&[(SSE, "KMS"), (DATA, "SM4")], BAD_DATA),
            (&[(DATA, "AES256")], BAD_DATA),
            (&[(SSE, "SM4")], BAD_ALGORITHM),
            (&[(SSE, "AES256"), (KEY_ID, "k")], BAD_ARGUMENT),
            (&[(KEY_ID, "k")], BAD_ARGUMENT),
            (&[(SSE, "KMS"), (KEY_ID, "k"), (CONTEXT, "{}")], BAD_ARGUMENT),
            (&[(SSE, "KMS"), (KEY_ID, "a b")], "400 InvalidParameter"),
        ],
    );
}

#[test]
fn header_names_are_in_any_case_and_values_trimmed() {
    table(
        &[Operation::PutObject],
        &[
            (&[("X-OSS-Server-Side-Encryption", " \tAES256\t ")], "service"),
            (&[("x-oss-server-side-encryption ", "AES256")], "plain"),
            (&[("x-oss-server-side-encryption-keyid", "k")], "plain"),
            // Of the other dialect: not about SSE here.
            (&[("x-amz-server-side-encryption", "AES256")], "plain"),
        ],
    );
}

/// Which of two values counts would be a guess, and a proxy may guess otherwise.
#[test]
fn a_header_that_comes_twice_is_refused() {
    for second in ["AES256", "KMS"] {
        let headers = [(SSE, "AES256"), ("X-Oss-Server-Side-Encryption", second)];
        assert_eq!(oss(Operation::PutObject, &headers).outcome(), BAD_ARGUMENT);
    }
    assert_eq!(oss(Operation::PutObject, &[("x-a", "1"), ("x-a", "2"), (SSE, "AES256")]).outcome(), "service");
}

#[test]
fn values_that_are_not_utf8_are_refused_in_sse_headers_alone() {
    let read = |name: &'static str| ossenc_sse::Headers::read(Dialect::Oss, [(name.as_bytes(), &b"\xff"[..])]);
    assert_eq!(read(SSE).map(|_| ()).map_err(|error| error.code()), Err(Code::InvalidArgument));
    assert!(read("x-oss-meta-a").is_ok());
}

/// A map of strings, at most 8,192 bytes as the library encodes it, compared as a map.
#[test]
fn contexts_are_maps_of_strings() {
    let outcome =
        |context: &str| oss(Operation::PutObject, &[(SSE, "KMS"), (KEY_ID, "k"), (CONTEXT, context)]).outcome();
    assert_eq!(outcome("{}"), "kms k");
    assert_eq!(outcome(" { \"b\" : \"\\u0041\\n\" , \"a\":\"\" } "), r#"kms k {"a":"","b":"A\n"}"#);
    let sized = |n: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(n));
    assert_eq!(outcome(&sized(8_183)), format!("kms k {}", sized(8_183)));
    for bad in [
        "",
        "null",
        "[]",
        "\"a\"",
        "{\"a\":1}",
        "{\"a\":{}}",
        "{\"a\":null}",
        "{\"a\":\"1\"",
        "{\"a\":\"1\"}x",
        "{\"a\":\"1\",\"a\":\"1\"}",
        "{\"a\":\"1\",\"\\u0061\":\"2\"}",
        "{\"\":\"1\"}",
        "{\"ossenc:tenant\":\"t\"}",
        "{'a':'b'}",
        "e30=",
        &sized(8_184),
        &sized(100_000),
    ] {
        assert_eq!(outcome(bad), BAD_ARGUMENT, "{:.40}", bad);
    }
}

/// The table of errors, row by row.
#[test]
fn errors_have_their_status_and_code() {
    for (code, row) in [
        (Code::InvalidEncryptionAlgorithm, "400 InvalidEncryptionAlgorithmError"),
        (Code::InvalidDataEncryptionAlgorithm, "400 InvalidDataEncryptionAlgorithmError"),
        (Code::InvalidArgument, "400 InvalidArgument"),
        (Code::InvalidKeyId, "400 InvalidParameter"),
        (Code::MalformedXml, "400 MalformedXML"),
        (Code::AccessDenied, "403 AccessDenied"),
        (Code::KmsNotEnabled, "403 KmsServiceNotEnabled"),
        (Code::KeyNotFound, "404 KeyNotFound"),
        (Code::AliasNotFound, "404 AliasNotFound"),
        (Code::NoRule, "404 NoSuchServerSideEncryptionRule"),
        (Code::KeyDisabled, "409 KeyDisabled"),
        (Code::KeyPendingDeletion, "409 KeyPendingDeletion"),
        (Code::KeyPendingImport, "409 KeyPendingImport"),
        (Code::Unavailable, "503 ServiceUnavailable"),
        (Code::Internal, "500 InternalError"),
    ] {
        assert_eq!(refusal(Dialect::Oss, &code.into()), row);
    }
    assert_eq!(oss(Operation::GetBucketEncryption, &[]).outcome(), "404 NoSuchServerSideEncryptionRule");
}

/// What the key service refuses, on writes and reads alike.
#[test]
fn failures_of_keys_become_errors() {
    let (key, alias) = (KeyId::new("key-1").unwrap(), KeyId::new("alias/mine").unwrap());
    let arn = KeyId::new("acs:kms:cn-hangzhou:1:alias/mine").unwrap();
    for (failure, named, row) in [
        (Failure::NoKms, &key, "403 KmsServiceNotEnabled"),
        (Failure::Denied, &key, "403 AccessDenied"),
        (Failure::NotFound, &key, "404 KeyNotFound"),
        (Failure::NotFound, &alias, "404 AliasNotFound"),
        (Failure::NotFound, &arn, "404 AliasNotFound"),
        (Failure::Disabled, &alias, "409 KeyDisabled"),
        (Failure::PendingDeletion, &key, "409 KeyPendingDeletion"),
        (Failure::PendingImport, &key, "409 KeyPendingImport"),
        (Failure::Busy, &key, "503 ServiceUnavailable"),
        (Failure::Other, &key, "500 InternalError"),
    ] {
        assert_eq!(refusal(Dialect::Oss, &failure.error(Some(named))), row);
    }
    assert_eq!(refusal(Dialect::Oss, &Failure::NotFound.error(None)), "404 KeyNotFound");
}

#[test]
fn the_body_of_an_error() {
    let error = oss(Operation::PutObject, &[(SSE, "FOO")]).resolve().map(|_| ()).unwrap_err();
    let info = RequestInfo { request_id: "5C3D<9>", host_id: "b.oss & \u{1}", ec: "0016-1", resource: "/k" };
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InvalidEncryptionAlgorithmError</Code>\
               <Message>The encryption request you specified is not valid.</Message>\
               <RequestId>5C3D&lt;9&gt;</RequestId><HostId>b.oss &amp; \u{fffd}</HostId><EC>0016-1</EC></Error>";
    assert_eq!(error.to_xml(Dialect::Oss, &info), xml);
    // The same XML for the header x-oss-err of a HEAD.
    let decoded = <base64ct::Base64 as base64ct::Encoding>::decode_vec(&error_header(
        error.code().name(Dialect::Oss),
        error.message(),
        &info,
    ))
    .unwrap();
    assert_eq!(String::from_utf8(decoded).unwrap(), xml);
    let short = error.to_xml(Dialect::Oss, &RequestInfo::default());
    assert!(short.ends_with("<RequestId></RequestId><HostId></HostId></Error>"), "{short}");
}

/// SSE in the response of the seven operations and those that came later; a KMS object tells its key.
#[test]
fn responses_tell_the_encryption() {
    let recorded = [
        (Recorded::SseOss, "x-oss-server-side-encryption: AES256"),
        (
            Recorded::kms(KeyId::new("72779642-7d88-4a0f-8d1f-1081a9cc7afb").unwrap()),
            "x-oss-server-side-encryption: KMS\n\
             x-oss-server-side-encryption-key-id: 72779642-7d88-4a0f-8d1f-1081a9cc7afb",
        ),
    ];
    for operation in BEGIN.into_iter().chain(GO_ON) {
        for (recorded, headers) in &recorded {
            assert_eq!(told(Dialect::Oss, operation, Some(recorded)), *headers, "{operation:?}");
        }
        assert_eq!(told(Dialect::Oss, operation, None), "", "{operation:?}");
    }
    for operation in OTHERS.into_iter().chain([Operation::PutBucket, Operation::ListParts]) {
        assert_eq!(told(Dialect::Oss, operation, Some(&Recorded::SseOss)), "", "{operation:?}");
    }
}

#[test]
fn a_context_given_in_oss_is_not_told_back() {
    let ask = oss(Operation::PutObject, &[(SSE, "KMS"), (KEY_ID, "k"), (CONTEXT, r#"{"a":"1"}"#)]);
    let Ok(Decision::Begin { encryption: ossenc_sse::Encryption::SseKms { context, .. }, .. }) = ask.resolve() else {
        panic!("a KMS object")
    };
    let recorded = Recorded::SseKms { key_id: KeyId::new("k").unwrap(), bucket_key: false, context: Some(&context) };
    assert!(!told(Dialect::Oss, Operation::PutObject, Some(&recorded)).contains("context"));
}
