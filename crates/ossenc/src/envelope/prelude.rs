//! The prelude: 32 bytes that are bound into everything sealed for an object, and never change.

use crate::{Error, Result};

pub(crate) const PRELUDE_LEN: usize = 32;
/// Bytes of an object id.
pub const OBJECT_ID_LEN: usize = 16;

const MAGIC: &[u8; 6] = b"ossenc";
const VERSION: u8 = 1;
const SUITE_COBBLESTONE_256: u8 = 1;

/// How an object's data is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// One message.
    Single = 1,
    /// Segments listed by a manifest: multipart uploads, appends.
    Segmented = 2,
}

/// Format version, suite, shape and object id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prelude {
    bytes: [u8; PRELUDE_LEN],
    shape: Shape,
}

impl Prelude {
    pub(crate) fn new(shape: Shape, object_id: &[u8; OBJECT_ID_LEN]) -> Prelude {
        let mut bytes = [0; PRELUDE_LEN];
        bytes[..6].copy_from_slice(MAGIC);
        bytes[6] = VERSION;
        bytes[7] = SUITE_COBBLESTONE_256;
        bytes[8] = shape as u8;
        bytes[PRELUDE_LEN - OBJECT_ID_LEN..].copy_from_slice(object_id);
        Prelude { bytes, shape }
    }

    pub(crate) fn parse(bytes: &[u8; PRELUDE_LEN]) -> Result<Prelude> {
        if bytes[..6] != MAGIC[..] {
            return Err(Error::Format("not an ossenc envelope"));
        }
        if bytes[6] != VERSION {
            return Err(Error::TooNew("envelope version"));
        }
        if bytes[7] != SUITE_COBBLESTONE_256 {
            return Err(Error::TooNew("suite"));
        }
        let shape = match bytes[8] {
            1 => Shape::Single,
            2 => Shape::Segmented,
            _ => return Err(Error::TooNew("shape")),
        };
        if bytes[9..16] != [0; 7] {
            return Err(Error::Format("reserved bytes of the envelope"));
        }
        Ok(Prelude { bytes: *bytes, shape })
    }

    /// The shape of the object's data.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// 16 random bytes, drawn when the object was created.
    #[must_use]
    pub fn object_id(&self) -> &[u8; OBJECT_ID_LEN] {
        self.bytes.last_chunk().expect("32 bytes have a last 16")
    }

    pub(crate) fn bytes(&self) -> &[u8; PRELUDE_LEN] {
        &self.bytes
    }
}
