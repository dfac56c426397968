//! Opening from a reader of unknown length.

use std::io::{self, Read};
use std::vec;
use std::vec::Vec;

use zeroize::Zeroizing;

use super::{BUFFER_LEN, BUFFERED_CHUNKS, read_full};
use crate::message::StreamOpener;
use crate::message::size::{HEAD_LEN, STORED_CHUNK_LEN};
use crate::{Error, Object};

/// Opens a segment in the layout INLINE as it is read: from a pipe, a socket, a file.
///
/// Every byte that it gives is authentic. That the object is whole is known only when it reports the end (`Ok(0)`): a
/// truncated source ends in an error of kind `UnexpectedEof`.
#[derive(Debug)]
pub struct OpenReader<R> {
    opener: StreamOpener,
    inner: R,
    stored: Vec<u8>,
    /// What `stored` holds beyond the chunks that were opened.
    held: usize,
    plain: Zeroizing<Vec<u8>>,
    given: usize,
    opened: usize,
    ended: bool,
}

impl<R: Read> OpenReader<R> {
    /// Reads the head from `inner`, and checks that it belongs to this part of `object`.
    ///
    /// # Errors
    /// The inner reader's; [`Error::Commit`], [`Error::Truncated`] and others of the core, wrapped.
    pub fn new(object: &Object, part: u32, mut inner: R) -> io::Result<OpenReader<R>> {
        let mut head = [0; HEAD_LEN];
        if read_full(&mut inner, &mut head)? < HEAD_LEN {
            return Err(Error::Truncated.into());
        }
        Ok(OpenReader {
            opener: object.stream_opener(part, &head)?,
            inner,
            stored: vec![0; BUFFERED_CHUNKS * STORED_CHUNK_LEN],
            held: 0,
            plain: Zeroizing::new(vec![0; BUFFER_LEN]),
            given: 0,
            opened: 0,
            ended: false,
        })
    }

    fn refill(&mut self) -> io::Result<()> {
        self.held += read_full(&mut self.inner, &mut self.stored[self.held..])?;
        let stored = &self.stored[..self.held];
        (self.given, self.opened) = (0, 0);
        let progress = self.opener.next(stored, &mut self.plain)?;
        self.opened = progress.written;
        self.stored.copy_within(progress.consumed..self.held, 0);
        self.held -= progress.consumed;
        if self.opened == 0 {
            // Less than a whole chunk is left, and the source has ended.
            self.ended = true;
            self.opened = self.opener.finish(&self.stored[..self.held], &mut self.plain)?.written;
        }
        Ok(())
    }
}

impl<R: Read> Read for OpenReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if self.given == self.opened && !self.ended {
            self.refill()?;
        }
        let n = out.len().min(self.opened - self.given);
        out[..n].copy_from_slice(&self.plain[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}
