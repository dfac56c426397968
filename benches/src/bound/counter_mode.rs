//! AES-256 in counter mode: 8 vectors at a time, 14 rounds, nothing else. It is a bound and no cipher to use: round keys
//! are any bytes, counters are little-endian (the right order costs some swapping), and a length's last incomplete group
//! is left out.

use std::arch::x86_64::*;
use std::hint::black_box;

use super::Named;
use crate::buffer::Buffer;

const GROUP: usize = 8;

type RoundKeys = [[u8; 16]; 15];

/// Vectors of some width. The methods may be called only in functions that enable the features they need.
trait Lanes: Copy {
    const WIDTH: usize;
    unsafe fn splat(block: &[u8; 16]) -> Self;
    /// Reads `WIDTH` bytes.
    unsafe fn load(at: *const u8) -> Self;
    /// Writes `WIDTH` bytes.
    unsafe fn store(self, at: *mut u8);
    unsafe fn xor(self, other: Self) -> Self;
    unsafe fn round(self, key: Self) -> Self;
    unsafe fn last_round(self, key: Self) -> Self;
    /// The first counters: 0 in the first block, 1 in the second, and so on, little-endian.
    unsafe fn counters() -> Self;
    unsafe fn advance(self, blocks: i32) -> Self;
}

/// # Safety
/// The caller enables the features that `L` needs.
#[inline(always)]
unsafe fn counter_mode<L: Lanes>(round_keys: &RoundKeys, buffer: &mut [u8]) {
    // SAFETY: the features are enabled; loads and stores stay in the group.
    unsafe {
        let step = (L::WIDTH / 16) as i32;
        let mut counters = L::counters();
        for group in buffer.chunks_exact_mut(GROUP * L::WIDTH) {
            // Opaque, so that the keys are read where they are used: narrow vectors have too few registers to hold them.
            let keys = black_box(round_keys);
            let mut state = [counters; GROUP];
            for x in &mut state {
                *x = counters.xor(L::splat(&keys[0]));
                counters = counters.advance(step);
            }
            for key in &keys[1..14] {
                let key = L::splat(key);
                for x in &mut state {
                    *x = x.round(key);
                }
            }
            // Opaque, or else the compiler does the vectors one after another.
            let state = black_box(state);
            for (i, x) in state.iter().enumerate() {
                let at = group.as_mut_ptr().add(i * L::WIDTH);
                x.last_round(L::splat(&keys[14]).xor(L::load(at))).store(at);
            }
        }
    }
}

impl Lanes for __m512i {
    const WIDTH: usize = 64;

    #[inline(always)]
    unsafe fn splat(block: &[u8; 16]) -> Self {
        // SAFETY: as the trait says; reads the block.
        unsafe { _mm512_broadcast_i32x4(_mm_loadu_si128(block.as_ptr().cast())) }
    }

    #[inline(always)]
    unsafe fn load(at: *const u8) -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm512_loadu_si512(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u8) {
        // SAFETY: as the trait says.
        unsafe { _mm512_storeu_si512(at.cast(), self) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm512_xor_si512(self, other) }
    }

    #[inline(always)]
    unsafe fn round(self, key: Self) -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm512_aesenc_epi128(self, key) }
    }

    #[inline(always)]
    unsafe fn last_round(self, key: Self) -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm512_aesenclast_epi128(self, key) }
    }

    #[inline(always)]
    unsafe fn counters() -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm512_set_epi32(0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0) }
    }

    #[inline(always)]
    unsafe fn advance(self, blocks: i32) -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm512_add_epi32(self, _mm512_maskz_set1_epi32(0x1111, blocks)) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,vaes,aes")]
fn bits_512(round_keys: &RoundKeys, buffer: &mut [u8]) {
    // SAFETY: the features are enabled here.
    unsafe { counter_mode::<__m512i>(round_keys, buffer) }
}

impl Lanes for __m256i {
    const WIDTH: usize = 32;

    #[inline(always)]
    unsafe fn splat(block: &[u8; 16]) -> Self {
        // SAFETY: as the trait says; reads the block.
        unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(block.as_ptr().cast())) }
    }

    #[inline(always)]
    unsafe fn load(at: *const u8) -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm256_loadu_si256(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u8) {
        // SAFETY: as the trait says.
        unsafe { _mm256_storeu_si256(at.cast(), self) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm256_xor_si256(self, other) }
    }

    #[inline(always)]
    unsafe fn round(self, key: Self) -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm256_aesenc_epi128(self, key) }
    }

    #[inline(always)]
    unsafe fn last_round(self, key: Self) -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm256_aesenclast_epi128(self, key) }
    }

    #[inline(always)]
    unsafe fn counters() -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm256_set_epi32(0, 0, 0, 1, 0, 0, 0, 0) }
    }

    #[inline(always)]
    unsafe fn advance(self, blocks: i32) -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm256_add_epi32(self, _mm256_set_epi32(0, 0, 0, blocks, 0, 0, 0, blocks)) }
    }
}

#[target_feature(enable = "avx2,vaes,aes")]
fn bits_256(round_keys: &RoundKeys, buffer: &mut [u8]) {
    // SAFETY: the features are enabled here.
    unsafe { counter_mode::<__m256i>(round_keys, buffer) }
}

impl Lanes for __m128i {
    const WIDTH: usize = 16;

    #[inline(always)]
    unsafe fn splat(block: &[u8; 16]) -> Self {
        // SAFETY: as the trait says; reads the block.
        unsafe { _mm_loadu_si128(block.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn load(at: *const u8) -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm_loadu_si128(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u8) {
        // SAFETY: as the trait says.
        unsafe { _mm_storeu_si128(at.cast(), self) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm_xor_si128(self, other) }
    }

    #[inline(always)]
    unsafe fn round(self, key: Self) -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm_aesenc_si128(self, key) }
    }

    #[inline(always)]
    unsafe fn last_round(self, key: Self) -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm_aesenclast_si128(self, key) }
    }

    #[inline(always)]
    unsafe fn counters() -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm_setzero_si128() }
    }

    #[inline(always)]
    unsafe fn advance(self, blocks: i32) -> Self {
        // SAFETY: as the trait says.
        unsafe { _mm_add_epi32(self, _mm_set_epi32(0, 0, 0, blocks)) }
    }
}

#[target_feature(enable = "aes,ssse3")]
fn bits_128(round_keys: &RoundKeys, buffer: &mut [u8]) {
    // SAFETY: the features are enabled here.
    unsafe { counter_mode::<__m128i>(round_keys, buffer) }
}

/// All widths that this CPU has, over a buffer of `size` bytes each; the widest under the name `ctr-bound`.
pub(super) fn all(size: usize) -> Vec<Named> {
    let aes = is_x86_feature_detected!("aes") && is_x86_feature_detected!("ssse3");
    let avx2 = aes && is_x86_feature_detected!("avx2") && is_x86_feature_detected!("vaes");
    let avx512 = avx2 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
    // SAFETY: called only if the features are there.
    let bits_512 = |keys: &_, buffer: &mut _| unsafe { bits_512(keys, buffer) };
    // SAFETY: likewise.
    let bits_256 = |keys: &_, buffer: &mut _| unsafe { bits_256(keys, buffer) };
    // SAFETY: likewise.
    let bits_128 = |keys: &_, buffer: &mut _| unsafe { bits_128(keys, buffer) };
    let mut all = vec![];
    if avx512 {
        all.push(("ctr-bound-512", step(size, bits_512)));
    }
    if avx2 {
        all.push(("ctr-bound-256", step(size, bits_256)));
    }
    if aes {
        all.push(("ctr-bound-128", step(size, bits_128)));
    }
    if let Some((name, _)) = all.first_mut() {
        *name = "ctr-bound";
    }
    all
}

fn step(size: usize, run: impl Fn(&RoundKeys, &mut [u8]) + 'static) -> Box<dyn FnMut()> {
    let mut buffer = Buffer::new(size);
    let round_keys: RoundKeys = std::array::from_fn(|i| std::array::from_fn(|j| (31 * i + 7 * j) as u8));
    Box::new(move || run(black_box(&round_keys), black_box(&mut buffer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_widths_compute_the_same() {
        if !is_x86_feature_detected!("avx512bw") || !is_x86_feature_detected!("vaes") {
            eprintln!("SKIPPED: this CPU has no AVX-512 with VAES");
            return;
        }
        let keys: RoundKeys = std::array::from_fn(|i| [i as u8; 16]);
        let mut buffers = [[5; 2_048]; 3];
        // SAFETY: the features are there.
        unsafe {
            bits_512(&keys, &mut buffers[0]);
            bits_256(&keys, &mut buffers[1]);
            bits_128(&keys, &mut buffers[2]);
        }
        assert_eq!(buffers[0], buffers[1]);
        assert_eq!(buffers[0], buffers[2]);
    }
}
