//! Statuses and the error report: how every outcome reaches the caller.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use ossenc::Error;
use ossenc_kms::{NoKeystore, OpError, SwapError};

/// The outcome of a call: `OSSENC_OK`, from a step also `OSSENC_ASK` or `OSSENC_WAIT`, or a negative `OSSENC_E_...`. More
/// values may be added.
pub type ossenc_status = i32;

/// Done.
pub const OSSENC_OK: ossenc_status = 0;
/// From `ossenc_op_step`: make the call that is asked for, and step with its answer.
pub const OSSENC_ASK: ossenc_status = 1;
/// From `ossenc_op_step`: another operation makes the call; step again after the wake.
pub const OSSENC_WAIT: ossenc_status = 2;
/// An argument is outside what the function allows: a NULL handle, partly overlapping buffers, a malformed id.
pub const OSSENC_E_ARG: ossenc_status = -1;
/// The call does not fit the state of the handle: a sealer that has finished, a version that cannot be promoted.
pub const OSSENC_E_STATE: ossenc_status = -2;
/// The output is too small; its `n` says what is needed. Nothing was written.
pub const OSSENC_E_BUFFER: ossenc_status = -3;
/// The system gave no memory for a key.
pub const OSSENC_E_NOMEM: ossenc_status = -4;
/// This ticket was spent already.
pub const OSSENC_E_USED: ossenc_status = -6;
/// The entropy source failed. Nothing was sealed.
pub const OSSENC_E_NOENTROPY: ossenc_status = -5;
/// This process is a forked child, and the key is its parent's: it was wiped here. Nothing was spent, sealed or opened.
/// The handle must only be freed.
pub const OSSENC_E_FORKED: ossenc_status = -7;
/// The known-answer test of AES-256-GCM failed on this machine.
pub const OSSENC_E_SELFTEST: ossenc_status = -8;
/// The file system refused; `error.code` is the errno.
pub const OSSENC_E_IO: ossenc_status = -9;
/// Stored bytes are not well-formed.
pub const OSSENC_E_FORMAT: ossenc_status = -10;
/// Stored bytes are of a format version, suite, shape, method, kind or layout that this library does not open.
pub const OSSENC_E_TOONEW: ossenc_status = -11;
/// Well-formed, but not what the caller allows.
pub const OSSENC_E_EXPECT: ossenc_status = -12;
/// Another writer was first; `error.offset` is the generation found. Load, change and try again.
pub const OSSENC_E_CONFLICT: ossenc_status = -13;
/// `ossenc_config.require_mlock` is set, and memory for a key cannot be locked: `RLIMIT_MEMLOCK` is used up, or the
/// system has no `mlock`.
pub const OSSENC_E_MLOCK: ossenc_status = -14;
/// Wrong key, wrong context, or an envelope or head that belongs elsewhere or is damaged: from an opening operation it
/// is about the envelope, from `ossenc_opener_new` about the body's head, from `ossenc_keystore_load` about the root
/// key.
pub const OSSENC_E_COMMIT: ossenc_status = -20;
/// A chunk is damaged, swapped or moved; `error.offset` is the plaintext offset at which it begins.
pub const OSSENC_E_CHUNK: ossenc_status = -21;
/// The stored length cannot be that of a whole object, or is not the trusted one.
pub const OSSENC_E_TRUNCATED: ossenc_status = -22;
/// A manifest verified, but its content breaks its rules.
pub const OSSENC_E_MANIFEST: ossenc_status = -23;
/// The keystore has no such key or version: it may be stale. Load the newest and try again.
pub const OSSENC_E_NOVERSION: ossenc_status = -30;
/// The key or version is there, but its state forbids the use.
pub const OSSENC_E_KEYSTATE: ossenc_status = -31;
/// The key service forbids this.
pub const OSSENC_E_DENIED: ossenc_status = -32;
/// The key service failed, or gave an answer that makes no sense; `error.code` is its own code.
pub const OSSENC_E_KMS: ossenc_status = -33;
/// The key service is throttled or away: `error.offset` says after how many milliseconds to try again; before, nobody
/// is asked.
pub const OSSENC_E_KMS_RETRY: ossenc_status = -34;
/// The key that the envelope needs is not at hand: a customer's key that was not given.
pub const OSSENC_E_KEYABSENT: ossenc_status = -35;
/// The operation's time is up.
pub const OSSENC_E_TIMEOUT: ossenc_status = -36;
/// A defect of the library. The handles of the call must only be freed.
pub const OSSENC_E_PANIC: ossenc_status = -90;

/// What went wrong, in detail. Set `size` to `sizeof (ossenc_error)` before the first use; NULL is always allowed. It
/// never holds key bytes or plaintext.
#[repr(C)]
pub struct ossenc_error {
    /// `sizeof (ossenc_error)`, set by the caller.
    pub size: usize,
    /// The same as the call returned.
    pub status: ossenc_status,
    /// The errno of `OSSENC_E_IO`, the service's code of `OSSENC_E_KMS`; else 0.
    pub code: i32,
    /// The part that the error is about; 0 for single-segment objects.
    pub part: u32,
    /// See the statuses; else 0.
    pub offset: u64,
    /// An English sentence for logs, terminated.
    pub text: [core::ffi::c_char; 96],
}

/// A failure on its way to the caller.
#[derive(Debug)]
pub(crate) enum Failure {
    Core(Error),
    Op(OpError),
    /// The same, about a part of an object.
    Part {
        part: u32,
        error: Error,
    },
    Conflict {
        found: u64,
    },
    Io(std::io::Error),
    Panic,
}

pub(crate) type Outcome<T> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Core(error)
    }
}

impl From<OpError> for Failure {
    fn from(error: OpError) -> Failure {
        match error {
            OpError::Core(error) => Failure::Core(error),
            OpError::NoKeystore => NoKeystore.into(),
            OpError::NotAsked => Failure::Core(Error::Argument("the answer is not to the ask that is open")),
            error => Failure::Op(error),
        }
    }
}

impl From<SwapError> for Failure {
    fn from(error: SwapError) -> Failure {
        match error {
            SwapError::Conflict { found } => Failure::Conflict { found },
            SwapError::Image(error) => Failure::Core(error),
            SwapError::Io(error) => Failure::Io(error),
            _ => Failure::Panic,
        }
    }
}

impl From<NoKeystore> for Failure {
    fn from(_: NoKeystore) -> Failure {
        Failure::Core(Error::State("no keystore was published to this keyring"))
    }
}

pub(crate) fn argument<T>(what: &'static str) -> Outcome<T> {
    Err(Failure::Core(Error::Argument(what)))
}

/// Says which part an error of the core is about.
pub(crate) fn in_part(part: u32) -> impl FnOnce(Error) -> Failure {
    move |error| Failure::Part { part, error }
}

impl Failure {
    pub(crate) fn status(&self) -> ossenc_status {
        match self {
            Failure::Core(error) | Failure::Part { error, .. } => match error {
                Error::Argument(_) => OSSENC_E_ARG,
                Error::State(_) => OSSENC_E_STATE,
                Error::Buffer { .. } => OSSENC_E_BUFFER,
                Error::NoEntropy => OSSENC_E_NOENTROPY,
                Error::NoMemory => OSSENC_E_NOMEM,
                Error::NotLocked => OSSENC_E_MLOCK,
                Error::Forked => OSSENC_E_FORKED,
                Error::SelfTest => OSSENC_E_SELFTEST,
                Error::Format(_) => OSSENC_E_FORMAT,
                Error::TooNew(_) => OSSENC_E_TOONEW,
                Error::Expect(_) => OSSENC_E_EXPECT,
                Error::Commit => OSSENC_E_COMMIT,
                Error::Chunk { .. } => OSSENC_E_CHUNK,
                Error::Manifest => OSSENC_E_MANIFEST,
                Error::Used => OSSENC_E_USED,
                Error::Truncated => OSSENC_E_TRUNCATED,
                Error::NoVersion => OSSENC_E_NOVERSION,
                Error::KeyState => OSSENC_E_KEYSTATE,
                Error::KeyAbsent => OSSENC_E_KEYABSENT,
                _ => OSSENC_E_PANIC,
            },
            Failure::Op(error) => match error {
                OpError::Denied => OSSENC_E_DENIED,
                OpError::Kms { .. } => OSSENC_E_KMS,
                OpError::Retry { .. } => OSSENC_E_KMS_RETRY,
                OpError::Timeout => OSSENC_E_TIMEOUT,
                _ => OSSENC_E_PANIC,
            },
            Failure::Conflict { .. } => OSSENC_E_CONFLICT,
            Failure::Io(_) => OSSENC_E_IO,
            Failure::Panic => OSSENC_E_PANIC,
        }
    }

    fn offset(&self) -> u64 {
        match self {
            Failure::Core(Error::Chunk { chunk }) | Failure::Part { error: Error::Chunk { chunk }, .. } => {
                chunk * ossenc::message::size::CHUNK_LEN as u64
            }
            Failure::Conflict { found } => *found,
            // Not before: a part of a millisecond is one.
            Failure::Op(OpError::Retry { after }) => {
                u64::try_from(after.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
            }
            _ => 0,
        }
    }

    /// Formats into the caller's fixed field: the hot calls must not allocate, not even to fail.
    fn report(&self) -> ossenc_error {
        let part = if let Failure::Part { part, .. } = self { *part } else { 0 };
        let code = match self {
            Failure::Io(error) => error.raw_os_error().unwrap_or(0),
            Failure::Op(OpError::Kms { code }) => *code,
            _ => 0,
        };
        let mut text = Text { bytes: [0; 96], len: 0 };
        // A text that is too long is cut.
        let _ = match self {
            Failure::Core(error) | Failure::Part { error, .. } => write!(text, "{error}"),
            Failure::Op(error) => write!(text, "{error}"),
            Failure::Conflict { found } => write!(text, "another writer was first: the file has generation {found}"),
            Failure::Io(error) => write!(text, "{error}"),
            Failure::Panic => write!(text, "a defect of the library: please report it"),
        };
        ossenc_error {
            size: size_of::<ossenc_error>(),
            status: self.status(),
            code,
            part,
            offset: self.offset(),
            text: text.bytes.map(|b| b as core::ffi::c_char),
        }
    }
}

struct Text {
    bytes: [u8; 96],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        let room = self.bytes.len() - 1 - self.len;
        let n = s.len().min(room);
        self.bytes[self.len..self.len + n].copy_from_slice(&s.as_bytes()[..n]);
        self.len += n;
        if n == s.len() { Ok(()) } else { Err(std::fmt::Error) }
    }
}

/// The one gate of every export: runs the body, turns a panic into a status, and fills the error report.
pub(crate) fn guard(error: *mut ossenc_error, body: impl FnOnce() -> Outcome<()>) -> ossenc_status {
    guard_step(error, || body().map(|()| OSSENC_OK))
}

/// As [`guard`], for what ends well in more than one way.
pub(crate) fn guard_step(error: *mut ossenc_error, body: impl FnOnce() -> Outcome<ossenc_status>) -> ossenc_status {
    // What the body touched may be half changed after a panic; the status tells the caller to only free it.
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or(Err(Failure::Panic));
    let report = match &outcome {
        Ok(status) => ossenc_error { size: 0, status: *status, code: 0, part: 0, offset: 0, text: [0; 96] },
        Err(failure) => failure.report(),
    };
    if !error.is_null() {
        // SAFETY: the caller gives an error struct whose first field says how much memory it has; no more is written,
        // and `size` itself stays.
        unsafe {
            let size = (*error).size.min(size_of::<ossenc_error>());
            let field = size_of::<usize>();
            if size > field {
                let from = ptr::from_ref(&report).cast::<u8>().add(field);
                ptr::copy_nonoverlapping(from, error.cast::<u8>().add(field), size - field);
            }
        }
    }
    report.status
}

/// A sentence for a status: never NULL, static, for any value.
#[unsafe(no_mangle)]
pub extern "C" fn ossenc_strerror(status: ossenc_status) -> *const core::ffi::c_char {
    let text = match status {
        OSSENC_OK => c"done",
        OSSENC_ASK => c"make the call that is asked for",
        OSSENC_WAIT => c"wait for another operation's call",
        OSSENC_E_ARG => c"bad argument",
        OSSENC_E_STATE => c"not possible in this state",
        OSSENC_E_BUFFER => c"output buffer too small",
        OSSENC_E_NOENTROPY => c"the entropy source failed",
        OSSENC_E_NOMEM => c"no memory for a key",
        OSSENC_E_MLOCK => c"memory for a key cannot be locked (see RLIMIT_MEMLOCK)",
        OSSENC_E_FORKED => c"this key belongs to the parent of this forked process",
        OSSENC_E_SELFTEST => c"the AES-256-GCM known-answer test failed on this machine",
        OSSENC_E_IO => c"the file system refused",
        OSSENC_E_FORMAT => c"malformed",
        OSSENC_E_TOONEW => c"not supported by this version of the library",
        OSSENC_E_EXPECT => c"not what the caller allows",
        OSSENC_E_CONFLICT => c"another writer was first",
        OSSENC_E_COMMIT => c"wrong key or context, or an envelope that belongs elsewhere or is damaged",
        OSSENC_E_CHUNK => c"a chunk is damaged",
        OSSENC_E_MANIFEST => c"the manifest breaks its rules",
        OSSENC_E_USED => c"this ticket was spent already",
        OSSENC_E_TRUNCATED => c"truncated",
        OSSENC_E_NOVERSION => c"no such key or version in this keystore: reload it and try again",
        OSSENC_E_KEYSTATE => c"the state of the key forbids this use",
        OSSENC_E_DENIED => c"the key service forbids this",
        OSSENC_E_KMS => c"the key service failed, or gave a bad answer",
        OSSENC_E_KMS_RETRY => c"the key service is away: try again later",
        OSSENC_E_TIMEOUT => c"the operation's time is up",
        OSSENC_E_KEYABSENT => c"the key is not at hand: it has to be asked for",
        OSSENC_E_PANIC => c"a defect of the library",
        _ => c"unknown status",
    };
    text.as_ptr()
}
