//! Sources and destinations in several places, as the buffers of an I/O vector are.

use ossenc::inout::InOutBuf;
use ossenc::message::size;
use ossenc::pieces::Pieces;

/// Any number of source slices and of destination slices, of any lengths, 0 and 1 included.
pub struct Scattered<'a> {
    source: Vec<&'a [u8]>,
    target: Vec<&'a mut [u8]>,
    read: Cursor,
    written: Cursor,
    aside: Aside<'a>,
}

/// Head and tags, in one piece.
#[derive(Default)]
enum Aside<'a> {
    #[default]
    None,
    Read(&'a [u8]),
    Write(&'a mut [u8]),
}

/// A place in a list of slices.
#[derive(Clone, Copy, Default)]
struct Cursor {
    slice: usize,
    byte: usize,
}

impl Cursor {
    /// Moves to where a byte is, over what is empty or done; stays at the end if none is left.
    fn settle<T: AsRef<[u8]>>(&mut self, slices: &[T]) {
        while self.slice < slices.len() && self.byte == slices[self.slice].as_ref().len() {
            *self = Cursor { slice: self.slice + 1, byte: 0 };
        }
    }

    fn left<T: AsRef<[u8]>>(self, slices: &[T]) -> usize {
        slices[self.slice.min(slices.len())..].iter().map(|s| s.as_ref().len()).sum::<usize>() - self.byte
    }
}

impl<'a> Scattered<'a> {
    pub fn new(source: Vec<&'a [u8]>, target: Vec<&'a mut [u8]>) -> Scattered<'a> {
        let (read, written) = (Cursor::default(), Cursor::default());
        let mut this = Scattered { source, target, read, written, aside: Aside::None };
        this.advance(0, 0);
        this
    }

    pub fn reading_aside(self, aside: &'a [u8]) -> Scattered<'a> {
        Scattered { aside: Aside::Read(aside), ..self }
    }

    pub fn writing_aside(self, aside: &'a mut [u8]) -> Scattered<'a> {
        Scattered { aside: Aside::Write(aside), ..self }
    }

    /// Cuts both sides at those lengths, used over and over: `[1]` cuts into single bytes, `[]` does not cut.
    pub fn cut(source: &'a [u8], source_cuts: &[usize], target: &'a mut [u8], target_cuts: &[usize]) -> Scattered<'a> {
        let (mut source_rest, mut source_pieces) = (source, vec![]);
        for n in lengths(source.len(), source_cuts) {
            let (piece, rest) = source_rest.split_at(n);
            source_pieces.push(piece);
            source_rest = rest;
        }
        let target_lengths = lengths(target.len(), target_cuts);
        let (mut target_rest, mut target_pieces) = (target, vec![]);
        for n in target_lengths {
            let (piece, rest) = target_rest.split_at_mut(n);
            target_pieces.push(piece);
            target_rest = rest;
        }
        Scattered::new(source_pieces, target_pieces)
    }
}

/// Lengths of the pieces of `total` bytes: those given, from the beginning again while anything is left.
pub fn lengths(total: usize, cuts: &[usize]) -> Vec<usize> {
    if cuts.iter().all(|n| *n == 0) {
        return vec![total];
    }
    let mut left = total;
    let mut out = vec![];
    for n in cuts.iter().cycle() {
        out.push(left.min(*n));
        left -= left.min(*n);
        if left == 0 {
            return out;
        }
    }
    unreachable!("the cuts repeat")
}

impl Pieces for Scattered<'_> {
    fn source_left(&self) -> usize {
        self.read.left(&self.source)
    }

    fn target_left(&self) -> usize {
        self.written.left(&self.target)
    }

    fn contiguous(&mut self) -> (&[u8], &mut [u8]) {
        let (read, written) = (self.read, self.written);
        let source = self.source.get(read.slice).map_or(&[][..], |slice| &slice[read.byte..]);
        let target = self.target.get_mut(written.slice).map_or(&mut [][..], |slice| &mut slice[written.byte..]);
        (source, target)
    }

    fn advance(&mut self, source: usize, target: usize) {
        self.read.byte += source;
        self.read.settle(&self.source);
        self.written.byte += target;
        self.written.settle(&self.target);
    }

    fn contiguous_both(&self) -> usize {
        let source = self.source.get(self.read.slice).map_or(0, |slice| slice.len() - self.read.byte);
        let target = self.target.get(self.written.slice).map_or(0, |slice| slice.len() - self.written.byte);
        source.min(target)
    }

    fn both(&mut self, most: usize) -> InOutBuf<'_, '_, u8> {
        let (read, written) = (self.read, self.written);
        let (source, target) = self.contiguous();
        let n = most.min(source.len()).min(target.len());
        assert!(n > 0, "asked for bytes that are not there");
        self.advance(n, n);
        let source = &self.source[read.slice][read.byte..][..n];
        InOutBuf::new(source, &mut self.target[written.slice][written.byte..][..n]).unwrap()
    }

    fn source(&mut self, most: usize) -> &[u8] {
        let read = self.read;
        let n = most.min(self.contiguous().0.len());
        assert!(n > 0, "asked for bytes that are not there");
        self.advance(n, 0);
        &self.source[read.slice][read.byte..][..n]
    }

    fn put(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (_, target) = self.contiguous();
            let n = bytes.len().min(target.len());
            assert!(n > 0, "asked for room that is not there");
            target[..n].copy_from_slice(&bytes[..n]);
            self.advance(0, n);
            bytes = &bytes[n..];
        }
    }

    fn wipe(&mut self, mut n: usize) {
        let mut end = self.written;
        while n > 0 {
            if end.byte == 0 {
                end = Cursor { slice: end.slice - 1, byte: self.target[end.slice - 1].len() };
                continue;
            }
            let wiped = n.min(end.byte);
            self.target[end.slice][end.byte - wiped..end.byte].fill(0);
            end.byte -= wiped;
            n -= wiped;
        }
    }

    fn aside_room(&self) -> usize {
        if let Aside::Write(room) = &self.aside { room.len() } else { 0 }
    }

    fn aside_left(&self) -> usize {
        if let Aside::Read(bytes) = &self.aside { bytes.len() } else { 0 }
    }

    fn put_aside(&mut self, bytes: &[u8]) {
        let Aside::Write(room) = &mut self.aside else { panic!("asked for room aside") };
        let (place, rest) = std::mem::take(room).split_at_mut(bytes.len());
        place.copy_from_slice(bytes);
        *room = rest;
    }

    fn copy_aside(&mut self, out: &mut [u8]) {
        let Aside::Read(bytes) = &mut self.aside else { panic!("asked for bytes aside") };
        let (taken, rest) = bytes.split_at(out.len());
        out.copy_from_slice(taken);
        *bytes = rest;
    }
}

/// Plaintext and ciphertext in the same memory, the head and the tags aside: as they are where a body is encrypted in
/// the buffer that it was read into. For one whole message, of which all is wanted: then only tags are a source alone.
/// That holds for the layout DETACHED, and also for INLINE, whose head and tags then come through the same calls as its
/// chunks.
pub struct InPlace {
    pub body: Vec<u8>,
    pub aside: Vec<u8>,
    body_at: usize,
    aside_at: usize,
    sealing: bool,
}

impl InPlace {
    /// To be sealed: `body` is the plaintext, `aside` will have head and tags.
    pub fn to_seal(plain: &[u8]) -> InPlace {
        InPlace { body: plain.to_vec(), aside: vec![], body_at: 0, aside_at: 0, sealing: true }
    }

    /// To be opened: a message without its head.
    pub fn to_open(chunks: &[u8]) -> InPlace {
        let (mut body, mut aside) = (vec![], vec![]);
        for chunk in chunks.chunks(size::STORED_CHUNK_LEN) {
            let (ciphertext, tag) = chunk.split_at(chunk.len() - size::TAG_LEN);
            body.extend_from_slice(ciphertext);
            aside.extend_from_slice(tag);
        }
        InPlace { body, aside, body_at: 0, aside_at: 0, sealing: false }
    }

    /// The message, once sealed.
    pub fn message(&self) -> Vec<u8> {
        let (head, tags) = self.aside.split_at(size::HEAD_LEN);
        let mut out = head.to_vec();
        for (i, tag) in tags.chunks(size::TAG_LEN).enumerate() {
            let start = self.body.len().min(i * size::CHUNK_LEN);
            out.extend_from_slice(&self.body[start..self.body.len().min(start + size::CHUNK_LEN)]);
            out.extend_from_slice(tag);
        }
        out
    }
}

impl Pieces for InPlace {
    fn source_left(&self) -> usize {
        let aside = if self.sealing { 0 } else { self.aside.len() - self.aside_at };
        self.body.len() - self.body_at + aside
    }

    fn target_left(&self) -> usize {
        let aside = if self.sealing { usize::MAX / 2 } else { 0 };
        self.body.len() - self.body_at + aside
    }

    fn contiguous(&mut self) -> (&[u8], &mut [u8]) {
        (&[], &mut [])
    }

    fn contiguous_both(&self) -> usize {
        self.body.len() - self.body_at
    }

    fn advance(&mut self, source: usize, target: usize) {
        assert_eq!((source, target), (0, 0), "nothing is contiguous here");
    }

    fn both(&mut self, most: usize) -> InOutBuf<'_, '_, u8> {
        let start = self.body_at;
        self.body_at = self.body.len().min(start + most);
        InOutBuf::from(&mut self.body[start..self.body_at])
    }

    fn source(&mut self, most: usize) -> &[u8] {
        assert!(!self.sealing, "sealing takes every source byte together with its destination");
        let start = self.aside_at;
        self.aside_at = self.aside.len().min(start + most);
        &self.aside[start..self.aside_at]
    }

    fn put(&mut self, bytes: &[u8]) {
        assert!(self.sealing, "opening puts nothing");
        self.aside.extend_from_slice(bytes);
    }

    fn wipe(&mut self, n: usize) {
        self.body[self.body_at - n..self.body_at].fill(0);
    }

    fn aside_room(&self) -> usize {
        if self.sealing { usize::MAX / 2 } else { 0 }
    }

    fn aside_left(&self) -> usize {
        if self.sealing { 0 } else { self.aside.len() - self.aside_at }
    }

    fn put_aside(&mut self, bytes: &[u8]) {
        self.put(bytes);
    }

    fn copy_aside(&mut self, out: &mut [u8]) {
        self.copy_to(out);
    }
}
