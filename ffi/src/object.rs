//! Objects: creating, opening, rewrapping, and reading envelopes without keys.

use core::ffi::c_void;

use ossenc::{Context, Envelope, Error, Expect, Method, Object, Recipient, Rewrap, Shape, needs_rewrap, rewrap};

use crate::bytes::{Extensible, array, get, get_mut, no_handle, ossenc_in, ossenc_pair, sized, take_back, write_sized};
use crate::keyring::ossenc_keyring;
use crate::library::Machine;
use crate::op::{Product, begin, ossenc_op};
use crate::status::{Outcome, argument, guard, ossenc_status};

/// An object whose data key is open. Any number of threads may use it. The key is wiped when the object and its sealers
/// and openers are freed.
pub struct ossenc_object {
    pub(crate) object: Object,
    pub(crate) machine: Machine,
}

/// Master keys held and rotated by the service.
pub const OSSENC_METHOD_SSE_OSS: u32 = 1;
/// Customer master keys.
pub const OSSENC_METHOD_SSE_KMS: u32 = 2;
/// Keys that the customer gives with each request.
pub const OSSENC_METHOD_SSE_C: u32 = 3;

/// Allows `OSSENC_METHOD_SSE_OSS` in `ossenc_expect.methods`.
pub const OSSENC_ALLOW_SSE_OSS: u32 = 1 << 1;
/// Allows `OSSENC_METHOD_SSE_KMS` in `ossenc_expect.methods`.
pub const OSSENC_ALLOW_SSE_KMS: u32 = 1 << 2;

/// A slot was wrapped under a version that is not its key's primary.
pub const OSSENC_REWRAP_OLD_VERSION: u32 = 1;
/// A slot's key or version does not unwrap any more.
pub const OSSENC_REWRAP_KEY_STATE: u32 = 2;
/// A slot's key or version is not in the published keystore.
pub const OSSENC_REWRAP_UNKNOWN_KEY: u32 = 4;

/// Room that is always enough for an envelope of one local slot.
pub const OSSENC_ENVELOPE_MAX: usize = 512;
const _: () = {
    assert!(158 + ossenc::KEY_ID_MAX + 20 <= OSSENC_ENVELOPE_MAX);
    assert!(OSSENC_METHOD_SSE_OSS == Method::SseOss as u32);
    assert!(OSSENC_METHOD_SSE_KMS == Method::SseKms as u32);
    assert!(OSSENC_METHOD_SSE_C == Method::SseC as u32);
};

/// Where an object belongs, from the daemon's own index: never from the object's metadata. A key wrapped under one
/// context opens under no other.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_context {
    /// `sizeof (ossenc_context)`.
    pub size: usize,
    /// The tenant or account: any bytes, at most 65,535, as for the next three; empty where not used.
    pub tenant: ossenc_in,
    /// The bucket: an id that is never given to another bucket.
    pub bucket_id: ossenc_in,
    /// The object's name; or a stable instance id, where renaming must be free.
    pub object: ossenc_in,
    /// The object's version, in a versioned bucket.
    pub version_id: ossenc_in,
    /// Further pairs in any order, each key once, none beginning `ossenc:`; at most 8,192 bytes encoded.
    pub user: *const ossenc_pair,
    /// How many.
    pub users: usize,
}

// SAFETY: `repr(C)`, `size` first; integers, pointers and function pointers may be zero.
unsafe impl Extensible for ossenc_context {}

/// Under which key an object shall be wrapped.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_choice {
    /// `sizeof (ossenc_choice)`.
    pub size: usize,
    /// `OSSENC_METHOD_SSE_OSS` or `OSSENC_METHOD_SSE_KMS`.
    pub method: u32,
    /// A master key's id or alias.
    pub key_id: ossenc_in,
}

// SAFETY: `repr(C)`, `size` first; integers, pointers and function pointers may be zero.
unsafe impl Extensible for ossenc_choice {}

/// What an opening may accept. An empty list allows nothing.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_expect {
    /// `sizeof (ossenc_expect)`.
    pub size: usize,
    /// `OSSENC_ALLOW_...`, added up.
    pub methods: u32,
    /// Ids of the master keys that may have wrapped the object.
    pub key_ids: *const ossenc_in,
    /// How many.
    pub n: usize,
}

// SAFETY: `repr(C)`, `size` first; integers, pointers and function pointers may be zero.
unsafe impl Extensible for ossenc_expect {}

/// What an envelope says in clear: not authentic.
#[repr(C)]
pub struct ossenc_info {
    /// `sizeof (ossenc_info)`.
    pub size: usize,
    /// The format version: 1.
    pub format: u32,
    /// `OSSENC_METHOD_...`.
    pub method: u32,
    /// 1 for a segmented object, 0 for a single message.
    pub segmented: u32,
    /// How many slots there are; what follows is of the first.
    pub slots: u32,
    /// The object's id.
    pub id: [u8; 16],
    /// The master key, borrowed from the envelope.
    pub key_id: ossenc_in,
    /// Its version, borrowed from the envelope.
    pub key_version: ossenc_in,
    /// When it was wrapped, in seconds since 1970.
    pub wrapped_at: i64,
}

/// Makes an object with a fresh data key, wrapped as `choice` says. The operation gives the envelope, to be stored with
/// the object, and the object itself. `segmented` is 0 for a single message, 1 for segments under a manifest: multipart
/// uploads, appends. `waiter` is not used by this version.
///
/// The operation ends in `OSSENC_E_STATE` if nothing was published to the keyring, `OSSENC_E_NOVERSION` for a key that
/// the keystore does not have, `OSSENC_E_KEYSTATE` for one that may not wrap, `OSSENC_E_ARG` for a context outside its
/// limits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_object_create(
    keyring: *const ossenc_keyring,
    choice: *const ossenc_choice,
    context: *const ossenc_context,
    segmented: i32,
    waiter: *mut c_void,
    op: *mut *mut ossenc_op,
) -> ossenc_status {
    let _ = waiter;
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe { no_handle(op) }?;
        // SAFETY: by the rules of the header.
        unsafe {
            let (keyring, to, context) = (get(keyring)?, recipient(choice)?, ContextArgument::read(context)?);
            let shape = if segmented == 0 { Shape::Single } else { Shape::Segmented };
            begin(op, context.with(|context| create(keyring, &to, context, shape)))
        }
    })
}

fn create(keyring: &ossenc_keyring, to: &Recipient<'_>, context: &Context<'_>, shape: Shape) -> Outcome<Product> {
    let (machine, keystore) = (&keyring.machine, keyring.keyring.current()?);
    let (object, envelope) = Object::create(&machine.engine, &keystore, to, context, shape, machine.now()?)?;
    Ok(Product::new(keyring, Some(object), Some(envelope)))
}

/// Opens an envelope. The operation gives the object, or ends in `OSSENC_E_STATE` if nothing was published to the
/// keyring, `OSSENC_E_FORMAT`, `OSSENC_E_TOONEW` for the bytes, `OSSENC_E_EXPECT` for what `expect` does not allow;
/// then, if no slot opens, the first that applies of `OSSENC_E_COMMIT` (wrong context, or an envelope that belongs
/// elsewhere or is damaged), `OSSENC_E_KEYSTATE`, `OSSENC_E_NOVERSION`, `OSSENC_E_KEYABSENT`, `OSSENC_E_TOONEW`.
/// `waiter` is not used by this version.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_object_open(
    keyring: *const ossenc_keyring,
    envelope: ossenc_in,
    context: *const ossenc_context,
    expect: *const ossenc_expect,
    waiter: *mut c_void,
    op: *mut *mut ossenc_op,
) -> ossenc_status {
    let _ = waiter;
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe { no_handle(op) }?;
        // SAFETY: by the rules of the header.
        unsafe {
            let (keyring, envelope, context) = (get(keyring)?, envelope.bytes()?, ContextArgument::read(context)?);
            let expect = ExpectArgument::read(expect)?;
            begin(op, context.with(|context| open(keyring, envelope, context, &expect.as_expect())))
        }
    })
}

fn open(keyring: &ossenc_keyring, envelope: &[u8], context: &Context<'_>, expect: &Expect<'_>) -> Outcome<Product> {
    let (machine, keystore) = (&keyring.machine, keyring.keyring.current()?);
    let object = Object::open(&machine.engine, &keystore, envelope, context, expect, machine.now()?)?;
    Ok(Product::new(keyring, Some(object), None))
}

/// Makes a new envelope for the same object, in constant time: after a rotation (`to` NULL: the same key, at its
/// primary version), for another master key or method (`to`), or for another name (`new_context`; NULL: the same). With
/// `keep_slots` the slots of other master keys stay, which is possible only in the same place and with the same method.
/// The operation gives the envelope. `waiter` is not used by this version.
///
/// The operation fails as `ossenc_object_open` does for the old envelope, and as `ossenc_object_create` for the new
/// one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_rewrap(
    keyring: *const ossenc_keyring,
    envelope: ossenc_in,
    context: *const ossenc_context,
    expect: *const ossenc_expect,
    to: *const ossenc_choice,
    new_context: *const ossenc_context,
    keep_slots: i32,
    waiter: *mut c_void,
    op: *mut *mut ossenc_op,
) -> ossenc_status {
    let _ = waiter;
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe { no_handle(op) }?;
        // SAFETY: by the rules of the header.
        unsafe {
            let (keyring, envelope, context) = (get(keyring)?, envelope.bytes()?, ContextArgument::read(context)?);
            let expect = ExpectArgument::read(expect)?;
            let to = if to.is_null() { None } else { Some(recipient(to)?) };
            let moved = if new_context.is_null() { None } else { Some(ContextArgument::read(new_context)?) };
            let outcome = context.with(|context| {
                let run = |new: Option<&Context<'_>>| {
                    let change = Rewrap { to, context: new.copied(), keep_slots: keep_slots != 0 };
                    rewrap_now(keyring, envelope, context, &expect.as_expect(), &change)
                };
                match &moved {
                    Some(moved) => moved.with(|new| run(Some(new))),
                    None => run(None),
                }
            });
            begin(op, outcome)
        }
    })
}

fn rewrap_now(
    keyring: &ossenc_keyring,
    envelope: &[u8],
    context: &Context<'_>,
    expect: &Expect<'_>,
    change: &Rewrap<'_>,
) -> Outcome<Product> {
    let (machine, keystore) = (&keyring.machine, keyring.keyring.current()?);
    let envelope = rewrap(&machine.engine, &keystore, envelope, context, expect, change, machine.now()?)?;
    Ok(Product::new(keyring, None, Some(envelope)))
}

/// Says whether an envelope lags behind the published keystore: `OSSENC_REWRAP_...`, added up; 0 for no. Opens nothing.
/// `OSSENC_E_STATE` if nothing was published to the keyring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_needs_rewrap(
    keyring: *const ossenc_keyring,
    envelope: ossenc_in,
    reasons: *mut u32,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (keyring, envelope, place) = unsafe { (get(keyring)?, envelope.bytes()?, get_mut(reasons)?) };
        *place = 0;
        let found = needs_rewrap(&*keyring.keyring.current()?, envelope)?;
        for (there, bit) in [
            (found.old_version, OSSENC_REWRAP_OLD_VERSION),
            (found.key_state, OSSENC_REWRAP_KEY_STATE),
            (found.unknown_key, OSSENC_REWRAP_UNKNOWN_KEY),
        ] {
            *place |= if there { bit } else { 0 };
        }
        Ok(())
    })
}

/// Reads what an envelope says in clear: not authentic. Needs no key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_envelope_read(envelope: ossenc_in, info: *mut ossenc_info) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let parsed = Envelope::parse(unsafe { envelope.bytes() }?)?;
        let slot = &parsed.slots()[0];
        let borrowed = |text: &str| ossenc_in { p: text.as_ptr().cast(), n: text.len() };
        let described = ossenc_info {
            size: 0,
            format: 1,
            method: parsed.method() as u32,
            segmented: u32::from(parsed.prelude().shape() == Shape::Segmented),
            slots: u32::try_from(parsed.slots().len()).expect("at most 16"),
            id: *parsed.prelude().object_id(),
            key_id: borrowed(slot.key_id()),
            key_version: borrowed(slot.key_version()),
            wrapped_at: i64::try_from(slot.wrapped_at()).unwrap_or(i64::MAX),
        };
        // SAFETY: by the rules of the header.
        unsafe { write_sized(info, described) }
    })
}

/// Frees an object. NULL is legal. Its sealers and openers stay valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_object_free(object: *const ossenc_object) {
    guard(core::ptr::null_mut(), || {
        // SAFETY: a handle of ours or NULL, by the rules of the header.
        unsafe { take_back(object.cast_mut()) };
        Ok(())
    });
}

/// # Safety
/// `choice` is NULL or a sized struct whose strings are readable.
unsafe fn recipient<'a>(choice: *const ossenc_choice) -> Outcome<Recipient<'a>> {
    // SAFETY: as the caller says.
    let (choice, key) = unsafe {
        let choice = sized(choice)?;
        (choice, choice.key_id.str()?)
    };
    match choice.method {
        OSSENC_METHOD_SSE_OSS => Ok(Recipient::oss(key)),
        OSSENC_METHOD_SSE_KMS => Ok(Recipient::kms(key)),
        OSSENC_METHOD_SSE_C => Err(Error::TooNew("SSE-C").into()),
        _ => argument("method is none of OSSENC_METHOD_..."),
    }
}

/// A context as the caller gives it, with its pairs read.
struct ContextArgument<'a> {
    fields: [&'a [u8]; 4],
    user: Vec<(&'a str, &'a str)>,
}

impl<'a> ContextArgument<'a> {
    /// # Safety
    /// `context` is NULL or a sized struct whose strings and pairs are readable.
    unsafe fn read(context: *const ossenc_context) -> Outcome<ContextArgument<'a>> {
        // SAFETY: as the caller says.
        unsafe {
            let c = sized(context)?;
            let fields = [c.tenant.bytes()?, c.bucket_id.bytes()?, c.object.bytes()?, c.version_id.bytes()?];
            let pairs = array(c.user, c.users)?;
            let user = pairs.iter().map(|pair| Ok((pair.key.str()?, pair.value.str()?))).collect::<Outcome<_>>()?;
            Ok(ContextArgument { fields, user })
        }
    }

    fn with<T>(&self, run: impl FnOnce(&Context<'_>) -> T) -> T {
        let [tenant, bucket_id, object, version_id] = self.fields;
        run(&Context { tenant, bucket_id, object, version_id, user: &self.user })
    }
}

/// What the caller expects, with its lists read.
struct ExpectArgument<'a> {
    methods: Vec<Method>,
    key_ids: Vec<&'a str>,
}

impl<'a> ExpectArgument<'a> {
    /// # Safety
    /// `expect` is NULL or a sized struct whose list and strings are readable.
    unsafe fn read(expect: *const ossenc_expect) -> Outcome<ExpectArgument<'a>> {
        // SAFETY: as the caller says.
        let (methods, key_ids) = unsafe {
            let expect = sized(expect)?;
            let ids = array(expect.key_ids, expect.n)?;
            (expect.methods, ids.iter().map(|id| id.str()).collect::<Outcome<Vec<_>>>()?)
        };
        if methods & !(OSSENC_ALLOW_SSE_OSS | OSSENC_ALLOW_SSE_KMS) != 0 {
            return argument("methods has bits that are none of OSSENC_ALLOW_...");
        }
        let known = [(OSSENC_ALLOW_SSE_OSS, Method::SseOss), (OSSENC_ALLOW_SSE_KMS, Method::SseKms)];
        let methods = known.iter().filter(|(bit, _)| methods & bit != 0).map(|(_, method)| *method).collect();
        Ok(ExpectArgument { methods, key_ids })
    }

    fn as_expect(&self) -> Expect<'_> {
        Expect { methods: &self.methods, key_ids: &self.key_ids }
    }
}
