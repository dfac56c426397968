//! Reading ranges of an object: a reader that seeks.

use std::io::{self, Read, Seek, SeekFrom};
use std::vec;
use std::vec::Vec;

use zeroize::Zeroizing;

use super::{BUFFER_LEN, read_full};
use crate::map::Extent;
use crate::message::size::CHUNK_LEN;
use crate::pieces::Slices;
use crate::segment::SegmentOpener;
use crate::{Error, Layout, Map, Object};

/// Where the stored bytes of an object's segments come from.
pub trait SegmentSource {
    /// Fills `out` from the body of a segment.
    ///
    /// # Errors
    /// Its own; `UnexpectedEof` if the body ends before.
    fn read_body(&mut self, segment: u32, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// Fills `out` from what a DETACHED segment keeps aside.
    ///
    /// # Errors
    /// As [`read_body`](SegmentSource::read_body).
    fn read_aside(&mut self, segment: u32, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let _ = (segment, offset, out);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// One body in a file, or whatever reads and seeks, beginning at its start: a single-segment object, INLINE or PAGED.
impl<R: Read + Seek> SegmentSource for R {
    fn read_body(&mut self, _segment: u32, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        if read_full(self, out)? == out.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// Reads plaintext of a mapped object, from any place. It reads ahead up to 256 KiB; what is damaged there fails when it is
/// its turn, and not before.
#[derive(Debug)]
pub struct RangeReader<S> {
    object: Object,
    map: Map,
    source: S,
    opener: Option<(u32, SegmentOpener)>,
    position: u64,
    /// The plaintext from `buffered_at` on.
    buffered_at: u64,
    buffered: Zeroizing<Vec<u8>>,
}

impl<S: SegmentSource> RangeReader<S> {
    /// Begins at the start of the object.
    #[must_use]
    pub fn new(object: Object, map: Map, source: S) -> RangeReader<S> {
        RangeReader {
            object,
            map,
            source,
            opener: None,
            position: 0,
            buffered_at: 0,
            buffered: Zeroizing::new(Vec::new()),
        }
    }

    /// Opens what answers a read from the position on: at the end, the proof that it is the end.
    fn refill(&mut self, len: u64) -> io::Result<()> {
        let mut extent = [Extent::default()];
        let (n, _) = self.map.plan(self.position, len, 0, &mut extent)?;
        self.buffered_at = self.position;
        self.buffered.clear();
        if n == 0 {
            return Ok(());
        }
        let extent = &extent[0];
        let place = self.map.segment(extent.segment as usize).ok_or(Error::Argument("no such segment"))?;
        let mut body = vec![0; usize::try_from(extent.body).map_err(|_| Error::Argument("too long a read"))?];
        self.source.read_body(extent.segment, extent.body_off, &mut body)?;
        let mut aside = vec![0; usize::try_from(extent.aside).map_err(|_| Error::Argument("too long a read"))?];
        if place.layout == Layout::Detached {
            self.source.read_aside(extent.segment, extent.aside_off, &mut aside)?;
        } else if extent.aside > 0 {
            self.source.read_body(extent.segment, extent.aside_off, &mut aside)?;
        }
        if self.opener.as_ref().is_none_or(|(segment, _)| *segment != extent.segment) {
            self.opener = Some((extent.segment, self.object.opener(&self.map, extent.segment)?));
        }
        let (_, opener) = self.opener.as_ref().expect("just made");
        self.buffered.resize(usize::try_from(extent.take).map_err(|_| Error::Argument("too long a read"))?, 0);
        let opened =
            opener.open_extent(extent, false, &mut Slices::new(&body, &mut self.buffered).reading_aside(&aside));
        if opened.is_err() {
            self.buffered.clear();
        }
        Ok(opened?)
    }

    /// Plaintext from the position to the end of its chunk; as if it were full, for the last one.
    fn rest_of_chunk(&self) -> io::Result<u64> {
        let mut extent = [Extent::default()];
        self.map.plan(self.position, 1, 0, &mut extent)?;
        Ok(CHUNK_LEN as u64 - extent[0].skip)
    }

    fn buffered(&self) -> &[u8] {
        let skip = self.position.checked_sub(self.buffered_at).and_then(|skip| usize::try_from(skip).ok());
        skip.and_then(|skip| self.buffered.get(skip..)).unwrap_or(&[])
    }
}

impl<S: SegmentSource> Read for RangeReader<S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if self.buffered().is_empty() {
            // Whatever is wrong may be wrong with what nobody has asked for yet: then the chunk at hand counts.
            self.refill(BUFFER_LEN as u64).or_else(|_| self.refill(self.rest_of_chunk()?))?;
        }
        let buffered = self.buffered();
        let n = out.len().min(buffered.len());
        out[..n].copy_from_slice(&buffered[..n]);
        self.position += n as u64;
        Ok(n)
    }
}

impl<S: SegmentSource> Seek for RangeReader<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(offset) => self.map.plain_len().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
