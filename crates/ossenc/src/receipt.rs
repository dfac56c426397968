//! Receipts: what the writer of a segment keeps, for the manifest (docs/FORMAT.md, section 7).

use crate::codec::{Put, Reader};
use crate::digest::crc32c;
use crate::layout::Layout;
use crate::message::Head;
use crate::{Error, Result};

const MAGIC: &[u8; 7] = b"ossencR";
const VERSION: u8 = 1;
/// Bytes of an encoded receipt.
pub const RECEIPT_LEN: usize = 104;

/// What was sealed, and how it came out. Neither secret nor authentic: it belongs into the caller's own records, beside
/// the part that it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The part: 0 for a single-segment object, else from 1 up.
    pub part: u32,
    /// How the segment is stored.
    pub layout: Layout,
    /// The segment's head.
    pub head: Head,
    /// Bytes of plaintext.
    pub plain: u64,
    /// Bytes of the body.
    pub body: u64,
    /// CRC-64/XZ (OSS's ECMA) of the plaintext; 0 if it was not taken.
    pub crc64_plain: u64,
    /// CRC-32C of the body, without what lies aside: to scrub without a key. 0 if it was not taken.
    pub crc32c_body: u32,
}

impl Receipt {
    /// The fixed encoding, for the caller's records.
    #[must_use]
    pub fn encode(&self) -> [u8; RECEIPT_LEN] {
        let mut out = alloc::vec::Vec::with_capacity(RECEIPT_LEN);
        out.put(MAGIC);
        out.put_u8(VERSION);
        out.put_u32(self.part);
        out.put(&[self.layout as u8, 0, 0, 0]);
        out.put(&self.head);
        out.put_u64(self.plain);
        out.put_u64(self.body);
        out.put_u64(self.crc64_plain);
        out.put_u32(self.crc32c_body);
        out.put_u32(crc32c(&out.clone()));
        *out.first_chunk().expect("the fields add up to 104 bytes")
    }

    /// Undoes [`Receipt::encode`].
    ///
    /// # Errors
    /// [`Error::Format`], [`Error::TooNew`].
    pub fn decode(bytes: &[u8]) -> Result<Receipt> {
        let bytes: &[u8; RECEIPT_LEN] = bytes.try_into().map_err(|_| Error::Format("a receipt has 104 bytes"))?;
        let mut reader = Reader::new(bytes, "receipt");
        let (checked, checksum) = bytes.split_last_chunk::<4>().expect("104 bytes");
        if reader.take(MAGIC.len())? != MAGIC || crc32c(checked) != u32::from_be_bytes(*checksum) {
            return reader.malformed();
        }
        if reader.u8()? != VERSION {
            return Err(Error::TooNew("receipt version"));
        }
        let part = reader.u32()?;
        let layout = Layout::from_number(reader.u8()?.into())?;
        let reserved = reader.array::<3>()?;
        let head = reader.array()?;
        let (plain, body, crc64_plain) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let crc32c_body = reader.u32()?;
        if reserved != [0; 3] || layout.size(plain).ok().map(|(body, _)| body) != Some(body) {
            return reader.malformed();
        }
        Ok(Receipt { part, layout, head, plain, body, crc64_plain, crc32c_body })
    }
}
