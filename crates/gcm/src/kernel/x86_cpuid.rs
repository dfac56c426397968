//! What this x86-64 CPU has and its system saves, by CPUID and XGETBV, without std.
//!
//! Not by crate cpufeatures: its "vaes" and "vpclmulqdq" ask for the 512-bit register state, which CPUs with VAES but
//! without AVX-512 do not have.
#![allow(unsafe_code)]

use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

/// Groups of features, as the backends ask for them. Each backend asks for the narrower groups too: some systems mask
/// AES and go on reporting VAES.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cpu {
    /// SSSE3, SSE4.1, AES-NI, PCLMULQDQ.
    pub(super) aes128: bool,
    /// AVX2, VAES, VPCLMULQDQ, and ymm registers saved.
    pub(super) vaes256: bool,
    /// AVX-512 F, BW, VL, and zmm registers saved.
    pub(super) avx512: bool,
}

impl Cpu {
    pub(super) fn read() -> Cpu {
        // SAFETY: every x86-64 CPU has CPUID, and leaf 7 is read only where leaf 0 lists it.
        #[allow(unused_unsafe, reason = "CPUID is a safe function from Rust 1.94 on")]
        let (one, seven) = unsafe {
            let seven = if __cpuid(0).eax >= 7 { Some(__cpuid_count(7, 0)) } else { None };
            (__cpuid(1), seven)
        };
        let all = |word: u32, bits: &[u32]| bits.iter().all(|bit| word >> bit & 1 == 1);
        let osxsave = all(one.ecx, &[27]);
        // SAFETY: the system has set CR4.OSXSAVE, so XGETBV is there.
        let saved = if osxsave { unsafe { xcr0() } } else { 0 };
        let ymm_saved = saved & 0x06 == 0x06;
        let zmm_saved = saved & 0xe6 == 0xe6;
        let (ebx, ecx) = seven.map_or((0, 0), |leaf| (leaf.ebx, leaf.ecx));
        Cpu {
            aes128: all(one.ecx, &[1, 9, 19, 25]),
            vaes256: ymm_saved && all(one.ecx, &[28]) && all(ebx, &[5]) && all(ecx, &[9, 10]),
            avx512: zmm_saved && all(ebx, &[16, 30, 31]),
        }
    }
}

/// The register states that the system saves.
#[target_feature(enable = "xsave")]
fn xcr0() -> u64 {
    // SAFETY: register 0 is the one that every CPU with XGETBV has.
    unsafe { _xgetbv(0) }
}
