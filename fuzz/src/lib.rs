//! What the fuzz targets share. Writing the format without the library, deterministic entropy and the checks of output
//! buffers are those of the library's tests.

#[path = "../../crates/ossenc/tests/common/entropy.rs"]
pub mod entropy;
#[path = "../../crates/ossenc/tests/common/format.rs"]
pub mod format;
#[path = "../../crates/ossenc/tests/common/output.rs"]
pub mod output;
#[path = "../../crates/ossenc/tests/common/pieces.rs"]
pub mod pieces;
#[path = "../../crates/ossenc/tests/common/plan.rs"]
pub mod plan;
#[path = "../../crates/ossenc/tests/common/segments.rs"]
pub mod segments;
#[path = "../../crates/ossenc/tests/common/store.rs"]
pub mod store;

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Result, Unstructured};
use ossenc::message::size::STORED_CHUNK_LEN;
use ossenc::{Layout, Object};

use format::{Key, SlotHead};
use store::Store;

/// The material of the keys `oss` and `other` of [`STORE`].
pub const MATERIAL: [(&str, [u8; 32]); 2] = [("oss", [7; 32]), ("other", [8; 32])];

/// A keystore of two keys, whose material is known, and whose randomness is the same in each run.
pub static STORE: LazyLock<Store> = LazyLock::new(|| {
    let mut store = Store::empty(entropy::Counter::engine());
    let keys = MATERIAL.map(|(id, material)| Key::new(id, &material));
    let header = format::keystore_header(&[1; 16], 1, "root-1");
    store.image = format::keystore_image(&store.engine, &store.root_key, &header, &format::keystore_body(&keys));
    store.keystore = store.load(&store.image).expect("a keystore that is well-formed");
    store
});

/// What an attacker does to stored bytes.
#[derive(Arbitrary, Clone, Debug)]
pub enum Edit {
    FlipBit(u32),
    Overwrite(u32, Vec<u8>),
    Insert(u32, Vec<u8>),
    Truncate(u32),
    Append(Vec<u8>),
    /// Puts one stored chunk of a message in the place of another.
    CopyChunk(u8, u8),
    SwapChunks(u8, u8),
    DropChunk(u8),
}

impl Edit {
    /// Places are taken modulo the length; those of chunks are behind a message's head.
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: u32, len: usize| if len == 0 { 0 } else { at as usize % len };
        let chunks = bytes.len().saturating_sub(56) / STORED_CHUNK_LEN;
        let chunk = |k: u8| (chunks > 0).then(|| 56 + place(k.into(), chunks) * STORED_CHUNK_LEN);
        match self {
            Edit::FlipBit(at) => {
                let (at, bit) = (place(at / 8, bytes.len()), at % 8);
                bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << bit);
            }
            Edit::Overwrite(at, new) => {
                let at = place(*at, bytes.len());
                bytes[at..].iter_mut().zip(new).for_each(|(old, new)| *old = *new);
            }
            Edit::Insert(at, new) => {
                let at = place(*at, bytes.len() + 1);
                bytes.splice(at..at, new.iter().copied());
            }
            Edit::Truncate(at) => bytes.truncate(place(*at, bytes.len() + 1)),
            Edit::Append(new) => bytes.extend_from_slice(new),
            Edit::CopyChunk(from, to) => {
                if let (Some(from), Some(to)) = (chunk(*from), chunk(*to)) {
                    bytes.copy_within(from..from + STORED_CHUNK_LEN, to);
                }
            }
            Edit::SwapChunks(a, b) => {
                if let (Some(a), Some(b)) = (chunk(*a), chunk(*b)) {
                    (0..STORED_CHUNK_LEN).for_each(|i| bytes.swap(a + i, b + i));
                }
            }
            Edit::DropChunk(k) => {
                if let Some(start) = chunk(*k) {
                    bytes.drain(start..start + STORED_CHUNK_LEN);
                }
            }
        }
    }
}

/// A layout.
pub fn layout(u: &mut Unstructured<'_>) -> Result<Layout> {
    Ok(*u.choose(&segments::LAYOUTS)?)
}

/// An object of several segments, whose data key is known.
pub static SEGMENTED: LazyLock<(Object, [u8; 32])> = LazyLock::new(|| {
    let (prelude, data_key) = (format::prelude(2, &[4; 16]), [1; 32]);
    let (id, material) = MATERIAL[0];
    let wrapping_key = format::wrapping_key(&material, id, "1");
    let slot = SlotHead::local(id, "1").wrap(&STORE.engine, &wrapping_key, &prelude, &store::PLACE, &data_key);
    (STORE.open(&format::envelope(&prelude, &[&slot])).expect("it was wrapped for this place"), data_key)
});

/// A plaintext's length: near a chunk's edge often, at most a little over three chunks.
pub fn plain_len(u: &mut Unstructured<'_>) -> Result<usize> {
    let chunks = u.int_in_range(0..=3)? * 16_384;
    Ok(chunks + if u.arbitrary()? { u.int_in_range(0..=3)? } else { u.int_in_range(0..=16_383)? })
}
