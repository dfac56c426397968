//! Sealing into a writer.

use std::io::{self, Write};
use std::vec;
use std::vec::Vec;

use zeroize::Zeroizing;

use super::{BUFFER_LEN, BUFFERED_CHUNKS};
use crate::layout::PAGE_LEN;
use crate::message::size::{HEAD_LEN, STORED_CHUNK_LEN};
use crate::message::{Sealer, size};
use crate::{Error, Layout, Receipt};

/// Seals what is written to it, in the layout INLINE or PAGED, into an inner writer.
///
/// The object is whole only after [`finish`](SealWriter::finish); dropping the writer before leaves a body that does
/// not open to its end. `flush` flushes what was sealed, and cannot seal a partial chunk.
#[derive(Debug)]
pub struct SealWriter<W> {
    sealer: Sealer,
    inner: W,
    pending: Zeroizing<Vec<u8>>,
    sealed: Vec<u8>,
    failed: bool,
}

impl<W: Write> SealWriter<W> {
    /// Seals into `inner`. A sealer in the layout DETACHED has no place for its tags here, and ends in an error when it
    /// would write them.
    #[must_use]
    pub fn new(sealer: Sealer, inner: W) -> SealWriter<W> {
        let room = HEAD_LEN + BUFFERED_CHUNKS * STORED_CHUNK_LEN + size::TAG_LEN + 2 * PAGE_LEN;
        SealWriter {
            sealer,
            inner,
            pending: Zeroizing::new(Vec::with_capacity(BUFFER_LEN)),
            sealed: vec![0; room],
            failed: false,
        }
    }

    /// Seals what is left, ends the body, and gives the inner writer back, flushed, with the receipt.
    ///
    /// # Errors
    /// The inner writer's, or an error of the core as `InvalidInput`.
    pub fn finish(mut self) -> io::Result<(W, Receipt)> {
        self.check()?;
        let progress = self.sealer.finish_slice(&self.pending, &mut self.sealed)?;
        self.inner.write_all(&self.sealed[..progress.written])?;
        self.inner.flush()?;
        let receipt = self.sealer.receipt().ok_or(Error::State("not finished"))?;
        Ok((self.inner, receipt))
    }

    fn seal_pending(&mut self) -> io::Result<()> {
        self.check()?;
        let progress = self.sealer.next_slice(&self.pending, &mut self.sealed)?;
        if progress.consumed == 0 {
            return Err(Error::Argument("DETACHED needs a place for its tags").into());
        }
        // What was sealed and not written is lost to the body: after a failure nothing more can be right.
        self.failed = true;
        self.inner.write_all(&self.sealed[..progress.written])?;
        self.failed = false;
        self.pending.drain(..progress.consumed);
        Ok(())
    }

    fn check(&self) -> io::Result<()> {
        if self.failed { Err(Error::State("an earlier write failed").into()) } else { Ok(()) }
    }
}

impl<W> SealWriter<W> {
    /// The layout that the sealer was made for.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.sealer.layout()
    }
}

impl<W: Write> Write for SealWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.pending.len() == BUFFER_LEN {
            self.seal_pending()?;
        }
        let n = bytes.len().min(BUFFER_LEN - self.pending.len());
        self.pending.extend_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
