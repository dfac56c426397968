//! Reading a body: whole, ranges of it, or only to see whether it is whole.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use ossenc::io::{RangeReader, SegmentSource};
use ossenc::message::size::{CHUNK_LEN, HEAD_LEN};
use ossenc::pieces::Slices;
use ossenc::{Error, Extent, Layout, Map, Object, SegmentOpener, Shape};

use super::{BODY_AT, FileError};

/// Plaintext that verifying looks at in one read.
const WINDOW: u64 = 64 * CHUNK_LEN as u64;

/// A file's body, known to be that of an object: its head is right, and every chunk that is read is verified.
#[derive(Debug)]
pub struct Body {
    stored: StoredBody,
    object: Object,
    map: Map,
    opener: SegmentOpener,
}

/// The stored bytes of a body, for a [`RangeReader`].
#[derive(Clone, Debug)]
pub struct StoredBody(Arc<File>);

impl SegmentSource for StoredBody {
    fn read_body(&mut self, _segment: u32, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, BODY_AT + offset)
    }
}

/// Plaintext that is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Why.
    pub kind: DamageKind,
    /// The first chunk of it.
    pub chunk: u64,
    /// Where it begins, in bytes of plaintext.
    pub offset: u64,
    /// How many bytes of plaintext it is; 0 for a last chunk that holds none, and only proves the end.
    pub len: u64,
}

/// Why plaintext is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DamageKind {
    /// It does not verify.
    Damaged,
    /// The file system does not give it.
    Unreadable,
}

impl Body {
    pub(super) fn open(file: Arc<File>, body_len: u64, object: &Object) -> Result<Body, FileError> {
        if object.prelude().shape() != Shape::Single {
            return Err(Error::TooNew("an object of several segments in a sealed file").into());
        }
        // The length is judged before the head: where it is too short, there is none.
        Map::single(Layout::Inline, body_len, None, None)?;
        let mut head = [0; HEAD_LEN];
        file.read_exact_at(&mut head, BODY_AT)?;
        let map = Map::single(Layout::Inline, body_len, None, Some(head))?;
        let opener = object.opener(&map, 0)?;
        Ok(Body { stored: StoredBody(file), object: object.clone(), map, opener })
    }

    /// Length of the plaintext, as the file's length says: proved by [`Body::prove_len`], and by every read that reaches
    /// the end.
    #[must_use]
    pub fn plain_len(&self) -> u64 {
        self.map.plain_len()
    }

    /// Opens the last chunk, which proves that nothing is missing at the end and nothing was added. To be called before
    /// anything is answered that depends on the length: a suffix, "of so many bytes".
    ///
    /// # Errors
    /// [`FileError::Core`] with [`Chunk`](Error::Chunk); [`FileError::Io`], [`FileError::Changed`].
    pub fn prove_len(&self) -> Result<u64, FileError> {
        let (extent, _) = self.plan(self.plain_len(), 0)?;
        if let Some(extent) = extent {
            self.verify_extent(&extent, &mut Vec::new())?;
        }
        Ok(self.plain_len())
    }

    /// Reads plaintext, from any place; to the end, if it is not asked to stop, which proves that the end is the end.
    /// What it gives is verified.
    #[must_use]
    pub fn reader(&self) -> RangeReader<StoredBody> {
        RangeReader::new(self.object.clone(), self.map.clone(), self.stored.clone())
    }

    /// Verifies every chunk, goes on after those that are damaged, and tells each run of them. Nothing is decrypted into
    /// memory. Gives the length of the plaintext.
    ///
    /// # Errors
    /// [`FileError::Core`] with [`Chunk`](Error::Chunk) of the first damage, when `on_damage` was called;
    /// [`FileError::Changed`], if the file became shorter.
    pub fn verify(&self, mut on_damage: impl FnMut(&Damage)) -> Result<u64, FileError> {
        let plain_len = self.plain_len();
        let (mut offset, mut first) = (0, None);
        let mut run: Option<Damage> = None;
        let mut buffer = Vec::new();
        while let (Some(extent), next) = self.plan(offset, WINDOW)? {
            let (kind, from, to) = match self.verify_extent(&extent, &mut buffer) {
                Ok(()) if extent.last => break,
                Ok(()) => {
                    offset = next;
                    continue;
                }
                Err(FileError::Core(Error::Chunk { chunk })) => {
                    let from = chunk * CHUNK_LEN as u64;
                    (DamageKind::Damaged, from, from + CHUNK_LEN as u64)
                }
                // The last chunk is looked at with the window's others.
                Err(FileError::Io(_)) if extent.last => (DamageKind::Unreadable, offset, plain_len + 1),
                Err(FileError::Io(_)) => (DamageKind::Unreadable, offset, next),
                Err(other) => return Err(other),
            };
            let chunk = from / CHUNK_LEN as u64;
            first.get_or_insert(chunk);
            let end = to.min(plain_len);
            match &mut run {
                Some(run) if run.kind == kind && run.offset + run.len == from => run.len = end - run.offset,
                _ => {
                    run.iter().for_each(&mut on_damage);
                    run = Some(Damage { kind, chunk, offset: from, len: end - from });
                }
            }
            if to > plain_len {
                break;
            }
            offset = to;
        }
        run.iter().for_each(&mut on_damage);
        first.map_or(Ok(plain_len), |chunk| Err(Error::Chunk { chunk }.into()))
    }

    /// The first read of a range, and where the next begins.
    fn plan(&self, offset: u64, len: u64) -> Result<(Option<Extent>, u64), FileError> {
        let mut extent = [Extent::default()];
        let (n, next) = self.map.plan(offset, len, 0, &mut extent)?;
        Ok(((n > 0).then_some(extent[0]), next))
    }

    fn verify_extent(&self, extent: &Extent, buffer: &mut Vec<u8>) -> Result<(), FileError> {
        buffer.resize(usize::try_from(extent.body).map_err(|_| Error::Argument("too long a read"))?, 0);
        match self.stored.0.read_exact_at(buffer, BODY_AT + extent.body_off) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(FileError::Changed("it became shorter while it was read"));
            }
            Err(error) => return Err(FileError::Io(error)),
        }
        Ok(self.opener.open_extent(extent, true, &mut Slices::new(buffer, &mut []))?)
    }
}
