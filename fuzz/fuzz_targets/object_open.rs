//! Envelopes of any fields, whose slots are wrapped under the keys of a real keystore, so that they get past the
//! commitment; then edited. With each, a body that was edited, too. An object opens with the data key of the first slot
//! that has to open, or with none; a body opens to what was sealed, or not at all.
#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use ossenc::message::{self, size};
use ossenc::{Envelope, Error, Expect, Method, Secret, Shape};
use ossenc_fuzz::format::{self, SlotHead, data_context, wrapping_key};
use ossenc_fuzz::output::{UNTOUCHED, assert_released, pattern};
use ossenc_fuzz::store::PLACE;
use ossenc_fuzz::{Edit, MATERIAL, STORE, plain_len};

const ALLOW: Expect<'_> = Expect { methods: &[Method::SseOss, Method::SseKms], key_ids: &["oss", "other", "unknown"] };

#[derive(Debug)]
struct Case {
    shape: u8,
    slots: Vec<Slot>,
    envelope_edits: Vec<Edit>,
    plain_len: usize,
    body_edits: Vec<Edit>,
}

#[derive(Debug)]
struct Slot {
    head: SlotHead,
    /// Whether it is wrapped as its head says, or is of another object.
    true_to_head: bool,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Case> {
        let method = if u.ratio(9, 10)? { u.int_in_range(1..=2)? } else { u.int_in_range(0..=4)? };
        Ok(Case {
            shape: if u.ratio(9, 10)? { 1 } else { u.int_in_range(0..=3)? },
            slots: (0..u.int_in_range(1..=3)?).map(|_| slot(u, method)).collect::<Result<_>>()?,
            envelope_edits: if u.ratio(1, 4)? { u.arbitrary()? } else { vec![] },
            plain_len: plain_len(u)?,
            body_edits: u.arbitrary()?,
        })
    }
}

/// A slot of that method, which is right in most of its fields.
fn slot(u: &mut Unstructured<'_>, method: u8) -> Result<Slot> {
    let rarely = |u: &mut Unstructured<'_>| -> Result<Vec<u8>> {
        if u.ratio(19, 20)? { Ok(vec![]) } else { Ok(Vec::arbitrary(u)?.into_iter().take(255).collect()) }
    };
    let head = SlotHead {
        method: if u.ratio(19, 20)? { method } else { u.arbitrary()? },
        kind: if u.ratio(9, 10)? { 1 } else { u.int_in_range(0..=6)? },
        wrapped_at: u.arbitrary()?,
        provider: rarely(u)?,
        key_id: match u.int_in_range(0..=9)? {
            0 => b"unknown".to_vec(),
            1 => b"not-allowed".to_vec(),
            2 => Vec::arbitrary(u)?.into_iter().take(255).collect(),
            n => MATERIAL[n % 2].0.into(),
        },
        key_version: if u.ratio(9, 10)? { b"1".to_vec() } else { Vec::arbitrary(u)?.into_iter().take(70).collect() },
        bucket_key_id: if u.ratio(1, 10)? { vec![3; 16] } else { rarely(u)? },
        outer_blob: rarely(u)?,
    };
    Ok(Slot { head, true_to_head: u.ratio(2, 3)? })
}

impl Slot {
    fn material(&self) -> Option<(&'static str, [u8; 32])> {
        MATERIAL.into_iter().find(|(id, _)| id.as_bytes() == self.head.key_id)
    }

    /// Every slot here wraps a data key of its own, so that one sees which of them has opened.
    fn wrap(&self, prelude: &[u8], data_key: &[u8; 32]) -> Vec<u8> {
        let (id, material) = self.material().unwrap_or(MATERIAL[0]);
        let version = String::from_utf8_lossy(&self.head.key_version).into_owned();
        let version = if version.len() > 64 { "1" } else { &version };
        let another = format::prelude(1, &[0xee; 16]);
        let prelude = if self.true_to_head { prelude } else { &another };
        self.head.wrap(&STORE.engine, &wrapping_key(&material, id, version), prelude, &PLACE, data_key)
    }

    fn opens(&self) -> bool {
        self.true_to_head && self.head.kind == 1 && self.material().is_some() && self.head.key_version == b"1"
    }
}

fuzz_target!(|case: Case| {
    let prelude = format::prelude(case.shape, &[4; 16]);
    let data_keys: Vec<[u8; 32]> = (0..case.slots.len()).map(|i| [0x40 + i as u8; 32]).collect();
    let slots: Vec<Vec<u8>> = case.slots.iter().zip(&data_keys).map(|(slot, key)| slot.wrap(&prelude, key)).collect();
    let envelope = format::envelope(&prelude, &slots.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let mut edited = envelope.clone();
    case.envelope_edits.iter().for_each(|edit| edit.apply(&mut edited));

    let outcome = STORE.open_at(&edited, &PLACE, &ALLOW);
    if let Err(error) = Envelope::parse(&edited) {
        assert_eq!(outcome.err(), Some(error));
        return;
    }
    let allowed = ALLOW.methods.iter().any(|method| *method as u8 == case.slots[0].head.method);
    let first = case.slots.iter().position(Slot::opens);
    if edited == envelope {
        assert_eq!(outcome.is_ok(), allowed && first.is_some(), "{:?}", outcome.err());
        assert!(!matches!(outcome, Err(Error::Format(_))), "it was parsed");
    }
    let Ok(object) = outcome else { return };

    // Edits can keep an earlier slot from opening, but no edit makes one open that did not.
    let used = case.slots.iter().zip(&data_keys).filter(|(slot, _)| slot.opens()).map(|(_, key)| Secret::new(key));
    let mut used: Vec<Secret> = used.collect();
    if edited == envelope {
        used.truncate(1);
    }
    let context = data_context(&prelude);
    let plain = pattern(case.plain_len);
    let body_under = |key: &Secret| message::seal(&STORE.engine, key, &[&context], &plain).unwrap();
    if case.shape != 1 {
        assert_eq!((case.shape, object.prelude().shape()), (2, Shape::Segmented));
        let body = body_under(&used[0]);
        assert!(matches!(object.open_body(0, &body, &mut vec![0; plain.len()]), Err(Error::Format(_))));
        assert_eq!(object.open_body(1, &body, &mut vec![0; plain.len()]), Err(Error::Commit));
        return;
    }
    let mut out = vec![UNTOUCHED; plain.len()];
    let original = used.iter().map(body_under).find(|body| object.open_body(0, body, &mut out).is_ok());
    let original = original.expect("the data key is that of a slot that opens");
    assert!(out == plain);

    let mut body = original.clone();
    case.body_edits.iter().for_each(|edit| edit.apply(&mut body));
    let mut out = vec![UNTOUCHED; size::plain_len(body.len() as u64).unwrap_or(0) as usize];
    let outcome = object.open_body(0, &body, &mut out).map(|n| assert_eq!(n, plain.len()));
    assert_eq!(outcome.is_ok(), body == original, "what opens is what was sealed: {outcome:?}");
    assert_released(&plain, &outcome, &out);
});
