//! `std::io` over the core: a [`SealWriter`] that `io::copy` can seal with, an [`OpenReader`] for sources of unknown
//! length, and a [`RangeReader`] that seeks.
//!
//! ```
//! use std::io::{Cursor, Read, Seek, SeekFrom, Write, copy};
//! # use ossenc::{Change, Context, Engine, Keystore, Layout, Map, Method, Object, Recipient, Secret, Shape};
//! use ossenc::io::{OpenReader, RangeReader, SealWriter};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (engine, root_key) = (Engine::new()?, Secret::new(&[7; 32]));
//! # let image = Keystore::init(&engine, "root-1", &root_key)?;
//! # let keystore = Keystore::load(&engine, &image, &root_key, 1)?;
//! # let image = keystore.apply(&engine, &Change::Create { key_id: "oss" }, 0)?;
//! # let keystore = Keystore::load(&engine, &image, &root_key, 2)?;
//! # let recipient = Recipient::oss("oss");
//! # let (object, _) = Object::create(&engine, &keystore, &recipient, &Context::default(), Shape::Single, 0)?;
//!
//! let mut writer = SealWriter::new(object.sealer(0, Layout::Inline)?, Vec::new());
//! copy(&mut Cursor::new(vec![42; 100_000]), &mut writer)?;
//! let (body, receipt) = writer.finish(0)?;
//! assert_eq!(receipt.plain, 100_000);
//!
//! let mut plain = Vec::new();
//! OpenReader::new(&object, 0, &body[..])?.read_to_end(&mut plain)?;
//! assert_eq!(plain, [42; 100_000]);
//!
//! let map = Map::single(Layout::Inline, body.len() as u64, Some(100_000), Some(receipt.head))?;
//! let mut reader = RangeReader::new(object, map, Cursor::new(body));
//! reader.seek(SeekFrom::End(-3))?;
//! assert_eq!(reader.read(&mut [0; 10])?, 3);
//! # Ok(())
//! # }
//! ```

mod range;
mod seal;
mod stream;

use std::io;

pub use range::{RangeReader, SegmentSource};
pub use seal::SealWriter;
pub use stream::OpenReader;

use crate::Error;
use crate::message::size::CHUNK_LEN;

/// Chunks that the adapters hold: 256 KiB of plaintext.
const BUFFERED_CHUNKS: usize = 16;
const BUFFER_LEN: usize = BUFFERED_CHUNKS * CHUNK_LEN;

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = match error {
            Error::Truncated => io::ErrorKind::UnexpectedEof,
            Error::Argument(_) | Error::Buffer { .. } => io::ErrorKind::InvalidInput,
            Error::Commit | Error::Chunk { .. } | Error::Format(_) | Error::TooNew(_) | Error::Manifest => {
                io::ErrorKind::InvalidData
            }
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

/// Reads until the buffer is full or the source ends; says how much.
fn read_full(source: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
