//! Envelope encryption for objects at rest, the way object stores do it: every object has a data key of its own, master
//! keys wrap data keys, master keys rotate, and no object's data is rewritten for it.
//!
//! # The pieces
//!
//! | | |
//! |---|---|
//! | [`Engine`] | what the machine gives: the AES backend, entropy. One for the process |
//! | [`Keystore`] | all master keys, as an immutable snapshot of one sealed image |
//! | [`Context`] | where an object belongs, according to the caller's own index |
//! | [`Recipient`] | which key wraps an object's data key: local, remote, a bucket key, a customer's |
//! | [`SlotKeys`] | the keys at hand that open envelopes: a keystore, and what was asked for besides |
//! | [`BucketKey`] | a key for the objects of one bucket, so that not each of them needs the master key |
//! | [`Object`] | an identity and an open data key: seals and opens bodies |
//! | [`rewrap()`] | a new envelope for the same data: after a rotation, a rename, a change of key or method |
//! | [`direct`] | small data under a master key, without an object |
//! | [`Census`] | how many slots are under each version of each key: what may be retired |
//! | [`Map`], [`Extent`] | which stored bytes answer a range |
//! | [`message`] | the one primitive underneath, Cobblestone-256 |
//!
//! Everything stored is specified byte by byte in `docs/FORMAT.md` of the repository.
//!
//! # An object, from end to end
//!
//! ```
//! use ossenc::{Change, Context, Engine, Expect, Keystore, Layout, Method, Object, Recipient, Rewrap, Secret, Shape, rewrap};
//!
//! let engine = Engine::new()?;
//! let now = 1_700_000_000;
//!
//! // Once: a keystore with one master key. The images go where the daemon keeps such things.
//! let root_key = Secret::new(&[7; 32]); // in earnest: 32 random bytes from a file, an HSM, a callback
//! let image = Keystore::init(&engine, "root-1", &root_key)?;
//! let keystore = Keystore::load(&engine, &image, &root_key, 1)?;
//! let image = keystore.apply(&engine, &Change::Create { key_id: "oss" }, now)?;
//! let keystore = Keystore::load(&engine, &image, &root_key, 2)?;
//!
//! // PUT: an envelope for the metadata, a body for the disk.
//! let context = Context { tenant: b"acme", bucket_id: b"b-17", object: b"report.pdf", ..Context::default() };
//! let recipient = Recipient::oss("oss");
//! let (object, envelope) = Object::create(&engine, &keystore, &recipient, &context, Shape::Single, now)?;
//! let mut body = vec![0; 56 + 5 + 16];
//! object.seal(0, Layout::Inline, b"hello", &mut body, &mut [])?;
//!
//! // GET.
//! let expect = Expect { methods: &[Method::SseOss], key_ids: &["oss"] };
//! let object = Object::open(&engine, &keystore, &envelope, &context, &expect, now)?;
//! let mut plain = [0; 5];
//! object.open_body(0, &body, &mut plain)?;
//! assert_eq!(&plain, b"hello");
//!
//! // Rotate: stage everywhere, then promote. Old objects open as before, and are rewrapped at leisure.
//! let image = keystore.apply(&engine, &Change::Stage { key_id: "oss" }, now)?;
//! let keystore = Keystore::load(&engine, &image, &root_key, 3)?;
//! let image = keystore.apply(&engine, &Change::Promote { key_id: "oss", version: None }, now)?;
//! let keystore = Keystore::load(&engine, &image, &root_key, 4)?;
//! let envelope = rewrap(&engine, &keystore, &envelope, &context, &expect, &Rewrap::default(), now)?;
//! # let object = Object::open(&engine, &keystore, &envelope, &context, &expect, now)?;
//! # object.open_body(0, &body, &mut plain)?;
//! # Ok::<(), ossenc::Error>(())
//! ```
//!
//! # What holds, and what does not
//!
//! Without the keys, stored bytes reveal lengths, key ids and times, and nothing else. Plaintext that is released was
//! sealed under the object's data key at that place: modification, reordering, splicing, and swaps between objects are
//! errors. Whole reads, and ranges whose end was proved, detect truncation and extension. Old objects, envelopes and
//! keystores replay, unless the caller pins generations outside the storage. Rewrapping is no re-encryption: who has
//! unwrapped a data key keeps it.
//!
//! # Threads, features
//!
//! Everything immutable may be shared by threads; nothing here blocks, does I/O, or starts threads. The crate is no_std
//! with alloc; the default feature `getrandom` adds the operating system's entropy. Without it, give [`Engine::with`] a
//! source. The feature `passphrase` opens and makes keystores whose root key comes from a passphrase.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod bucket_key;
mod census;
mod codec;
mod context;
mod convert;
mod digest;
pub mod direct;
mod engine;
mod entropy;
mod envelope;
mod error;
mod ident;
#[cfg(feature = "std")]
pub mod io;
mod kdf;
mod keystore;
mod layout;
mod manifest;
mod map;
pub mod message;
mod object;
#[cfg(feature = "rayon")]
mod parallel;
pub mod pieces;
mod receipt;
mod recipient;
mod rewrap;
mod secret;
mod segment;
mod slot_keys;
mod stack;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
mod tickets;
mod wrap;
mod wrapping_key;

pub use bucket_key::{BucketKey, BucketKeyRecord};
pub use census::{Census, CensusKey, MAX_CENSUS_ENTRIES};
pub use context::{Context, USER_MAP_MAX};
pub use convert::{Group, convert_group, group, groups};
pub use digest::{TakeDigests, crc32c, crc64_combine};
pub use engine::Engine;
pub use entropy::Entropy;
#[cfg(feature = "getrandom")]
pub use entropy::SystemEntropy;
pub use envelope::{
    BUCKET_KEY_ID_LEN, Envelope, Kind, MAX_SLOTS, Method, OBJECT_ID_LEN, OUTER_BLOB_MAX, Prelude, Shape, Slot,
};
pub use error::{Error, Result};
pub use ident::{KEY_ID_MAX, KEY_VERSION_MAX, PROVIDER_MAX};
pub use keystore::{
    Argon2id, Change, DELETION_WINDOW_DAYS, IMAGE_MAX, ImageInfo, Kdf, KeyState, Keystore, MasterKey, Origin,
    PERIOD_DAYS, PassphraseCost, Version, VersionState,
};
pub use layout::{GROUP_CHUNKS, Layout, PAGE_LEN};
pub use manifest::{MAX_SEGMENTS, Manifest, Segment};
pub use map::{Extent, Map, SegmentPlace};
pub use object::{ATTRIBUTE_MAX, Expect, Object};
pub use ossenc_gcm::{Isa, inout};
pub use ossenc_mem::Lock;
pub use receipt::{RECEIPT_LEN, Receipt};
pub use recipient::{Recipient, RemoteKey};
pub use rewrap::{Rewrap, RewrapReasons, needs_rewrap, rewrap};
pub use secret::{KEY_LEN, Secret};
pub use segment::SegmentOpener;
pub use slot_keys::{SlotKey, SlotKeys};
#[cfg(all(feature = "std", target_has_atomic = "64"))]
pub use tickets::{Ticket, TicketSealer};
pub use wrapping_key::{CustomerKey, WrappingKey};

/// The Rust example of the README compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
