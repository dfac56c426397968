//! Memory for keys: a secret value lives in pages that the kernel leaves out of core dumps, wipes in a forked child and,
//! if asked, never swaps out; and it is wiped when it goes.
//!
//! [`Guarded<T>`] owns one value in such memory, as a `Box<T>` would. Reading it costs one comparison: no lock, no system
//! call, no allocation. In a forked child the value is gone, and reading it is the error [`Forked`], so a child can
//! never continue with a parent's key, counter or nonce.
//!
//! ```
//! use ossenc_mem::{Error, Guarded, Lock};
//!
//! // The key is written where it will live: it was never anywhere else.
//! let key = Guarded::<[u8; 32]>::filled(Lock::Off, |key| {
//!     key.fill(7); // in earnest: the entropy source
//!     Ok::<(), Error>(())
//! })?;
//! assert_eq!(key.get().expect("nobody forked"), &[7; 32]);
//! # Ok::<(), Error>(())
//! ```
//!
//! [`GuardedBytes`] is the same for bytes whose number is known only when they come: what keys are read from.
//!
//! # What holds where
//!
//! | | out of core dumps | wiped in a forked child | locked | wiped on drop |
//! |---|---|---|---|---|
//! | Linux 4.14 and later | yes | yes | if asked | yes |
//! | older Linux | yes | no: `get` succeeds in a child | if asked | yes |
//! | other Unix | no | no: `get` succeeds in a child | if asked | yes |
//! | everything else, and without `std` | no | no | refused if asked | yes |
//!
//! [`Guarded::protection`] tells what holds for a value; [`protection`] asks before there is one. Where a value is not
//! wiped on fork the fork is not noticed by [`Guarded::get`]: asking for the process id is a system call, too dear there.
//! Making and dropping values is safe in a child all the same, everywhere.
//!
//! # What does not
//!
//! - **Only the bytes of `T` itself** are protected. What it points to on the heap is not: `T` should be plain data.
//! - **Copies that the compiler makes.** The stack of whoever computes with a key or returns one by value keeps copies
//!   until it is used again, and so do vector registers: they land in a core dump. [`Guarded::filled`] writes a key in
//!   place, and left no copy wherever it was looked for; [`Guarded::new`] and [`Guarded::make`] commonly leave one or two
//!   on the stack (`tests/dump.rs` counts them). `zeroize::zeroize_stack`, called by the caller of the function that
//!   computed, clears the stack up.
//! - **Whoever may read this process's memory** may read keys: a debugger, `/proc/PID/mem`, root, hibernation to disk,
//!   a virtual machine's snapshot. A snapshot is no fork: nothing is wiped in it.
//! - **Fork while a reference is in use.** Who calls `fork` (which is `unsafe`) between [`Guarded::get`] and the last use
//!   of its reference, or in a signal handler that interrupted this crate, sees zeros in the child.
//! - `vfork`, and `clone` with `CLONE_VM`, share memory: no copy, nothing to wipe. Such a child may only `exec`.
#![no_std]
#![deny(unsafe_op_in_unsafe_fn)]

#[cfg(all(feature = "std", unix))]
extern crate std;

mod bytes;
mod error;
mod guarded;
mod wipe;

#[cfg(all(feature = "std", unix))]
#[path = "arena.rs"]
mod memory;
#[cfg(not(all(feature = "std", unix)))]
#[path = "heap.rs"]
mod memory;

#[cfg(all(feature = "std", unix))]
mod class;
#[cfg(all(feature = "std", unix))]
mod pages;
#[cfg(all(feature = "std", unix))]
mod shard;
#[cfg(all(feature = "std", unix))]
mod slab;

pub use bytes::GuardedBytes;
pub use error::{Error, Forked};
pub use guarded::Guarded;

/// Whether memory must be locked: kept out of the swap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lock {
    /// Not locked.
    #[default]
    Off,
    /// `mlock`, or an error. Counts towards `RLIMIT_MEMLOCK`, in steps of 64 and 256 KiB.
    Required,
}

/// What holds for a value's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Protection {
    /// A forked child finds zeros, and [`Guarded::get`] says [`Forked`] there.
    pub wiped_on_fork: bool,
    /// Core dumps leave it out.
    pub out_of_dumps: bool,
    /// It is never swapped out. A forked child inherits no lock: it holds for the process that made the value.
    pub locked: bool,
}

/// What values made now will have: for a look, or a refusal, when a program starts.
///
/// # Errors
/// [`Error::NotLocked`] if that was required and cannot be had; [`Error::NoMemory`].
pub fn protection(lock: Lock) -> Result<Protection, Error> {
    Ok(Guarded::new(lock, ())?.protection())
}
