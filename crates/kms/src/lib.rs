//! The std side of keys: where a keystore's image is kept, and how a process shares the newest one among its threads.
//!
//! [`swap_file`] replaces an image on disk by compare-and-swap on its generation. A [`Keyring`] holds the snapshot that
//! operations use; publishing a newer one does not disturb those under way. [`providers`] are the key services that
//! operations can ask, and a store for the records of bucket keys.
#![forbid(unsafe_code)]

mod file;
mod keyring;
mod provider;
pub mod providers;

pub use file::{SwapError, swap_file};
pub use keyring::{Keyring, NoKeystore};
pub use provider::{Answer, Ask, Failure, Provider, Verb};
