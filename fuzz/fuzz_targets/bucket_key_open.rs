//! Any bytes as a bucket key's record, and records of any fields that are sealed properly or edited: what parses consists
//! of exactly the fields that it shows; what opens was sealed for this bucket, under the master key that it names.
#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use ossenc::{BucketKeyRecord, Context, Error, Expect, Method, Object, Recipient, Secret, Shape};
use ossenc_fuzz::format::{self, RecordFields};
use ossenc_fuzz::store::{NOW, PLACE};
use ossenc_fuzz::{Edit, MATERIAL, STORE};

#[derive(Debug)]
struct Case {
    fields: RecordFields,
    /// Whether it is sealed as its fields say, for this bucket.
    true_to_fields: bool,
    edits: Vec<Edit>,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Case> {
        let rarely = |u: &mut Unstructured<'a>| -> Result<Vec<u8>> {
            if u.ratio(19, 20)? { Ok(vec![]) } else { Ok(Vec::arbitrary(u)?.into_iter().take(255).collect()) }
        };
        let fields = RecordFields {
            id: u.arbitrary()?,
            not_after: if u.arbitrary()? { NOW + 1 } else { u.arbitrary()? },
            kind: if u.ratio(4, 5)? { 1 } else { u.int_in_range(0..=3)? },
            provider: rarely(u)?,
            key_id: if u.ratio(9, 10)? { u.choose(&MATERIAL)?.0.into() } else { rarely(u)? },
            key_version: if u.ratio(9, 10)? { b"1".to_vec() } else { rarely(u)? },
        };
        Ok(Case { fields, true_to_fields: u.ratio(2, 3)?, edits: if u.arbitrary()? { u.arbitrary()? } else { vec![] } })
    }
}

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((0, record)) => parse(record).map_or((), |_| {}),
        Some((_, rest)) => {
            if let Ok(case) = Case::arbitrary(&mut Unstructured::new(rest)) {
                open(&case);
            }
        }
        None => {}
    }
});

fn parse(bytes: &[u8]) -> Option<BucketKeyRecord<'_>> {
    let record = match BucketKeyRecord::parse(bytes) {
        Ok(record) => record,
        Err(error) => {
            assert!(matches!(error, Error::Format(_) | Error::TooNew(_)), "{error:?}");
            return None;
        }
    };
    let fields = RecordFields {
        id: *record.id(),
        not_after: record.not_after(),
        kind: if record.blob().is_some() { 2 } else { 1 },
        provider: record.provider().into(),
        key_id: record.key_id().into(),
        key_version: record.key_version().into(),
    };
    let encoded = fields.encode();
    assert!(bytes.starts_with(&encoded) && bytes.len() <= 8_192);
    let sealed = record.blob().unwrap_or(&bytes[encoded.len() + 2..]);
    assert_eq!([encoded, format::lp(sealed)].concat(), bytes);
    Some(record)
}

fn open(case: &Case) {
    let (fields, key) = (&case.fields, [3; 32]);
    let material = MATERIAL.into_iter().find(|(id, _)| id.as_bytes() == fields.key_id);
    let place = if case.true_to_fields { PLACE } else { Context { bucket_id: b"elsewhere", ..PLACE } };
    let (id, material) = material.unwrap_or(MATERIAL[0]);
    let sealed = fields.seal(&STORE.engine, &format::bucket_wrapping_key(&material, id, "1"), &place, &key);
    let mut edited = sealed.clone();
    case.edits.iter().for_each(|edit| edit.apply(&mut edited));

    let Some(record) = parse(&edited) else { return };
    let Ok(opened) = record.open(&STORE.engine, &STORE.keystore, &PLACE, NOW) else {
        let may_open = case.true_to_fields
            && fields.kind == 1
            && MATERIAL.iter().any(|(id, _)| id.as_bytes() == fields.key_id)
            && fields.key_version == b"1";
        assert!(edited != sealed || !may_open, "what is right opens");
        return;
    };
    assert!(edited == sealed && case.true_to_fields && fields.kind == 1, "what opens was sealed so");
    let recipient = Recipient::BucketKey { method: Method::SseOss, key: &opened };
    let made = Object::create(&STORE.engine, &STORE.keystore, &recipient, &PLACE, Shape::Single, NOW);
    assert_eq!(made.as_ref().err(), (fields.not_after <= NOW).then_some(&Error::KeyState));
    let Ok((_, envelope)) = made else { return };
    let key_ids = [record.key_id()];
    let allow = Expect { methods: &[Method::SseOss], key_ids: &key_ids };
    STORE.open_at(&envelope, &PLACE, &allow).expect("the keystore opens the record in the slot");
    let (prelude, slot_head, inner) = format::split_envelope(&envelope);
    let place = format::encode_context(&PLACE);
    let context = format::wrap_context(prelude, slot_head, &place);
    ossenc::message::open(&STORE.engine, &Secret::new(&key), &context, inner).expect("the bucket key is that one");
}
