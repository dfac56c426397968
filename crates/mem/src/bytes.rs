//! Any number of bytes in protected memory.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::{Error, Forked, Lock, Protection, memory};

/// Owns bytes in memory for keys: text in which keys stand, on its way in or out. Wiped when dropped.
///
/// They lie in pages of their own, which a drop gives back: making and dropping them are some system calls each. For
/// keys and other values whose size is known there is [`Guarded`](crate::Guarded).
pub struct GuardedBytes {
    /// From `memory::acquire_alone`.
    bytes: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the only owner of its bytes, as a `Box<[u8]>` is; the memory has no ties to a thread.
unsafe impl Send for GuardedBytes {}
// SAFETY: `&GuardedBytes` gives `&[u8]` and nothing else.
unsafe impl Sync for GuardedBytes {}

impl GuardedBytes {
    /// So many zeros, to be overwritten in place.
    ///
    /// # Errors
    /// [`Error::NoMemory`], [`Error::NotLocked`].
    pub fn zeroed(lock: Lock, len: usize) -> Result<GuardedBytes, Error> {
        let layout = Layout::array::<u8>(len).map_err(|_| Error::NoMemory)?;
        Ok(GuardedBytes { bytes: memory::acquire_alone(layout, lock)?, layout })
    }

    /// The bytes.
    ///
    /// # Errors
    /// [`Forked`], as for [`Guarded::get`](crate::Guarded::get).
    pub fn get(&self) -> Result<&[u8], Forked> {
        self.check()?;
        // SAFETY: so many bytes, zeros or written since, not wiped, and borrowed like `self`.
        Ok(unsafe { core::slice::from_raw_parts(self.bytes.as_ptr(), self.layout.size()) })
    }

    /// The bytes, to change them in place.
    ///
    /// # Errors
    /// As [`get`](GuardedBytes::get).
    pub fn get_mut(&mut self) -> Result<&mut [u8], Forked> {
        self.check()?;
        // SAFETY: as in `get`, and `self` is borrowed exclusively.
        Ok(unsafe { core::slice::from_raw_parts_mut(self.bytes.as_ptr(), self.layout.size()) })
    }

    /// What holds for their memory, as for [`Guarded::protection`](crate::Guarded::protection).
    #[must_use]
    pub fn protection(&self) -> Protection {
        // SAFETY: `bytes` is from `memory::acquire_alone` with this layout, and not released.
        unsafe { memory::protection(self.bytes, self.layout) }
    }

    fn check(&self) -> Result<(), Forked> {
        // SAFETY: `bytes` is from `memory::acquire_alone` with this layout, and not released.
        if unsafe { memory::is_live(self.bytes, self.layout) } { Ok(()) } else { Err(Forked) }
    }
}

impl Drop for GuardedBytes {
    fn drop(&mut self) {
        // SAFETY: from `memory::acquire_alone` with this layout; nobody uses it after.
        unsafe { memory::release(self.bytes, self.layout) };
    }
}

impl core::fmt::Debug for GuardedBytes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("GuardedBytes").finish_non_exhaustive()
    }
}
