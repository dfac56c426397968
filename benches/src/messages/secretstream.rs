//! libsodium's secretstream (XChaCha20-Poly1305) from the system: 16 KiB chunks, buffer to buffer.

use std::ffi::{c_int, c_uchar, c_ulonglong};
use std::ptr::{null, null_mut};

use super::{CHUNK_LEN, Messages};

const HEADER_LEN: usize = 24;
const OVERHEAD: usize = 17;
const FINAL: c_uchar = 3;

/// `crypto_secretstream_xchacha20poly1305_state`.
#[repr(C)]
struct State {
    key: [c_uchar; 32],
    nonce: [c_uchar; 12],
    pad: [c_uchar; 8],
}

#[link(name = "sodium")]
unsafe extern "C" {
    fn sodium_init() -> c_int;
    fn crypto_secretstream_xchacha20poly1305_statebytes() -> usize;
    fn crypto_secretstream_xchacha20poly1305_init_push(
        state: *mut State,
        header: *mut [c_uchar; HEADER_LEN],
        key: *const [c_uchar; 32],
    ) -> c_int;
    fn crypto_secretstream_xchacha20poly1305_push(
        state: *mut State,
        sealed: *mut c_uchar,
        sealed_len: *mut c_ulonglong,
        plain: *const c_uchar,
        plain_len: c_ulonglong,
        aad: *const c_uchar,
        aad_len: c_ulonglong,
        tag: c_uchar,
    ) -> c_int;
    fn crypto_secretstream_xchacha20poly1305_init_pull(
        state: *mut State,
        header: *const [c_uchar; HEADER_LEN],
        key: *const [c_uchar; 32],
    ) -> c_int;
    fn crypto_secretstream_xchacha20poly1305_pull(
        state: *mut State,
        plain: *mut c_uchar,
        plain_len: *mut c_ulonglong,
        tag: *mut c_uchar,
        sealed: *const c_uchar,
        sealed_len: c_ulonglong,
        aad: *const c_uchar,
        aad_len: c_ulonglong,
    ) -> c_int;
}

pub(super) struct SecretStream {
    key: [u8; 32],
    state: State,
}

impl SecretStream {
    pub(super) fn new() -> SecretStream {
        // SAFETY: neither takes an argument.
        unsafe {
            assert!(sodium_init() >= 0, "libsodium starts");
            assert_eq!(crypto_secretstream_xchacha20poly1305_statebytes(), size_of::<State>());
        }
        SecretStream { key: [7; 32], state: State { key: [0; 32], nonce: [0; 12], pad: [0; 8] } }
    }

    fn push(&mut self, plain: &[u8], sealed: &mut [u8], tag: c_uchar) {
        assert_eq!(sealed.len(), plain.len() + OVERHEAD);
        // SAFETY: the state is set up, and `sealed` has room for `plain` and the overhead.
        let status = unsafe {
            crypto_secretstream_xchacha20poly1305_push(
                &mut self.state,
                sealed.as_mut_ptr(),
                null_mut(),
                plain.as_ptr(),
                plain.len() as c_ulonglong,
                null(),
                0,
                tag,
            )
        };
        assert_eq!(status, 0, "sealed");
    }

    fn pull(&mut self, sealed: &[u8], plain: &mut [u8]) -> c_uchar {
        assert_eq!(sealed.len(), plain.len() + OVERHEAD);
        let mut tag = 0;
        // SAFETY: the state is set up, and `plain` has room for `sealed` without the overhead.
        let status = unsafe {
            crypto_secretstream_xchacha20poly1305_pull(
                &mut self.state,
                plain.as_mut_ptr(),
                null_mut(),
                &mut tag,
                sealed.as_ptr(),
                sealed.len() as c_ulonglong,
                null(),
                0,
            )
        };
        assert_eq!(status, 0, "authentic");
        tag
    }
}

impl Messages for SecretStream {
    fn name(&self) -> &'static str {
        "secretstream"
    }

    fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> usize {
        let (header, chunks) = sealed.split_first_chunk_mut().expect("room");
        // SAFETY: all three point to what the function wants.
        unsafe { crypto_secretstream_xchacha20poly1305_init_push(&mut self.state, header, &self.key) };
        let count = plain.len().div_ceil(CHUNK_LEN);
        let len = plain.len() + count * OVERHEAD;
        let sealed = chunks[..len].chunks_mut(CHUNK_LEN + OVERHEAD);
        for ((plain, sealed), i) in plain.chunks(CHUNK_LEN).zip(sealed).zip(1..) {
            self.push(plain, sealed, if i == count { FINAL } else { 0 });
        }
        HEADER_LEN + len
    }

    fn open(&mut self, sealed: &[u8], plain: &mut [u8]) {
        let (header, chunks) = sealed.split_first_chunk().expect("a header");
        // SAFETY: all three point to what the function wants.
        unsafe { crypto_secretstream_xchacha20poly1305_init_pull(&mut self.state, header, &self.key) };
        let mut tag = 0;
        for (sealed, plain) in chunks.chunks(CHUNK_LEN + OVERHEAD).zip(plain.chunks_mut(CHUNK_LEN)) {
            tag = self.pull(sealed, plain);
        }
        assert_eq!(tag, FINAL, "whole");
    }
}
