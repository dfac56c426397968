//! Reading and writing the notation of docs/FORMAT.md, section 1: big-endian integers and length-prefixed strings.

use alloc::vec::Vec;

use crate::{Error, Result};

/// Reads a structure front to back. Whatever does not fit is [`Error::Format`] with the structure's name.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], what: &'static str) -> Reader<'a> {
        Reader { rest: bytes, what }
    }

    pub(crate) fn malformed<T>(&self) -> Result<T> {
        Err(Error::Format(self.what))
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        match self.rest.split_at_checked(n) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => self.malformed(),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(*self.take(N)?.first_chunk().expect("N bytes were taken"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(crate) fn lp8(&mut self) -> Result<&'a [u8]> {
        let n = self.u8()?;
        self.take(n.into())
    }

    pub(crate) fn lp(&mut self) -> Result<&'a [u8]> {
        let n = self.u16()?;
        self.take(n.into())
    }

    /// A count of items that take at least `item_len` bytes each: a count that the rest cannot hold is refused before
    /// anything is allocated for it.
    pub(crate) fn check_count(&self, count: usize, item_len: usize) -> Result<usize> {
        if count <= self.rest.len() / item_len { Ok(count) } else { self.malformed() }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Nothing may be left over.
    pub(crate) fn finish(self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { self.malformed() }
    }
}

/// Writes the same notation: at the end of a byte vector, or at the beginning of a slice, which is then what is left.
pub(crate) trait Put {
    fn put(&mut self, bytes: &[u8]);

    fn put_u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    fn put_u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    fn put_u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.put(&value.to_be_bytes());
    }

    /// # Panics
    /// Over 255 bytes. Identifiers are checked when they come in.
    fn put_lp8(&mut self, bytes: &[u8]) {
        self.put_u8(u8::try_from(bytes.len()).expect("checked to be at most 255 bytes"));
        self.put(bytes);
    }

    /// # Panics
    /// Over 65,535 bytes. Strings are checked when they come in.
    fn put_lp(&mut self, bytes: &[u8]) {
        self.put_u16(u16::try_from(bytes.len()).expect("checked to be at most 65,535 bytes"));
        self.put(bytes);
    }
}

impl Put for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// # Panics
/// If they are too many: whoever writes has counted.
impl Put for &mut [u8] {
    fn put(&mut self, bytes: &[u8]) {
        let (place, rest) = core::mem::take(self).split_at_mut(bytes.len());
        place.copy_from_slice(bytes);
        *self = rest;
    }
}
