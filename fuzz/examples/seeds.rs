//! Writes the seeds: `cargo run --example seeds`, in this directory. They are committed; each run writes the same bytes.

use std::fs;
use std::path::Path;

use ossenc::Context;
use ossenc_fuzz::STORE;
use ossenc_fuzz::format::{self, INNER_LEN, Key, KeyVersion, RecordFields, SlotHead};
use ossenc_fuzz::store::{NOW, PLACE};

fn main() -> std::io::Result<()> {
    for (name, envelope) in envelopes() {
        write("envelope_parse", name, &envelope)?;
    }
    for (name, record) in records() {
        write("bucket_key_open", name, &[&[0], &record[..]].concat())?;
    }
    for (name, body) in bodies() {
        write("keystore_load", name, &[&[1], &body[..]].concat())?;
    }
    for (name, rule) in RULES {
        write("sse_rule", name, rule.as_bytes())?;
    }
    for (name, choices, headers) in REQUESTS {
        write("sse_headers", name, &[&choices[..], headers.as_bytes()].concat())?;
    }
    write("keystore_load", "image", &[&[0], &STORE.image[..]].concat())
}

/// Documents as clients of OSS and S3 write them.
const RULES: [(&str, &str); 3] = [
    (
        "oss",
        "<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>\
         <KMSMasterKeyID></KMSMasterKeyID><KMSDataEncryption>SM4</KMSDataEncryption>\
         </ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>",
    ),
    (
        "oss-kms",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault>\
         <KMSMasterKeyID>key-1</KMSMasterKeyID><SSEAlgorithm>KMS</SSEAlgorithm>\
         </ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>",
    ),
    (
        "s3",
        "<ServerSideEncryptionConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule>\
         <ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>\
         </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule>\
         </ServerSideEncryptionConfiguration>",
    ),
];

/// Choices of `sse_headers` and lines of headers.
const REQUESTS: [(&str, [u8; 5], &str); 4] = [
    ("oss-service", [0, 0, 0, 0, 0], "x-oss-server-side-encryption: AES256\nx-oss-server-side-data-encryption: SM4"),
    (
        "oss-kms",
        [0, 3, 0, 0, 1],
        "X-Oss-Server-Side-Encryption: KMS\nx-oss-server-side-encryption-key-id: key-1\n\
         x-oss-server-side-encryption-context: {\"a\":\"1\"}",
    ),
    (
        "s3-kms",
        [1, 0, 0, 0, 2],
        "x-amz-server-side-encryption: aws:kms\nx-amz-server-side-encryption-aws-kms-key-id: k\n\
         x-amz-server-side-encryption-context: eyJhIjoiMSJ9\n\
         x-amz-server-side-encryption-bucket-key-enabled: true",
    ),
    (
        "s3-customer",
        [1, 9, 3, 0, 0],
        "x-amz-server-side-encryption-customer-algorithm: AES256\n\
         x-amz-server-side-encryption-customer-key: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=\n\
         x-amz-server-side-encryption-customer-key-MD5: V5euSAsQOO0sIBHETfEa4w==",
    ),
];

fn write(target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&directory)?;
    fs::write(directory.join(name), bytes)
}

/// An envelope with a slot of each kind, and one with slots of three keys.
fn envelopes() -> Vec<(&'static str, Vec<u8>)> {
    let prelude = format::prelude(1, &[4; 16]);
    let local = SlotHead::local("oss", "1");
    let bucket = SlotHead { bucket_key_id: vec![5; 16], ..local.clone() };
    let remote = SlotHead { kind: 2, provider: b"aws-kms".to_vec(), outer_blob: vec![6; 20], ..local.clone() };
    let by_value = SlotHead { kind: 3, outer_blob: local_record().1, ..bucket.clone() };
    let by_reference = SlotHead { kind: 4, ..bucket };
    let customer = SlotHead { method: 3, kind: 5, ..SlotHead::local("", "") };
    let slot = |head: &SlotHead| [head.encode(), vec![9; INNER_LEN]].concat();
    let one = |head: &SlotHead| format::envelope(&prelude, &[&slot(head)]);
    let several =
        [SlotHead::local("other", "18446744073709551614"), remote.clone(), local.clone()].map(|head| slot(&head));
    let true_slot = local.wrap(
        &STORE.engine,
        &format::wrapping_key(&[7; 32], "oss", "1"),
        &prelude,
        &Context { object: b"seed", ..PLACE },
        &[1; 32],
    );
    vec![
        ("local", format::envelope(&prelude, &[&true_slot])),
        ("remote", one(&remote)),
        ("bucket-key-by-value", one(&by_value)),
        ("bucket-key-by-reference", one(&by_reference)),
        ("customer", one(&customer)),
        ("several", format::envelope(&prelude, &several.each_ref().map(Vec::as_slice))),
    ]
}

fn local_record() -> (RecordFields, Vec<u8>) {
    let (provider, key_id, key_version) = (vec![], b"oss".to_vec(), b"1".to_vec());
    let fields = RecordFields { id: [5; 16], not_after: NOW + 1, kind: 1, provider, key_id, key_version };
    let sealed = fields.seal(&STORE.engine, &format::bucket_wrapping_key(&[7; 32], "oss", "1"), &PLACE, &[3; 32]);
    (fields, sealed)
}

/// Records of bucket keys, under a local and a remote key.
fn records() -> Vec<(&'static str, Vec<u8>)> {
    let (fields, local) = local_record();
    let remote = RecordFields { kind: 2, provider: b"aws-kms".to_vec(), ..fields };
    vec![("local", local), ("remote", [remote.encode(), format::lp(&[6; 20])].concat())]
}

/// Bodies of keystores: none, one and several keys, all states.
fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let key = Key::new("oss", &[7; 32]);
    let version = |number, state| KeyVersion {
        number,
        state,
        not_after: number,
        material: if state == 4 { vec![] } else { vec![7; 32] },
    };
    let history = Key {
        primary: 3,
        next_version: 9,
        versions: vec![version(1, 4), version(2, 3), version(3, 2), version(5, 1)],
        aliases: vec![b"alias/a".to_vec(), b"alias/b".to_vec()],
        ..Key::new("history", &[])
    };
    let disabled = Key { state: 2, ..Key::new("disabled", &[7; 32]) };
    let leaving = Key { state: 3, delete_at: 5, ..Key::new("leaving", &[7; 32]) };
    let awaited =
        Key { origin: 2, state: 4, primary: 0, check: vec![8; 32], versions: vec![], ..Key::new("awaited", &[]) };
    vec![
        ("empty", format::keystore_body(&[])),
        ("one", format::keystore_body(std::slice::from_ref(&key))),
        ("states", format::keystore_body(&[awaited, disabled, history, leaving, key])),
    ]
}
