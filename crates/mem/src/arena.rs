//! Where values lie: finds a slot for each, and takes it back.
//!
//! Memory is divided into shards, each with a lock of its own, taken only to make and to drop a value. A thread stays
//! with a shard until it finds it busy, then it moves on to the next: one thread uses one shard, and many threads spread.

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::NonNull;
use std::sync::MutexGuard;
use std::thread_local;

use crate::shard::{Cells, Classes, MAX_SLOT, SHARDS, Shard};
use crate::slab::{Header, LINE, Slab};
use crate::wipe::wipe;
use crate::{Error, Lock, Protection};

static UNLOCKED: Cells = Cells::new();
static LOCKED: Cells = Cells::new();

thread_local! {
    /// The shard that this thread found free last.
    static HINT: Cell<usize> = const { Cell::new(0) };
}

/// A place for a value of that layout, all zeros.
pub(crate) fn acquire(layout: Layout, lock: Lock) -> Result<NonNull<u8>, Error> {
    let slot = slot_of(layout).ok_or(Error::NoMemory)?;
    if slot > MAX_SLOT || layout.align() > LINE {
        return acquire_alone(layout, lock);
    }
    let header = acquire_shared(slot, lock)?;
    // SAFETY: the slot was sized for that.
    Ok(unsafe { header.cast::<u8>().byte_add(before_value(layout)) })
}

/// As [`acquire`], in pages of its own, which go back to the system with it.
pub(crate) fn acquire_alone(layout: Layout, lock: Lock) -> Result<NonNull<u8>, Error> {
    let slot = slot_of(layout).ok_or(Error::NoMemory)?;
    let align = layout.align().max(LINE);
    let bytes = Slab::bytes_for_one(slot, align).ok_or(Error::NoMemory)?;
    let slab = Slab::map(bytes, slot, align, None, lock)?;
    // SAFETY: new, with one slot at least, and of no concern to anybody else.
    let header = unsafe { Slab::take(slab) };
    // SAFETY: the slot was sized for that.
    Ok(unsafe { header.cast::<u8>().byte_add(before_value(layout)) })
}

fn acquire_shared(slot: usize, lock: Lock) -> Result<NonNull<Header>, Error> {
    let (shard, mut classes) = lock_a_shard(lock)?;
    // SAFETY: the lock is held.
    if let Some(header) = unsafe { classes.of(slot).take() } {
        return Ok(header);
    }
    let bytes = classes.of(slot).next_slab();
    // Nobody waits for the system calls. That two threads may come here at once does no harm.
    drop(classes);
    let slab = Slab::map(bytes, slot, LINE, Some(NonNull::from(shard)), lock)?;
    let mut classes = shard.lock();
    // SAFETY: the lock is held, and the slab was made for this class a moment ago.
    unsafe { classes.of(slot).add(slab) };
    // SAFETY: the lock is held.
    unsafe { classes.of(slot).take() }.ok_or(Error::NoMemory)
}

/// Wipes a place and gives it back. In a forked child, where it is wiped already, does nothing.
///
/// # Safety
/// `value` is from [`acquire`] with this layout, in this process or one that it was forked from, and not released; what
/// was in it is dropped, and nobody uses it again.
pub(crate) unsafe fn release(value: NonNull<u8>, layout: Layout) {
    // SAFETY: passed on to the caller.
    if !unsafe { is_live(value, layout) } {
        return;
    }
    // SAFETY: nobody else uses the value; its slot is as long as its layout.
    unsafe { wipe(value.as_ptr(), layout.size()) };
    // SAFETY: passed on to the caller.
    let header = unsafe { header_of(value, layout) };
    // SAFETY: live, so the header and the slab are as they were written, and mapped.
    let slab = unsafe { header.as_ref() }.slab;
    // SAFETY: likewise.
    let shard = unsafe { slab.as_ref() }.shard;
    let (Some(shard), Some(slot)) = (shard, slot_of(layout)) else {
        // SAFETY: its only slot is the one given back.
        unsafe { Slab::unmap(slab) };
        return;
    };
    // SAFETY: slabs point to shards of the process that made them.
    if !unsafe { Shard::is_of_this_process(shard) } {
        // A copy of the parent's, on a system that does not wipe: it is wiped now, and its place is not used again.
        // SAFETY: live, and nobody else uses it.
        unsafe { header.as_ref() }.word.set_number(0);
        return;
    }
    // SAFETY: of this process, so not wiped, and never unmapped.
    let mut classes = unsafe { shard.as_ref() }.lock();
    // SAFETY: the lock is held; the slot has this size, is wiped, and nobody uses it again.
    let surplus = unsafe { classes.of(slot).put(header) };
    drop(classes);
    if let Some(surplus) = surplus {
        // SAFETY: empty, and taken out of all lists.
        unsafe { Slab::unmap(surplus) };
    }
}

/// Whether the place is what it was: false in a forked child, where the kernel wiped it.
///
/// # Safety
/// As [`release`].
#[inline]
pub(crate) unsafe fn is_live(value: NonNull<u8>, layout: Layout) -> bool {
    // SAFETY: passed on to the caller. Slots in use are mapped, here and in children.
    let header = unsafe { header_of(value, layout) };
    // SAFETY: the word alone is looked at, and zeros are a word, too.
    unsafe { &(*header.as_ptr()).word }.is_live()
}

/// What holds for the place; nothing in a forked child.
///
/// # Safety
/// As [`release`].
pub(crate) unsafe fn protection(value: NonNull<u8>, layout: Layout) -> Protection {
    // SAFETY: passed on to the caller.
    if !unsafe { is_live(value, layout) } {
        return Protection::default();
    }
    // SAFETY: passed on to the caller.
    let header = unsafe { header_of(value, layout) };
    // SAFETY: live, so both are as they were written, and mapped.
    unsafe { header.as_ref().slab.as_ref() }.protection()
}

/// Bytes of a slot for that layout; none if they cannot be counted, and so cannot be had.
fn slot_of(layout: Layout) -> Option<usize> {
    layout.size().checked_add(before_value(layout))?.checked_next_multiple_of(LINE)
}

/// Bytes of a slot before its value: the header, and what aligns the value.
#[inline]
const fn before_value(layout: Layout) -> usize {
    if layout.align() > size_of::<Header>() { layout.align() } else { size_of::<Header>().next_multiple_of(16) }
}

/// # Safety
/// `value` is from [`acquire`] with this layout.
#[inline]
unsafe fn header_of(value: NonNull<u8>, layout: Layout) -> NonNull<Header> {
    // SAFETY: that many bytes into its slot, says the caller.
    unsafe { value.byte_sub(before_value(layout)).cast() }
}

/// Locks a shard that is not busy, if there is one nearby.
fn lock_a_shard(lock: Lock) -> Result<(&'static Shard, MutexGuard<'static, Classes>), Error> {
    let cells = match lock {
        Lock::Off => &UNLOCKED,
        Lock::Required => &LOCKED,
    };
    let hint = HINT.get();
    let shard = Shard::of(&cells.0[hint])?;
    if let Some(classes) = shard.try_lock() {
        return Ok((shard, classes));
    }
    let next = (hint + 1) % SHARDS;
    HINT.set(next);
    let shard = Shard::of(&cells.0[next]).unwrap_or(shard);
    Ok((shard, shard.lock()))
}
