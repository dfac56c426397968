//! The envelope: an object's identity and its wrapped data key (docs/FORMAT.md, section 5).
//!
//! Parsing proves nothing: what an envelope says is only believed once a slot has opened under the caller's own
//! context.

mod prelude;
mod slot;

use alloc::vec::Vec;

pub(crate) use prelude::PRELUDE_LEN;
pub use prelude::{OBJECT_ID_LEN, Prelude, Shape};
pub use slot::{BUCKET_KEY_ID_LEN, Kind, Method, OUTER_BLOB_MAX, Slot};
pub(crate) use slot::{INNER_LEN, SlotHead, wrap_context};

use crate::codec::{Put, Reader};
use crate::{Error, Expect, Result};

/// Most slots of an envelope.
pub const MAX_SLOTS: usize = 16;
const HEADER_LEN: usize = PRELUDE_LEN + 4;

/// A parsed envelope: unauthenticated. It borrows the bytes it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    prelude: Prelude,
    slots: Vec<Slot<'a>>,
}

impl<'a> Envelope<'a> {
    /// Parses an envelope that takes all of `bytes`.
    ///
    /// # Errors
    /// [`Error::Format`], [`Error::TooNew`], as docs/FORMAT.md has it.
    pub fn parse(bytes: &'a [u8]) -> Result<Envelope<'a>> {
        let mut reader = Reader::new(bytes, "envelope");
        if bytes.len() < HEADER_LEN {
            return reader.malformed();
        }
        let prelude = Prelude::parse(&reader.array()?)?;
        let n = usize::from(reader.u8()?);
        let reserved = reader.u8()?;
        let len = usize::from(reader.u16()?);
        if n == 0 || n > MAX_SLOTS || reserved != 0 || reader.rest().len() != len {
            return reader.malformed();
        }
        let slots = (0..n).map(|_| Slot::parse(&mut reader)).collect::<Result<Vec<_>>>()?;
        reader.finish()?;
        if slots.iter().any(|slot| slot.method() != slots[0].method()) {
            return Err(Error::Format("slots of different methods"));
        }
        Ok(Envelope { prelude, slots })
    }

    /// The part that never changes in the object's life.
    #[must_use]
    pub fn prelude(&self) -> &Prelude {
        &self.prelude
    }

    /// 1 to [`MAX_SLOTS`] slots.
    #[must_use]
    pub fn slots(&self) -> &[Slot<'a>] {
        &self.slots
    }

    /// The slots that an opening would try, in its order: those whose key id is allowed.
    ///
    /// # Errors
    /// [`Error::Expect`] if the method is not allowed, or no slot's key id is.
    pub fn candidates(&self, expect: &Expect<'_>) -> Result<Vec<&Slot<'a>>> {
        if !expect.methods.contains(&self.method()) {
            return Err(Error::Expect("the method of the object"));
        }
        let candidates: Vec<_> = self.slots.iter().filter(|slot| expect.key_ids.contains(&slot.key_id())).collect();
        if candidates.is_empty() { Err(Error::Expect("the master key of the object")) } else { Ok(candidates) }
    }

    /// The method, which all slots share.
    #[must_use]
    pub fn method(&self) -> Method {
        self.slots[0].method()
    }
}

/// Puts an envelope together from slots that are already encoded.
pub(crate) fn encode(prelude: &Prelude, slots: &[&[u8]]) -> Result<Vec<u8>> {
    let len = slots.iter().map(|slot| slot.len()).sum::<usize>();
    let (Ok(n), Ok(stated)) = (u8::try_from(slots.len()), u16::try_from(len)) else {
        return Err(Error::Argument("an envelope's slots take at most 65,535 bytes"));
    };
    if slots.len() > MAX_SLOTS {
        return Err(Error::Argument("an envelope has at most 16 slots"));
    }
    let mut out = Vec::with_capacity(HEADER_LEN + len);
    out.put(prelude.bytes());
    out.put_u8(n);
    out.put_u8(0);
    out.put_u16(stated);
    slots.iter().for_each(|slot| out.put(slot));
    Ok(out)
}
