//! x86-64 with 512-bit vectors: AVX-512 (F, BW, VL), VAES and VPCLMULQDQ.
#![allow(unsafe_code)]

use core::arch::x86_64::*;

use super::lanes::{Block, Lanes, Task, lanewise};
use super::x86_cpuid::Cpu;

/// Proof that the CPU and its system run AES and carry-less multiplication in 512-bit vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(super) fn detect(cpu: &Cpu) -> Option<Avx512> {
        (cpu.aes128 && cpu.vaes256 && cpu.avx512).then_some(Avx512(()))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,vaes,vpclmulqdq,aes,pclmulqdq")]
    fn run<T: Task>(self, task: T) -> T::Out {
        let out = task.run(self);
        super::wipe::zmm();
        out
    }

    /// Selects the first `len` bytes of a vector.
    #[inline(always)]
    fn mask(len: usize) -> __mmask64 {
        assert!(len < Self::WIDTH);
        (1 << len) - 1
    }
}

// "Token" in a SAFETY comment: `self` exists, so detection found the features that the intrinsics need.
impl Lanes for Avx512 {
    const BLOCKS: usize = 4;
    type Vector = __m512i;

    #[inline(always)]
    fn enter<T: Task>(self, task: T) -> T::Out {
        // SAFETY: token.
        unsafe { self.run(task) }
    }

    #[inline(always)]
    fn splat(self, block: &Block) -> __m512i {
        // SAFETY: token; reads the 16 bytes of `block`.
        unsafe { _mm512_broadcast_i32x4(_mm_loadu_si128(block.as_ptr().cast())) }
    }

    #[inline(always)]
    fn lone(self, block: &Block) -> __m512i {
        // SAFETY: token; reads the 16 bytes of `block`.
        unsafe { _mm512_zextsi128_si512(_mm_loadu_si128(block.as_ptr().cast())) }
    }

    #[inline(always)]
    fn first(self, x: __m512i) -> Block {
        let mut block = [0; 16];
        // SAFETY: token; writes the 16 bytes of `block`.
        unsafe { _mm_storeu_si128(block.as_mut_ptr().cast(), _mm512_castsi512_si128(x)) };
        block
    }

    #[inline(always)]
    fn load(self, bytes: &[u8]) -> __m512i {
        let bytes = &bytes[..Self::WIDTH];
        // SAFETY: token; reads the 64 bytes of `bytes`.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, x: __m512i, bytes: &mut [u8]) {
        let bytes = &mut bytes[..Self::WIDTH];
        // SAFETY: token; writes the 64 bytes of `bytes`.
        unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), x) }
    }

    #[inline(always)]
    fn load_part(self, bytes: &[u8]) -> __m512i {
        let mask = Self::mask(bytes.len());
        // SAFETY: token; reads the bytes that the mask selects, which are those of `bytes`, and faults on no other.
        unsafe { _mm512_maskz_loadu_epi8(mask, bytes.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store_part(self, x: __m512i, bytes: &mut [u8]) -> __m512i {
        let mask = Self::mask(bytes.len());
        // SAFETY: token; writes the bytes that the mask selects, which are those of `bytes`, and faults on no other.
        unsafe {
            _mm512_mask_storeu_epi8(bytes.as_mut_ptr().cast(), mask, x);
            _mm512_maskz_mov_epi8(mask, x)
        }
    }

    #[inline(always)]
    fn diagonal(self, x: &[__m512i; 4]) -> __m512i {
        // SAFETY: token.
        unsafe {
            let high = _mm512_mask_blend_epi64(0b0000_1100, x[3], x[2]);
            let low = _mm512_mask_blend_epi64(0b1100_0000, x[1], x[0]);
            _mm512_mask_blend_epi64(0b1111_0000, high, low)
        }
    }

    lanewise! {
        zero() => _mm512_setzero_si512();
        fold(x) => {
            let pair = _mm256_xor_si256(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64::<1>(x));
            let one = _mm_xor_si128(_mm256_castsi256_si128(pair), _mm256_extracti128_si256::<1>(pair));
            _mm512_zextsi128_si512(one)
        };
        xor(x, y) => _mm512_xor_si512(x, y);
        add32(x, y) => _mm512_add_epi32(x, y);
        shuffle(x, pattern) => _mm512_shuffle_epi8(x, pattern);
        swap(x) => _mm512_shuffle_epi32::<0b01_00_11_10>(x);
        whiten(x, key) => _mm512_xor_si512(x, key);
        round(x, _before, after) => _mm512_aesenc_epi128(x, after);
        last_round(x, _before, after) => _mm512_aesenclast_epi128(x, after);
        mul_low(x, y) => _mm512_clmulepi64_epi128::<0x00>(x, y);
        mul_high(x, y) => _mm512_clmulepi64_epi128::<0x11>(x, y);
    }
}
