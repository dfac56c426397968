//! The std side of libossenc's keys: where a keystore's image is kept, and operations with keys that may have to be
//! asked for.
//!
//! [`swap_file`] replaces an image on disk by compare-and-swap on its generation. A [`Keyring`] makes operations
//! ([`Op`]), and holds what they share: the keystore in use, keys that services gave, the calls in flight, counters.
//! `docs/operations.md` of the repository says how they work.
#![forbid(unsafe_code)]

mod answer;
mod attempt;
mod audit;
mod cache;
mod call;
mod error;
mod failures;
mod file;
mod flight;
mod id;
mod keyring;
mod limits;
mod op;
mod provider;
mod recent;
mod request;
mod run;
mod stats;

pub use audit::{Audit, Event, What};
pub use call::OpenAsk;
pub use error::OpError;
pub use file::{SwapError, swap_file};
pub use keyring::{Keyring, NoKeystore};
pub use limits::{Limits, Time};
pub use op::{Op, Reply, Step};
pub use provider::{Answer, Ask, Failure, Provider, Verb};
pub use request::{Choice, Opening, Rewrapping};
