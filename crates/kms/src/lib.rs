//! The std side of libossenc's keys: where a keystore's image is kept, and operations with keys that may have to be
//! asked for.
//!
//! [`swap_file`] replaces an image on disk by compare-and-swap on its generation; a [`FileStore`] makes whole changes with
//! it, under a root key that a [`RootKeySource`] gives. A [`Keyring`] makes operations ([`Op`]), and holds what they share:
//! the keystore in use, keys that services gave, the calls in flight, counters. `docs/key-services.md` of the repository
//! says how they work. [`providers`] are the key services that operations can ask, and a store for the records of bucket
//! keys.
//!
//! [`sealed_file`] keeps one object in one file, and replaces its envelope at any moment of a crash; [`fleet`] counts and
//! rewraps many of them (both on Unix only).
#![forbid(unsafe_code)]

mod answer;
mod attempt;
mod audit;
mod cache;
mod call;
mod error;
mod failures;
mod file;
#[cfg(unix)]
pub mod fleet;
mod flight;
mod id;
mod keyring;
mod limits;
mod op;
mod provider;
pub mod providers;
mod recent;
mod request;
mod root_key;
mod run;
#[cfg(unix)]
pub mod sealed_file;
mod stats;
mod store;

pub use audit::{Audit, Event, What};
pub use call::OpenAsk;
pub use error::OpError;
pub use file::{SwapError, forget_previous, read_file, swap_file};
pub use keyring::{Keyring, NoKeystore};
pub use limits::{Limits, Time};
pub use op::{Op, Reply, Step};
pub use provider::{Answer, Ask, Failure, Provider, Verb};
pub use request::{Choice, Opening, Rewrapping};
pub use root_key::{Passphrase, RootKeyCallback, RootKeyError, RootKeyFile, RootKeySource, open_private, read_key};
pub use store::{FileStore, StoreError};
