//! The library's objects.

use ossenc::message::size::sealed_len;
use ossenc::{Object, Rewrap, rewrap};

use super::Objects;
use crate::buffer::Buffer;
use crate::store::{CONTEXT, EXPECT, NOW, Store};

pub(super) struct Ossenc {
    store: Store,
    envelope: Vec<u8>,
    body: Buffer,
}

impl Ossenc {
    pub(super) fn new(len: usize) -> Ossenc {
        let len = usize::try_from(sealed_len(len as u64).expect("short enough")).expect("short enough");
        Ossenc { store: Store::new(), envelope: vec![], body: Buffer::new(len) }
    }
}

impl Objects for Ossenc {
    fn name(&self) -> &'static str {
        "ossenc"
    }

    fn seal(&mut self, plain: &[u8]) {
        let (object, envelope) = self.store.create();
        object.seal(0, ossenc::Layout::Inline, plain, &mut self.body, &mut []).expect("room");
        self.envelope = envelope;
    }

    fn open(&mut self, plain: &mut [u8]) {
        let Store { engine, keystore } = &self.store;
        let object = Object::open(engine, keystore, &self.envelope, &CONTEXT, &EXPECT, NOW).expect("ours");
        object.open_body(0, &self.body, plain).expect("authentic");
    }

    fn rewrap(&mut self) {
        let Store { engine, keystore } = &self.store;
        self.envelope =
            rewrap(engine, keystore, &self.envelope, &CONTEXT, &EXPECT, &Rewrap::default(), NOW).expect("ours");
    }
}
