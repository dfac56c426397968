//! Buffers that end, or begin, at a page that may not be touched. CVE-2026-28386 was 15 bytes read too far.
#![cfg(target_os = "linux")]

mod common;

use common::{amount, backends};
use ossenc_gcm::inout::InOutBuf;
use ossenc_gcm::{Aes256Gcm, Chunked};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

const PAGE: usize = 65_536; // the largest page of any Linux
const MOST: usize = 1040;

/// Some memory with a forbidden page on either side.
struct Fenced(*mut u8);

impl Fenced {
    fn new() -> Fenced {
        // SAFETY: a new mapping of three pages, of which only the middle one stays usable.
        unsafe {
            let base =
                mmap_anonymous(std::ptr::null_mut(), 3 * PAGE, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
                    .expect("mmap");
            mprotect(base, PAGE, MprotectFlags::empty()).expect("mprotect");
            mprotect(base.add(2 * PAGE), PAGE, MprotectFlags::empty()).expect("mprotect");
            Fenced(base.cast())
        }
    }

    /// The first or the last `len` bytes.
    fn bytes(&mut self, len: usize, at_end: bool) -> &mut [u8] {
        let start = if at_end { 2 * PAGE - len } else { PAGE };
        // SAFETY: within the middle page, and borrowed with the fence.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(start), len) }
    }

    fn filled(&mut self, bytes: &[u8], at_end: bool) -> &[u8] {
        let to = self.bytes(bytes.len(), at_end);
        to.copy_from_slice(bytes);
        to
    }
}

impl Drop for Fenced {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`, and nobody borrows it.
        unsafe { munmap(self.0.cast(), 3 * PAGE).expect("munmap") }
    }
}

/// Ends flush with the fence for every length are all alignments of the start, and the other way round.
#[test]
fn nothing_outside_is_touched() {
    let (mut source, mut target, mut small, mut tags) = (Fenced::new(), Fenced::new(), Fenced::new(), Fenced::new());
    let plain: Vec<u8> = (0..MOST).map(|i| (i * 13) as u8).collect();
    for backend in backends() {
        for len in (0..=MOST).step_by(amount("OSSENC_GCM_STEP", 1)) {
            for (source_end, target_end) in [(false, false), (false, true), (true, false), (true, true)] {
                let aad = small.filled(&plain[..len % 67], target_end);
                let gcm = Aes256Gcm::new(backend, &[3; 32], len);
                let tag: &mut [u8; 16] = tags.bytes(16, source_end).try_into().unwrap();

                let from = source.filled(&plain[..len], source_end);
                let to = target.bytes(len, target_end);
                gcm.seal(&[4; 12], aad, InOutBuf::new(from, to).unwrap(), tag).unwrap();
                gcm.open(&[4; 12], aad, to.into(), tag).unwrap();
                assert_eq!(to, &plain[..len]);

                let mut stream = gcm.stream(&[4; 12], aad);
                let (head, rest) = to.split_at_mut(len / 3);
                stream.seal(head.into()).unwrap();
                stream.seal(rest.into()).unwrap();
                assert_eq!(&stream.finish(), tag);
                let mut stream = gcm.stream(&[4; 12], aad);
                stream.absorb(&to[..len / 2]).unwrap();
                stream.absorb(&to[len / 2..]).unwrap();
                stream.verify(tag).unwrap();
            }
        }
        for (source_end, target_end) in [(false, true), (true, false)] {
            for len in (0..=MOST).step_by(5) {
                let cipher = Chunked::new(backend, &[3; 32], &[4; 12], 256, 256);
                let from = source.filled(&plain[..len], source_end);
                let sealed_len = len + len.div_ceil(256) * 16;
                cipher.seal_inline(0, from, target.bytes(sealed_len, target_end)).unwrap();
                cipher.verify_inline(0, target.bytes(sealed_len, target_end)).unwrap();
                let to = source.bytes(len, source_end);
                to.fill(0);
                cipher.open_inline(0, target.bytes(sealed_len, target_end), to).unwrap();
                assert_eq!(to, &plain[..len]);
            }
        }
    }
}
