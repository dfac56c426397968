//! All slabs of one slot size: which have room, and when one goes back to the system.

use core::ptr::NonNull;

use crate::slab::{Header, Slab};

/// The slabs of one slot size in one shard. Its methods are called with the shard's lock held.
pub(crate) struct Class {
    /// Slabs that have both used and free slots; the most recently freed first. Full ones are in no list.
    room: Option<NonNull<Slab>>,
    /// An empty slab, kept so that a value made and dropped over and over does not map and unmap.
    spare: Option<NonNull<Slab>>,
    /// How many slabs there are, full ones too.
    slabs: usize,
}

impl Class {
    pub(crate) const EMPTY: Class = Class { room: None, spare: None, slabs: 0 };

    /// How many bytes the next slab shall have: little for a size of which there are few values.
    pub(crate) fn next_slab(&self) -> usize {
        if self.slabs == 0 { 64 << 10 } else { 256 << 10 }
    }

    /// Adds a slab that is empty and in no list.
    ///
    /// # Safety
    /// It is new, belongs to this shard, and has slots of this size; the lock is held.
    pub(crate) unsafe fn add(&mut self, slab: NonNull<Slab>) {
        self.slabs += 1;
        // SAFETY: passed on to the caller.
        unsafe { self.link(slab) };
    }

    /// A free slot, if there is one.
    ///
    /// # Safety
    /// The lock is held.
    pub(crate) unsafe fn take(&mut self) -> Option<NonNull<Header>> {
        let slab = match self.room {
            Some(slab) => slab,
            None => {
                let spare = self.spare.take()?;
                // SAFETY: the spare is in no list; the lock is held.
                unsafe { self.link(spare) };
                spare
            }
        };
        // SAFETY: a slab of the list has room; the lock is held.
        let header = unsafe { Slab::take(slab) };
        // SAFETY: slabs of a class stay mapped while they are in its list.
        let this = unsafe { slab.as_ref() };
        // SAFETY: the lock is held, and the reference lives for this expression.
        if unsafe { this.state() }.used == this.slots() {
            // SAFETY: it is in the list.
            unsafe { self.unlink(slab) };
        }
        Some(header)
    }

    /// Takes a slot back. If that leaves two slabs empty, one is returned, to be unmapped when the lock is released.
    ///
    /// # Safety
    /// The slot is wiped, from this class, and nobody uses it again; the lock is held.
    pub(crate) unsafe fn put(&mut self, header: NonNull<Header>) -> Option<NonNull<Slab>> {
        // SAFETY: a used slot's header is written, and its slab mapped.
        let slab = unsafe { header.as_ref() }.slab;
        // SAFETY: likewise.
        let this = unsafe { slab.as_ref() };
        // SAFETY: the slot is of this slab, says its header; the rest the caller.
        unsafe { this.put(header) };
        // SAFETY: the lock is held, and the reference lives for this expression.
        let used = unsafe { this.state() }.used;
        if used + 1 == this.slots() {
            // SAFETY: it was full, and so in no list.
            unsafe { self.link(slab) };
        }
        if used > 0 {
            return None;
        }
        // SAFETY: it has room, and so is in the list.
        unsafe { self.unlink(slab) };
        if self.spare.is_none() {
            self.spare = Some(slab);
            return None;
        }
        self.slabs -= 1;
        Some(slab)
    }

    /// Puts a slab at the head of the list.
    ///
    /// # Safety
    /// It is of this class, and in no list; the lock is held.
    unsafe fn link(&mut self, slab: NonNull<Slab>) {
        // SAFETY: the lock is held; `slab` and the list's head are two slabs, so the two references are apart.
        let state = unsafe { slab.as_ref().state() };
        state.previous = None;
        state.next = self.room;
        if let Some(next) = self.room {
            // SAFETY: likewise.
            unsafe { next.as_ref().state() }.previous = Some(slab);
        }
        self.room = Some(slab);
    }

    /// Takes a slab out of the list.
    ///
    /// # Safety
    /// It is in this list; the lock is held.
    unsafe fn unlink(&mut self, slab: NonNull<Slab>) {
        // SAFETY: the lock is held; a slab is not its own neighbour, so the references are apart.
        let state = unsafe { slab.as_ref().state() };
        let (previous, next) = (state.previous.take(), state.next.take());
        match previous {
            // SAFETY: likewise.
            Some(previous) => unsafe { previous.as_ref().state() }.next = next,
            None => self.room = next,
        }
        if let Some(next) = next {
            // SAFETY: likewise.
            unsafe { next.as_ref().state() }.previous = previous;
        }
    }
}
