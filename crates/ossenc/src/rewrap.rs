//! Rewrapping: new slots for the same data key, in constant time, without touching the object's data.

use alloc::vec;
use alloc::vec::Vec;

use crate::codec::Reader;
use crate::context::Context;
use crate::envelope::{self, Envelope, Kind, Slot};
use crate::keystore::{KeyState, Keystore, VersionState};
use crate::wrap::{Place, unwrap, wrap, wrap_again};
use crate::{Engine, Error, Expect, Recipient, Result, SlotKeys};

/// What a rewrap shall change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rewrap<'a> {
    /// The new recipient; `None`: the key and the method of the slot that opened. A local master key wraps at its primary
    /// version. A remote key, a bucket key and a customer's key wrap as they are, which is what a rename wants: no
    /// service is asked. This is not possible for another bucket, for a remote key with other user pairs, and for a
    /// bucket key past its `not_after`.
    pub to: Option<Recipient<'a>>,
    /// The object's new place; `None`: the one it has.
    pub context: Option<Context<'a>>,
    /// Keep the slots of other master keys, of whatever kind. Only possible in the same place and with the same method, since those
    /// slots are not opened. Without it the new slot is the only one.
    pub keep_slots: bool,
}

/// Makes a new envelope for the same object and data: after a rotation, for another master key or method, or for
/// another name. `context` and `expect` are those for opening the old envelope. `now` is the wall time in seconds since
/// 1970.
///
/// # Errors
/// As [`Object::open`](crate::Object::open) for the old envelope and [`Object::create`](crate::Object::create) for the
/// new slot; [`Error::Argument`] when slots are to be kept that would no longer open, or when the key of the old slot
/// cannot serve in the new place.
pub fn rewrap(
    engine: &Engine,
    keys: &dyn SlotKeys,
    envelope: &[u8],
    context: &Context<'_>,
    expect: &Expect<'_>,
    change: &Rewrap<'_>,
    now: u64,
) -> Result<Vec<u8>> {
    let old = Envelope::parse(envelope)?;
    let old_place = Place::new(old.prelude(), context)?;
    let opened = unwrap(engine, keys, &old, &old_place, expect, now)?;
    let new_place = Place::new(old.prelude(), change.context.as_ref().unwrap_or(context))?;
    let same_method = change.to.is_none_or(|to| to.method() == old.method());
    if change.keep_slots && !(same_method && new_place.is_same(&old_place)) {
        return Err(Error::Argument("slots can be kept only in the same place and with the same method"));
    }
    let same_local = (opened.slot.kind() == Kind::Local)
        .then(|| Recipient::Local { method: old.method(), key: opened.slot.key_id() });
    let new_slot = match change.to.or(same_local) {
        Some(to) => wrap(engine, keys, &to, &new_place, &opened.data_key, now)?,
        None => wrap_again(engine, &opened, &old_place, &new_place, now)?,
    };

    let mut slots: Vec<&[u8]> = vec![&new_slot];
    if change.keep_slots {
        let of_the_new = master_key(&Slot::parse(&mut Reader::new(&new_slot, "slot"))?);
        slots.extend(old.slots().iter().filter(|slot| master_key(slot) != of_the_new).map(|slot| slot.bytes));
    }
    envelope::encode(old.prelude(), &slots)
}

/// The master key of a slot, whatever the kind of slot; that of all customer keys is the same.
fn master_key<'a>(slot: &Slot<'a>) -> (&'a str, &'a str) {
    (slot.provider(), slot.key_id())
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
/// Slots of local master keys count, and slots of bucket keys under these: when a version is retired, the bucket keys
/// that it wrapped are lost with it. That a bucket key is past its `not_after` is no reason, since it goes on unwrapping.
/// Of remote and customer keys a keystore knows nothing.
///
/// # Errors
/// [`Error::Format`], [`Error::TooNew`] for envelopes that do not parse.
pub fn needs_rewrap(keystore: &Keystore, envelope: &[u8]) -> Result<RewrapReasons> {
    let envelope = Envelope::parse(envelope)?;
    let mut reasons = RewrapReasons::default();
    for slot in envelope.slots() {
        let Some(number) = slot.local_version() else { continue };
        let key = keystore.key(slot.key_id());
        let (Some(key), Some(version)) = (key, key.and_then(|key| key.version(number))) else {
            reasons.unknown_key = true;
            continue;
        };
        let usable = matches!(version.state(), VersionState::Staged | VersionState::Active);
        reasons.old_version |= key.primary() != Some(version.number());
        reasons.key_state |= key.state() != KeyState::Enabled || !usable;
    }
    Ok(reasons)
}
