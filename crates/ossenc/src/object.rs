//! An object whose data key is open: created new, or opened from its envelope.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::context::Context;
use crate::envelope::{self, Envelope, Kind, Method, Prelude, Shape, Slot, SlotHead, wrap_context};
use crate::kdf::Prk;
use crate::keystore::Keystore;
use crate::message::{self, Head, Opener, Sealer};
use crate::{Engine, Error, Result, Secret, ident};

const ROLE_DATA: u8 = 1;

/// Under which key an object shall be wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient<'a> {
    /// SSE-OSS or SSE-KMS; it is recorded in the envelope.
    pub method: Method,
    /// A master key's id, or an alias of it. Aliases are resolved before anything is stored.
    pub key: &'a str,
}

/// What the caller lets [`Object::open`] accept. An empty list allows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect<'a> {
    /// Methods that this object may have.
    pub methods: &'a [Method],
    /// Ids of the master keys that may have wrapped it.
    pub key_ids: &'a [&'a str],
}

/// An open object: its identity and its data key, from which all its data is sealed and opened.
///
/// Cheap to clone; clones share the key, which is wiped with the last of them. Revoking the master key does not reach
/// objects that are already open.
#[derive(Clone)]
pub struct Object(Arc<Inner>);

struct Inner {
    engine: Engine,
    prelude: Prelude,
    data_key: Prk,
}

impl Object {
    /// Makes an object with a fresh data key, and its envelope, which the caller stores. `now` is the wall time in
    /// seconds since 1970.
    ///
    /// # Errors
    /// [`Error::NoVersion`] for a key that is not in the keystore, [`Error::KeyState`] for one that may not wrap,
    /// [`Error::Argument`] for a context outside its limits or a method that takes no master key,
    /// [`Error::TooNew`] for a segmented shape, [`Error::NoEntropy`].
    pub fn create(
        engine: &Engine,
        keystore: &Keystore,
        recipient: &Recipient<'_>,
        context: &Context<'_>,
        shape: Shape,
        now: u64,
    ) -> Result<(Object, Vec<u8>)> {
        if shape != Shape::Single {
            return Err(Error::TooNew("segmented objects"));
        }
        let context = context.encode()?;
        let prelude = Prelude::new(shape, &engine.random()?);
        let data_key = engine.random_secret()?;
        let slot = wrap(engine, keystore, recipient, &prelude, &context, &data_key, now)?;
        let envelope = envelope::encode(&prelude, &[&slot])?;
        Ok((Object::new(engine, prelude, &data_key), envelope))
    }

    /// Opens an envelope. What may be accepted, and the context, come from the caller's own index, never from the
    /// object's metadata. `now` is the wall time in seconds since 1970.
    ///
    /// # Errors
    /// As docs/FORMAT.md, section 5, has it: [`Error::Format`] and [`Error::TooNew`] for the bytes, [`Error::Expect`]
    /// for what the caller does not allow; then, if no slot opens, the first that applies of [`Error::Commit`]
    /// (wrong context, or an envelope that belongs elsewhere or is damaged), [`Error::KeyState`],
    /// [`Error::NoVersion`], [`Error::TooNew`].
    pub fn open(
        engine: &Engine,
        keystore: &Keystore,
        envelope: &[u8],
        context: &Context<'_>,
        expect: &Expect<'_>,
        now: u64,
    ) -> Result<Object> {
        let envelope = Envelope::parse(envelope)?;
        let (data_key, _) = unwrap(engine, keystore, &envelope, &context.encode()?, expect, now)?;
        Ok(Object::new(engine, *envelope.prelude(), &data_key))
    }

    fn new(engine: &Engine, prelude: Prelude, data_key: &Secret) -> Object {
        Object(Arc::new(Inner { engine: engine.clone(), prelude, data_key: Prk::new(data_key.bytes()) }))
    }

    /// Its identity.
    #[must_use]
    pub fn prelude(&self) -> &Prelude {
        &self.0.prelude
    }

    /// Begins a new body.
    ///
    /// An object can be sealed any number of times: each body is a new message, and the caller decides which one is
    /// stored.
    ///
    /// # Errors
    /// [`Error::NoEntropy`]; [`Error::TooNew`] for a segmented object.
    pub fn sealer(&self) -> Result<Sealer> {
        Sealer::with_prk(&self.0.engine, &self.0.data_key, &self.data_context()?.parts())
    }

    /// Seals a whole body at once into `body`, and says its length. See [`message::size::sealed_len`].
    ///
    /// # Errors
    /// [`Error::Buffer`] if `body` is too small; as [`Object::sealer`].
    pub fn seal(&self, plain: &[u8], body: &mut [u8]) -> Result<(usize, Head)> {
        let needed = usize::try_from(message::size::sealed_len(plain.len() as u64)?)
            .map_err(|_| Error::Argument("too long for this machine"))?;
        let body = body.get_mut(..needed).ok_or(Error::Buffer { needed })?;
        let context = self.data_context()?;
        let head = message::seal_into(&self.0.engine, &self.0.data_key, &context.parts(), plain, body)?;
        Ok((needed, head))
    }

    /// Checks that a body's head belongs to this object, and opens its chunks in any order.
    ///
    /// # Errors
    /// [`Error::Commit`]; [`Error::TooNew`] for a segmented object.
    pub fn opener(&self, head: &Head) -> Result<Opener> {
        Opener::with_prk(&self.0.engine, &self.0.data_key, &self.data_context()?.parts(), head)
    }

    /// Opens a whole body at once into `plain`, and says its length.
    ///
    /// # Errors
    /// [`Error::Buffer`] if `plain` is too small; [`Error::Truncated`], [`Error::Commit`], [`Error::Chunk`] as
    /// [`message::open`]. On failure `plain` holds nothing unauthenticated.
    pub fn open_body(&self, body: &[u8], plain: &mut [u8]) -> Result<usize> {
        let needed = usize::try_from(message::size::plain_len(body.len() as u64)?).expect("shorter than the slice");
        let plain = plain.get_mut(..needed).ok_or(Error::Buffer { needed })?;
        message::open_into(&self.0.engine, &self.0.data_key, &self.data_context()?.parts(), body, plain)?;
        Ok(needed)
    }

    /// The context of a single-segment object's data (docs/FORMAT.md, section 6).
    fn data_context(&self) -> Result<MessageContext<'_>> {
        match self.0.prelude.shape() {
            Shape::Single => Ok(MessageContext { prelude: &self.0.prelude, role_and_part: [ROLE_DATA, 0, 0, 0, 0] }),
            Shape::Segmented => Err(Error::TooNew("segmented objects")),
        }
    }
}

impl core::fmt::Debug for Object {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Object").field("prelude", self.prelude()).finish_non_exhaustive()
    }
}

/// `prelude || role || part`.
struct MessageContext<'a> {
    prelude: &'a Prelude,
    role_and_part: [u8; 5],
}

impl MessageContext<'_> {
    fn parts(&self) -> [&[u8]; 2] {
        [self.prelude.bytes(), &self.role_and_part]
    }
}

/// Wraps a data key for a recipient: a whole slot.
pub(crate) fn wrap(
    engine: &Engine,
    keystore: &Keystore,
    recipient: &Recipient<'_>,
    prelude: &Prelude,
    context: &[u8],
    data_key: &Secret,
    now: u64,
) -> Result<Vec<u8>> {
    if recipient.method == Method::SseC {
        return Err(Error::Argument("SSE-C takes the customer's key, not a master key"));
    }
    let key = keystore.resolve(recipient.key).ok_or(Error::NoVersion)?;
    let (number, wrapping_key) = key.wrapping_key(now)?;
    let version = alloc::string::ToString::to_string(&number);
    let mut slot = SlotHead::local(recipient.method, now, key.id(), &version).encode();
    let head_len = slot.len();
    slot.resize(head_len + envelope::INNER_LEN, 0);
    let (head, inner) = slot.split_at_mut(head_len);
    let prk = Prk::new(wrapping_key.bytes());
    message::seal_into(engine, &prk, &wrap_context(prelude, head, context), data_key.bytes(), inner)?;
    Ok(slot)
}

/// Opens the first slot that opens, of those the caller allows. Says which.
pub(crate) fn unwrap(
    engine: &Engine,
    keystore: &Keystore,
    envelope: &Envelope<'_>,
    context: &[u8],
    expect: &Expect<'_>,
    now: u64,
) -> Result<(Secret, usize)> {
    if !expect.methods.contains(&envelope.method()) {
        return Err(Error::Expect("the method of the object"));
    }
    let mut worst = Error::Expect("the master key of the object");
    for (i, slot) in envelope.slots().iter().enumerate() {
        if !expect.key_ids.contains(&slot.key_id()) {
            continue;
        }
        match unwrap_slot(engine, keystore, envelope.prelude(), slot, context, now) {
            Ok(data_key) => return Ok((data_key, i)),
            Err(error) if weight(&error) > weight(&worst) => worst = error,
            Err(_) => {}
        }
    }
    Err(worst)
}

/// Of the reasons why several slots did not open, the one to report: the one nearest to opening.
fn weight(error: &Error) -> u8 {
    match error {
        Error::Expect(_) => 0,
        Error::TooNew(_) => 1,
        Error::NoVersion => 2,
        Error::KeyState => 3,
        _ => 4,
    }
}

fn unwrap_slot(
    engine: &Engine,
    keystore: &Keystore,
    prelude: &Prelude,
    slot: &Slot<'_>,
    context: &[u8],
    now: u64,
) -> Result<Secret> {
    if slot.kind() != Kind::Local {
        return Err(Error::TooNew("kind of key"));
    }
    let number = ident::local_version(slot.key_version()).ok_or(Error::NoVersion)?;
    let key = keystore.key(slot.key_id()).ok_or(Error::NoVersion)?;
    let prk = Prk::new(key.unwrapping_key(number, now)?.bytes());
    let context = wrap_context(prelude, slot.head_bytes(), context);
    // One answer for every way in which a wrapped key can fail: no oracle tells them apart.
    Secret::filled(|out| message::open_into(engine, &prk, &context, slot.inner(), out)).map_err(|_| Error::Commit)
}
