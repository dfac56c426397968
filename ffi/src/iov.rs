//! I/O vectors: sources and destinations in several places, walked without copying chunks together.

use core::ffi::c_void;
use std::slice;

use ossenc::inout::InOutBuf;
use ossenc::message::size::{CHUNK_LEN, STORED_CHUNK_LEN};
use ossenc::pieces::Pieces;
use ossenc::{GROUP_CHUNKS, Layout, PAGE_LEN};

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

/// Head and tags, where a layout keeps them apart.
enum Aside<'a> {
    None,
    Read(&'a [u8]),
    Write(&'a mut [u8]),
}

/// The two sides of a call. See [`Vectors::new`].
pub(crate) struct Vectors<'a> {
    source: Cursor<'a>,
    target: Cursor<'a>,
    /// All pieces of the destination, to find back to what was written last.
    written: usize,
    targets: &'a [ossenc_iov],
    sources: &'a [ossenc_iov],
    aside: Aside<'a>,
}

/// Which side of a call is sealed, and where on it the chunks lie.
#[derive(Clone, Copy)]
pub(crate) enum Sealed {
    /// The source, its first chunk behind `lead` bytes; the destination begins `skip` bytes into the plaintext.
    Source { lead: usize, skip: usize, gaps: Gaps },
    /// The destination, its first chunk behind `head` bytes.
    Target { head: usize, gaps: Gaps },
}

/// What interrupts the ciphertext on the sealed side: `gap` bytes after every `run` bytes, the first after `first`.
#[derive(Clone, Copy)]
pub(crate) struct Gaps {
    first: usize,
    run: usize,
    gap: usize,
}

impl Gaps {
    /// For a source or destination that begins at a chunk, `chunk_in_group` chunks into a group of PAGED.
    pub(crate) fn of(layout: Layout, chunk_in_group: usize) -> Gaps {
        let group = GROUP_CHUNKS * CHUNK_LEN;
        match layout {
            Layout::Inline => Gaps { first: CHUNK_LEN, run: CHUNK_LEN, gap: STORED_CHUNK_LEN - CHUNK_LEN },
            Layout::Paged => Gaps { first: group - chunk_in_group * CHUNK_LEN, run: group, gap: PAGE_LEN },
            _ => Gaps { first: usize::MAX, run: usize::MAX, gap: 0 },
        }
    }

    /// The plaintext position of a place on the sealed side, and how many bytes follow before the next gap.
    fn plain_position(self, sealed: usize) -> Option<(usize, usize)> {
        if sealed < self.first {
            return Some((sealed, self.first - sealed));
        }
        let past = sealed - self.first;
        let (runs, at) = (past / self.run.saturating_add(self.gap), past % self.run.saturating_add(self.gap));
        let at = at.checked_sub(self.gap)?;
        Some((self.first + runs * self.run + at, self.run - at))
    }
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
        Ok(Vectors {
            source: Cursor::new(source)?,
            target: Cursor::new(target)?,
            written: 0,
            targets: target,
            sources: source,
            aside: Aside::None,
        })
    }

    /// With the tags of the run aside: for opening.
    pub(crate) fn reading_aside(self, aside: &'a [u8]) -> Outcome<Vectors<'a>> {
        self.check_apart_from(aside)?;
        Ok(Vectors { aside: Aside::Read(aside), ..self })
    }

    /// With room for head and tags aside: for sealing.
    pub(crate) fn writing_aside(self, aside: &'a mut [u8]) -> Outcome<Vectors<'a>> {
        self.check_apart_from(aside)?;
        Ok(Vectors { aside: Aside::Write(aside), ..self })
    }

    fn check_apart_from(&self, aside: &[u8]) -> Outcome<()> {
        let shares = |piece: &ossenc_iov| overlap(piece.p as usize, piece.n, aside.as_ptr() as usize, aside.len());
        if self.targets.iter().chain(self.sources).any(shares) {
            return argument("what lies aside overlaps with the source or the destination");
        }
        Ok(())
    }
}

/// A destination piece may share memory with a source piece only if both begin at the same byte, which is the same byte
/// of the plaintext, and no gap lies in what they share. Everything else would overwrite what is still to be read.
fn check_apart(source: &[ossenc_iov], target: &[ossenc_iov], sealed: Sealed) -> Outcome<()> {
    let mut source_at = 0usize;
    for s in source {
        let mut target_at = 0usize;
        for t in target {
            if overlap(s.p as usize, s.n, t.p as usize, t.n) {
                let same_place = match sealed {
                    Sealed::Source { lead, skip, gaps } => source_at
                        .checked_sub(lead)
                        .and_then(|at| gaps.plain_position(at))
                        .is_some_and(|(plain, body)| plain == skip.wrapping_add(target_at) && s.n.min(t.n) <= body),
                    Sealed::Target { head, gaps } => target_at
                        .checked_sub(head)
                        .and_then(|at| gaps.plain_position(at))
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

    fn contiguous_both(&self) -> usize {
        self.source.here().1.min(self.target.here().1)
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

    fn aside_room(&self) -> usize {
        if let Aside::Write(room) = &self.aside { room.len() } else { 0 }
    }

    fn aside_left(&self) -> usize {
        if let Aside::Read(bytes) = &self.aside { bytes.len() } else { 0 }
    }

    fn put_aside(&mut self, bytes: &[u8]) {
        let Aside::Write(room) = &mut self.aside else { panic!("callers ask for room first") };
        let (place, rest) = core::mem::take(room).split_at_mut(bytes.len());
        place.copy_from_slice(bytes);
        *room = rest;
    }

    fn copy_aside(&mut self, out: &mut [u8]) {
        let Aside::Read(bytes) = &mut self.aside else { panic!("callers ask what is left first") };
        let (taken, rest) = bytes.split_at(out.len());
        out.copy_from_slice(taken);
        *bytes = rest;
    }
}
