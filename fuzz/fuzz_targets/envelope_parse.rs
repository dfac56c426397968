//! Any bytes as an envelope. What parses is made of exactly the fields that it shows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ossenc::{Context, Envelope, Error, Expect, Method, Object, Rewrap, needs_rewrap, rewrap};
use ossenc_fuzz::STORE;
use ossenc_fuzz::format::{self, INNER_LEN, PRELUDE_LEN, SlotHead};
use ossenc_fuzz::store::{NOW, PLACE};

fuzz_target!(|bytes: &[u8]| {
    let parsed = match Envelope::parse(bytes) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(matches!(error, Error::Format(_) | Error::TooNew(_)), "{error:?}");
            assert_eq!(needs_rewrap(&STORE.keystore, bytes), Err(error));
            return;
        }
    };
    let (prelude, rest) = bytes.split_at(PRELUDE_LEN);
    let mut rest = &rest[4..];
    let mut slots = vec![];
    for slot in parsed.slots() {
        let (head, used) = read_head(rest);
        let inner = &rest[used..used + INNER_LEN];
        rest = &rest[used + INNER_LEN..];
        slots.push([&head.encode()[..], inner].concat());
        let shown = (slot.method() as u8, slot.kind() as u8, slot.wrapped_at());
        assert_eq!(shown, (head.method, head.kind, head.wrapped_at));
        assert_eq!((slot.key_id(), slot.key_version()), (text(&head.key_id), text(&head.key_version)));
    }
    let slots: Vec<&[u8]> = slots.iter().map(Vec::as_slice).collect();
    assert_eq!(format::envelope(prelude, &slots), bytes);
    assert_eq!(*parsed.prelude().object_id(), bytes[16..32]);

    needs_rewrap(&STORE.keystore, bytes).expect("what parses can be looked at");
    let key_ids: Vec<&str> = parsed.slots().iter().map(|slot| slot.key_id()).collect();
    let all = Expect { methods: &[Method::SseOss, Method::SseKms, Method::SseC], key_ids: &key_ids };
    // No slot opens in another place, whatever the corpus has taken from somewhere.
    for place in [Context::default(), Context { object: b"not where it was", ..PLACE }] {
        let opened = Object::open(&STORE.engine, &STORE.keystore, bytes, &place, &all, NOW);
        assert!(opened.is_err());
        let again = rewrap(&STORE.engine, &STORE.keystore, bytes, &place, &all, &Rewrap::default(), NOW);
        assert_eq!(again.err(), opened.err());
    }
});

/// The head of a slot that is known to be well-formed, and how many bytes it takes.
fn read_head(bytes: &[u8]) -> (SlotHead, usize) {
    let mut at = 12;
    let mut lp8 = || {
        let len = usize::from(bytes[at]);
        at += 1 + len;
        bytes[at - len..at].to_vec()
    };
    let [provider, key_id, key_version, bucket_key_id] = [(); 4].map(|()| lp8());
    let len = usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    let outer_blob = bytes[at + 2..][..len].to_vec();
    let wrapped_at = u64::from_be_bytes(bytes[4..12].try_into().unwrap());
    let (method, kind) = (bytes[2], bytes[3]);
    let head = SlotHead { method, kind, wrapped_at, provider, key_id, key_version, bucket_key_id, outer_blob };
    (head, at + 2 + len)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("identifiers are ASCII")
}
