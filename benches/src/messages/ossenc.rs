//! The library's messages and segments: salt drawn, keys derived, commitment written or checked, every time.

use ossenc::message::size::{HEAD_LEN, STORED_CHUNK_LEN};
use ossenc::message::{open_slice, seal_slice};
use ossenc::pieces::Slices;
use ossenc::{Engine, Extent, Layout, Map, Object, Secret};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{CHUNK_LEN, Messages};
use crate::clock::Clock;
use crate::store::Store;

/// A message in one call.
pub(super) struct OneCall {
    engine: Engine,
    key: Secret,
}

impl OneCall {
    pub(super) fn new() -> OneCall {
        OneCall { engine: Engine::new().expect("entropy"), key: Secret::new(&[7; 32]) }
    }
}

impl Messages for OneCall {
    fn name(&self) -> &'static str {
        "ossenc"
    }

    fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> usize {
        seal_slice(&self.engine, &self.key, &[b"context"], plain, sealed).expect("room")
    }

    fn open(&mut self, sealed: &[u8], plain: &mut [u8]) {
        open_slice(&self.engine, &self.key, &[b"context"], sealed, plain).expect("authentic");
    }
}

/// The map of a segment that lies there whole.
fn map(sealed: &[u8]) -> Map {
    Map::single(Layout::Inline, sealed.len() as u64, None, None).expect("a segment")
}

/// An object's segment in one call, with the digests of its receipt.
pub(super) struct Segment(Object);

impl Segment {
    pub(super) fn new() -> Segment {
        Segment(Store::new().create().0)
    }
}

impl Messages for Segment {
    fn name(&self) -> &'static str {
        "ossenc-segment"
    }

    fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> usize {
        self.0.seal(0, Layout::Inline, plain, sealed, &mut []).expect("room").body as usize
    }

    fn open(&mut self, sealed: &[u8], plain: &mut [u8]) {
        self.0.open_segment(&map(sealed), 0, sealed, &[], plain).expect("authentic");
    }
}

/// The same over the threads of a pool, by tickets.
pub(super) struct Pool {
    object: Object,
    threads: ThreadPool,
}

impl Pool {
    /// A pool of one thread or two.
    pub(super) fn new(threads: usize) -> Pool {
        let threads = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        Pool { object: Store::new().create().0, threads }
    }
}

impl Messages for Pool {
    fn name(&self) -> &'static str {
        match self.threads.current_num_threads() {
            1 => "ossenc-segment-1-thread",
            _ => "ossenc-segment-2-threads",
        }
    }

    fn clock(&self) -> Clock {
        Clock::Wall
    }

    fn takes(&self, plain_len: usize) -> bool {
        plain_len >= 8 << 20
    }

    fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> usize {
        let seal = || self.object.seal_parallel(0, Layout::Inline, plain, sealed, &mut []);
        self.threads.install(seal).expect("room").body as usize
    }

    fn open(&mut self, sealed: &[u8], plain: &mut [u8]) {
        let open = || self.object.open_segment_parallel(&map(sealed), 0, sealed, &[], plain);
        self.threads.install(open).expect("authentic");
    }
}

/// The same, a call for each chunk.
pub(super) struct Chunkwise(Object);

impl Chunkwise {
    pub(super) fn new() -> Chunkwise {
        Chunkwise(Store::new().create().0)
    }
}

impl Messages for Chunkwise {
    fn name(&self) -> &'static str {
        "ossenc-segment-chunkwise"
    }

    fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> usize {
        let mut sealer = self.0.sealer(0, Layout::Inline).expect("entropy");
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
        let head = sealed.first_chunk::<HEAD_LEN>().expect("a head");
        let map = Map::single(Layout::Inline, sealed.len() as u64, None, Some(*head)).expect("a segment");
        let opener = self.0.opener(&map, 0).expect("the same object");
        let mut extent = [Extent::default()];
        for (chunk, plain) in plain.chunks_mut(CHUNK_LEN).enumerate() {
            map.plan((chunk * CHUNK_LEN) as u64, plain.len() as u64, 1, &mut extent).expect("inside");
            let [Extent { body_off, body, .. }] = extent;
            let source = &sealed[body_off as usize..][..body as usize];
            opener.open_extent(&extent[0], false, &mut Slices::new(source, plain)).expect("authentic");
        }
    }
}
