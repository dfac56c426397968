//! Objects: creating, opening, rewrapping, and reading envelopes without keys.

use core::ffi::c_void;

use ossenc::{Context, CustomerKey, Envelope, Expect, Method, Object, Secret, Shape, needs_rewrap};
use ossenc_kms::{Choice, Opening, Rewrapping};

use crate::bytes::{
    Extensible, array, borrowed, get, get_mut, no_handle, ossenc_in, ossenc_pair, sized, take_back, write_sized,
};
use crate::keyring::ossenc_keyring;
use crate::library::Machine;
use crate::op::{begin, ossenc_op};
use crate::status::{Outcome, argument, guard, ossenc_status};

/// An object whose data key is open. Any number of threads may use it. The key is wiped when the last handle of
/// the object is freed; its sealers and openers have keys of their own.
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
/// Allows `OSSENC_METHOD_SSE_C` in `ossenc_expect.methods`: it needs `ossenc_expect.customer_key`, and no key id.
pub const OSSENC_ALLOW_SSE_C: u32 = 1 << 3;

/// The master key wraps the data key itself.
pub const OSSENC_BUCKET_KEY_NONE: u32 = 0;
/// A bucket key wraps the data key; each envelope holds its record.
pub const OSSENC_BUCKET_KEY_BY_VALUE: u32 = 1;
/// A bucket key wraps the data key; envelopes hold its id, and its record is stored and loaded by asks.
pub const OSSENC_BUCKET_KEY_BY_REFERENCE: u32 = 2;

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
    /// `OSSENC_METHOD_...`.
    pub method: u32,
    /// A master key's id or alias; empty for SSE-C.
    pub key_id: ossenc_in,
    /// Which provider has the master key: 1 to 16 characters of `a`-`z`, `0`-`9` and `-`; empty for a local one.
    pub provider: ossenc_in,
    /// The customer's key, 32 bytes, for SSE-C; else empty.
    pub customer_key: ossenc_in,
    /// `OSSENC_BUCKET_KEY_...`.
    pub bucket_key: u32,
}

// SAFETY: `repr(C)`, `size` first; integers, pointers and function pointers may be zero.
unsafe impl Extensible for ossenc_choice {
    const FIRST_SIZE: usize = core::mem::offset_of!(ossenc_choice, provider);
}

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
    /// The customer's key, 32 bytes, for SSE-C; else empty.
    pub customer_key: ossenc_in,
}

// SAFETY: `repr(C)`, `size` first; integers, pointers and function pointers may be zero.
unsafe impl Extensible for ossenc_expect {
    const FIRST_SIZE: usize = core::mem::offset_of!(ossenc_expect, customer_key);
}

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
/// uploads, appends. `waiter` is the caller's: `ossenc_config.wake` gets it when the operation shall be stepped again.
///
/// The operation ends in `OSSENC_E_STATE` if nothing was published to the keyring, `OSSENC_E_NOVERSION` for a key that
/// the keystore does not have, `OSSENC_E_KEYSTATE` for one that may not wrap, `OSSENC_E_ARG` for a context outside its
/// limits. Remote keys and bucket keys may make it ask: see `ossenc_op_step`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_object_create(
    keyring: *const ossenc_keyring,
    choice: *const ossenc_choice,
    context: *const ossenc_context,
    segmented: i32,
    waiter: *mut c_void,
    op: *mut *mut ossenc_op,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe { no_handle(op) }?;
        // SAFETY: by the rules of the header.
        unsafe {
            let (keyring, to, context) =
                (get(keyring)?, ChoiceArgument::read(choice)?, ContextArgument::read(context)?);
            let shape = if segmented == 0 { Shape::Single } else { Shape::Segmented };
            begin(op, keyring, waiter, |now| keyring.keyring.create(&to.as_choice(), &context.as_context(), shape, now))
        }
    })
}

/// Opens an envelope. The operation gives the object, or ends in `OSSENC_E_STATE` if nothing was published to the
/// keyring, `OSSENC_E_FORMAT`, `OSSENC_E_TOONEW` for the bytes, `OSSENC_E_EXPECT` for what `expect` does not allow;
/// then, if no slot opens, the first that applies of `OSSENC_E_COMMIT` (wrong context, or an envelope that belongs
/// elsewhere or is damaged), `OSSENC_E_KEYSTATE`, `OSSENC_E_NOVERSION`, `OSSENC_E_KEYABSENT`, `OSSENC_E_TOONEW`.
/// An envelope under a key that is not at hand makes it ask: see `ossenc_op_step`. `waiter`: as for
/// `ossenc_object_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_object_open(
    keyring: *const ossenc_keyring,
    envelope: ossenc_in,
    context: *const ossenc_context,
    expect: *const ossenc_expect,
    waiter: *mut c_void,
    op: *mut *mut ossenc_op,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe { no_handle(op) }?;
        // SAFETY: by the rules of the header.
        unsafe {
            let (keyring, envelope, context) = (get(keyring)?, envelope.bytes()?, ContextArgument::read(context)?);
            let expect = ExpectArgument::read(expect)?;
            begin(op, keyring, waiter, |now| keyring.keyring.open(&expect.opening(envelope, context.as_context()), now))
        }
    })
}

/// Makes a new envelope for the same object, in constant time: after a rotation (`to` NULL: the same key, at its
/// primary version), for another master key or method (`to`), or for another name (`new_context`; NULL: the same). With
/// `keep_slots` the slots of other master keys stay, which is possible only in the same place and with the same method.
/// The operation gives the envelope. `waiter`: as for `ossenc_object_create`.
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
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe { no_handle(op) }?;
        // SAFETY: by the rules of the header.
        unsafe {
            let (keyring, envelope, context) = (get(keyring)?, envelope.bytes()?, ContextArgument::read(context)?);
            let expect = ExpectArgument::read(expect)?;
            let to = if to.is_null() { None } else { Some(ChoiceArgument::read(to)?) };
            let moved = if new_context.is_null() { None } else { Some(ContextArgument::read(new_context)?) };
            let change = Rewrapping {
                to: to.as_ref().map(ChoiceArgument::as_choice),
                context: moved.as_ref().map(ContextArgument::as_context),
                keep_slots: keep_slots != 0,
            };
            begin(op, keyring, waiter, |now| {
                keyring.keyring.rewrap(&expect.opening(envelope, context.as_context()), &change, now)
            })
        }
    })
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
        let described = ossenc_info {
            size: 0,
            format: 1,
            method: parsed.method() as u32,
            segmented: u32::from(parsed.prelude().shape() == Shape::Segmented),
            slots: u32::try_from(parsed.slots().len()).expect("at most 16"),
            id: *parsed.prelude().object_id(),
            key_id: borrowed(slot.key_id().as_bytes()),
            key_version: borrowed(slot.key_version().as_bytes()),
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

/// A choice as the caller gives it, with its strings read.
struct ChoiceArgument<'a> {
    method: Method,
    provider: &'a str,
    key: &'a str,
    bucket_key: u32,
    customer_key: Option<CustomerKey>,
}

impl<'a> ChoiceArgument<'a> {
    /// # Safety
    /// `choice` is NULL or a sized struct whose strings are readable.
    unsafe fn read(choice: *const ossenc_choice) -> Outcome<ChoiceArgument<'a>> {
        // SAFETY: as the caller says.
        let (choice, key, provider, customer_key) = unsafe {
            let c = sized(choice)?;
            (c, c.key_id.str()?, c.provider.str()?, customer_key(c.customer_key)?)
        };
        let method = match choice.method {
            OSSENC_METHOD_SSE_OSS => Method::SseOss,
            OSSENC_METHOD_SSE_KMS => Method::SseKms,
            OSSENC_METHOD_SSE_C => Method::SseC,
            _ => return argument("method is none of OSSENC_METHOD_..."),
        };
        let bucket_key = choice.bucket_key;
        if bucket_key > OSSENC_BUCKET_KEY_BY_REFERENCE {
            return argument("bucket_key is none of OSSENC_BUCKET_KEY_...");
        }
        if (method == Method::SseC) != customer_key.is_some() {
            return argument("a customer's key goes with SSE-C, and SSE-C with a customer's key");
        }
        let is_named = !(key.is_empty() && provider.is_empty());
        if method == Method::SseC && (is_named || bucket_key != OSSENC_BUCKET_KEY_NONE) {
            return argument("SSE-C takes the customer's key, and no other");
        }
        Ok(ChoiceArgument { method, provider, key, bucket_key, customer_key })
    }

    fn as_choice(&self) -> Choice<'_> {
        let ChoiceArgument { method, provider, key, bucket_key, ref customer_key } = *self;
        let by_reference = bucket_key == OSSENC_BUCKET_KEY_BY_REFERENCE;
        match customer_key {
            Some(customer) => Choice::Customer(customer),
            None if bucket_key != OSSENC_BUCKET_KEY_NONE => Choice::BucketKey { method, provider, key, by_reference },
            None if provider.is_empty() => Choice::Local { method, key },
            None => Choice::Remote { method, provider, key },
        }
    }
}

/// The customer's key, if there is one.
///
/// # Safety
/// `key` is readable.
unsafe fn customer_key(key: ossenc_in) -> Outcome<Option<CustomerKey>> {
    // SAFETY: as the caller says.
    let bytes = unsafe { key.bytes() }?;
    if bytes.is_empty() { Ok(None) } else { Ok(Some(CustomerKey::new(&Secret::from_slice(bytes)?)?)) }
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

    fn as_context(&self) -> Context<'_> {
        let [tenant, bucket_id, object, version_id] = self.fields;
        Context { tenant, bucket_id, object, version_id, user: &self.user }
    }
}

/// What the caller expects, with its lists read.
struct ExpectArgument<'a> {
    methods: Vec<Method>,
    key_ids: Vec<&'a str>,
    customer_key: Option<CustomerKey>,
}

impl<'a> ExpectArgument<'a> {
    /// # Safety
    /// `expect` is NULL or a sized struct whose list and strings are readable.
    unsafe fn read(expect: *const ossenc_expect) -> Outcome<ExpectArgument<'a>> {
        // SAFETY: as the caller says.
        let (methods, mut key_ids, customer_key) = unsafe {
            let expect = sized(expect)?;
            let ids = array(expect.key_ids, expect.n)?;
            let ids = ids.iter().map(|id| id.str()).collect::<Outcome<Vec<_>>>()?;
            (expect.methods, ids, customer_key(expect.customer_key)?)
        };
        if methods & !(OSSENC_ALLOW_SSE_OSS | OSSENC_ALLOW_SSE_KMS | OSSENC_ALLOW_SSE_C) != 0 {
            return argument("methods has bits that are none of OSSENC_ALLOW_...");
        }
        if methods & OSSENC_ALLOW_SSE_C != 0 {
            key_ids.push("");
        }
        let known = [
            (OSSENC_ALLOW_SSE_OSS, Method::SseOss),
            (OSSENC_ALLOW_SSE_KMS, Method::SseKms),
            (OSSENC_ALLOW_SSE_C, Method::SseC),
        ];
        let methods = known.iter().filter(|(bit, _)| methods & bit != 0).map(|(_, method)| *method).collect();
        Ok(ExpectArgument { methods, key_ids, customer_key })
    }

    fn opening<'b>(&'b self, envelope: &'b [u8], context: Context<'b>) -> Opening<'b> {
        let expect = Expect { methods: &self.methods, key_ids: &self.key_ids };
        Opening { envelope, context, expect, customer_key: self.customer_key.as_ref() }
    }
}
