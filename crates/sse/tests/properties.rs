//! Whatever a client sends: an answer, no panic; and what is accepted holds what this crate promises.

mod common;

use common::{BEGIN, GO_ON, OTHERS, bytes};
use ossenc_sse::{
    Decision, Dialect, Encryption, EncryptionContext, Headers, Method, Operation, Request, Rule, resolve,
};
use proptest::prelude::*;

fn dialects() -> impl Strategy<Value = Dialect> {
    prop_oneof![Just(Dialect::Oss), Just(Dialect::S3)]
}

fn operations() -> impl Strategy<Value = Operation> {
    let all = [&BEGIN[..], &GO_ON, &OTHERS, &[Operation::PutBucket, Operation::ListParts]].concat();
    prop_oneof![prop::sample::select(all), any::<u64>().prop_map(|position| Operation::AppendObject { position })]
}

fn methods() -> impl Strategy<Value = Option<Method>> {
    prop::sample::select(vec![None, Some(Method::SseOss), Some(Method::SseKms), Some(Method::SseC)])
}

/// Mostly headers of SSE with values that nearly fit.
fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let after = ["", "-key-id", "-context", "-aws-kms-key-id", "-bucket-key-enabled", "-customer-algorithm"];
    let customer = ["-customer-key", "-customer-key-MD5"];
    let middles =
        ["x-oss-server-side-encryption", "x-amz-server-side-encryption", "x-amz-copy-source-server-side-encryption"];
    let mut names: Vec<String> = vec!["x-oss-server-side-data-encryption".into(), "range".into()];
    for middle in middles {
        names.extend(after.iter().chain(&customer).map(|end| format!("{middle}{end}")));
    }
    let values = [
        "AES256",
        "KMS",
        "aws:kms",
        "SM4",
        "key-1",
        "alias/acs/oss",
        "{}",
        r#"{"a":"1"}"#,
        "e30=",
        "true",
        "",
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=",
    ];
    let value = prop_oneof![
        4 => prop::sample::select(values.to_vec()).prop_map(|v| v.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec((prop::sample::select(names), value), 0..6)
}

proptest! {
    #[test]
    fn resolving_never_panics_and_keeps_its_word(
        dialect in dialects(), operation in operations(), headers in headers(),
        recorded in methods(), source in methods(), ruled in prop::sample::select(vec!["", "AES256", "KMS"]),
    ) {
        let pairs = headers.iter().map(|(name, value)| (name.as_bytes(), &value[..]));
        let rule = Rule::parse(Dialect::Oss, format!(
            "<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{ruled}</SSEAlgorithm>\
             </ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>").as_bytes()).ok();
        let Ok(read) = Headers::read(dialect, pairs) else { return Ok(()) };
        let outcome = resolve(&Request { operation, headers: read, rule: rule.as_ref(), recorded, source });
        let _ = format!("{outcome:?}");
        let asked = |end: &str| {
            let name = match dialect {
                Dialect::Oss => "x-oss-server-side-encryption",
                Dialect::S3 => "x-amz-server-side-encryption",
            };
            headers.iter().any(|(given, _)| given.strip_prefix(name) == Some(end))
        };
        match outcome {
            Ok(Decision::Begin { encryption: Encryption::Plain, .. }) => {
                prop_assert!(!asked("") && rule.is_none(), "encryption was asked for");
            }
            Ok(Decision::Begin { encryption: Encryption::SseOss, .. }) => {
                prop_assert!(!asked("-context"), "a context was dropped");
                prop_assert!(dialect == Dialect::Oss || !asked("-customer-key"), "a customer's key was dropped");
            }
            Ok(Decision::GoOn { customer_key, .. }) => {
                prop_assert!(customer_key.is_none() || recorded == Some(Method::SseC));
            }
            _ => {}
        }
    }

    /// Any bytes, and any piece of a document.
    #[test]
    fn parsing_never_panics(dialect in dialects(), bytes in prop::collection::vec(any::<u8>(), 0..300), text in "[<>/A-Za-z&;!\\[\\]= \"]{0,200}") {
        let _ = Rule::parse(dialect, &bytes);
        let _ = Rule::parse(dialect, text.as_bytes());
    }

    #[test]
    fn rules_go_through_their_document(key in prop::option::of("[!-~]{1,255}")) {
        let headers: Vec<(&str, &str)> = [("x-oss-server-side-encryption", "KMS")].into_iter()
            .chain(key.as_deref().map(|key| ("x-oss-server-side-encryption-key-id", key))).collect();
        let headers = Headers::read(Dialect::Oss, bytes(&headers)).unwrap();
        let request = Request { operation: Operation::PutBucket, headers, rule: None, recorded: None, source: None };
        let Ok(Decision::MakeBucket(Some(rule))) = resolve(&request) else { panic!("a rule") };
        for dialect in [Dialect::Oss, Dialect::S3] {
            let again = Rule::parse(dialect, rule.to_xml(dialect).as_bytes());
            prop_assert_eq!(again.as_ref(), Ok(&rule));
        }
    }

    /// The same pairs in any order and spelling are one context, and its text reads back.
    #[test]
    fn contexts_are_canonical(pairs in prop::collection::btree_map("\\PC{1,9}", "(?s).{0,9}", 0..6)) {
        let forward: Vec<String> = pairs.iter().map(|(k, v)| format!("{}: {}", json(k), json(v))).collect();
        let backward: Vec<String> = forward.iter().rev().cloned().collect();
        let [a, b] = [forward, backward].map(|pairs| EncryptionContext::from_json(&format!("{{{}}}", pairs.join(" , "))).unwrap());
        prop_assert_eq!(a.to_json(), b.to_json());
        let read: Vec<(String, String)> = pairs.into_iter().collect();
        prop_assert_eq!(a.pairs(), &read[..]);
        prop_assert_eq!(EncryptionContext::from_json(&a.to_json()), Ok(a));
    }
}

/// JSON with every character escaped.
fn json(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{units}\"")
}
