//! Pages from the operating system, with everything asked of it that protects keys.

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::{Error, Lock, Protection};

/// Whole pages, zeroed, between two that cannot be touched: running over either end is a fault at once.
#[derive(Clone, Copy)]
pub(crate) struct Pages {
    base: NonNull<u8>,
    len: usize,
    protection: Protection,
}

impl Pages {
    /// At least `bytes` of them.
    pub(crate) fn map(bytes: usize, lock: Lock) -> Result<Pages, Error> {
        let guard = page_size();
        let len = bytes.checked_next_multiple_of(guard).ok_or(Error::NoMemory)?;
        let whole = len.checked_add(2 * guard).ok_or(Error::NoMemory)?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
        // SAFETY: an anonymous mapping at a place of the kernel's choice touches no memory that is in use.
        let start = unsafe { libc::mmap(ptr::null_mut(), whole, libc::PROT_NONE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(Error::NoMemory);
        }
        // SAFETY: one page into a mapping that is two pages longer than `len`, and not at address 0.
        let base = unsafe { NonNull::new_unchecked(start.cast::<u8>().add(guard)) };
        let mut pages = Pages { base, len, protection: Protection::default() };
        pages.protect(lock).inspect_err(|_| {
            // SAFETY: mapped above, and nobody has seen it.
            unsafe { pages.unmap() }
        })
    }

    /// Makes the pages between the guards usable. Nothing is written to them before all is in force, so a fork in
    /// another thread at any moment meanwhile copies nothing.
    fn protect(&mut self, lock: Lock) -> Result<Pages, Error> {
        let base = self.base.as_ptr().cast();
        // SAFETY: pages of this mapping, which holds nothing yet.
        if unsafe { libc::mprotect(base, self.len, libc::PROT_READ | libc::PROT_WRITE) } != 0 {
            return Err(Error::NoMemory);
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            // SAFETY: as above; the advice changes what a fork and a dump do with these pages, and nothing here.
            self.protection.wiped_on_fork = unsafe { libc::madvise(base, self.len, libc::MADV_WIPEONFORK) } == 0;
            // SAFETY: likewise.
            self.protection.out_of_dumps = unsafe { libc::madvise(base, self.len, libc::MADV_DONTDUMP) } == 0;
        }
        if lock == Lock::Required {
            // SAFETY: as above; locking changes no contents.
            if unsafe { libc::mlock(base, self.len) } != 0 {
                return Err(Error::NotLocked);
            }
            self.protection.locked = true;
        }
        Ok(*self)
    }

    /// Gives them back to the system. What is in them should be wiped before: the kernel clears a page only when it
    /// gives it to somebody.
    ///
    /// # Safety
    /// Nobody uses the pages again, through this or a copy of it.
    pub(crate) unsafe fn unmap(self) {
        let guard = page_size();
        // SAFETY: base and length of the whole mapping, with its guards; no longer used, says the caller. It cannot fail:
        // a whole mapping is removed, and none is split.
        unsafe { libc::munmap(self.base.as_ptr().sub(guard).cast(), self.len + 2 * guard) };
    }

    /// The first byte; the address is a multiple of the page size.
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn protection(&self) -> Protection {
        self.protection
    }
}

fn page_size() -> usize {
    static SIZE: AtomicUsize = AtomicUsize::new(0);
    match SIZE.load(Ordering::Relaxed) {
        0 => {
            // SAFETY: no preconditions.
            let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
            // A wrong guess makes `mprotect` fail, and so no memory: never memory without protection.
            let size = usize::try_from(size).unwrap_or(4096);
            SIZE.store(size, Ordering::Relaxed);
            size
        }
        size => size,
    }
}

/// A word in such pages that tells whether they still are what they were: the kernel's wipe turns it to zero.
#[repr(transparent)]
pub(crate) struct Word(AtomicUsize);

/// Small enough for a comparison with an immediate operand, larger than any number of slots.
const LIVE: usize = 0x4b45_5953;

impl Word {
    pub(crate) const fn live() -> Word {
        Word(AtomicUsize::new(LIVE))
    }

    /// Relaxed is enough: who has a reference to the word got it, by whatever way, after the word was set, and a fork
    /// happens in a thread's own past or not at all.
    #[inline]
    pub(crate) fn is_live(&self) -> bool {
        self.0.load(Ordering::Relaxed) == LIVE
    }

    pub(crate) fn set_live(&self) {
        self.0.store(LIVE, Ordering::Relaxed);
    }

    /// Not live; holds a number instead.
    pub(crate) fn set_number(&self, number: u32) {
        debug_assert!((number as usize) < LIVE);
        self.0.store(number as usize, Ordering::Relaxed);
    }

    pub(crate) fn number(&self) -> u32 {
        let number = self.0.load(Ordering::Relaxed);
        debug_assert!(number < LIVE);
        number as u32
    }
}
