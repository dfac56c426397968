//! The std side of keys: where a keystore's image is kept, and how a process shares the newest one among its threads.
//!
//! [`swap_file`] replaces an image on disk by compare-and-swap on its generation; a [`FileStore`] makes whole changes with
//! it, under a root key that a [`RootKeySource`] gives. A [`Keyring`] holds the snapshot that
//! operations use; publishing a newer one does not disturb those under way.
//!
//! [`sealed_file`] keeps one object in one file, and replaces its envelope at any moment of a crash; [`fleet`] counts and
//! rewraps many of them (both on Unix only).
#![forbid(unsafe_code)]

mod file;
#[cfg(unix)]
pub mod fleet;
mod keyring;
mod provider;
mod root_key;
#[cfg(unix)]
pub mod sealed_file;
mod store;

pub use file::{SwapError, forget_previous, read_file, swap_file};
pub use keyring::{Keyring, NoKeystore};
pub use provider::{Answer, Ask, Failure, Provider, Verb};
pub use root_key::{Passphrase, RootKeyCallback, RootKeyError, RootKeyFile, RootKeySource, open_private, read_key};
pub use store::{FileStore, StoreError};
