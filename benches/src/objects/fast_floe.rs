//! fast-floe under one key for all objects: it wraps nothing.

use super::Objects;
use crate::buffer::Buffer;
use crate::messages::{FastFloe, Messages, room};

pub(super) struct Floe {
    messages: FastFloe,
    body: Buffer,
    len: usize,
}

impl Floe {
    pub(super) fn new(len: usize) -> Floe {
        Floe { messages: FastFloe::new(), body: Buffer::new(room(len)), len: 0 }
    }
}

impl Objects for Floe {
    fn name(&self) -> &'static str {
        self.messages.name()
    }

    fn seal(&mut self, plain: &[u8]) {
        self.len = self.messages.seal(plain, &mut self.body);
    }

    fn open(&mut self, plain: &mut [u8]) {
        self.messages.open(&self.body[..self.len], plain);
    }

    fn wraps(&self) -> bool {
        false
    }

    fn rewrap(&mut self) {
        unreachable!("it wraps nothing");
    }
}
