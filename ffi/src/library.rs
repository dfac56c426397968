//! The library handle: configuration, version.

use core::ffi::{c_char, c_void};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ossenc::{Engine, Entropy, Error, Isa, Lock, SystemEntropy, TakeDigests};
use ossenc_kms::{Audit, Event, Time, What};

use crate::bytes::{Extensible, borrowed, give, no_handle, ossenc_in, sized, take_back};
use crate::status::{Failure, OSSENC_OK, Outcome, argument, guard, ossenc_error, ossenc_status};

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
    /// Monotonic time in nanoseconds, from any origin: all lifetimes and timeouts.
    pub mono_ns: u64,
}

/// A data key was wrapped: an object was created, or rewrapped.
pub const OSSENC_EVENT_WRAP: u32 = 1;
/// A data key was unwrapped: an object was opened, or rewrapped.
pub const OSSENC_EVENT_UNWRAP: u32 = 2;

/// A wrap or an unwrap that has ended, for the audit log. Borrowed for the call.
#[repr(C)]
pub struct ossenc_event {
    /// `sizeof (ossenc_event)` of the library that is linked.
    pub size: usize,
    /// `OSSENC_EVENT_...`.
    pub what: u32,
    /// How it ended.
    pub status: ossenc_status,
    /// The object; zeros if there was no envelope to tell.
    pub object_id: [u8; 16],
    /// Which provider has the master key; empty for local and customer keys.
    pub provider: ossenc_in,
    /// The master key. Of an opening that failed, the last one that was tried; empty if none was.
    pub key_id: ossenc_in,
    /// Its version.
    pub key_version: ossenc_in,
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
    /// Is told every wrap and unwrap, on the thread that did it; NULL for nobody. Must not call the library.
    pub event: Option<unsafe extern "C" fn(user: *mut c_void, event: *const ossenc_event)>,
    /// Says that the operation made with `waiter` shall be stepped again; NULL for callers that only run operations.
    /// Called on the thread that stepped or freed another operation, perhaps before `OSSENC_WAIT` was returned, perhaps
    /// without need, never after `ossenc_op_free` has returned. It sets a flag or writes to a pipe: it must not call the
    /// library.
    pub wake: Option<unsafe extern "C" fn(user: *mut c_void, waiter: *mut c_void)>,
}

// SAFETY: `repr(C)`, `size` first; integers, pointers and function pointers may be zero.
unsafe impl Extensible for ossenc_config {
    const FIRST_SIZE: usize = core::mem::offset_of!(ossenc_config, event);
}

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
    event: Option<unsafe extern "C" fn(*mut c_void, *const ossenc_event)>,
    wake: Option<unsafe extern "C" fn(*mut c_void, *mut c_void)>,
}

#[derive(Clone, Copy)]
struct Clock {
    user: UserData,
    now: Option<unsafe extern "C" fn(*mut c_void, *mut ossenc_time)>,
    /// The origin of the system's monotonic time.
    origin: Instant,
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
        Ok(self.time()?.wall_s)
    }

    /// Both times.
    pub(crate) fn time(&self) -> Outcome<Time> {
        let (wall_s, mono_ns) = match self.clock.now {
            Some(now) => {
                let mut time = ossenc_time { wall_s: -1, mono_ns: 0 };
                // SAFETY: the configuration promises that the callback may be called so.
                unsafe { now(self.clock.user.0, &raw mut time) };
                (u64::try_from(time.wall_s).ok(), time.mono_ns)
            }
            None => {
                let wall = SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|elapsed| elapsed.as_secs());
                (wall, u64::try_from(self.clock.origin.elapsed().as_nanos()).unwrap_or(u64::MAX))
            }
        };
        wall_s.map_or_else(|| argument("the clock is before 1970"), |wall_s| Ok(Time { wall_s, mono_ns }))
    }

    /// Wakes the operation of `waiter`.
    pub(crate) fn waker(&self, waiter: *mut c_void) -> Waker {
        let Some(wake) = self.wake else { return Waker::noop().clone() };
        Waker::from(Arc::new(CallbackWake { user: self.clock.user, waiter: UserData(waiter), wake }))
    }

    /// The caller's audit callback.
    pub(crate) fn audit(&self) -> Option<Arc<dyn Audit>> {
        let event = self.event?;
        Some(Arc::new(CallbackAudit { user: self.clock.user, event }))
    }
}

struct CallbackWake {
    user: UserData,
    waiter: UserData,
    wake: unsafe extern "C" fn(*mut c_void, *mut c_void),
}

impl Wake for CallbackWake {
    fn wake(self: Arc<Self>) {
        // SAFETY: the configuration promises that the callback may be called so.
        unsafe { (self.wake)(self.user.0, self.waiter.0) };
    }
}

struct CallbackAudit {
    user: UserData,
    event: unsafe extern "C" fn(*mut c_void, *const ossenc_event),
}

impl Audit for CallbackAudit {
    fn event(&self, event: &Event<'_>) {
        let told = ossenc_event {
            size: size_of::<ossenc_event>(),
            what: if event.what == What::Wrap { OSSENC_EVENT_WRAP } else { OSSENC_EVENT_UNWRAP },
            status: event.outcome.map_or_else(|error| Failure::from(error).status(), |()| OSSENC_OK),
            object_id: event.object_id.copied().unwrap_or_default(),
            provider: borrowed(event.provider.as_bytes()),
            key_id: borrowed(event.key_id.as_bytes()),
            key_version: borrowed(event.key_version.as_bytes()),
        };
        // SAFETY: the configuration promises that the callback may be called so.
        unsafe { (self.event)(self.user.0, &raw const told) };
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
        event: None,
        wake: None,
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
    let clock = Clock { user, now: config.now, origin: Instant::now() };
    Ok(ossenc_lib { machine: Machine { engine, clock, event: config.event, wake: config.wake } })
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
