//! x86-64 with 256-bit vectors: AVX2, VAES and VPCLMULQDQ.
#![allow(unsafe_code)]

use core::arch::x86_64::*;

use super::lanes::{Block, Lanes, Task, lanewise};
use super::wipe::Stage;
use super::x86_cpuid::Cpu;

/// Proof that the CPU and its system run AES and carry-less multiplication in 256-bit vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(super) fn detect(cpu: &Cpu) -> Option<Avx2> {
        (cpu.aes128 && cpu.vaes256).then_some(Avx2(()))
    }

    #[target_feature(enable = "avx2,vaes,vpclmulqdq,aes,pclmulqdq")]
    fn run<T: Task>(self, task: T) -> T::Out {
        let out = task.run(self);
        super::wipe::ymm();
        out
    }
}

// "Token" in a SAFETY comment: `self` exists, so detection found the features that the intrinsics need.
impl Lanes for Avx2 {
    const BLOCKS: usize = 2;
    type Vector = __m256i;

    #[inline(always)]
    fn enter<T: Task>(self, task: T) -> T::Out {
        // SAFETY: token.
        unsafe { self.run(task) }
    }

    #[inline(always)]
    fn splat(self, block: &Block) -> __m256i {
        // SAFETY: token; reads the 16 bytes of `block`.
        unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(block.as_ptr().cast())) }
    }

    #[inline(always)]
    fn lone(self, block: &Block) -> __m256i {
        // SAFETY: token; reads the 16 bytes of `block`.
        unsafe { _mm256_zextsi128_si256(_mm_loadu_si128(block.as_ptr().cast())) }
    }

    #[inline(always)]
    fn first(self, x: __m256i) -> Block {
        let mut block = [0; 16];
        // SAFETY: token; writes the 16 bytes of `block`.
        unsafe { _mm_storeu_si128(block.as_mut_ptr().cast(), _mm256_castsi256_si128(x)) };
        block
    }

    #[inline(always)]
    fn load(self, bytes: &[u8]) -> __m256i {
        let bytes = &bytes[..Self::WIDTH];
        // SAFETY: token; reads the 32 bytes of `bytes`.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, x: __m256i, bytes: &mut [u8]) {
        let bytes = &mut bytes[..Self::WIDTH];
        // SAFETY: token; writes the 32 bytes of `bytes`.
        unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), x) }
    }

    #[inline(always)]
    fn load_part(self, bytes: &[u8]) -> __m256i {
        let mut stage = Stage([0; 32]);
        stage.0[..bytes.len()].copy_from_slice(bytes);
        self.load(&stage.0)
    }

    #[inline(always)]
    fn store_part(self, x: __m256i, bytes: &mut [u8]) -> __m256i {
        let mut stage = Stage([0; 32]);
        self.store(x, &mut stage.0);
        bytes.copy_from_slice(&stage.0[..bytes.len()]);
        stage.0[bytes.len()..].fill(0);
        self.load(&stage.0)
    }

    #[inline(always)]
    fn diagonal(self, x: &[__m256i; 4]) -> __m256i {
        // SAFETY: token.
        unsafe { _mm256_blend_epi32::<0b1111_0000>(x[1], x[0]) }
    }

    lanewise! {
        zero() => _mm256_setzero_si256();
        fold(x) => {
            let one = _mm_xor_si128(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x));
            _mm256_zextsi128_si256(one)
        };
        xor(x, y) => _mm256_xor_si256(x, y);
        add32(x, y) => _mm256_add_epi32(x, y);
        shuffle(x, pattern) => _mm256_shuffle_epi8(x, pattern);
        swap(x) => _mm256_shuffle_epi32::<0b01_00_11_10>(x);
        whiten(x, key) => _mm256_xor_si256(x, key);
        round(x, _before, after) => _mm256_aesenc_epi128(x, after);
        last_round(x, _before, after) => _mm256_aesenclast_epi128(x, after);
        mul_low(x, y) => _mm256_clmulepi64_epi128::<0x00>(x, y);
        mul_high(x, y) => _mm256_clmulepi64_epi128::<0x11>(x, y);
    }
}
