//! Operations: what may need a key from elsewhere, and so may have to wait. With local keys all are done at once.

use core::ffi::c_void;

use ossenc::Object;

use crate::bytes::{get_mut, give, no_handle, ossenc_out, room, take_back};
use crate::keyring::ossenc_keyring;
use crate::library::Machine;
use crate::object::ossenc_object;
use crate::status::{Failure, Outcome, argument, guard, ossenc_error, ossenc_status};

/// A creation, an opening or a rewrap under way. One thread at a time.
pub struct ossenc_op {
    state: State,
}

enum State {
    /// Its outcome is known, and not yet told.
    Ready(Outcome<Product>),
    Done(Product),
    Failed,
}

/// What operations make.
pub(crate) struct Product {
    machine: Machine,
    object: Option<Object>,
    envelope: Option<Vec<u8>>,
}

impl Product {
    pub(crate) fn new(keyring: &ossenc_keyring, object: Option<Object>, envelope: Option<Vec<u8>>) -> Product {
        Product { machine: keyring.machine.clone(), object, envelope }
    }
}

/// A call to a key management service that an operation asks for. Declared for later versions.
pub struct ossenc_ask(());

/// The answer to an `ossenc_ask`. Declared for later versions.
pub struct ossenc_answer(());

/// Callbacks that answer for a blocking `ossenc_op_run`. Declared for later versions.
pub struct ossenc_provider(());

/// Begins an operation whose outcome is known at once.
///
/// # Safety
/// `op` is NULL or writable.
pub(crate) unsafe fn begin(op: *mut *mut ossenc_op, outcome: Outcome<Product>) -> Outcome<()> {
    // SAFETY: as the caller says.
    unsafe { give(op, || Ok(ossenc_op { state: State::Ready(outcome) })) }
}

fn step(op: &mut ossenc_op) -> Outcome<()> {
    match std::mem::replace(&mut op.state, State::Failed) {
        State::Ready(Ok(product)) | State::Done(product) => {
            op.state = State::Done(product);
            Ok(())
        }
        State::Ready(Err(failure)) => Err(failure),
        State::Failed => Err(Failure::Core(ossenc::Error::State("this operation has failed"))),
    }
}

/// Takes an operation one step further. With local keys the first step ends it: `OSSENC_OK`, or the error that
/// `ossenc_object_create`, `ossenc_object_open` or `ossenc_rewrap` documents. `answer` and `ask` are NULL in this
/// version.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_op_step(
    op: *mut ossenc_op,
    answer: *const ossenc_answer,
    ask: *mut ossenc_ask,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        if !answer.is_null() || !ask.is_null() {
            return argument("answer and ask are NULL in this version");
        }
        // SAFETY: by the rules of the header.
        step(unsafe { get_mut(op) }?)
    })
}

/// Takes an operation to its end, blocking where it must. With local keys it never must; `provider` is NULL in this
/// version, and `deadline_ns` is not looked at.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_op_run(
    op: *mut ossenc_op,
    provider: *const ossenc_provider,
    user: *mut c_void,
    deadline_ns: u64,
    error: *mut ossenc_error,
) -> ossenc_status {
    let _ = (user, deadline_ns);
    guard(error, || {
        if !provider.is_null() {
            return argument("provider is NULL in this version");
        }
        // SAFETY: by the rules of the header.
        step(unsafe { get_mut(op) }?)
    })
}

/// Gives the open object of an operation that ended well: a handle of its own at each call, to be freed with
/// `ossenc_object_free`. A rewrap has none (`OSSENC_E_STATE`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_op_object(op: *mut ossenc_op, object: *mut *const ossenc_object) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe {
            no_handle(object.cast::<*mut ossenc_object>())?;
            let op = get_mut(op)?;
            give(object.cast(), || match &op.state {
                State::Done(Product { machine, object: Some(object), .. }) => {
                    Ok(ossenc_object { object: object.clone(), machine: machine.clone() })
                }
                _ => Err(ossenc::Error::State("this operation has no object to give").into()),
            })
        }
    })
}

/// Gives the new envelope of a creation or a rewrap that ended well. An opening has none (`OSSENC_E_STATE`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_op_envelope(op: *mut ossenc_op, envelope: *mut ossenc_out) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (out, op) = unsafe { (room(envelope)?, get_mut(op)?) };
        match &op.state {
            State::Done(Product { envelope: Some(envelope), .. }) => out.write(envelope),
            _ => Err(ossenc::Error::State("this operation has no envelope to give").into()),
        }
    })
}

/// Frees an operation, which cancels it if it has not ended. NULL is legal. What it gave stays valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_op_free(op: *mut ossenc_op) {
    guard(core::ptr::null_mut(), || {
        // SAFETY: a handle of ours or NULL, by the rules of the header.
        unsafe { take_back(op) };
        Ok(())
    });
}
