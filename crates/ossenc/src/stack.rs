//! Clearing the stack after computing with keys.
//!
//! What a function computes with stays on its stack until something else is written there: copies that the compiler made of
//! a key on its way, the pads of an HMAC, the schedule of a hash. A core dump would show them.

/// What is cleared: more than any computation here takes in an optimised build, within the 8 KiB that a call may take.
const DEPTH: usize = 6 << 10;

/// Runs `compute` and clears the stack that it used. What it returns must not hold key bytes itself, or lead to them but
/// through memory that is protected.
#[inline(always)]
pub(crate) fn cleared<R>(compute: impl FnOnce() -> R) -> R {
    let result = apart(compute);
    zeroize::zeroize_stack::<DEPTH>();
    result
}

/// On a frame of its own, below its caller's.
#[inline(never)]
fn apart<R>(compute: impl FnOnce() -> R) -> R {
    compute()
}
