//! Memory as daemons have it.

use std::ops::{Deref, DerefMut};

const PAGE: usize = 4_096;

/// Bytes that begin at a page, touched already: neither an accident of alignment nor a page fault is measured.
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Buffer {
    /// `len` bytes of a pattern, always the same.
    #[must_use]
    pub fn new(len: usize) -> Buffer {
        let bytes = vec![0; len + PAGE];
        let start = bytes.as_ptr().align_offset(PAGE);
        let mut buffer = Buffer { bytes, start, len };
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for byte in &mut *buffer {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = state.to_be_bytes()[0];
        }
        buffer
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.len]
    }
}
