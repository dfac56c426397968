//! Any bytes as a message, and messages of ours that were edited: nothing opens but what was sealed, the three ways to
//! open a message agree, and none leaves plaintext of a bad chunk behind.
#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use ossenc::message::size::{self, HEAD_LEN};
use ossenc::message::{self, Opener, Window};
use ossenc::{Error, Secret};
use ossenc_fuzz::output::{UNTOUCHED, assert_released, head, open_stream, pattern};
use ossenc_fuzz::pieces::Scattered;
use ossenc_fuzz::{Edit, STORE, plain_len};

const CONTEXT: &[&[u8]] = &[b"a context"];

#[derive(Debug)]
struct Case {
    /// The plaintext's length, and what is done to its message; or else the message as it is.
    message: std::result::Result<(usize, Vec<Edit>), Vec<u8>>,
    /// How reads and buffers are cut.
    cuts: [u16; 3],
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Case> {
        let cuts = u.arbitrary()?;
        let message = if u.ratio(4, 5)? { Ok((plain_len(u)?, u.arbitrary()?)) } else { Err(u.arbitrary()?) };
        Ok(Case { message, cuts })
    }
}

fuzz_target!(|case: Case| {
    let (engine, key) = (&STORE.engine, Secret::new(&[7; 32]));
    let (plain, original, bytes) = match &case.message {
        Ok((len, edits)) => {
            let plain = pattern(*len);
            let original = message::seal(engine, &key, CONTEXT, &plain).unwrap();
            let mut edited = original.clone();
            edits.iter().for_each(|edit| edit.apply(&mut edited));
            (plain, Some(original), edited)
        }
        Err(bytes) => (vec![], None, bytes.clone()),
    };
    let at_once = message::open(engine, &key, CONTEXT, &bytes);
    let unchanged = original.is_some_and(|original| original == bytes);
    assert_eq!(at_once.is_ok(), unchanged, "what opens is what was sealed, bit by bit: {:?}", at_once.err());
    if let Ok(opened) = &at_once {
        assert!(**opened == plain);
    }

    // Pieces of a few bytes only, where the message is short.
    let cuts = case.cuts.map(|n| usize::from(n) % 20_000 + if bytes.len() < 500 { 1 } else { 200 });
    let (outcome, released) = open_stream(engine, &key, CONTEXT, &bytes, &cuts[..1]);
    assert!(plain.starts_with(&released));
    match (outcome, &at_once) {
        (Ok(()), Ok(_)) => assert_eq!(released, plain),
        // A stream meets a damaged chunk before it knows that the length is wrong, and a wrong head before that.
        (Err(Error::Chunk { .. } | Error::Commit), Err(Error::Truncated)) => {}
        (outcome, at_once) => assert_eq!(outcome.err(), at_once.as_ref().err().copied()),
    }

    let Ok(plain_len) = size::plain_len(bytes.len() as u64) else {
        assert_eq!(at_once.err(), Some(Error::Truncated));
        return;
    };
    let mut out = vec![UNTOUCHED; plain_len as usize];
    let outcome = Opener::new(engine, &key, CONTEXT, &head(&bytes)).and_then(|opener| {
        let chunks = size::chunks(plain_len);
        let window = Window { plain_len, chunk: 0, chunks, skip: 0, take: plain_len, tags_aside: false };
        opener.open(&window, &mut Scattered::cut(&bytes[HEAD_LEN..], &cuts[1..2], &mut out, &cuts[2..]))
    });
    assert_eq!(outcome.err(), at_once.err());
    assert_released(&plain, &outcome, &out);
});
