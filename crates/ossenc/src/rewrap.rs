//! Rewrapping: new slots for the same data key, in constant time, without touching the object's data.

use alloc::vec;
use alloc::vec::Vec;

use crate::context::Context;
use crate::envelope::{self, Envelope, Kind, Slot};
use crate::keystore::{KeyState, Keystore, VersionState};
use crate::object::{Expect, Recipient, unwrap, wrap};
use crate::{Engine, Error, Result, ident};

/// What a rewrap shall change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrap<'a> {
    /// The new recipient; `None`: the key and the method of the slot that opened, at the key's primary version.
    pub to: Option<Recipient<'a>>,
    /// The object's new place; `None`: the one it has.
    pub context: Option<Context<'a>>,
    /// Keep the slots of other master keys. Only possible in the same place and with the same method, since those
    /// slots are not opened. Without it the new slot is the only one.
    pub keep_slots: bool,
}

/// Makes a new envelope for the same object and data: after a rotation, for another master key or method, or for
/// another name. `context` and `expect` are those for opening the old envelope. `now` is the wall time in seconds since
/// 1970.
///
/// # Errors
/// As [`Object::open`](crate::Object::open) for the old envelope and [`Object::create`](crate::Object::create) for the
/// new slot; [`Error::Argument`] when slots are to be kept that would no longer open.
pub fn rewrap(
    engine: &Engine,
    keystore: &Keystore,
    envelope: &[u8],
    context: &Context<'_>,
    expect: &Expect<'_>,
    change: &Rewrap<'_>,
    now: u64,
) -> Result<Vec<u8>> {
    let old = Envelope::parse(envelope)?;
    let old_context = context.encode()?;
    let (data_key, opened) = unwrap(engine, keystore, &old, &old_context, expect, now)?;
    let same = Recipient { method: old.method(), key: old.slots()[opened].key_id() };
    let to = change.to.unwrap_or(same);
    let new_context = change.context.as_ref().unwrap_or(context).encode()?;
    if change.keep_slots && (new_context != old_context || to.method != old.method()) {
        return Err(Error::Argument("slots can be kept only in the same place and with the same method"));
    }
    let new_slot = wrap(engine, keystore, &to, old.prelude(), &new_context, &data_key, now)?;

    let mut slots: Vec<&[u8]> = vec![&new_slot];
    if change.keep_slots {
        let key_id = keystore.resolve(to.key).map_or(to.key, |key| key.id());
        let of_this_key = |slot: &Slot<'_>| slot.kind() == Kind::Local && slot.key_id() == key_id;
        slots.extend(old.slots().iter().filter(|slot| !of_this_key(slot)).map(|slot| slot.bytes));
    }
    envelope::encode(old.prelude(), &slots)
}

/// Why an envelope should be rewrapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RewrapReasons {
    /// A slot was wrapped under a version that is not its key's primary.
    pub old_version: bool,
    /// A slot's key or version does not unwrap any more.
    pub key_state: bool,
    /// A slot's key or version is not in this keystore.
    pub unknown_key: bool,
}

impl RewrapReasons {
    /// Whether there is any.
    #[must_use]
    pub fn any(self) -> bool {
        self.old_version || self.key_state || self.unknown_key
    }
}

/// Looks, without opening anything, whether an envelope lags behind the keystore. The envelope is not authenticated.
///
/// # Errors
/// [`Error::Format`], [`Error::TooNew`] for envelopes that do not parse.
pub fn needs_rewrap(keystore: &Keystore, envelope: &[u8]) -> Result<RewrapReasons> {
    let envelope = Envelope::parse(envelope)?;
    let mut reasons = RewrapReasons::default();
    for slot in envelope.slots().iter().filter(|slot| slot.kind() == Kind::Local) {
        let key = keystore.key(slot.key_id());
        let number = ident::local_version(slot.key_version());
        let (Some(key), Some(version)) = (key, key.zip(number).and_then(|(key, n)| key.version(n))) else {
            reasons.unknown_key = true;
            continue;
        };
        let usable = matches!(version.state(), VersionState::Staged | VersionState::Active);
        reasons.old_version |= key.primary() != Some(version.number());
        reasons.key_state |= key.state() != KeyState::Enabled || !usable;
    }
    Ok(reasons)
}
