//! Source and destination bytes, wherever they lie: one contiguous buffer each, or the scattered ones of an I/O vector.
//!
//! Sealing and opening walk both sides in step. They ask for the largest piece that is contiguous on both sides, so a
//! chunk is never copied aside to be put together.

use ossenc_gcm::inout::InOutBuf;
use zeroize::Zeroize;

/// A cursor over a source and a destination. Where the two are the same memory, they are so at the same place of the
/// plaintext; else they do not overlap.
///
/// None of the methods goes past an end: callers ask for no more than [`source_left`](Pieces::source_left) and
/// [`target_left`](Pieces::target_left) allow, counting what they have taken.
pub trait Pieces {
    /// Source bytes that are left.
    fn source_left(&self) -> usize;

    /// Destination bytes that are left.
    fn target_left(&self) -> usize;

    /// What is contiguous from here on, of the source and of the destination. Both are empty where the two are the same
    /// memory, since bytes cannot be moved along in place.
    fn contiguous(&mut self) -> (&[u8], &mut [u8]);

    /// Passes over bytes of either side that were dealt with through [`contiguous`](Pieces::contiguous).
    fn advance(&mut self, source: usize, target: usize);

    /// How many bytes are contiguous from here on, on both sides at once, whether they are the same memory or not.
    fn contiguous_both(&self) -> usize;

    /// Takes the next piece of both sides, of 1 to `most` bytes: all of them, up to
    /// [`contiguous_both`](Pieces::contiguous_both).
    fn both(&mut self, most: usize) -> InOutBuf<'_, '_, u8>;

    /// Takes the next piece of the source alone, of 1 to `most` bytes.
    fn source(&mut self, most: usize) -> &[u8];

    /// Writes to the destination alone.
    fn put(&mut self, bytes: &[u8]);

    /// Wipes the `n` destination bytes written last.
    fn wipe(&mut self, n: usize);

    /// Room for head and tags aside: for sealing. INLINE needs none.
    fn aside_room(&self) -> usize {
        0
    }

    /// Tags that are left aside: for opening. INLINE has none.
    fn aside_left(&self) -> usize {
        0
    }

    /// Writes to what lies aside.
    fn put_aside(&mut self, bytes: &[u8]) {
        assert!(bytes.is_empty(), "callers ask for room first");
    }

    /// Takes bytes from what lies aside.
    fn copy_aside(&mut self, out: &mut [u8]) {
        assert!(out.is_empty(), "callers ask what is left first");
    }

    /// Takes source bytes into a small array.
    fn copy_to(&mut self, out: &mut [u8]) {
        let mut filled = 0;
        while filled < out.len() {
            let piece = self.source(out.len() - filled);
            out[filled..filled + piece.len()].copy_from_slice(piece);
            filled += piece.len();
        }
    }
}

/// One contiguous source and one contiguous destination, apart from each other.
#[derive(Debug)]
pub struct Slices<'a> {
    source: &'a [u8],
    target: &'a mut [u8],
    aside: Aside<'a>,
    read: usize,
    written: usize,
}

/// Head and tags, where a layout keeps them apart.
#[derive(Debug)]
enum Aside<'a> {
    None,
    Read(&'a [u8]),
    Write(&'a mut [u8]),
}

impl<'a> Slices<'a> {
    /// A cursor at the start of both. An empty `target` serves where nothing is written.
    #[must_use]
    pub fn new(source: &'a [u8], target: &'a mut [u8]) -> Slices<'a> {
        Slices { source, target, aside: Aside::None, read: 0, written: 0 }
    }

    /// With room for head and tags aside: for sealing.
    #[must_use]
    pub fn writing_aside(self, aside: &'a mut [u8]) -> Slices<'a> {
        Slices { aside: Aside::Write(aside), ..self }
    }

    /// With the tags of the run aside: for opening.
    #[must_use]
    pub fn reading_aside(self, aside: &'a [u8]) -> Slices<'a> {
        Slices { aside: Aside::Read(aside), ..self }
    }
}

impl Pieces for Slices<'_> {
    fn source_left(&self) -> usize {
        self.source.len() - self.read
    }

    fn target_left(&self) -> usize {
        self.target.len() - self.written
    }

    fn contiguous(&mut self) -> (&[u8], &mut [u8]) {
        (&self.source[self.read..], &mut self.target[self.written..])
    }

    fn contiguous_both(&self) -> usize {
        self.source_left().min(self.target_left())
    }

    fn advance(&mut self, source: usize, target: usize) {
        self.read += source;
        self.written += target;
    }

    fn both(&mut self, most: usize) -> InOutBuf<'_, '_, u8> {
        let n = most.min(self.contiguous_both());
        let (read, written) = (self.read, self.written);
        self.advance(n, n);
        InOutBuf::new(&self.source[read..read + n], &mut self.target[written..written + n])
            .expect("both slices have n bytes")
    }

    fn source(&mut self, most: usize) -> &[u8] {
        let n = most.min(self.source_left());
        self.read += n;
        &self.source[self.read - n..self.read]
    }

    fn put(&mut self, bytes: &[u8]) {
        self.target[self.written..self.written + bytes.len()].copy_from_slice(bytes);
        self.written += bytes.len();
    }

    fn wipe(&mut self, n: usize) {
        self.target[self.written - n..self.written].zeroize();
    }

    fn aside_room(&self) -> usize {
        if let Aside::Write(room) = &self.aside { room.len() } else { 0 }
    }

    fn aside_left(&self) -> usize {
        if let Aside::Read(bytes) = &self.aside { bytes.len() } else { 0 }
    }

    fn put_aside(&mut self, bytes: &[u8]) {
        let Aside::Write(room) = &mut self.aside else { panic!("no room aside") };
        let (place, rest) = core::mem::take(room).split_at_mut(bytes.len());
        place.copy_from_slice(bytes);
        *room = rest;
    }

    fn copy_aside(&mut self, out: &mut [u8]) {
        let Aside::Read(bytes) = &mut self.aside else { panic!("nothing aside") };
        let (taken, rest) = bytes.split_at(out.len());
        out.copy_from_slice(taken);
        *bytes = rest;
    }
}
