//! aarch64 with the cryptographic extension: AES and PMULL.
#![allow(unsafe_code)]
// From Rust 1.96 on the intrinsics are `inline(always)` and the compiler doubts that they are inlined here. They are,
// once these methods stand in `run`: the disassembly has no call to any of them.
#![allow(unknown_lints, inline_always_mismatching_target_features)]

use core::arch::aarch64::*;

use super::lanes::{Block, Lanes, Task, lanewise};
use super::wipe::Stage;

/// Proof that the CPU has AESE, AESMC and PMULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Armv8(());

impl Armv8 {
    pub(super) fn detect() -> Option<Armv8> {
        (cfg!(target_feature = "aes") || has_aes_and_pmull()).then_some(Armv8(()))
    }

    #[target_feature(enable = "neon,aes")]
    fn run<T: Task>(self, task: T) -> T::Out {
        let out = task.run(self);
        super::wipe::neon();
        out
    }
}

/// Crate cpufeatures' own question for "aes" is content with either of the two.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn has_aes_and_pmull() -> bool {
    const HWCAP_AES_AND_PMULL: u64 = 1 << 3 | 1 << 4;
    cpufeatures::aarch64::getauxval_hwcap() & HWCAP_AES_AND_PMULL == HWCAP_AES_AND_PMULL
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn has_aes_and_pmull() -> bool {
    cpufeatures::new!(has_aes, "aes");
    has_aes::get()
}

// "Token" in a SAFETY comment: `self` exists, so detection found the features that the intrinsics need.
impl Lanes for Armv8 {
    const BLOCKS: usize = 1;
    type Vector = uint8x16_t;

    #[inline(always)]
    fn enter<T: Task>(self, task: T) -> T::Out {
        // SAFETY: token.
        unsafe { self.run(task) }
    }

    #[inline(always)]
    fn splat(self, block: &Block) -> uint8x16_t {
        // SAFETY: token; reads the 16 bytes of `block`.
        unsafe { vld1q_u8(block.as_ptr()) }
    }

    #[inline(always)]
    fn lone(self, block: &Block) -> uint8x16_t {
        self.splat(block)
    }

    #[inline(always)]
    fn first(self, x: uint8x16_t) -> Block {
        let mut block = [0; 16];
        // SAFETY: token; writes the 16 bytes of `block`.
        unsafe { vst1q_u8(block.as_mut_ptr(), x) };
        block
    }

    #[inline(always)]
    fn load(self, bytes: &[u8]) -> uint8x16_t {
        let bytes = &bytes[..Self::WIDTH];
        // SAFETY: token; reads the 16 bytes of `bytes`.
        unsafe { vld1q_u8(bytes.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, x: uint8x16_t, bytes: &mut [u8]) {
        let bytes = &mut bytes[..Self::WIDTH];
        // SAFETY: token; writes the 16 bytes of `bytes`.
        unsafe { vst1q_u8(bytes.as_mut_ptr(), x) }
    }

    #[inline(always)]
    fn load_part(self, bytes: &[u8]) -> uint8x16_t {
        let mut stage = Stage([0; 16]);
        stage.0[..bytes.len()].copy_from_slice(bytes);
        self.load(&stage.0)
    }

    #[inline(always)]
    fn store_part(self, x: uint8x16_t, bytes: &mut [u8]) -> uint8x16_t {
        let mut stage = Stage([0; 16]);
        self.store(x, &mut stage.0);
        bytes.copy_from_slice(&stage.0[..bytes.len()]);
        stage.0[bytes.len()..].fill(0);
        self.load(&stage.0)
    }

    #[inline(always)]
    fn fold(self, x: uint8x16_t) -> uint8x16_t {
        x
    }

    #[inline(always)]
    fn whiten(self, x: uint8x16_t, _key: uint8x16_t) -> uint8x16_t {
        x
    }

    #[inline(always)]
    fn diagonal(self, x: &[uint8x16_t; 4]) -> uint8x16_t {
        x[0]
    }

    lanewise! {
        zero() => vdupq_n_u8(0);
        xor(x, y) => veorq_u8(x, y);
        add32(x, y) => vreinterpretq_u8_u32(vaddq_u32(vreinterpretq_u32_u8(x), vreinterpretq_u32_u8(y)));
        shuffle(x, pattern) => vqtbl1q_u8(x, pattern);
        swap(x) => vextq_u8::<8>(x, x);
        round(x, before, _after) => vaesmcq_u8(vaeseq_u8(x, before));
        last_round(x, before, after) => veorq_u8(vaeseq_u8(x, before), after);
        mul_low(x, y) => {
            let (x, y) = (vreinterpretq_u64_u8(x), vreinterpretq_u64_u8(y));
            vreinterpretq_u8_p128(vmull_p64(vgetq_lane_u64::<0>(x), vgetq_lane_u64::<0>(y)))
        };
        mul_high(x, y) => vreinterpretq_u8_p128(vmull_high_p64(vreinterpretq_p64_u8(x), vreinterpretq_p64_u8(y)));
    }
}
