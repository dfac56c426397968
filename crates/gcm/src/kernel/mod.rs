//! The fast backends: one body, a width per instruction set.
//!
//! [`lanes`] says what an instruction set must offer, and `x86_512`, `x86_256`, `x86_128` and `aarch64` offer it: with
//! the questions to the CPU and the wiping of registers they hold all the `unsafe` of the kernel. The body is generic
//! over them and safe code: [`key`] the precomputation, [`aes`] the key stream, [`ghash`] the hash, [`crypt`] both
//! together over one stretch of bytes, [`chunks`] over many chunks, [`stream`] over pieces. Each public call is a
//! [`Task`] that goes through [`Width::enter`] once.

mod aes;
#[cfg(feature = "bench")]
mod bound;
mod chunks;
mod crypt;
mod ghash;
mod key;
mod lanes;
mod stream;
mod wipe;

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod x86_128;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod x86_256;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod x86_512;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod x86_cpuid;

#[cfg(feature = "bench")]
pub(crate) use bound::CounterMode;
pub(crate) use chunks::{Open, Seal, Verify};
pub(crate) use key::Key;
pub(crate) use stream::State;

use crate::Isa;
use lanes::{Lanes, Task};

/// An instruction set that this CPU was found to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    Bits512(x86_512::Avx512),
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    Bits256(x86_256::Avx2),
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    Bits128(x86_128::AesNi),
    #[cfg(target_arch = "aarch64")]
    Armv8(aarch64::Armv8),
}

impl Width {
    /// The widest within `cap`.
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    pub(crate) fn detect(cap: Isa) -> Option<Width> {
        let cpu = x86_cpuid::Cpu::read();
        let bits512 = || x86_512::Avx512::detect(&cpu).map(Width::Bits512).filter(|_| cap >= Isa::Avx512);
        let bits256 = || x86_256::Avx2::detect(&cpu).map(Width::Bits256).filter(|_| cap >= Isa::Avx2);
        let bits128 = || x86_128::AesNi::detect(&cpu).map(Width::Bits128).filter(|_| cap >= Isa::AesNi);
        bits512().or_else(bits256).or_else(bits128)
    }

    /// The widest within `cap`.
    #[cfg(target_arch = "aarch64")]
    pub(crate) fn detect(cap: Isa) -> Option<Width> {
        aarch64::Armv8::detect().map(Width::Armv8).filter(|_| cap >= Isa::Armv8)
    }

    /// No fast backend for other machines.
    #[cfg(not(any(all(target_arch = "x86_64", target_feature = "sse2"), target_arch = "aarch64")))]
    pub(crate) fn detect(_cap: Isa) -> Option<Width> {
        None
    }

    pub(crate) fn isa(self) -> Isa {
        match self {
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Width::Bits512(_) => Isa::Avx512,
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Width::Bits256(_) => Isa::Avx2,
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Width::Bits128(_) => Isa::AesNi,
            #[cfg(target_arch = "aarch64")]
            Width::Armv8(_) => Isa::Armv8,
        }
    }

    pub(crate) fn enter<T: Task>(self, task: T) -> T::Out {
        match self {
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Width::Bits512(lanes) => lanes.enter(task),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Width::Bits256(lanes) => lanes.enter(task),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Width::Bits128(lanes) => lanes.enter(task),
            #[cfg(target_arch = "aarch64")]
            Width::Armv8(lanes) => lanes.enter(task),
        }
    }
}
