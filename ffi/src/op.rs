//! Operations: what may need a key from elsewhere, and so may have to ask and to wait.

use core::ffi::c_void;
use core::time::Duration;
use std::task::Waker;

use ossenc::{Error, KEY_ID_MAX, OUTER_BLOB_MAX, Secret};
use ossenc_kms::{Answer, Ask, Failure as Refusal, Op, Provider, Reply, Step, Time, Verb};

use crate::bytes::{
    Extensible, borrowed, get_mut, give, no_handle, ossenc_in, ossenc_out, ossenc_pair, room, sized, take_back,
    write_sized,
};
use crate::keyring::ossenc_keyring;
use crate::library::Machine;
use crate::object::ossenc_object;
use crate::status::{
    OSSENC_ASK, OSSENC_E_DENIED, OSSENC_E_KEYSTATE, OSSENC_E_KMS, OSSENC_E_KMS_RETRY, OSSENC_E_NOVERSION, OSSENC_OK,
    OSSENC_WAIT, Outcome, argument, guard, guard_step, ossenc_error, ossenc_status,
};

/// A creation, an opening, a rewrap or a refresh under way. One thread at a time.
pub struct ossenc_op {
    machine: Machine,
    waker: Waker,
    op: Op,
    /// The context of the open ask, for C.
    pairs: Vec<ossenc_pair>,
}

/// Make 32 secret bytes and wrap them under `key_id`. Wanted: `secret`, `blob`, `key_id` as resolved, `key_version`.
pub const OSSENC_VERB_GENERATE: u32 = 1;
/// Unwrap `blob`. Wanted: `secret`.
pub const OSSENC_VERB_UNWRAP: u32 = 2;
/// Fetch the record of the bucket key `bucket_key_id`. Wanted: `blob`.
pub const OSSENC_VERB_LOAD_BUCKET_KEY: u32 = 3;
/// Keep `blob`, the record of the bucket key `bucket_key_id`. Wanted: that it is durable when answered.
pub const OSSENC_VERB_STORE_BUCKET_KEY: u32 = 4;

/// A call to a key service, or a store of bucket keys, that an operation asks its caller to make. What it points to
/// belongs to the operation, and is valid until its next step, or its end.
#[repr(C)]
pub struct ossenc_ask {
    /// `sizeof (ossenc_ask)`, set by the caller.
    pub size: usize,
    /// `OSSENC_VERB_...`.
    pub verb: u32,
    /// 0.
    pub reserved: u32,
    /// Which ask it is: the answer names it.
    pub id: u64,
    /// Nanoseconds until another operation may make the call again, or the operation's time is up. After `OSSENC_WAIT`,
    /// the only field that is set: step again after so long, if no wake has come.
    pub timeout_ns: u64,
    /// Whom to ask; empty for the records of bucket keys under local master keys.
    pub provider: ossenc_in,
    /// The master key: its id, or for GENERATE what the choice named.
    pub key_id: ossenc_in,
    /// Its version; may be empty.
    pub key_version: ossenc_in,
    /// The encryption context, as the bytes of `map` in docs/FORMAT.md, section 3: for services that take associated
    /// data. Empty for records.
    pub context: ossenc_in,
    /// The same as pairs of strings, sorted by their keys: for services that take a map.
    pub pairs: *const ossenc_pair,
    /// How many.
    pub n_pairs: usize,
    /// What to unwrap, or the record to keep.
    pub blob: ossenc_in,
    /// The bucket key whose record it is: 16 bytes; else empty.
    pub bucket_key_id: ossenc_in,
}

/// The answer to an `ossenc_ask`. Borrowed for the call; who made the secret wipes it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_answer {
    /// `sizeof (ossenc_answer)`.
    pub size: usize,
    /// The ask's `id`.
    pub id: u64,
    /// `OSSENC_OK`, or why not: `OSSENC_E_DENIED` it forbids this, `OSSENC_E_NOVERSION` it has no such key or record,
    /// `OSSENC_E_KEYSTATE` the key is disabled, `OSSENC_E_KMS_RETRY` it is throttled, away or too slow, `OSSENC_E_KMS`
    /// anything else.
    pub status: ossenc_status,
    /// The service's own code, with `OSSENC_E_KMS`: it reaches `ossenc_error.code`.
    pub code: i32,
    /// With `OSSENC_E_KMS_RETRY`, when to try again; 0 if the service does not say.
    pub retry_after_ms: u32,
    /// 0.
    pub reserved: u32,
    /// The key, 32 bytes: GENERATE, UNWRAP.
    pub secret: ossenc_in,
    /// What unwraps to it later (GENERATE), or the record (LOAD).
    pub blob: ossenc_in,
    /// The key that was used, by its own id; may be empty for UNWRAP.
    pub key_id: ossenc_in,
    /// Its version, if the service tells.
    pub key_version: ossenc_in,
}

// SAFETY: `repr(C)`, `size` first; integers and pointers may be zero.
unsafe impl Extensible for ossenc_answer {}

/// Takes an answer, on the thread of the call, before the call returns; the last one counts. `answer.id` is not looked
/// at. What it points to is borrowed until this returns.
pub type ossenc_reply = unsafe extern "C" fn(reply_to: *mut c_void, answer: *const ossenc_answer);

/// A key service, for `ossenc_op_run`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_provider {
    /// `sizeof (ossenc_provider)`.
    pub size: usize,
    /// Makes the call, within `ask->timeout_ns`, hands its answer to `reply(reply_to, ...)`, and returns `OSSENC_OK`; or
    /// returns a status of `ossenc_answer.status` without one. Called by the thread that runs the operation; may use the
    /// library, but not that operation. Must not throw.
    pub call: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            ask: *const ossenc_ask,
            reply: ossenc_reply,
            reply_to: *mut c_void,
        ) -> ossenc_status,
    >,
}

// SAFETY: `repr(C)`, `size` first; a function pointer may be zero.
unsafe impl Extensible for ossenc_provider {}

/// An operation for C.
pub(crate) fn wrap_op(keyring: &ossenc_keyring, waiter: *mut c_void, op: Op) -> ossenc_op {
    let machine = keyring.machine.clone();
    ossenc_op { waker: machine.waker(waiter), machine, op, pairs: Vec::new() }
}

/// Begins an operation.
///
/// # Safety
/// `op` is NULL or writable.
pub(crate) unsafe fn begin(
    op: *mut *mut ossenc_op,
    keyring: &ossenc_keyring,
    waiter: *mut c_void,
    make: impl FnOnce(Time) -> Op,
) -> Outcome<()> {
    let now = keyring.machine.time()?;
    // SAFETY: as the caller says.
    unsafe { give(op, || Ok(wrap_op(keyring, waiter, make(now)))) }
}

/// An ask, its pairs in the given place.
fn describe(ask: &Ask<'_>, timeout_ns: u64, pairs: &mut Vec<ossenc_pair>) -> ossenc_ask {
    let pair =
        |(key, value): &(&str, &str)| ossenc_pair { key: borrowed(key.as_bytes()), value: borrowed(value.as_bytes()) };
    *pairs = ask.context.iter().map(pair).collect();
    ossenc_ask {
        size: 0,
        verb: match ask.verb {
            Verb::Generate => OSSENC_VERB_GENERATE,
            Verb::Unwrap => OSSENC_VERB_UNWRAP,
            Verb::LoadBucketKey => OSSENC_VERB_LOAD_BUCKET_KEY,
            Verb::StoreBucketKey => OSSENC_VERB_STORE_BUCKET_KEY,
            _ => 0,
        },
        reserved: 0,
        id: ask.id,
        timeout_ns,
        provider: borrowed(ask.provider.as_bytes()),
        key_id: borrowed(ask.key_id.as_bytes()),
        key_version: borrowed(ask.key_version.as_bytes()),
        context: borrowed(ask.context_bytes),
        pairs: pairs.as_ptr(),
        n_pairs: pairs.len(),
        blob: borrowed(ask.blob),
        bucket_key_id: borrowed(ask.bucket_key_id),
    }
}

fn nothing_but(timeout_ns: u64) -> ossenc_ask {
    let none = borrowed(&[]);
    ossenc_ask {
        size: 0,
        verb: 0,
        reserved: 0,
        id: 0,
        timeout_ns,
        provider: none,
        key_id: none,
        key_version: none,
        context: none,
        pairs: core::ptr::null(),
        n_pairs: 0,
        blob: none,
        bucket_key_id: none,
    }
}

/// # Safety
/// `answer` is a sized struct whose bytes are readable.
unsafe fn read_answer(answer: *const ossenc_answer) -> Outcome<Reply> {
    // SAFETY: as the caller says.
    let (answer, secret, texts) = unsafe {
        let answer = sized(answer)?;
        let texts = [answer.blob.bytes()?, answer.key_id.bytes()?, answer.key_version.bytes()?];
        (answer, answer.secret.bytes()?, texts)
    };
    // One byte more than may be is enough to be refused for it.
    let [blob, key_id, key_version] = texts.map(|bytes| &bytes[..bytes.len().min(OUTER_BLOB_MAX + 1)]);
    let outcome = match refusal(answer.status, answer.code, answer.retry_after_ms)? {
        Some(refused) => Err(refused),
        None => Ok(Answer {
            secret: Secret::from_slice(secret).ok(),
            blob: blob.to_vec(),
            key_id: String::from_utf8_lossy(&key_id[..key_id.len().min(KEY_ID_MAX + 1)]).into_owned(),
            key_version: String::from_utf8_lossy(&key_version[..key_version.len().min(KEY_ID_MAX)]).into_owned(),
        }),
    };
    Ok(Reply { id: answer.id, outcome })
}

/// Why a service did not do as asked; none for `OSSENC_OK`.
fn refusal(status: ossenc_status, code: i32, retry_after_ms: u32) -> Outcome<Option<Refusal>> {
    Ok(Some(match status {
        OSSENC_OK => return Ok(None),
        OSSENC_E_DENIED => Refusal::Denied,
        OSSENC_E_NOVERSION => Refusal::Unknown,
        OSSENC_E_KEYSTATE => Refusal::Disabled,
        OSSENC_E_KMS_RETRY => Refusal::Retry { after: Duration::from_millis(retry_after_ms.into()) },
        OSSENC_E_KMS => Refusal::Error { code },
        _ => return argument("the status of an answer is none that ossenc_answer names"),
    }))
}

/// Takes an operation as far as it goes without waiting: it never blocks.
///
/// `OSSENC_OK`: it has ended, what it made is there. `OSSENC_ASK`: make the call in `ask`, and step with its answer;
/// stepping without one (NULL) gives the same ask again. `OSSENC_WAIT`: another operation makes that call; step again
/// after the wake, or after `ask->timeout_ns`. An error has ended the operation, and is told once (`OSSENC_E_STATE`
/// later): `OSSENC_E_DENIED`, `OSSENC_E_KMS`, `OSSENC_E_KMS_RETRY`, `OSSENC_E_TIMEOUT`, or what `ossenc_object_create`,
/// `ossenc_object_open` and `ossenc_rewrap` document. Only `OSSENC_E_ARG` for an answer that is malformed, or to another
/// ask than the open one, changes nothing.
///
/// `answer` and `ask` may be NULL. With local keys the first step ends the operation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_op_step(
    op: *mut ossenc_op,
    answer: *const ossenc_answer,
    ask: *mut ossenc_ask,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard_step(error, || {
        // SAFETY: by the rules of the header.
        let ossenc_op { machine, waker, op, pairs } = unsafe { get_mut(op) }?;
        // SAFETY: by the rules of the header.
        let reply = if answer.is_null() { None } else { Some(unsafe { read_answer(answer) }?) };
        let now = machine.time()?;
        let (status, described) = match op.step(reply, now, waker)? {
            Step::Done => return Ok(OSSENC_OK),
            Step::Ask(open) => {
                let left = open.until_ns().saturating_sub(now.mono_ns);
                (OSSENC_ASK, describe(&open.ask(), left, pairs))
            }
            Step::Wait { until_ns } => (OSSENC_WAIT, nothing_but(until_ns.saturating_sub(now.mono_ns))),
        };
        if !ask.is_null() {
            // SAFETY: by the rules of the header.
            unsafe { write_sized(ask, described) }?;
        }
        Ok(status)
    })
}

/// From now on the operation neither asks nor waits for longer than `timeout_ns` nanoseconds: a step after them ends in
/// `OSSENC_E_TIMEOUT`, unless it ends the operation anyway. Without this a stepped operation has no limit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_op_set_timeout(op: *mut ossenc_op, timeout_ns: u64) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let op = unsafe { get_mut(op) }?;
        let now = op.machine.time()?;
        op.op.set_deadline(now.mono_ns.saturating_add(timeout_ns));
        Ok(())
    })
}

/// A provider of the caller's.
struct CallbackProvider {
    call: unsafe extern "C" fn(*mut c_void, *const ossenc_ask, ossenc_reply, *mut c_void) -> ossenc_status,
    user: *mut c_void,
}

// SAFETY: lent to one run, which uses it on its own thread.
unsafe impl Send for CallbackProvider {}
// SAFETY: as above.
unsafe impl Sync for CallbackProvider {}

impl Provider for CallbackProvider {
    fn call(&self, ask: &Ask<'_>, timeout: Duration) -> Result<Answer, Refusal> {
        let mut pairs = Vec::new();
        let timeout_ns = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        let mut described = describe(ask, timeout_ns, &mut pairs);
        described.size = size_of::<ossenc_ask>();
        let mut replied: Option<Reply> = None;
        // SAFETY: the caller of `ossenc_op_run` promises that the callback may be called so.
        let status = unsafe { (self.call)(self.user, &raw const described, take_reply, (&raw mut replied).cast()) };
        match refusal(status, 0, 0) {
            Ok(None) => replied.map_or(Err(Refusal::Error { code: 0 }), |reply| reply.outcome),
            Ok(Some(refused)) => Err(refused),
            Err(_) => Err(Refusal::Error { code: status }),
        }
    }
}

unsafe extern "C" fn take_reply(reply_to: *mut c_void, answer: *const ossenc_answer) {
    guard(core::ptr::null_mut(), || {
        // SAFETY: the place that `CallbackProvider::call` lends for its call.
        let place = unsafe { get_mut(reply_to.cast::<Option<Reply>>()) }?;
        // A malformed answer is none.
        *place = None;
        // SAFETY: by the rules of the header.
        *place = Some(unsafe { read_answer(answer) }?);
        Ok(())
    });
}

/// Takes an operation to its end on this thread, blocking where it must, for at most `timeout_ns` nanoseconds (0: without
/// limit). Its calls are made by `provider->call`, with `user`; a key that another thread is asking for in the same way
/// is waited for. `provider` may be NULL for an operation that needs no call; one that does then fails with
/// `OSSENC_E_KMS`. Statuses as of `ossenc_op_step`, but neither `OSSENC_ASK` nor `OSSENC_WAIT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_op_run(
    op: *mut ossenc_op,
    provider: *const ossenc_provider,
    user: *mut c_void,
    timeout_ns: u64,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        let op = unsafe { get_mut(op) }?;
        let call = match provider.is_null() {
            true => no_call,
            // SAFETY: by the rules of the header.
            false => match unsafe { sized(provider) }?.call {
                Some(call) => call,
                None => return argument("the provider has no call"),
            },
        };
        let timeout = if timeout_ns == 0 { Duration::MAX } else { Duration::from_nanos(timeout_ns) };
        // A clock that fails later stands still.
        let last = core::cell::Cell::new(op.machine.time()?);
        let machine = &op.machine;
        let clock = || {
            last.set(machine.time().unwrap_or(last.get()));
            last.get()
        };
        Ok(op.op.run(&CallbackProvider { call, user }, timeout, &clock)?)
    })
}

unsafe extern "C" fn no_call(_: *mut c_void, _: *const ossenc_ask, _: ossenc_reply, _: *mut c_void) -> ossenc_status {
    OSSENC_E_KMS
}

/// Gives the open object of an operation that ended well: a handle of its own at each call, to be freed with
/// `ossenc_object_free`. A rewrap and a refresh have none (`OSSENC_E_STATE`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_op_object(op: *mut ossenc_op, object: *mut *const ossenc_object) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe {
            no_handle(object.cast::<*mut ossenc_object>())?;
            let op = get_mut(op)?;
            give(object.cast(), || match op.op.object() {
                Some(object) => Ok(ossenc_object { object: object.clone(), machine: op.machine.clone() }),
                None => Err(Error::State("this operation has no object to give").into()),
            })
        }
    })
}

/// Gives the new envelope of a creation or a rewrap that ended well. Others have none (`OSSENC_E_STATE`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_op_envelope(op: *mut ossenc_op, envelope: *mut ossenc_out) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (out, op) = unsafe { (room(envelope)?, get_mut(op)?) };
        match op.op.envelope() {
            Some(envelope) => out.write(envelope),
            None => Err(Error::State("this operation has no envelope to give").into()),
        }
    })
}

/// Frees an operation, which cancels it if it has not ended: an answer that is on its way is then nobody's. When this
/// returns no wake for it comes any more. NULL is legal. What it gave stays valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_op_free(op: *mut ossenc_op) {
    guard(core::ptr::null_mut(), || {
        // SAFETY: a handle of ours or NULL, by the rules of the header.
        unsafe { take_back(op) };
        Ok(())
    });
}
