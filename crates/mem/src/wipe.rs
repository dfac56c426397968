//! Wiping that the compiler keeps.

use core::mem::MaybeUninit;

/// Overwrites `len` bytes at `place` with zeros, whether or not anybody reads them again.
///
/// # Safety
/// The bytes are writable, nobody else reads or writes them meanwhile, and nobody takes them for a valid value later
/// unless zeros are one.
pub(crate) unsafe fn wipe(place: *mut u8, len: usize) {
    // SAFETY: writable and exclusive, says the caller.
    unsafe { place.write_bytes(0, len) };
    // SAFETY: likewise; any bytes are valid as `MaybeUninit`.
    let bytes = unsafe { core::slice::from_raw_parts(place.cast::<MaybeUninit<u8>>(), len) };
    // As far as the compiler knows, the bytes are read behind this: the stores before it stay.
    zeroize::optimization_barrier(bytes);
}
