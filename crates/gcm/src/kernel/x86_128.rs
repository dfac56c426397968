//! x86-64 with 128-bit vectors: AES-NI, PCLMULQDQ, SSSE3 and SSE4.1.
#![allow(unsafe_code)]

use core::arch::x86_64::*;

use super::lanes::{Block, Lanes, Task, lanewise};
use super::wipe::Stage;
use super::x86_cpuid::Cpu;

/// Proof that the CPU and its system run AES-NI and PCLMULQDQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AesNi(());

impl AesNi {
    pub(super) fn detect(cpu: &Cpu) -> Option<AesNi> {
        (cpu.aes128).then_some(AesNi(()))
    }

    #[target_feature(enable = "aes,pclmulqdq,ssse3,sse4.1")]
    fn run<T: Task>(self, task: T) -> T::Out {
        let out = task.run(self);
        super::wipe::xmm();
        out
    }
}

// "Token" in a SAFETY comment: `self` exists, so detection found the features that the intrinsics need.
impl Lanes for AesNi {
    const BLOCKS: usize = 1;
    type Vector = __m128i;

    #[inline(always)]
    fn enter<T: Task>(self, task: T) -> T::Out {
        // SAFETY: token.
        unsafe { self.run(task) }
    }

    #[inline(always)]
    fn splat(self, block: &Block) -> __m128i {
        // SAFETY: token; reads the 16 bytes of `block`.
        unsafe { _mm_loadu_si128(block.as_ptr().cast()) }
    }

    #[inline(always)]
    fn lone(self, block: &Block) -> __m128i {
        // SAFETY: token; reads the 16 bytes of `block`.
        unsafe { _mm_loadu_si128(block.as_ptr().cast()) }
    }

    #[inline(always)]
    fn first(self, x: __m128i) -> Block {
        let mut block = [0; 16];
        // SAFETY: token; writes the 16 bytes of `block`.
        unsafe { _mm_storeu_si128(block.as_mut_ptr().cast(), x) };
        block
    }

    #[inline(always)]
    fn load(self, bytes: &[u8]) -> __m128i {
        let bytes = &bytes[..Self::WIDTH];
        // SAFETY: token; reads the 16 bytes of `bytes`.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, x: __m128i, bytes: &mut [u8]) {
        let bytes = &mut bytes[..Self::WIDTH];
        // SAFETY: token; writes the 16 bytes of `bytes`.
        unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), x) }
    }

    #[inline(always)]
    fn load_part(self, bytes: &[u8]) -> __m128i {
        let mut stage = Stage([0; 16]);
        stage.0[..bytes.len()].copy_from_slice(bytes);
        self.load(&stage.0)
    }

    #[inline(always)]
    fn store_part(self, x: __m128i, bytes: &mut [u8]) -> __m128i {
        let mut stage = Stage([0; 16]);
        self.store(x, &mut stage.0);
        bytes.copy_from_slice(&stage.0[..bytes.len()]);
        stage.0[bytes.len()..].fill(0);
        self.load(&stage.0)
    }

    #[inline(always)]
    fn fold(self, x: __m128i) -> __m128i {
        x
    }

    #[inline(always)]
    fn diagonal(self, x: &[__m128i; 4]) -> __m128i {
        x[0]
    }

    lanewise! {
        zero() => _mm_setzero_si128();
        xor(x, y) => _mm_xor_si128(x, y);
        add32(x, y) => _mm_add_epi32(x, y);
        shuffle(x, pattern) => _mm_shuffle_epi8(x, pattern);
        swap(x) => _mm_shuffle_epi32::<0b01_00_11_10>(x);
        whiten(x, key) => _mm_xor_si128(x, key);
        round(x, _before, after) => _mm_aesenc_si128(x, after);
        last_round(x, _before, after) => _mm_aesenclast_si128(x, after);
        mul_low(x, y) => _mm_clmulepi64_si128::<0x00>(x, y);
        mul_high(x, y) => _mm_clmulepi64_si128::<0x11>(x, y);
    }
}
