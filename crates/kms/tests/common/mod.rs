//! Keystores, places and folders of sealed files in the hands of a test.
#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs")]

use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use ossenc::{Change, Context, Engine, Error, Expect, Keystore, Method, Object, Recipient, Result, Secret, Shape};
use ossenc_kms::fleet::{Counters, Location, Observer, Outcome, Place};
use ossenc_kms::sealed_file::{Create, FileError, SealedFile, create};

pub const NOW: u64 = 1_700_000_000;
pub const OSS: Recipient<'_> = Recipient::oss("oss");
pub const ALLOW: Expect<'_> = Expect { methods: &[Method::SseOss], key_ids: &["oss"] };
const ROOT_KEY: [u8; 32] = [7; 32];

/// A keystore with one master key.
pub struct Store {
    pub engine: Engine,
    pub image: Vec<u8>,
    pub keystore: Keystore,
}

impl Store {
    pub fn new() -> Store {
        Store::with_key("oss")
    }

    pub fn with_key(key_id: &str) -> Store {
        let engine = Engine::new().unwrap();
        let image = Keystore::init(&engine, "root-1", &Secret::new(&ROOT_KEY)).unwrap();
        let mut store = Store::load(&image);
        store.apply(&Change::Create { key_id });
        store
    }

    pub fn load(image: &[u8]) -> Store {
        let engine = Engine::new().unwrap();
        let keystore = Keystore::load(&engine, image, &Secret::new(&ROOT_KEY), 0).unwrap();
        Store { engine, image: image.to_vec(), keystore }
    }

    pub fn apply(&mut self, change: &Change<'_>) {
        *self = Store::load(&self.keystore.apply(&self.engine, change, NOW).unwrap());
    }

    pub fn rotate(&mut self, key_id: &str) {
        self.apply(&Change::Stage { key_id });
        self.apply(&Change::Promote { key_id, version: None });
    }

    pub fn create(&self, context: &Context<'_>) -> (Object, Vec<u8>) {
        Object::create(&self.engine, &self.keystore, &OSS, context, Shape::Single, NOW).unwrap()
    }

    pub fn open(&self, envelope: &[u8], context: &Context<'_>, key_id: &str) -> Result<Object> {
        let expect = Expect { methods: &[Method::SseOss, Method::SseKms], key_ids: &[key_id] };
        Object::open(&self.engine, &self.keystore, envelope, context, &expect, NOW)
    }

    /// A sealed file at that place.
    pub fn seal(&self, path: &Path, place: &Place, plain: &[u8]) {
        let (object, envelope) = place.with(|context| self.create(context));
        create(path, &object, &envelope, plain, &Create::default()).unwrap();
    }

    /// Reads a sealed file whole.
    pub fn read(&self, path: &Path, place: &Place, key_id: &str) -> std::result::Result<Vec<u8>, FileError> {
        let file = SealedFile::open(path)?;
        let object = place.with(|context| self.open(file.envelope(), context, key_id))?;
        let mut plain = Vec::new();
        file.body(&object)?.reader().read_to_end(&mut plain)?;
        Ok(plain)
    }
}

/// Bytes that differ from their neighbours, chunk by chunk too.
pub fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

pub fn place(tenant: &str, name: &Path) -> Place {
    Place::new(tenant, "b-17", name.as_os_str().as_encoded_bytes())
}

/// Where the files of [`tree`] belong.
pub fn locate(name: &Path) -> std::result::Result<Location, String> {
    Ok(Location::at(place("acme", name)))
}

/// `n` sealed files in some folders, by their names below `root`. Each holds its name.
pub fn tree(store: &Store, root: &Path, n: usize) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> = (0..n).map(|i| format!("{}/{}/file-{i}", i % 3, i % 7).into()).collect();
    for name in &names {
        std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        store.seal(&root.join(name), &place("acme", name), name.as_os_str().as_encoded_bytes());
    }
    names.sort();
    names
}

#[track_caller]
pub fn assert_core<T: std::fmt::Debug>(outcome: std::result::Result<T, FileError>, wanted: fn(&Error) -> bool) {
    match outcome {
        Err(FileError::Core(error)) if wanted(&error) => {}
        other => panic!("{other:?}"),
    }
}

/// Ends a job after so many items.
pub struct Ending(AtomicU64);

impl Ending {
    pub fn after(items: u64) -> Ending {
        Ending(AtomicU64::new(items))
    }
}

impl Observer for Ending {
    fn item(&self, _: &Path, _: &Outcome, _: &Counters) -> ControlFlow<()> {
        if self.0.fetch_sub(1, SeqCst) > 1 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// A line for [`EnvelopeList`](ossenc_kms::fleet::EnvelopeList).
pub fn list_line(store: &Store, i: usize) -> String {
    let (_, envelope) = Place::new("acme", "b", format!("{i}")).with(|context| store.create(context));
    format!("{}\tacme\tb\t{i}\n", hex(&envelope))
}
