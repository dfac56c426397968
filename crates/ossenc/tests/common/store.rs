//! A keystore in the hands of a test, and the objects made with it.

use std::sync::Arc;

use ossenc::{
    Change, Context, Engine, Error, Expect, Keystore, Layout, Map, Method, Object, Recipient, Result, Rewrap, Secret,
    Shape, rewrap,
};

use super::entropy::{Counter, Tape};
use super::format;

pub const NOW: u64 = 1_700_000_000;
pub const ROOT_KEY: [u8; 32] = *b"the root key of all these tests.";

/// The place of an object, unless a test says otherwise.
pub const PLACE: Context<'_> = Context {
    tenant: b"acme",
    bucket_id: b"b-17",
    object: b"report.pdf",
    version_id: b"3",
    user: &[("project", "apollo"), ("class", "internal")],
};

/// Allows what [`Store::create`] makes.
pub const ALLOW: Expect<'_> = Expect { methods: &[Method::SseOss], key_ids: &["oss"] };
pub const OSS: Recipient<'_> = Recipient::oss("oss");

/// The newest image, loaded.
pub struct Store {
    pub engine: Engine,
    pub root_key: Secret,
    pub image: Vec<u8>,
    pub keystore: Keystore,
}

impl Store {
    /// A keystore with the master key `oss`.
    pub fn with_oss() -> Store {
        let mut store = Store::empty(Counter::engine());
        store.apply(&Change::Create { key_id: "oss" });
        store
    }

    /// The same, whose randomness a test can give; and a data key, for the objects that it makes so.
    pub fn with_tape() -> (Store, Arc<Tape>, [u8; 32]) {
        let (engine, tape) = Tape::engine();
        let mut store = Store::empty(engine);
        store.apply(&Change::Create { key_id: "oss" });
        (store, tape, [5; 32])
    }

    pub fn empty(engine: Engine) -> Store {
        let root_key = Secret::new(&ROOT_KEY);
        let image = Keystore::init(&engine, "root-1", &root_key).unwrap();
        let keystore = Keystore::load(&engine, &image, &root_key, 1).unwrap();
        Store { engine, root_key, image, keystore }
    }

    /// Makes a change and loads its image.
    pub fn apply(&mut self, change: &Change<'_>) {
        self.image = self.keystore.apply(&self.engine, change, NOW).unwrap();
        self.keystore = self.load(&self.image).unwrap();
    }

    /// Stages a version of `oss` and promotes it.
    pub fn rotate(&mut self) {
        self.apply(&Change::Stage { key_id: "oss" });
        self.apply(&Change::Promote { key_id: "oss", version: None });
    }

    pub fn load(&self, image: &[u8]) -> Result<Keystore> {
        Keystore::load(&self.engine, image, &self.root_key, 0)
    }

    pub fn create(&self) -> (Object, Vec<u8>) {
        self.create_at(&PLACE)
    }

    pub fn create_at(&self, place: &Context<'_>) -> (Object, Vec<u8>) {
        Object::create(&self.engine, &self.keystore, &OSS, place, Shape::Single, NOW).unwrap()
    }

    pub fn create_segmented(&self) -> (Object, Vec<u8>) {
        Object::create(&self.engine, &self.keystore, &OSS, &PLACE, Shape::Segmented, NOW).unwrap()
    }

    pub fn open(&self, envelope: &[u8]) -> Result<Object> {
        self.open_at(envelope, &PLACE, &ALLOW)
    }

    pub fn open_at(&self, envelope: &[u8], place: &Context<'_>, allow: &Expect<'_>) -> Result<Object> {
        Object::open(&self.engine, &self.keystore, envelope, place, allow, NOW)
    }

    pub fn rewrap(&self, envelope: &[u8], change: &Rewrap<'_>) -> Result<Vec<u8>> {
        rewrap(&self.engine, &self.keystore, envelope, &PLACE, &ALLOW, change, NOW)
    }
}

/// Everything of a keystore's body is kept when it is written again, with one more key at its end: material and times,
/// too, which the library does not show.
#[track_caller]
pub fn assert_lossless(engine: &Engine, keystore: &Keystore, image: &[u8], root_key: &Secret) {
    let last = "~".repeat(255);
    let outcome = keystore.apply(engine, &Change::Create { key_id: &last }, NOW);
    if keystore.generation() == u64::MAX {
        assert!(matches!(outcome, Err(Error::State(_))), "the generations are used up");
        return;
    }
    let old = format::open_keystore_image(engine, root_key, image);
    let new = format::open_keystore_image(engine, root_key, &outcome.unwrap());
    let count = |body: &[u8]| u32::from_be_bytes(body[1..5].try_into().unwrap());
    assert_eq!(count(&new), count(&old) + 1);
    assert!(new[5..].starts_with(&old[5..]));
    assert!(new[old.len()..].starts_with(&format::lp8(last.as_bytes())));
}

/// Seals the whole body of a single-segment object.
pub fn seal(object: &Object, plain: &[u8]) -> Vec<u8> {
    let mut body = vec![0; ossenc::message::size::sealed_len(plain.len() as u64).unwrap() as usize];
    let receipt = object.seal(0, Layout::Inline, plain, &mut body, &mut []).unwrap();
    assert_eq!((receipt.body, &receipt.head[..]), (body.len() as u64, &body[..56]));
    body
}

/// Opens it.
pub fn open(object: &Object, body: &[u8]) -> Result<Vec<u8>> {
    let mut plain = vec![0; body.len()];
    object.open_body(0, body, &mut plain).map(|n| plain[..n].to_vec())
}

/// The map of a body as it is stored, of a length that the caller knows or does not.
pub fn map_of(body: &[u8], trusted_len: Option<u64>) -> Result<Map> {
    Map::single(Layout::Inline, body.len() as u64, trusted_len, body.first_chunk().copied())
}
