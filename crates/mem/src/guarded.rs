//! One value in protected memory, and who may see it.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::{self, NonNull};

use crate::wipe::wipe;
use crate::{Error, Forked, Lock, Protection, memory};

/// Owns a `T` in memory for keys. Moving it moves a pointer, and leaves no copy of the value behind.
///
/// Dropping it drops the `T` and wipes its bytes. In a forked child, where the kernel has wiped them already, the `T` is
/// forgotten instead: its own `drop` does not run.
///
/// Only the bytes of the `T` itself are protected, and not what it points to: see [the crate](crate).
pub struct Guarded<T> {
    /// From `memory::acquire`, and filled.
    value: NonNull<T>,
    _owns: PhantomData<T>,
}

// SAFETY: a `Guarded<T>` is the only owner of its `T`, as a `Box<T>` is; the memory it lies in has no ties to a thread.
unsafe impl<T: Send> Send for Guarded<T> {}
// SAFETY: `&Guarded<T>` gives `&T` and nothing else, as `&Box<T>` does.
unsafe impl<T: Sync> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    /// Moves a value in, and wipes the argument that it came in. If the caller had it somewhere else before, a copy may
    /// be left there, as for [`make`](Guarded::make); [`filled`](Guarded::filled) avoids that.
    ///
    /// # Errors
    /// [`Error::NoMemory`], [`Error::NotLocked`]; the value is dropped, and its bytes wiped.
    #[inline]
    pub fn new(lock: Lock, value: T) -> Result<Guarded<T>, Error> {
        let mut source = Source(ManuallyDrop::new(value));
        match Vacant::acquire(lock) {
            Ok(vacant) => {
                // SAFETY: both are valid for a `T` and apart; the source is not dropped, so the value has one owner.
                unsafe { ptr::copy_nonoverlapping(&raw const *source.0, vacant.0.as_ptr(), 1) };
                Ok(vacant.filled())
            }
            Err(error) => {
                // SAFETY: dropped here and nowhere else, and not used again: `Source` only wipes it.
                unsafe { ManuallyDrop::drop(&mut source.0) };
                Err(error)
            }
        }
    }

    /// Writes what `make` returns to where it will live. Faster than moving it in, but no cleaner: what `make` computed
    /// with stays on its stack, often the whole value. `zeroize::zeroize_stack` clears that up, and
    /// [`filled`](Guarded::filled) avoids it.
    ///
    /// # Errors
    /// [`Error::NoMemory`], [`Error::NotLocked`]; `make` was not called.
    #[inline]
    pub fn make(lock: Lock, make: impl FnOnce() -> T) -> Result<Guarded<T>, Error> {
        let vacant = Vacant::<T>::acquire(lock)?;
        // SAFETY: a vacant place is valid for writing a `T`. If `make` panics it is given back, unfilled.
        unsafe { vacant.0.write(make()) };
        Ok(vacant.filled())
    }

    /// Puts a default value in place, which holds no secret yet, and lets `fill` write the secret where it will live: no
    /// copy is made of it. For keys: `Guarded::<[u8; 32]>::filled(lock, |key| entropy.fill(key))`.
    ///
    /// # Errors
    /// What `fill` says, and [`Error::NoMemory`], [`Error::NotLocked`]. What was written is wiped.
    #[inline]
    pub fn filled<E: From<Error>>(lock: Lock, fill: impl FnOnce(&mut T) -> Result<(), E>) -> Result<Guarded<T>, E>
    where
        T: Default,
    {
        let guarded = Guarded::make(lock, T::default)?;
        // SAFETY: filled by `make`, in this process, and owned by this function alone.
        fill(unsafe { &mut *guarded.value.as_ptr() })?;
        Ok(guarded)
    }

    /// The value. One comparison: no lock, no system call, no allocation.
    ///
    /// # Errors
    /// [`Forked`] in a forked child of the process that made the value, where the kernel can wipe
    /// ([`Protection::wiped_on_fork`]).
    #[inline]
    pub fn get(&self) -> Result<&T, Forked> {
        self.check()?;
        // SAFETY: filled when this was made, not wiped since, and borrowed like `self`.
        Ok(unsafe { self.value.as_ref() })
    }

    /// The value, to change it in place.
    ///
    /// # Errors
    /// As [`get`](Guarded::get).
    #[inline]
    pub fn get_mut(&mut self) -> Result<&mut T, Forked> {
        self.check()?;
        // SAFETY: as in `get`, and `self` is borrowed exclusively.
        Ok(unsafe { self.value.as_mut() })
    }

    /// What holds for this value's memory. Of no meaning in a forked child of the process that made it: all false.
    #[must_use]
    pub fn protection(&self) -> Protection {
        // SAFETY: `value` is from `memory::acquire` with this layout, and not released.
        unsafe { memory::protection(self.value.cast(), Layout::new::<T>()) }
    }

    #[inline]
    fn check(&self) -> Result<(), Forked> {
        // SAFETY: `value` is from `memory::acquire` with this layout, and not released.
        if unsafe { memory::is_live(self.value.cast(), Layout::new::<T>()) } { Ok(()) } else { Err(Forked) }
    }
}

impl<T> Drop for Guarded<T> {
    #[inline]
    fn drop(&mut self) {
        // Gives the place back even if the value's own drop panics.
        let place = Vacant(self.value);
        if self.check().is_ok() {
            // SAFETY: filled, not wiped by a fork, and dropped here and nowhere else.
            unsafe { ptr::drop_in_place(place.0.as_ptr()) };
        }
    }
}

impl<T> core::fmt::Debug for Guarded<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Guarded").finish_non_exhaustive()
    }
}

/// A place for a `T`, from `memory::acquire`, that holds none: given back when dropped.
struct Vacant<T>(NonNull<T>);

impl<T> Vacant<T> {
    fn acquire(lock: Lock) -> Result<Vacant<T>, Error> {
        const { assert!(align_of::<T>() <= 4096, "the smallest page of any machine is the largest alignment") };
        Ok(Vacant(memory::acquire(Layout::new::<T>(), lock)?.cast()))
    }

    /// The place holds a `T` now.
    fn filled(self) -> Guarded<T> {
        Guarded { value: ManuallyDrop::new(self).0, _owns: PhantomData }
    }
}

impl<T> Drop for Vacant<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: from `memory::acquire` with this layout, and released here and nowhere else: `filled` passes it on.
        unsafe { memory::release(self.0.cast(), Layout::new::<T>()) };
    }
}

/// An argument whose bytes are wiped when the call is over.
struct Source<T>(ManuallyDrop<T>);

impl<T> Drop for Source<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this function owns the bytes, and a `ManuallyDrop` is never taken for a value again.
        unsafe { wipe((&raw mut self.0).cast(), size_of::<T>()) };
    }
}

#[cfg(test)]
mod tests {
    use core::mem::MaybeUninit;

    use super::*;

    #[test]
    fn an_argument_is_wiped_when_the_call_is_over() {
        let mut place = MaybeUninit::new(Source(ManuallyDrop::new([0xdead_beef_u32; 175])));
        // SAFETY: initialised, and dropped once.
        unsafe { place.assume_init_drop() };
        // SAFETY: the bytes were written, last by the drop.
        assert_eq!(unsafe { place.as_ptr().cast::<[u32; 175]>().read_volatile() }, [0; 175]);
    }
}
