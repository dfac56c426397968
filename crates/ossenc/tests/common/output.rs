//! What goes into calls and comes out of them: the plaintext, and the state of the buffers afterwards.

use ossenc::message::size::CHUNK_LEN;
use ossenc::message::{Head, StreamOpener};
use ossenc::{Engine, Error, Result, Secret};

use super::pieces;

/// The plaintext of all tests and vectors: byte `i` is `i mod 251`, so no two chunks of an object are alike.
pub fn pattern(len: usize) -> Vec<u8> {
    pattern_from(0, len)
}

/// What goes on at byte `start` of it.
pub fn pattern_from(start: usize, len: usize) -> Vec<u8> {
    let period: Vec<u8> = (start..start + 251).map(|i| (i % 251) as u8).collect();
    let mut out = period.repeat(len / 251 + 1);
    out.truncate(len);
    out
}

/// What output buffers hold before a call, to see what the call has touched.
pub const UNTOUCHED: u8 = 0xa5;

/// Whether a call has left that alone. Fast, for megabytes in tests that are not optimised.
pub fn untouched(bytes: &[u8]) -> bool {
    bytes.first().is_none_or(|first| *first == UNTOUCHED)
        && bytes.get(1..).is_none_or(|rest| *rest == bytes[..rest.len()])
}

/// A message's first 56 bytes.
pub fn head(message: &[u8]) -> Head {
    *message.first_chunk().expect("a message has a head")
}

/// What an output buffer may hold after the chunks of a message were opened into it: all of it on success; when a chunk
/// does not verify, the chunks before it, zeros in its own place, and nothing after it; nothing at all after any other
/// error.
#[track_caller]
pub fn assert_released(plain: &[u8], outcome: &Result<()>, out: &[u8]) {
    match outcome {
        Ok(()) => assert!(out.starts_with(plain) && untouched(&out[plain.len()..]), "not all that was sealed"),
        Err(Error::Chunk { chunk }) => {
            let start = *chunk as usize * CHUNK_LEN;
            let end = out.len().min(start + CHUNK_LEN);
            assert_eq!(out[..start], plain[..start], "chunks that verified");
            let wiped = out[start..end].iter().position(|byte| *byte != 0).unwrap_or(end - start);
            assert!(untouched(&out[start + wiped..]), "chunk {chunk} left something in the output");
        }
        Err(error) => assert!(untouched(out), "output was touched before {error:?}"),
    }
}

/// Reads a message from a stream that gives pieces of those lengths, over and over. Says how it ended, and what was
/// released until then; all else that the opener wrote has to be wiped.
#[track_caller]
pub fn open_stream(
    engine: &Engine,
    key: &Secret,
    context: &[&[u8]],
    message: &[u8],
    reads: &[usize],
) -> (Result<()>, Vec<u8>) {
    let Some((head, chunks)) = message.split_first_chunk() else { return (Err(Error::Truncated), vec![]) };
    let mut stream = match StreamOpener::new(engine, key, context, head) {
        Ok(stream) => stream,
        Err(error) => return (Err(error), vec![]),
    };
    let (mut pending, mut released) = (vec![], vec![]);
    let mut rest = chunks;
    let mut step = |pending: &mut Vec<u8>, last: bool| {
        let mut room = vec![UNTOUCHED; pending.len()];
        let outcome = if last { stream.finish(pending, &mut room) } else { stream.next(pending, &mut room) };
        let written = match &outcome {
            Ok(progress) => progress.written,
            Err(Error::Chunk { chunk }) => *chunk as usize * CHUNK_LEN - released.len(),
            Err(_) => 0,
        };
        assert!(room[written..].iter().all(|byte| [0, UNTOUCHED].contains(byte)), "left in the output: {outcome:?}");
        released.extend_from_slice(&room[..written]);
        pending.drain(..outcome.as_ref().map_or(0, |progress| progress.consumed));
        outcome.map(|_| ())
    };
    for n in pieces::lengths(chunks.len(), reads) {
        let (piece, later) = rest.split_at(n);
        rest = later;
        pending.extend_from_slice(piece);
        if let Err(error) = step(&mut pending, false) {
            return (Err(error), released);
        }
    }
    let outcome = step(&mut pending, true);
    (outcome, released)
}
