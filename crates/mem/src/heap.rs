//! Where there are no pages to protect (bare metal, systems that are no Unix): the heap, wiped.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::wipe::wipe;
use crate::{Error, Lock, Protection};

extern crate alloc;

/// A place for a value of that layout, all zeros.
pub(crate) fn acquire(layout: Layout, lock: Lock) -> Result<NonNull<u8>, Error> {
    if lock == Lock::Required {
        return Err(Error::NotLocked);
    }
    if layout.size() == 0 {
        return NonNull::new(core::ptr::without_provenance_mut(layout.align())).ok_or(Error::NoMemory);
    }
    // SAFETY: the size is not 0.
    NonNull::new(unsafe { alloc::alloc::alloc_zeroed(layout) }).ok_or(Error::NoMemory)
}

pub(crate) use acquire as acquire_alone;

/// Always: no fork is noticed here.
///
/// # Safety
/// `value` is from [`acquire`] with this layout, and not released.
#[inline]
pub(crate) unsafe fn is_live(_value: NonNull<u8>, _layout: Layout) -> bool {
    true
}

/// What holds for a value's memory: nothing.
///
/// # Safety
/// As [`is_live`].
pub(crate) unsafe fn protection(_value: NonNull<u8>, _layout: Layout) -> Protection {
    Protection::default()
}

/// Wipes a place and gives it back.
///
/// # Safety
/// As [`is_live`]; what was in it is dropped, and nobody uses it again.
pub(crate) unsafe fn release(value: NonNull<u8>, layout: Layout) {
    // SAFETY: allocated with this layout, and nobody else's.
    unsafe { wipe(value.as_ptr(), layout.size()) };
    if layout.size() > 0 {
        // SAFETY: allocated with this layout, in `acquire`.
        unsafe { alloc::alloc::dealloc(value.as_ptr(), layout) };
    }
}

#[cfg(test)]
mod tests {
    use crate::{Error, Guarded, GuardedBytes, Lock, Protection};

    #[test]
    fn a_box_that_promises_nothing_but_the_wipe() {
        #[repr(align(64))]
        struct Line([u8; 64]);
        let line = Guarded::new(Lock::Off, Line([7; 64])).unwrap();
        assert_eq!(core::ptr::from_ref(line.get().unwrap()).addr() % 64, 0);
        assert_eq!((line.get().unwrap().0, line.protection()), ([7; 64], Protection::default()));
        assert_eq!(Guarded::new(Lock::Off, ()).unwrap().get(), Ok(&()));
        assert_eq!(Guarded::new(Lock::Required, 1).err(), Some(Error::NotLocked));
        let mut bytes = GuardedBytes::zeroed(Lock::Off, 100).unwrap();
        bytes.get_mut().unwrap()[99] = 7;
        assert_eq!((&bytes.get().unwrap()[98..], bytes.protection()), (&[0, 7][..], Protection::default()));
        assert_eq!(GuardedBytes::zeroed(Lock::Off, 0).unwrap().get(), Ok(&[][..]));
        assert_eq!(GuardedBytes::zeroed(Lock::Required, 1).err(), Some(Error::NotLocked));
    }
}
