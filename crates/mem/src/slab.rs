//! A run of pages cut into slots of one size. The first bytes of the pages describe the rest.
//!
//! ```text
//! guard page | Slab | slot 0 | slot 1 | ... | guard page          slot = Header, padding, value, padding
//! ```

use core::cell::UnsafeCell;
use core::ptr::NonNull;

use crate::pages::{Pages, Word};
use crate::shard::Shard;
use crate::{Error, Lock, Protection};

/// Bytes of a cache line: slots begin at multiples of it, so that no two values share one.
pub(crate) const LINE: usize = 64;

/// The head of a slot.
#[repr(C)]
pub(crate) struct Header {
    /// Live while the slot is in use; else the number of the next free slot.
    pub(crate) word: Word,
    /// Where the slot lies. Written once, when the slot is first used.
    pub(crate) slab: NonNull<Slab>,
}

/// The head of a slab. All but the state is fixed, and may be read without a lock by whoever owns a slot.
#[repr(C, align(64))]
pub(crate) struct Slab {
    pages: Pages,
    /// The shard whose lock guards the state; none for a slab of one slot that belongs to that slot's owner.
    pub(crate) shard: Option<NonNull<Shard>>,
    /// Bytes before the first slot, and of each.
    first: usize,
    slot: usize,
    /// How many fit.
    slots: u32,
    state: UnsafeCell<State>,
}

/// What changes.
pub(crate) struct State {
    /// Slots in use.
    pub(crate) used: u32,
    /// Slots that were ever used: those after it are untouched memory.
    begun: u32,
    /// One more than the number of the last slot that was freed, 0 for none. The others are linked from it.
    free: u32,
    /// Neighbours in a list of slabs.
    pub(crate) next: Option<NonNull<Slab>>,
    pub(crate) previous: Option<NonNull<Slab>>,
}

impl Slab {
    /// Maps at least `bytes` and cuts them into slots whose size and alignment are multiples of [`LINE`].
    pub(crate) fn map(
        bytes: usize,
        slot: usize,
        align: usize,
        shard: Option<NonNull<Shard>>,
        lock: Lock,
    ) -> Result<NonNull<Slab>, Error> {
        let first = size_of::<Slab>().next_multiple_of(align);
        let pages = Pages::map(bytes, lock)?;
        let slots = (pages.len() - first) / slot;
        debug_assert!(slot.is_multiple_of(LINE) && align.is_multiple_of(LINE) && slots > 0);
        let slots = u32::try_from(slots).unwrap_or(u32::MAX >> 2).min(u32::MAX >> 2);
        let state = UnsafeCell::new(State { used: 0, begun: 0, free: 0, next: None, previous: None });
        let slab = pages.base().cast::<Slab>();
        // SAFETY: the pages are new, aligned to more than a `Slab`, and longer: `first` bytes are its own.
        unsafe { slab.write(Slab { pages, shard, first, slot, slots, state }) };
        Ok(slab)
    }

    /// The bytes that a slab of one such slot needs.
    pub(crate) fn bytes_for_one(slot: usize, align: usize) -> Option<usize> {
        size_of::<Slab>().next_multiple_of(align).checked_add(slot)
    }

    /// Gives the pages back.
    ///
    /// # Safety
    /// No slot is in use, the slab is in no list, and nobody uses the pointer again.
    pub(crate) unsafe fn unmap(slab: NonNull<Slab>) {
        // SAFETY: still mapped; `pages` is copied out before its own bytes go.
        unsafe { slab.as_ref().pages.unmap() };
    }

    /// Its state.
    ///
    /// # Safety
    /// The shard's lock is held (or the slab's only slot is owned), and the reference is gone before the next call.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn state(&self) -> &mut State {
        // SAFETY: exclusive, says the caller.
        unsafe { &mut *self.state.get() }
    }

    pub(crate) fn slots(&self) -> u32 {
        self.slots
    }

    pub(crate) fn protection(&self) -> Protection {
        self.pages.protection()
    }

    /// A free slot, its word live and its value zeros.
    ///
    /// # Safety
    /// As [`Slab::state`], and a slot is free.
    pub(crate) unsafe fn take(slab: NonNull<Slab>) -> NonNull<Header> {
        // SAFETY: mapped; the fixed part is never written again.
        let this = unsafe { slab.as_ref() };
        // SAFETY: passed on to the caller, and dropped with this function.
        let state = unsafe { this.state() };
        debug_assert!(state.used < this.slots);
        state.used += 1;
        if state.free > 0 {
            let header = this.header(state.free - 1);
            // SAFETY: a slot of the free list has its header written, and no owner.
            let word = unsafe { &header.as_ref().word };
            state.free = word.number();
            word.set_live();
            return header;
        }
        let header = this.header(state.begun);
        state.begun += 1;
        // SAFETY: inside the pages, since not all slots are in use and none of those begun is free; nobody else's.
        unsafe { header.write(Header { word: Word::live(), slab }) };
        header
    }

    /// Takes a slot back, whose value is wiped.
    ///
    /// # Safety
    /// As [`Slab::state`]; the slot is from [`Slab::take`] of this slab, and nobody uses it again.
    pub(crate) unsafe fn put(&self, header: NonNull<Header>) {
        let offset = header.as_ptr().addr() - self.pages.base().as_ptr().addr();
        let number = (offset - self.first) / self.slot;
        // SAFETY: passed on to the caller, and dropped with this function.
        let state = unsafe { self.state() };
        // SAFETY: a slot that was in use has its header written.
        unsafe { header.as_ref() }.word.set_number(state.free);
        state.free = number as u32 + 1;
        state.used -= 1;
    }

    fn header(&self, number: u32) -> NonNull<Header> {
        // SAFETY: `number` is less than `slots`, so the slot lies in the pages.
        unsafe { self.pages.base().byte_add(self.first + number as usize * self.slot).cast() }
    }
}
