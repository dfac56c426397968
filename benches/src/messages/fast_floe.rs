//! FLOE (c2sp.org/FLOE) by crate fast-floe on aws-lc-rs: segments of 16 KiB of plaintext, buffer to buffer.

use fast_floe::online::{Decryptor, Encryptor};
use fast_floe::{Header, Key, Parameters};

use super::{CHUNK_LEN, Messages};

const OVERHEAD: usize = 32;

pub(crate) struct FastFloe {
    key: Key,
    parameters: Parameters,
}

impl FastFloe {
    pub(crate) fn new() -> FastFloe {
        let segment = u32::try_from(CHUNK_LEN + OVERHEAD).expect("small");
        let parameters = Parameters::with_segment_length(segment).expect("a length it takes");
        assert_eq!(parameters.plaintext_segment_length(), CHUNK_LEN);
        FastFloe { key: Key::from_bytes([7; 32]), parameters }
    }
}

impl Messages for FastFloe {
    fn name(&self) -> &'static str {
        "fast-floe"
    }

    fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> usize {
        let mut encryptor = Encryptor::new(&self.key, b"context", self.parameters).expect("entropy");
        let header = encryptor.header().as_bytes();
        let mut written = header.len();
        sealed[..written].copy_from_slice(header);
        let mut segments = plain.chunks(CHUNK_LEN);
        let last = segments.next_back().unwrap_or_default();
        for segment in segments {
            let place = &mut sealed[written..written + CHUNK_LEN + OVERHEAD];
            encryptor.encrypt_non_final_segment_into(segment, place).expect("sealed");
            written += CHUNK_LEN + OVERHEAD;
        }
        let end = written + last.len() + OVERHEAD;
        encryptor.encrypt_final_segment_into(last, &mut sealed[written..end]).expect("sealed");
        end
    }

    fn open(&mut self, sealed: &[u8], plain: &mut [u8]) {
        let (header, segments) = sealed.split_first_chunk().expect("a header");
        let header = Header::from(*header);
        let mut decryptor = Decryptor::new(&self.key, b"context", &header).expect("the same key");
        for (segment, plain) in segments.chunks(CHUNK_LEN + OVERHEAD).zip(plain.chunks_mut(CHUNK_LEN)) {
            decryptor.decrypt_segment_into(segment, plain).expect("authentic");
        }
        decryptor.finish().expect("whole");
    }
}
