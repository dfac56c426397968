//! The documents of rules: as every client writes them, as they are answered, and as an attacker writes them.

mod common;

use common::refusal;
use ossenc_sse::{Dialect, RULE_MAX, Rule};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

fn oss(inside: &str) -> String {
    format!(
        "<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault>{inside}</ApplyServerSideEncryptionByDefault>\
         </ServerSideEncryptionRule>"
    )
}

fn s3(inside: &str, after: &str) -> String {
    format!(
        "<ServerSideEncryptionConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule>\
         <ApplyServerSideEncryptionByDefault>{inside}</ApplyServerSideEncryptionByDefault>{after}</Rule>\
         </ServerSideEncryptionConfiguration>"
    )
}

/// The document that answers, or the refusal.
fn answered(dialect: Dialect, xml: &str) -> String {
    match Rule::parse(dialect, xml.as_bytes()) {
        Ok(rule) => {
            let answer = rule.to_xml(dialect);
            assert_eq!(Rule::parse(dialect, answer.as_bytes()).as_ref(), Ok(&rule), "{answer}");
            answer.strip_prefix(DECLARATION).expect("a declaration").into()
        }
        Err(error) => refusal(dialect, &error),
    }
}

const AES256: &str = "<SSEAlgorithm>AES256</SSEAlgorithm>";
const KMS: &str = "<SSEAlgorithm>KMS</SSEAlgorithm>";
const KEY: &str = "<KMSMasterKeyID>9468da86-3509-4f8d-a61e-6eab1eac0000</KMSMasterKeyID>";

/// As the clients build them: oss2, alibabacloud-oss-v2, ali-oss, the Java SDK.
#[test]
fn every_clients_document_is_read() {
    let kms_key = oss(&[KMS, KEY].concat());
    for (client, document, answer) in [
        ("oss2, AES256", oss(AES256), oss(AES256)),
        ("oss2, KMS with an empty key", oss(&[KMS, "<KMSMasterKeyID />"].concat()), oss(KMS)),
        ("oss2, KMS with a key", oss(&[KMS, KEY].concat()), kms_key.clone()),
        ("v2, other order", DECLARATION.to_owned() + &oss(&[KEY, KMS].concat()), kms_key.clone()),
        ("v2, AES256 with SM4", oss(&[AES256, "<KMSDataEncryption>SM4</KMSDataEncryption>"].concat()), oss(AES256)),
        ("Java, AES256 with an empty key", oss(&[AES256, "<KMSMasterKeyID></KMSMasterKeyID>"].concat()), oss(AES256)),
        ("Java, empty data encryption", oss(&[KMS, KEY, "<KMSDataEncryption/>"].concat()), kms_key.clone()),
        (
            "ali-oss, indented",
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<ServerSideEncryptionRule>\n  \
             <ApplyServerSideEncryptionByDefault>\n    <SSEAlgorithm>\n KMS </SSEAlgorithm>\n \
             </ApplyServerSideEncryptionByDefault>\n</ServerSideEncryptionRule>\n"
                .into(),
            oss(KMS),
        ),
        ("a byte order mark", format!("\u{feff}{}", oss(AES256)), oss(AES256)),
        (
            "a namespace",
            oss(AES256).replacen("Rule>", "Rule xmlns=\"http://doc.oss-cn-hangzhou.aliyuncs.com\">", 1),
            oss(AES256),
        ),
        ("unknown elements", oss(&["<New><SSEAlgorithm>KMS</SSEAlgorithm></New>", AES256].concat()), oss(AES256)),
        ("comments", oss("<!-- a --><SSEAlgorithm>AES<!-- b -->256</SSEAlgorithm>"), oss(AES256)),
        ("character data", oss("<SSEAlgorithm><![CDATA[AES256]]></SSEAlgorithm>"), oss(AES256)),
        ("references", oss("<SSEAlgorithm>&#65;ES256</SSEAlgorithm>"), oss(AES256)),
        (
            "escaped key",
            oss(&[KMS, "<KMSMasterKeyID>a&amp;b</KMSMasterKeyID>"].concat()),
            oss(&[KMS, "<KMSMasterKeyID>a&amp;b</KMSMasterKeyID>"].concat()),
        ),
    ] {
        assert_eq!(answered(Dialect::Oss, &document), answer, "{client}");
    }
}

/// Errors of the table, in a rule; a CMK that does not exist is none.
#[test]
fn rules_that_say_something_wrong_are_refused() {
    for (inside, outcome) in [
        ("<SSEAlgorithm>SM4</SSEAlgorithm>", "400 InvalidEncryptionAlgorithmError"),
        ("<SSEAlgorithm>AES128</SSEAlgorithm>", "400 InvalidEncryptionAlgorithmError"),
        ("<SSEAlgorithm>None</SSEAlgorithm>", "400 InvalidEncryptionAlgorithmError"),
        ("<SSEAlgorithm>aes256</SSEAlgorithm>", "400 InvalidEncryptionAlgorithmError"),
        ("<SSEAlgorithm></SSEAlgorithm>", "400 InvalidEncryptionAlgorithmError"),
        (&[KMS, "<KMSDataEncryption>SM4</KMSDataEncryption>"].concat(), "400 InvalidDataEncryptionAlgorithmError"),
        (&[AES256, "<KMSDataEncryption>AES</KMSDataEncryption>"].concat(), "400 InvalidDataEncryptionAlgorithmError"),
        (&[AES256, KEY].concat(), "400 InvalidArgument"),
        (&[KMS, "<KMSMasterKeyID>a b</KMSMasterKeyID>"].concat(), "400 InvalidParameter"),
        (&[KMS, "<KMSMasterKeyID>", &"x".repeat(256), "</KMSMasterKeyID>"].concat(), "400 InvalidParameter"),
        ("", "400 MalformedXML"),
        (KEY, "400 MalformedXML"),
        // Twice, or more than text: which one counts would be a guess.
        (&[AES256, KMS].concat(), "400 MalformedXML"),
        (&[KMS, KEY, "<KMSMasterKeyID/>"].concat(), "400 MalformedXML"),
        ("<SSEAlgorithm><b>KMS</b></SSEAlgorithm>", "400 MalformedXML"),
    ] {
        assert_eq!(answered(Dialect::Oss, &oss(inside)), outcome, "{inside}");
    }
}

#[test]
fn rules_of_s3() {
    let off = "<BucketKeyEnabled>false</BucketKeyEnabled>";
    let on = "<BucketKeyEnabled>true</BucketKeyEnabled>";
    let kms = "<SSEAlgorithm>aws:kms</SSEAlgorithm>";
    for (document, outcome) in [
        (s3(AES256, ""), s3(AES256, off)),
        (s3(AES256, on), s3(AES256, on)),
        (s3(&[KEY, kms].concat(), off), s3(&[kms, KEY].concat(), off)),
        (s3(kms, "<BucketKeyEnabled/>"), s3(kms, off)),
        (s3(&[kms, "<KMSDataEncryption>SM4</KMSDataEncryption>"].concat(), ""), s3(kms, off)),
        (s3(kms, "<BucketKeyEnabled>1</BucketKeyEnabled>"), "400 MalformedXML".into()),
        (s3(KMS, ""), "400 InvalidEncryptionAlgorithmError".into()),
        (s3(&[AES256, KEY].concat(), ""), "400 InvalidArgument".into()),
        (s3(AES256, "").replace("</Rule>", "</Rule><Rule/>"), "400 MalformedXML".into()),
        (oss(AES256), "400 MalformedXML".into()),
    ] {
        assert_eq!(answered(Dialect::S3, &document), outcome, "{document}");
    }
    assert_eq!(answered(Dialect::Oss, &s3(AES256, "")), "400 MalformedXML");
}

/// GetBucketInfo is flat, and says `None` where there is no rule.
#[test]
fn bucket_info_is_flat() {
    let flat = |inside: &str| format!("<ServerSideEncryptionRule>{inside}</ServerSideEncryptionRule>");
    let parsed = |inside: &str| Rule::parse(Dialect::Oss, oss(inside).as_bytes()).unwrap();
    assert_eq!(Rule::to_bucket_info(None), flat("<SSEAlgorithm>None</SSEAlgorithm>"));
    assert_eq!(Rule::to_bucket_info(Some(&parsed(AES256))), flat(AES256));
    let kms = [KMS, KEY].concat();
    assert_eq!(Rule::to_bucket_info(Some(&parsed(&kms))), flat(&kms));
}

#[test]
fn hostile_documents_are_refused() {
    let laughs = "<!DOCTYPE r [<!ENTITY a \"AES256\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>".to_owned();
    let outside = "<!DOCTYPE r [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>".to_owned();
    let entity = oss("<SSEAlgorithm>&a;</SSEAlgorithm>");
    let attributes: String = (0..300).map(|i| format!(" a{i}=\"\"")).collect();
    let deep = |n: usize| oss(&[AES256, &"<d>".repeat(n), &"</d>".repeat(n)].concat());
    for (what, document) in [
        ("nothing", String::new()),
        ("white space", " ".into()),
        ("text", "AES256".into()),
        ("a declaration alone", DECLARATION.into()),
        ("entities", laughs + &entity),
        ("an entity from a file", outside + &entity),
        ("an entity that nobody declared", entity),
        ("a document type", format!("<!DOCTYPE r>{}", oss(AES256))),
        ("a document type with a comment", format!("<!DOCTYPE r [<!-- -->]>{}", oss(AES256))),
        ("something behind", oss(AES256) + "x"),
        ("another root behind", oss(AES256) + "<a/>"),
        ("cut", oss(AES256).replace("</ServerSideEncryptionRule>", "")),
        ("crossed", oss("<SSEAlgorithm>AES256</KMSMasterKeyID>")),
        ("depth", deep(15)),
        ("great depth", deep(7_000)),
        ("many elements", oss(&[AES256, &"<d/>".repeat(2_000)].concat())),
        ("many attributes", oss(&format!("<d{attributes}/>{AES256}"))),
        ("an attribute twice", oss(&format!("<d a=\"\" a=\"\"/>{AES256}"))),
        ("a NUL", oss("<SSEAlgorithm>AES256\0</SSEAlgorithm>")),
        ("a reference to a control character", oss("<SSEAlgorithm>AES256&#1;</SSEAlgorithm>")),
        ("another root", oss(AES256).replace("ServerSideEncryptionRule", "ServerSideEncryption")),
        ("too long", oss(&[AES256, &" ".repeat(RULE_MAX)].concat())),
    ] {
        assert_eq!(answered(Dialect::Oss, &document), "400 MalformedXML", "{what}");
    }
    assert!(Rule::parse(Dialect::Oss, b"\xff\xfe<").is_err());
    let at_the_limit = oss(AES256);
    let at_the_limit = format!("{at_the_limit}{}", " ".repeat(RULE_MAX - at_the_limit.len()));
    assert_eq!(answered(Dialect::Oss, &at_the_limit), oss(AES256));
    assert_eq!(answered(Dialect::Oss, &deep(14)), oss(AES256));
}
