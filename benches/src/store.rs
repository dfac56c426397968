//! A keystore with one master key, as a daemon would have loaded it.

use ossenc::{Change, Context, Engine, Expect, Keystore, Method, Object, Recipient, Secret, Shape};

/// The time of every operation.
pub const NOW: u64 = 1_800_000_000;
/// The master key that wraps.
pub const RECIPIENT: Recipient<'_> = Recipient::oss("oss");
/// What may open.
pub const EXPECT: Expect<'_> = Expect { methods: &[Method::SseOss], key_ids: &["oss"] };
/// Where the object is.
pub const CONTEXT: Context<'_> =
    Context { tenant: b"acme", bucket_id: b"b-17", object: b"reports/2026/01.pdf", version_id: b"", user: &[] };

/// An engine and a keystore.
#[derive(Debug)]
pub struct Store {
    /// The engine.
    pub engine: Engine,
    /// The keystore.
    pub keystore: Keystore,
}

impl Store {
    /// A keystore whose only master key is `oss`.
    ///
    /// # Panics
    /// If the machine has no entropy.
    #[must_use]
    pub fn new() -> Store {
        let make = || {
            let engine = Engine::new()?;
            let root_key = Secret::new(&[7; 32]);
            let empty = Keystore::load(&engine, &Keystore::init(&engine, "root", &root_key)?, &root_key, 1)?;
            let image = empty.apply(&engine, &Change::Create { key_id: "oss" }, NOW)?;
            let keystore = Keystore::load(&engine, &image, &root_key, 2)?;
            Ok::<_, ossenc::Error>(Store { engine, keystore })
        };
        make().expect("a keystore")
    }

    /// A new object, and its envelope.
    ///
    /// # Panics
    /// If the machine has no entropy.
    #[must_use]
    pub fn create(&self) -> (Object, Vec<u8>) {
        Object::create(&self.engine, &self.keystore, &RECIPIENT, &CONTEXT, Shape::Single, NOW).expect("an object")
    }
}

impl Default for Store {
    fn default() -> Store {
        Store::new()
    }
}
