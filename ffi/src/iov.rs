//! I/O vectors: sources and destinations in several places, walked without copying chunks together.

use core::ffi::c_void;
use std::slice;

use ossenc::inout::InOutBuf;
use ossenc::message::size::{CHUNK_LEN, STORED_CHUNK_LEN};
use ossenc::pieces::Pieces;

use crate::bytes::{array, overlap};
use crate::status::{Outcome, argument};

/// A piece of memory; the layout of POSIX's `struct iovec`. Pieces of a source are only read.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_iov {
    /// The first byte; may be NULL when `n` is 0.
    pub p: *mut c_void,
    /// How many bytes.
    pub n: usize,
}

/// A place in a list of pieces, never at the end of one but at the end of all.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    pieces: &'a [ossenc_iov],
    at: usize,
    left: usize,
}

impl<'a> Cursor<'a> {
    fn new(pieces: &'a [ossenc_iov]) -> Outcome<Cursor<'a>> {
        let mut left = 0usize;
        for piece in pieces {
            left = match left.checked_add(piece.n) {
                Some(sum) if sum <= isize::MAX as usize && (piece.n == 0 || !piece.p.is_null()) => sum,
                _ => return argument("an I/O vector with NULL or more bytes than memory"),
            };
        }
        let mut cursor = Cursor { pieces, at: 0, left };
        cursor.skip_empty();
        Ok(cursor)
    }

    fn skip_empty(&mut self) {
        while self.pieces.first().is_some_and(|piece| piece.n == self.at) {
            self.pieces = &self.pieces[1..];
            self.at = 0;
        }
    }

    /// What is contiguous from here on.
    fn here(&self) -> (*mut u8, usize) {
        self.pieces.first().map_or((core::ptr::NonNull::dangling().as_ptr(), 0), |piece| {
            (piece.p.cast::<u8>().wrapping_add(self.at), piece.n - self.at)
        })
    }

    /// Goes on within the current piece.
    fn advance(&mut self, n: usize) {
        self.at += n;
        self.left -= n;
        self.skip_empty();
    }
}

/// The two sides of a call. See [`Vectors::new`].
pub(crate) struct Vectors<'a> {
    source: Cursor<'a>,
    target: Cursor<'a>,
    /// All pieces of the destination, to find back to what was written last.
    written: usize,
    targets: &'a [ossenc_iov],
}

/// Which side of a call is sealed (INLINE), and where on it the first chunk begins.
#[derive(Clone, Copy)]
pub(crate) enum Sealed {
    /// The source, its first chunk behind `lead` bytes; the destination begins `skip` bytes into the plaintext.
    Source { lead: usize, skip: usize },
    /// The destination, its first chunk behind `head` bytes.
    Target { head: usize },
}

impl<'a> Vectors<'a> {
    /// Checks both lists, and that they are apart, or the same memory only where the same plaintext lies.
    ///
    /// # Safety
    /// Both lists are readable, the pieces of `source` are readable and those of `target` writable, for as long as the
    /// call lasts, and nothing else uses those of `target` meanwhile.
    pub(crate) unsafe fn new(
        source: *const ossenc_iov,
        sources: usize,
        target: *const ossenc_iov,
        targets: usize,
        sealed: Sealed,
    ) -> Outcome<Vectors<'a>> {
        // SAFETY: as the caller says.
        let (source, target) = unsafe { (array(source, sources)?, array(target, targets)?) };
        check_apart(source, target, sealed)?;
        Ok(Vectors { source: Cursor::new(source)?, target: Cursor::new(target)?, written: 0, targets: target })
    }
}

/// The plaintext position of a place on the sealed side, and how many bytes of its chunk's body follow.
fn plain_position(sealed: usize) -> Option<(usize, usize)> {
    let (chunk, at) = (sealed / STORED_CHUNK_LEN, sealed % STORED_CHUNK_LEN);
    (at < CHUNK_LEN).then_some((chunk * CHUNK_LEN + at, CHUNK_LEN - at))
}

/// A destination piece may share memory with a source piece only if both begin at the same byte, which is the same byte
/// of the plaintext, and no tag lies in what they share. Everything else would overwrite what is still to be read.
fn check_apart(source: &[ossenc_iov], target: &[ossenc_iov], sealed: Sealed) -> Outcome<()> {
    let mut source_at = 0usize;
    for s in source {
        let mut target_at = 0usize;
        for t in target {
            if overlap(s.p as usize, s.n, t.p as usize, t.n) {
                let same_place = match sealed {
                    Sealed::Source { lead, skip } => source_at
                        .checked_sub(lead)
                        .and_then(plain_position)
                        .is_some_and(|(plain, body)| plain == skip.wrapping_add(target_at) && s.n.min(t.n) <= body),
                    Sealed::Target { head } => target_at
                        .checked_sub(head)
                        .and_then(plain_position)
                        .is_some_and(|(plain, body)| plain == source_at && s.n.min(t.n) <= body),
                };
                if s.p != t.p || !same_place {
                    return argument("source and destination overlap");
                }
            }
            target_at = target_at.saturating_add(t.n);
        }
        source_at = source_at.saturating_add(s.n);
    }
    Ok(())
}

impl Pieces for Vectors<'_> {
    fn source_left(&self) -> usize {
        self.source.left
    }

    fn target_left(&self) -> usize {
        self.target.left
    }

    fn contiguous(&mut self) -> (&[u8], &mut [u8]) {
        let (from, from_len) = self.source.here();
        let (to, to_len) = self.target.here();
        if overlap(from as usize, from_len, to as usize, to_len) {
            return (&[], &mut []);
        }
        // SAFETY: both lie within pieces that `new`'s caller promised, and are apart.
        unsafe { (slice::from_raw_parts(from, from_len), slice::from_raw_parts_mut(to, to_len)) }
    }

    fn advance(&mut self, source: usize, target: usize) {
        self.source.advance(source);
        self.target.advance(target);
        self.written += target;
    }

    fn both(&mut self, most: usize) -> InOutBuf<'_, '_, u8> {
        let (from, from_len) = self.source.here();
        let (to, to_len) = self.target.here();
        let n = most.min(from_len).min(to_len);
        self.advance(n, n);
        // SAFETY: n bytes of a source piece and of a destination piece; `check_apart` made sure that they are the same
        // memory, beginning at the same byte, or apart.
        unsafe { InOutBuf::from_raw(from, to, n) }
    }

    fn source(&mut self, most: usize) -> &[u8] {
        let (from, len) = self.source.here();
        let n = most.min(len);
        self.source.advance(n);
        // SAFETY: within a source piece.
        unsafe { slice::from_raw_parts(from, n) }
    }

    fn put(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (to, len) = self.target.here();
            let n = bytes.len().min(len);
            assert!(n > 0, "callers ask for room first");
            // SAFETY: n bytes of a destination piece; `bytes` is the library's own.
            unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, n) };
            self.advance(0, n);
            bytes = &bytes[n..];
        }
    }

    fn wipe(&mut self, n: usize) {
        let (mut start, end) = (self.written - n, self.written);
        let mut at = 0;
        for piece in self.targets {
            let piece_end = at + piece.n;
            if start < piece_end && start < end {
                let len = end.min(piece_end) - start;
                // SAFETY: within a destination piece. The write is volatile in effect: the memory is the caller's.
                unsafe { core::ptr::write_bytes(piece.p.cast::<u8>().add(start - at), 0, len) };
                start += len;
            }
            at = piece_end;
        }
    }
}
