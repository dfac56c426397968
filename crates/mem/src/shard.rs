//! A share of the slabs under a lock of its own, in pages that a fork wipes like those it looks after.
//!
//! So a child that was forked while another thread of its parent held a lock never meets that lock: what it finds of the
//! parent's shards is zeros, and it starts with new ones.

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering};
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crate::class::Class;
use crate::pages::{Pages, Word};
use crate::slab::LINE;
use crate::{Error, Lock};

/// The largest slot that shares a slab. A larger value has a slab of its own.
pub(crate) const MAX_SLOT: usize = 8 << 10;
/// Sizes of slots: every multiple of a line.
const CLASSES: usize = MAX_SLOT / LINE;

/// A share of the slabs.
pub(crate) struct Shard {
    /// First, to be looked at alone: until it is found live, nothing else is what it says.
    word: Word,
    pages: Pages,
    /// The process that made it: how to notice a fork where the kernel does not wipe.
    process: u32,
    classes: Mutex<Classes>,
}

/// What the lock guards: a class for each size of slots.
pub(crate) struct Classes([Class; CLASSES]);

impl Classes {
    /// The class of slots of `slot` bytes, which is a multiple of a line and at most [`MAX_SLOT`].
    pub(crate) fn of(&mut self, slot: usize) -> &mut Class {
        &mut self.0[slot / LINE - 1]
    }
}

// SAFETY: the slabs that the lists point to are used under the lock that this is in, by any thread.
unsafe impl Send for Classes {}

impl Shard {
    /// The shard in a cell, made if it is not there or is a parent's. Shards live as long as the process.
    pub(crate) fn of(cell: &'static AtomicPtr<Shard>) -> Result<&'static Shard, Error> {
        let found = cell.load(Ordering::Acquire);
        if let Some(found) = NonNull::new(found) {
            // SAFETY: whatever is in a cell came from `Shard::map`.
            if unsafe { Shard::is_of_this_process(found) } {
                // SAFETY: not wiped, never unmapped.
                return Ok(unsafe { found.as_ref() });
            }
        }
        let fresh = Shard::map()?;
        match cell.compare_exchange(found, fresh.as_ptr(), Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: just made, and never unmapped from here on.
            Ok(_) => Ok(unsafe { fresh.as_ref() }),
            Err(winner) => {
                // SAFETY: nobody has seen it; its fields are of this process, and `pages` is copied out first.
                unsafe { fresh.as_ref().pages.unmap() };
                // SAFETY: another thread of this process put it there a moment ago: it is live, and never unmapped.
                Ok(unsafe { &*winner })
            }
        }
    }

    fn map() -> Result<NonNull<Shard>, Error> {
        // Nothing secret is in a shard: it need not be locked.
        let pages = Pages::map(size_of::<Shard>(), Lock::Off)?;
        let shard = pages.base().cast::<Shard>();
        let classes = Mutex::new(Classes([const { Class::EMPTY }; CLASSES]));
        // SAFETY: new pages, long enough and aligned to more than a `Shard`.
        unsafe { shard.write(Shard { word: Word::live(), pages, process: process::id(), classes }) };
        Ok(shard)
    }

    /// Whether a shard is this process's own. If not, it is a parent's: wiped, or a copy whose lock may be held for ever.
    ///
    /// # Safety
    /// It is from [`Shard::map`] of this process, or of one that this was forked from.
    pub(crate) unsafe fn is_of_this_process(shard: NonNull<Shard>) -> bool {
        // SAFETY: mapped, here or in a parent, and never unmapped; zeros are a word, too.
        let word = unsafe { &(*shard.as_ptr()).word };
        if !word.is_live() {
            return false;
        }
        // SAFETY: live, so the whole of it is as it was written. `pages` and `process` never change.
        let this = unsafe { shard.as_ref() };
        this.pages.protection().wiped_on_fork || this.process == process::id()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Classes> {
        // Nothing panics under the lock but a debug assertion.
        self.classes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, if it can be had within the time that another thread usually holds it.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, Classes>> {
        for _ in 0..16 {
            match self.classes.try_lock() {
                Ok(classes) => return Some(classes),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => core::hint::spin_loop(),
            }
        }
        None
    }
}

/// The most shards of a kind. There are as many as threads got into each other's way.
pub(crate) const SHARDS: usize = 16;

/// Cells for shards.
pub(crate) struct Cells(pub(crate) [AtomicPtr<Shard>; SHARDS]);

impl Cells {
    /// Without a shard yet.
    pub(crate) const fn new() -> Cells {
        Cells([const { AtomicPtr::new(ptr::null_mut()) }; SHARDS])
    }
}
