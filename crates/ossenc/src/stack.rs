//! Clearing the stack after computing with keys.
//!
//! What a function computes with stays on its stack until something else is written there: copies that the compiler
//! made of a key on its way, the pads of an HMAC, round keys that found no register. A core dump would show them, and
//! the memory that keys live in is of no use then.

/// Stack of what derives the key of a message and sets it up, in an optimised build; within the 8 KiB that a call may
/// take.
pub(crate) const DERIVING: usize = 6 << 10;
/// Stack of HMAC alone: opening an object derives several times, and what is cleared in vain adds up.
pub(crate) const HASHING: usize = 3 << 10;
/// Stack of the kernel's calls over chunks, with what lies between them and here.
pub(crate) const CHUNKS: usize = 3 << 10;

/// Runs `compute` and clears `DEPTH` bytes of stack below, which it used. What it returns must not hold key bytes
/// itself, or lead to them but through memory that is protected.
#[inline(always)]
pub(crate) fn cleared<const DEPTH: usize, R>(compute: impl FnOnce() -> R) -> R {
    let result = apart(compute);
    zeroize::zeroize_stack::<DEPTH>();
    result
}

/// On a frame of its own, below its caller's.
#[inline(never)]
fn apart<R>(compute: impl FnOnce() -> R) -> R {
    compute()
}
