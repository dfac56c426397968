//! Borrowed inputs, caller-owned outputs, handles: the only places where pointers become references.

use core::ffi::c_void;
use std::slice;

use ossenc::Error;

use crate::status::{Failure, Outcome, argument};

/// Bytes that the call reads: borrowed for its duration. `{NULL, 0}` is the empty string.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_in {
    /// The first byte.
    pub p: *const c_void,
    /// How many.
    pub n: usize,
}

/// Room that the call writes to. With too little of it the call ends in `OSSENC_E_BUFFER`, and `n` says what is needed;
/// so `{NULL, 0, 0}` asks for the size, which costs neither randomness nor a call to a KMS.
#[repr(C)]
pub struct ossenc_out {
    /// The first byte.
    pub p: *mut c_void,
    /// How many bytes there is room for.
    pub cap: usize,
    /// Set by the call: how many were written, or are needed.
    pub n: usize,
}

/// A key and a value, both UTF-8.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_pair {
    /// The key.
    pub key: ossenc_in,
    /// The value.
    pub value: ossenc_in,
}

impl ossenc_in {
    /// # Safety
    /// `p` has `n` readable bytes, for as long as the call lasts.
    pub(crate) unsafe fn bytes<'a>(self) -> Outcome<&'a [u8]> {
        // SAFETY: passed on to the caller.
        unsafe { array(self.p.cast(), self.n) }
    }

    /// # Safety
    /// As [`ossenc_in::bytes`].
    pub(crate) unsafe fn str<'a>(self) -> Outcome<&'a str> {
        // SAFETY: passed on to the caller.
        let bytes = unsafe { self.bytes() }?;
        core::str::from_utf8(bytes).or_else(|_| argument("not UTF-8"))
    }
}

/// What the library lends.
pub(crate) fn borrowed(bytes: &[u8]) -> ossenc_in {
    ossenc_in { p: bytes.as_ptr().cast(), n: bytes.len() }
}

/// # Safety
/// `p` points to `n` initialised items, for as long as the call lasts.
pub(crate) unsafe fn array<'a, T>(p: *const T, n: usize) -> Outcome<&'a [T]> {
    if n == 0 {
        return Ok(&[]);
    }
    if p.is_null() || n.checked_mul(size_of::<T>()).is_none_or(|len| len > isize::MAX as usize) {
        return argument("a NULL pointer with a length, or a length beyond memory");
    }
    // SAFETY: not NULL, not longer than memory, and readable as the caller says.
    Ok(unsafe { slice::from_raw_parts(p, n) })
}

/// # Safety
/// `out` is NULL, or points to an `ossenc_out` whose `p` has `cap` writable bytes that nothing else uses during the
/// call.
pub(crate) unsafe fn room<'a>(out: *mut ossenc_out) -> Outcome<Room<'a>> {
    // SAFETY: as the caller says.
    let Some(out) = (unsafe { out.as_mut() }) else { return argument("the output is NULL") };
    out.n = 0;
    if out.cap > 0 && (out.p.is_null() || out.cap > isize::MAX as usize) {
        return argument("a NULL pointer with a capacity, or a capacity beyond memory");
    }
    Ok(Room { out })
}

/// The bytes in a list of pieces.
///
/// # Safety
/// As [`array`].
pub(crate) unsafe fn total(pieces: *const crate::iov::ossenc_iov, n: usize) -> Outcome<usize> {
    // SAFETY: as the caller says.
    let pieces = unsafe { array(pieces, n) }?;
    let sum = pieces.iter().try_fold(0usize, |sum, piece| sum.checked_add(piece.n));
    sum.map_or_else(|| argument("an I/O vector with more bytes than memory"), Ok)
}

/// An output that may be NULL where nothing is to be written.
///
/// # Safety
/// As [`room`].
pub(crate) unsafe fn room_or_none<'a>(out: *mut ossenc_out) -> Outcome<Option<Room<'a>>> {
    // SAFETY: as the caller says.
    if out.is_null() { Ok(None) } else { unsafe { room(out) }.map(Some) }
}

/// Lets `write` fill exactly `lens` bytes of a body and of what lies aside. Both `n` say what is needed when either is
/// too small, and 0 when `write` fails.
pub(crate) fn fill_both<T>(
    mut body: Room<'_>,
    mut aside: Option<Room<'_>>,
    lens: (usize, usize),
    write: impl FnOnce(&mut [u8], &mut [u8]) -> Outcome<T>,
) -> Outcome<T> {
    let written = {
        let body = body.claim(lens.0);
        let aside = match &mut aside {
            Some(aside) => aside.claim(lens.1),
            None if lens.1 == 0 => Ok(&mut [][..]),
            None => Err(Failure::Core(Error::Buffer { needed: lens.1 })),
        };
        write(body?, aside?)
    };
    if written.is_err() {
        body.out.n = 0;
        if let Some(aside) = aside {
            aside.out.n = 0;
        }
    }
    written
}

/// A caller's output, checked.
pub(crate) struct Room<'a> {
    out: &'a mut ossenc_out,
}

impl Room<'_> {
    /// Room for exactly `n` bytes, or `OSSENC_E_BUFFER`.
    pub(crate) fn claim(&mut self, n: usize) -> Outcome<&mut [u8]> {
        self.out.n = n;
        if n > self.out.cap {
            return Err(Failure::Core(Error::Buffer { needed: n }));
        }
        if n == 0 {
            return Ok(&mut []);
        }
        // SAFETY: `room` checked the pointer, and its caller promised `cap` writable bytes.
        Ok(unsafe { slice::from_raw_parts_mut(self.out.p.cast(), n) })
    }

    /// All the room there is. `n` stays 0 until [`wrote`](Room::wrote).
    pub(crate) fn all(&mut self) -> &mut [u8] {
        let cap = self.out.cap;
        let all = self.claim(cap).map(core::ptr::from_mut);
        self.out.n = 0;
        // SAFETY: the slice just claimed, borrowed anew for as long as `self` is.
        all.map_or(&mut [], |all| unsafe { &mut *all })
    }

    /// Says how much of [`all`](Room::all) was written.
    pub(crate) fn wrote(self, n: usize) {
        self.out.n = n;
    }

    /// Lets `write` fill exactly `n` bytes. If it fails, `n` of the caller's struct says that nothing was written.
    pub(crate) fn fill<T>(mut self, n: usize, write: impl FnOnce(&mut [u8]) -> Outcome<T>) -> Outcome<T> {
        let written = write(self.claim(n)?);
        if written.is_err() {
            self.out.n = 0;
        }
        written
    }

    pub(crate) fn write(self, bytes: &[u8]) -> Outcome<()> {
        self.fill(bytes.len(), |out| {
            out.copy_from_slice(bytes);
            Ok(())
        })
    }

    /// Whether the room and some input share memory.
    pub(crate) fn overlaps(&self, input: &[u8]) -> bool {
        overlap(input.as_ptr() as usize, input.len(), self.out.p as usize, self.out.cap)
    }
}

pub(crate) fn overlap(a: usize, a_len: usize, b: usize, b_len: usize) -> bool {
    a_len > 0 && b_len > 0 && a < b.saturating_add(b_len) && b < a.saturating_add(a_len)
}

/// # Safety
/// `p` is NULL or a live handle (or struct) of that type.
pub(crate) unsafe fn get<'a, T>(p: *const T) -> Outcome<&'a T> {
    // SAFETY: as the caller says.
    unsafe { p.as_ref() }.map_or_else(|| argument("a handle or struct is NULL"), Ok)
}

/// # Safety
/// `p` is NULL or a live handle (or struct) of that type, which nothing else uses during the call.
pub(crate) unsafe fn get_mut<'a, T>(p: *mut T) -> Outcome<&'a mut T> {
    // SAFETY: as the caller says.
    unsafe { p.as_mut() }.map_or_else(|| argument("a handle or struct is NULL"), Ok)
}

/// An input struct that later versions extend at its end.
///
/// # Safety
/// The type is `repr(C)`, begins with a `size: usize`, has no padding that the caller cannot have set to zero, and all
/// zeros are a value of it.
pub(crate) unsafe trait Extensible: Copy {
    /// Its size in the first version that had it.
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Reads an extensible input struct as its `size` says: fields that the caller does not know are zero; fields that this
/// version does not know have to be.
///
/// # Safety
/// `p` is NULL or points to a struct that begins with a `size_t size`, and has that many bytes.
pub(crate) unsafe fn sized<T: Extensible>(p: *const T) -> Outcome<T> {
    // SAFETY: every struct given here begins with its size.
    let size = if p.is_null() { 0 } else { unsafe { *p.cast::<usize>() } };
    if size < T::FIRST_SIZE {
        return argument("a struct is NULL, or its size was not set");
    }
    // SAFETY: it has that many bytes, as the caller says.
    let given = unsafe { core::slice::from_raw_parts(p.cast::<u8>(), size) };
    let known = size.min(size_of::<T>());
    if given[known..].iter().any(|byte| *byte != 0) {
        return Err(ossenc::Error::TooNew("a struct has fields that this version does not know").into());
    }
    let mut value = core::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: `known` bytes are in both, and all zeros are a value of the type, as `Extensible` says.
    unsafe {
        core::ptr::copy_nonoverlapping(given.as_ptr(), value.as_mut_ptr().cast::<u8>(), known);
        Ok(value.assume_init())
    }
}

/// Writes an extensible output struct: as much of it as the caller's `size` has room for.
///
/// # Safety
/// `p` is NULL or points to a struct that begins with a `size_t size`, and has that many writable bytes; `T` is
/// `repr(C)`, begins with a `usize`, and has no uninitialised bytes that matter.
pub(crate) unsafe fn write_sized<T>(p: *mut T, value: T) -> Outcome<()> {
    let field = size_of::<usize>();
    // SAFETY: as above.
    let size = if p.is_null() { 0 } else { unsafe { *p.cast::<usize>() } };
    if size < field {
        return argument("a struct is NULL, or its size was not set");
    }
    let n = size.min(size_of::<T>()) - field;
    // SAFETY: n bytes behind the size field are inside both structs, which are apart: one is this function's own.
    unsafe {
        let from = core::ptr::from_ref(&value).cast::<u8>().add(field);
        core::ptr::copy_nonoverlapping(from, p.cast::<u8>().add(field), n);
    }
    Ok(())
}

/// Says that there is no handle, before anything else can fail: callers free what is in the place.
///
/// # Safety
/// `place` is NULL or writable.
pub(crate) unsafe fn no_handle<T>(place: *mut *mut T) -> Outcome<()> {
    // SAFETY: as the caller says.
    let Some(place) = (unsafe { place.as_mut() }) else { return argument("the place for a handle is NULL") };
    *place = core::ptr::null_mut();
    Ok(())
}

/// Hands a new handle to the caller, who frees it with its `_free`.
///
/// # Safety
/// `place` is NULL or writable.
pub(crate) unsafe fn give<T>(place: *mut *mut T, make: impl FnOnce() -> Outcome<T>) -> Outcome<()> {
    // SAFETY: as the caller says.
    let Some(place) = (unsafe { place.as_mut() }) else { return argument("the place for a handle is NULL") };
    *place = Box::into_raw(Box::new(make()?));
    Ok(())
}

/// Takes a handle back.
///
/// # Safety
/// `p` is NULL or came from [`give`], and is used by nothing any more.
pub(crate) unsafe fn take_back<T>(p: *mut T) {
    if !p.is_null() {
        // SAFETY: `give` made it with `Box::into_raw`.
        drop(unsafe { Box::from_raw(p) });
    }
}

#[cfg(test)]
mod tests {
    use super::{Extensible, sized};
    use crate::status::Failure;

    /// A struct that had two fields first, and got a third.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Sample {
        size: usize,
        first: usize,
        later: usize,
    }

    // SAFETY: integers, `size` first.
    unsafe impl Extensible for Sample {
        const FIRST_SIZE: usize = core::mem::offset_of!(Sample, later);
    }

    fn read(words: &[usize]) -> Result<Sample, Failure> {
        // SAFETY: `size` is at most that of the words.
        unsafe { sized(words.as_ptr().cast::<Sample>()) }
    }

    #[test]
    fn structs_of_older_and_newer_callers_are_read() {
        let word = size_of::<usize>();
        assert!(matches!(read(&[2 * word, 7, 9]), Ok(Sample { first: 7, later: 0, .. })));
        assert!(matches!(read(&[3 * word, 7, 9]), Ok(Sample { first: 7, later: 9, .. })));
        assert!(matches!(read(&[4 * word, 7, 9, 0]), Ok(Sample { first: 7, later: 9, .. })));
        assert!(matches!(read(&[4 * word, 7, 9, 1]), Err(Failure::Core(ossenc::Error::TooNew(_)))));
        for too_small in [0, word, 2 * word - 1] {
            assert!(matches!(read(&[too_small, 7, 9]), Err(Failure::Core(ossenc::Error::Argument(_)))));
        }
    }
}
