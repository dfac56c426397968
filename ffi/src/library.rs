//! The library handle: configuration, version.

use core::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ossenc::{Engine, Entropy, Error, Isa, Lock, SystemEntropy, TakeDigests};

use crate::bytes::{Extensible, give, no_handle, sized, take_back};
use crate::status::{OSSENC_OK, Outcome, argument, guard, ossenc_error, ossenc_status};

/// Receipts without the CRC-64 of the plaintext, for `ossenc_config.omit_digests`.
pub const OSSENC_OMIT_CRC64_PLAIN: u32 = 1;
/// Receipts without the CRC-32C of the body, for `ossenc_config.omit_digests`.
pub const OSSENC_OMIT_CRC32C_BODY: u32 = 2;

/// The format version that this library writes.
pub const OSSENC_WRITE_FORMAT: u32 = 1;

/// No bound: the fastest that the CPU offers.
pub const OSSENC_ISA_BEST: u32 = 0;
/// Portable code, for every CPU.
pub const OSSENC_ISA_PORTABLE: u32 = 1;
/// aarch64: the cryptographic extension's AES and PMULL.
pub const OSSENC_ISA_ARMV8: u32 = 2;
/// x86-64: AES-NI and PCLMULQDQ, 128-bit vectors.
pub const OSSENC_ISA_AESNI: u32 = 3;
/// x86-64: AVX2, VAES and VPCLMULQDQ, 256-bit vectors.
pub const OSSENC_ISA_AVX2: u32 = 4;
/// x86-64: AVX-512, VAES and VPCLMULQDQ, 512-bit vectors.
pub const OSSENC_ISA_AVX512: u32 = 5;

/// The time, as a callback of the caller's gives it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_time {
    /// Wall time in seconds since 1970: recorded in envelopes and keystores, compared with expiry dates.
    pub wall_s: i64,
    /// Monotonic time in nanoseconds: for lifetimes. Not used by this version.
    pub mono_ns: u64,
}

/// How the library is set up. Set all to zero, then `size` and what is wanted.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_config {
    /// `sizeof (ossenc_config)`.
    pub size: usize,
    /// An upper bound on the instruction sets used: `OSSENC_ISA_...`.
    pub isa_cap: u32,
    /// The newest format that every reader of the cluster understands: 1, or 0 for this library's own.
    pub write_format: u32,
    /// Passed to the callbacks.
    pub user: *mut c_void,
    /// The time; NULL for the system's clock. Called from any thread that uses the library.
    pub now: Option<unsafe extern "C" fn(user: *mut c_void, time: *mut ossenc_time)>,
    /// Fills `p` with `n` random bytes and returns `OSSENC_OK`; NULL for the system's source. Called from any thread
    /// that uses the library; must not fail silently.
    pub entropy: Option<unsafe extern "C" fn(user: *mut c_void, p: *mut c_void, n: usize) -> ossenc_status>,
    /// Digests that receipts need not hold: `OSSENC_OMIT_...`, added up; 0 for both digests. Both together take about
    /// as long as the encryption, on CPUs where that is fastest.
    pub omit_digests: u32,
    /// 1: memory for keys is locked (`mlock`), never to be swapped out, or the call that needs it ends in
    /// `OSSENC_E_MLOCK`. 0: it is not. A lock counts towards `RLIMIT_MEMLOCK`, in steps of 64 and 256 KiB: about 0.5
    /// KiB for an open object, 2 KiB for a sealer, opener or stream, 64 bytes for a version of a master key; and, while
    /// a keystore is loaded or changed, as much as its image takes.
    pub require_mlock: u32,
}

// SAFETY: `repr(C)`, `size` first; integers, pointers and function pointers may be zero.
unsafe impl Extensible for ossenc_config {}

/// The library: what was chosen at start-up. Any number of threads may use it; what was made from it keeps what it
/// needs, so it may be freed at any time.
pub struct ossenc_lib {
    pub(crate) machine: Machine,
}

/// What every operation needs: the engine and the clock.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) engine: Engine,
    clock: Clock,
}

#[derive(Clone, Copy)]
struct Clock {
    user: UserData,
    now: Option<unsafe extern "C" fn(*mut c_void, *mut ossenc_time)>,
}

/// The caller's pointer, which the caller allows on any thread.
#[derive(Clone, Copy)]
struct UserData(*mut c_void);

// SAFETY: never dereferenced here; `ossenc_config` says that callbacks come from any thread.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl Machine {
    /// Wall time in seconds since 1970.
    pub(crate) fn now(&self) -> Outcome<u64> {
        let wall_s = match self.clock.now {
            Some(now) => {
                let mut time = ossenc_time { wall_s: -1, mono_ns: 0 };
                // SAFETY: the configuration promises that the callback may be called so.
                unsafe { now(self.clock.user.0, &raw mut time) };
                u64::try_from(time.wall_s).ok()
            }
            None => SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|elapsed| elapsed.as_secs()),
        };
        wall_s.map_or_else(|| argument("the clock is before 1970"), Ok)
    }
}

struct CallbackEntropy {
    user: UserData,
    fill: unsafe extern "C" fn(*mut c_void, *mut c_void, usize) -> ossenc_status,
}

impl Entropy for CallbackEntropy {
    fn fill(&self, out: &mut [u8]) -> ossenc::Result<()> {
        // SAFETY: the configuration promises that the callback may be called so.
        let status = unsafe { (self.fill)(self.user.0, out.as_mut_ptr().cast(), out.len()) };
        if status == OSSENC_OK { Ok(()) } else { Err(Error::NoEntropy) }
    }
}

fn set_up(config: Option<ossenc_config>) -> Outcome<ossenc_lib> {
    let zero = ossenc_config {
        size: 0,
        isa_cap: OSSENC_ISA_BEST,
        write_format: 0,
        user: core::ptr::null_mut(),
        now: None,
        entropy: None,
        omit_digests: 0,
        require_mlock: 0,
    };
    let config = config.unwrap_or(zero);
    if config.write_format > OSSENC_WRITE_FORMAT {
        return Err(Error::TooNew("the format to write").into());
    }
    let cap = match config.isa_cap {
        OSSENC_ISA_BEST => Isa::Best,
        OSSENC_ISA_PORTABLE => Isa::Portable,
        OSSENC_ISA_ARMV8 => Isa::Armv8,
        OSSENC_ISA_AESNI => Isa::AesNi,
        OSSENC_ISA_AVX2 => Isa::Avx2,
        OSSENC_ISA_AVX512 => Isa::Avx512,
        _ => return argument("isa_cap is none of OSSENC_ISA_..."),
    };
    if config.omit_digests & !(OSSENC_OMIT_CRC64_PLAIN | OSSENC_OMIT_CRC32C_BODY) != 0 {
        return argument("omit_digests has bits that are none of OSSENC_OMIT_...");
    }
    let digests = TakeDigests {
        crc64_plain: config.omit_digests & OSSENC_OMIT_CRC64_PLAIN == 0,
        crc32c_body: config.omit_digests & OSSENC_OMIT_CRC32C_BODY == 0,
    };
    let user = UserData(config.user);
    let entropy: Arc<dyn Entropy> = match config.entropy {
        Some(fill) => Arc::new(CallbackEntropy { user, fill }),
        None => Arc::new(SystemEntropy),
    };
    let lock = match config.require_mlock {
        0 => Lock::Off,
        1 => Lock::Required,
        _ => return argument("require_mlock is neither 0 nor 1"),
    };
    let engine = Engine::with(cap, entropy)?.with_digests(digests).with_lock(lock)?;
    Ok(ossenc_lib { machine: Machine { engine, clock: Clock { user, now: config.now } } })
}

/// Sets the library up: chooses the AES-256-GCM code for this CPU and runs its known-answer test, and probes the
/// entropy source. `config` may be NULL. `OSSENC_E_SELFTEST`, `OSSENC_E_NOENTROPY`; `OSSENC_E_MLOCK` if `require_mlock`
/// is set and cannot be had. Costs microseconds; one handle for the process is enough. Free with `ossenc_lib_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_lib_new(
    config: *const ossenc_config,
    lib: *mut *mut ossenc_lib,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        unsafe { no_handle(lib) }?;
        // SAFETY: `config` is NULL or a sized struct, `lib` writable, by the rules of the header.
        unsafe {
            let config = if config.is_null() { None } else { Some(sized(config)?) };
            give(lib, || set_up(config))
        }
    })
}

/// Frees the library handle. NULL is legal. Handles made from it stay valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_lib_free(lib: *mut ossenc_lib) {
    guard(core::ptr::null_mut(), || {
        // SAFETY: a handle of ours or NULL, by the rules of the header.
        unsafe { take_back(lib) };
        Ok(())
    });
}

/// The version of the library that is linked: major x 1,000,000 + minor x 1,000 + patch. Compare with
/// `OSSENC_VERSION_NUMBER` of the header.
#[unsafe(no_mangle)]
pub extern "C" fn ossenc_version_number() -> u32 {
    const fn number(text: &str) -> u32 {
        let (bytes, mut value, mut i) = (text.as_bytes(), 0, 0);
        while i < bytes.len() {
            value = value * 10 + (bytes[i] - b'0') as u32;
            i += 1;
        }
        value
    }
    const NUMBER: u32 = number(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
        + number(env!("CARGO_PKG_VERSION_MINOR")) * 1_000
        + number(env!("CARGO_PKG_VERSION_PATCH"));
    NUMBER
}

/// The version of the library that is linked, as text; static.
#[unsafe(no_mangle)]
pub extern "C" fn ossenc_version_string() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
