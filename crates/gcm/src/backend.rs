//! Which implementation runs: chosen once, proved by a known answer, then passed by value.

use crate::kernel::Width;
use crate::{Aes256Gcm, Chunked, Error};

/// An upper bound on the instruction sets that [`Backend::detect`] may choose.
///
/// Tests use it to force a narrower implementation, operators of CPUs that clock down under wide vectors likewise.
///
/// In the order of speed; each stands for what it names and everything before it that the CPU has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Isa {
    /// RustCrypto's constant-time `aes` and `ghash`, for every CPU.
    Portable,
    /// 128-bit vectors on aarch64: the cryptographic extension's AES and PMULL.
    Armv8,
    /// 128-bit vectors on x86-64: AES-NI and PCLMULQDQ.
    AesNi,
    /// 256-bit vectors on x86-64: AVX2, VAES and VPCLMULQDQ.
    Avx2,
    /// 512-bit vectors on x86-64: AVX-512, VAES and VPCLMULQDQ.
    Avx512,
    /// The fastest that the CPU offers.
    #[default]
    Best,
}

/// Proof that an implementation runs on this CPU and computes rightly. Without one no key can be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend {
    width: Option<Width>,
}

impl Backend {
    /// The fastest implementation within `cap` that this CPU supports, after its known-answer test.
    ///
    /// Costs microseconds: do it once and keep the result.
    ///
    /// # Errors
    /// [`Error::SelfTest`] if the chosen implementation gives a wrong answer.
    pub fn detect(cap: Isa) -> Result<Backend, Error> {
        let backend = Backend { width: Width::detect(cap) };
        let passed = backend.short_test()? && backend.long_test()?;
        if passed { Ok(backend) } else { Err(Error::SelfTest) }
    }

    /// What was chosen.
    #[must_use]
    pub fn isa(self) -> Isa {
        self.width.map_or(Isa::Portable, Width::isa)
    }

    /// The kernel's width, or none for the portable backend.
    pub(crate) fn width(self) -> Option<Width> {
        self.width
    }

    /// Test Case 16 of "The Galois/Counter Mode of Operation (GCM)" (McGrew and Viega, 2005): a key, an AAD, and a
    /// plaintext that ends inside a block. Not inlined, nor is the other: so only one of them is on the stack.
    #[inline(never)]
    fn short_test(self) -> Result<bool, Error> {
        const KEY: [u8; 32] = *b"\xfe\xff\xe9\x92\x86\x65\x73\x1c\x6d\x6a\x8f\x94\x67\x30\x83\x08\
            \xfe\xff\xe9\x92\x86\x65\x73\x1c\x6d\x6a\x8f\x94\x67\x30\x83\x08";
        const NONCE: [u8; 12] = *b"\xca\xfe\xba\xbe\xfa\xce\xdb\xad\xde\xca\xf8\x88";
        const AAD: [u8; 20] = *b"\xfe\xed\xfa\xce\xde\xad\xbe\xef\xfe\xed\xfa\xce\xde\xad\xbe\xef\xab\xad\xda\xd2";
        const PLAIN: [u8; 60] = *b"\xd9\x31\x32\x25\xf8\x84\x06\xe5\xa5\x59\x09\xc5\xaf\xf5\x26\x9a\
            \x86\xa7\xa9\x53\x15\x34\xf7\xda\x2e\x4c\x30\x3d\x8a\x31\x8a\x72\
            \x1c\x3c\x0c\x95\x95\x68\x09\x53\x2f\xcf\x0e\x24\x49\xa6\xb5\x25\
            \xb1\x6a\xed\xf5\xaa\x0d\xe6\x57\xba\x63\x7b\x39";
        const SEALED: [u8; 60] = *b"\x52\x2d\xc1\xf0\x99\x56\x7d\x07\xf4\x7f\x37\xa3\x2a\x84\x42\x7d\
            \x64\x3a\x8c\xdc\xbf\xe5\xc0\xc9\x75\x98\xa2\xbd\x25\x55\xd1\xaa\
            \x8c\xb0\x8e\x48\x59\x0d\xbb\x3d\xa7\xb0\x8b\x10\x56\x82\x88\x38\
            \xc5\xf6\x1e\x63\x93\xba\x7a\x0a\xbc\xc9\xf6\x62";
        const TAG: [u8; 16] = *b"\x76\xfc\x6e\xce\x0f\x4e\x17\x68\xcd\xdf\x88\x53\xbb\x2d\x55\x1b";

        let gcm = Aes256Gcm::new(self, &KEY, PLAIN.len());
        let mut buffer = PLAIN;
        let mut tag = [0; 16];
        gcm.seal(&NONCE, &AAD, buffer.as_mut_slice().into(), &mut tag)?;
        let sealed = buffer == SEALED && tag == TAG;
        let opened = gcm.open(&NONCE, &AAD, buffer.as_mut_slice().into(), &tag) == Ok(()) && buffer == PLAIN;
        Ok(sealed && opened)
    }

    /// Lengths that go through every loop of every width: whole chunks in a run, a short one at its end, and a message whose
    /// counter wraps. The answers are RustCrypto's and AWS-LC's.
    #[inline(never)]
    fn long_test(self) -> Result<bool, Error> {
        const CHUNK: usize = 1024;
        const TAGS: [u8; 48] = *b"\xe1\xf3\x2e\xbb\x94\x29\x01\xd0\x6e\x14\x3f\x70\xcd\x1a\x5c\x50\
            \x85\x10\x66\x34\x5d\x16\xc3\xac\xdc\x53\x4e\xde\x34\xb4\x46\x08\
            \x71\xf1\xeb\x53\x67\x97\xb1\x65\xa4\x3c\xd4\x3d\xf0\x79\x6a\x60";
        const WRAPPED: [u8; 16] = *b"\x61\xda\xe7\x5f\x40\x47\x0c\x88\xee\xc5\xed\x5b\x42\x15\xe4\xbb";
        let cipher = Chunked::new(self, &[0x5a; 32], &[0xa5; 12], CHUNK, CHUNK);
        let pattern = |i: usize| (i * 31 % 251) as u8;
        let mut buffer = [0; 2 * CHUNK + 667];
        buffer.iter_mut().enumerate().for_each(|(i, byte)| *byte = pattern(i));
        let mut tags = [0; 48];
        cipher.seal_detached(7, buffer.as_mut_slice().into(), &mut tags)?;
        let sealed = tags == TAGS;
        let opened = cipher.open_detached(7, buffer.as_mut_slice().into(), &tags) == Ok(());
        let opened = opened && buffer.iter().enumerate().all(|(i, &byte)| byte == pattern(i));

        let mut stream = cipher.gcm().stream_from(&[0xff; 16], &[]);
        stream.seal((&mut buffer[..1357]).into())?;
        Ok(sealed && opened && stream.finish() == WRAPPED)
    }
}
