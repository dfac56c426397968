//! Many sealed files, or many envelopes: counting what is under which key, and rewrapping all of them, after a rotation,
//! to another key or keystore, under another name.
//!
//! | | |
//! |---|---|
//! | [`Source`] | which files there are, in an order: a [`Folder`], shards of it, or [`Paths`] |
//! | [`Locate`] | where a file's object belongs: the caller's index, never the file |
//! | [`Rewrapper`] | what becomes of an envelope: [`KeyRewrapper`] with keys at hand, [`ServiceRewrapper`] with key services |
//! | [`RewrapJob`] | does it: threads, rate, checkpoint, dry run |
//! | [`census`] | counts the slots of all files |
//! | [`EnvelopeList`], [`ListJob`] | envelopes in a text file, for daemons that keep them elsewhere than in sealed files |
//!
//! Every file is a work of its own, and is done or not at every moment of a crash. A job that begins again passes over
//! what is done: nothing is lost by running it twice, on two machines, or after a kill.
//!
//! ```
//! use std::path::Path;
//! # use ossenc::{Change, Context, Engine, Expect, Keystore, Method, Object, Recipient, Secret, Shape};
//! # use ossenc_kms::sealed_file::{Create, create};
//! use ossenc_kms::fleet::{Folder, KeyRewrapper, Location, Place, RewrapJob, census};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (engine, root_key, now) = (Engine::new()?, Secret::new(&[7; 32]), 1_700_000_000);
//! # let image = Keystore::init(&engine, "root-1", &root_key)?;
//! # let keystore = Keystore::load(&engine, &image, &root_key, 1)?;
//! # let image = keystore.apply(&engine, &Change::Create { key_id: "oss" }, 0)?;
//! # let keystore = Keystore::load(&engine, &image, &root_key, 2)?;
//! # let folder = tempfile::tempdir()?;
//! # for name in ["a", "b"] {
//! #     let context = Context { tenant: b"acme", object: name.as_bytes(), ..Context::default() };
//! #     let (object, envelope) = Object::create(&engine, &keystore, &Recipient::oss("oss"), &context, Shape::Single, now)?;
//! #     create(folder.path().join(name), &object, &envelope, &b"hello"[..], &Create::default())?;
//! # }
//! # let image = keystore.apply(&engine, &Change::Stage { key_id: "oss" }, now)?;
//! # let keystore = Keystore::load(&engine, &image, &root_key, 3)?;
//! # let image = keystore.apply(&engine, &Change::Promote { key_id: "oss", version: None }, now)?;
//! # let keystore = Keystore::load(&engine, &image, &root_key, 4)?;
//!
//! // Version 2 of the key has been promoted: move everything from version 1 to it.
//! let expect = Expect { methods: &[Method::SseOss], key_ids: &["oss"] };
//! let rewrapper = KeyRewrapper::rotation(&engine, &keystore, expect, now);
//! let locate = |name: &Path| Ok(Location::at(Place::new("acme", "", name.as_os_str().as_encoded_bytes())));
//! let source = Folder::new(folder.path());
//! let summary = RewrapJob { threads: 4, ..RewrapJob::new(&rewrapper, &locate) }.run(&source)?;
//! assert_eq!((summary.counters.rewrapped, summary.counters.failed), (2, 0));
//!
//! // Is version 1 free to be retired?
//! let (counted, summary) = census(&source, 4, &())?;
//! assert_eq!((summary.counters.failed, counted.count("oss", "1"), counted.count("oss", "2")), (0, 0, 2));
//! # Ok(())
//! # }
//! ```
//!
//! # Recovery keys
//! An offline recovery key is one more slot, under a master key of a keystore that is kept elsewhere:
//! [`KeyRewrapper::adding`] puts it into every file, [`KeyRewrapper::rotation`] leaves it there. When the primary keystore
//! is lost, [`KeyRewrapper::migration`] from the recovery keystore to a new one brings every file back.

mod checkpoint;
mod counts;
mod envelope_list;
mod job;
mod list_job;
mod pace;
mod place;
mod rewrapper;
mod run;
mod service_rewrapper;
mod source;
mod text;

pub use checkpoint::CheckpointError;
pub use counts::{Counters, ItemError, Observer, Outcome, Summary};
pub use envelope_list::{EnvelopeList, ListError};
pub use job::{JobError, RewrapJob, census};
pub use list_job::ListJob;
pub use place::{Locate, Location, Place};
pub use rewrapper::{KeyRewrapper, Rewrapper};
pub use service_rewrapper::ServiceRewrapper;
pub use source::{Folder, Found, Paths, Shard, Source, Unfit};
