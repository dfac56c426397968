//! The library's messages: salt drawn, keys derived, commitment written or checked, every time.

use ossenc::Object;
use ossenc::message::Window;
use ossenc::message::size::{HEAD_LEN, STORED_CHUNK_LEN};
use ossenc::pieces::Slices;

use super::{CHUNK_LEN, Messages};
use crate::store::Store;

/// A message in one call.
pub(super) struct OneCall(Object);

impl OneCall {
    pub(super) fn new() -> OneCall {
        OneCall(Store::new().create().0)
    }
}

impl Messages for OneCall {
    fn name(&self) -> &'static str {
        "ossenc"
    }

    fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> usize {
        self.0.seal(0, ossenc::Layout::Inline, plain, sealed, &mut []).expect("room").body as usize
    }

    fn open(&mut self, sealed: &[u8], plain: &mut [u8]) {
        self.0.open_body(0, sealed, plain).expect("authentic");
    }
}

/// The same message, a call for each chunk.
pub(super) struct Chunkwise(Object);

impl Chunkwise {
    pub(super) fn new() -> Chunkwise {
        Chunkwise(Store::new().create().0)
    }
}

impl Messages for Chunkwise {
    fn name(&self) -> &'static str {
        "ossenc-chunkwise"
    }

    fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> usize {
        let mut sealer = self.0.sealer(0, ossenc::Layout::Inline).expect("entropy");
        let mut written = 0;
        let chunks = plain.chunks_exact(CHUNK_LEN);
        let last = chunks.remainder();
        for chunk in chunks {
            let room = sealer.head_left() + STORED_CHUNK_LEN;
            written += sealer.next_slice(chunk, &mut sealed[written..written + room]).expect("a chunk").written;
        }
        written + sealer.finish_slice(last, &mut sealed[written..]).expect("room").written
    }

    fn open(&mut self, sealed: &[u8], plain: &mut [u8]) {
        let (head, sealed) = sealed.split_first_chunk::<HEAD_LEN>().expect("a head");
        let opener = self.0.opener(head).expect("the same object");
        let plain_len = plain.len() as u64;
        let plain = plain.chunks_mut(CHUNK_LEN).chain([&mut [][..]]);
        for ((sealed, plain), chunk) in sealed.chunks(STORED_CHUNK_LEN).zip(plain).zip(0..) {
            let window = Window { plain_len, chunk, chunks: 1, skip: 0, take: plain.len() as u64 };
            opener.open(&window, &mut Slices::new(sealed, plain)).expect("authentic");
        }
    }
}
