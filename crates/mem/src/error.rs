//! What can go wrong.

/// No value was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The system gave no memory.
    NoMemory,
    /// The memory had to be locked and could not be: `RLIMIT_MEMLOCK` is used up, or this system has no `mlock`.
    NotLocked,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Error::NoMemory => "no memory for a key",
            Error::NotLocked => "memory for a key cannot be locked (see RLIMIT_MEMLOCK)",
        })
    }
}

impl core::error::Error for Error {}

/// The value was left behind in the parent process: this process is a forked child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forked;

impl core::fmt::Display for Forked {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("this key belongs to the parent of this forked process")
    }
}

impl core::error::Error for Forked {}
