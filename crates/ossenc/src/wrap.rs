//! Wrapping and unwrapping an object's data key: whole slots (docs/FORMAT.md, section 5).

use alloc::string::ToString;
use alloc::vec::Vec;

use crate::bucket_key::BucketKeyRecord;
use crate::envelope::{INNER_LEN, SlotHead, wrap_context};
use crate::{
    BucketKey, Context, Engine, Envelope, Error, Expect, Kind, Method, Prelude, Recipient, Result, Secret, Slot,
    SlotKeys, WrappingKey, ident, message,
};

/// The object and where it belongs: what a wrapped data key is bound to.
pub(crate) struct Place<'a> {
    prelude: &'a Prelude,
    context: &'a Context<'a>,
    encoded: Vec<u8>,
}

impl<'a> Place<'a> {
    pub(crate) fn new(prelude: &'a Prelude, context: &'a Context<'a>) -> Result<Place<'a>> {
        Ok(Place { prelude, context, encoded: context.encode()? })
    }

    pub(crate) fn is_same(&self, other: &Place<'_>) -> bool {
        self.encoded == other.encoded
    }
}

/// Wraps a data key for a recipient: a whole slot.
pub(crate) fn wrap(
    engine: &Engine,
    keys: &dyn SlotKeys,
    recipient: &Recipient<'_>,
    place: &Place<'_>,
    data_key: &Secret,
    now: u64,
) -> Result<Vec<u8>> {
    let method = recipient.method();
    if method == Method::SseC && !matches!(recipient, Recipient::Customer(_)) {
        return Err(Error::Argument("SSE-C takes the customer's key, and no other"));
    }
    let head = SlotHead::new(method, now);
    match *recipient {
        Recipient::Local { key, .. } => {
            let keystore = keys.keystore().ok_or(Error::NoVersion)?;
            let key = keystore.resolve(key).ok_or(Error::NoVersion)?;
            let number = key.primary().ok_or(Error::KeyState)?;
            let wrapping_key = key.data_key_wrapper(number, now)?;
            let key_version = number.to_string();
            let head = SlotHead { kind: Kind::Local, key_id: key.id(), key_version: &key_version, ..head };
            seal_slot(engine, &head, wrapping_key, place, data_key)
        }
        Recipient::Remote { ref key, .. } => {
            key.check()?;
            place.context.kms_pairs()?;
            let (provider, key_id, key_version) = (key.provider, key.key_id, key.key_version);
            let head = SlotHead { kind: Kind::Remote, provider, key_id, key_version, outer_blob: key.blob, ..head };
            seal_slot(engine, &head, &WrappingKey::given(engine.lock(), key.secret)?, place, data_key)
        }
        Recipient::BucketKey { key, .. } | Recipient::BucketKeyReference { key, .. } => {
            let by_value = matches!(recipient, Recipient::BucketKey { .. });
            check_bucket_key(keys, key, place.context, now)?;
            let record = key.record();
            let head = SlotHead {
                kind: if by_value { Kind::BucketKey } else { Kind::BucketKeyReference },
                provider: record.provider(),
                key_id: record.key_id(),
                key_version: record.key_version(),
                bucket_key_id: record.id(),
                outer_blob: if by_value { record.bytes() } else { &[] },
                ..head
            };
            seal_slot(engine, &head, key.wrapping_key(), place, data_key)
        }
        Recipient::Customer(key) => seal_slot(engine, &head, key.wrapping_key(), place, data_key),
    }
}

/// A bucket key wraps for its own bucket, and while its local master key may be used.
fn check_bucket_key(keys: &dyn SlotKeys, key: &BucketKey, context: &Context<'_>, now: u64) -> Result<()> {
    if !key.is_of(context)? {
        return Err(Error::Argument("the bucket key is of another bucket"));
    }
    let record = key.record();
    if record.is_local() {
        let number = ident::local_version(record.key_version()).ok_or(Error::NoVersion)?;
        let master_key = keys.keystore().and_then(|keystore| keystore.key(record.key_id())).ok_or(Error::NoVersion)?;
        master_key.material(number, now)?;
    }
    Ok(())
}

/// Wraps a data key anew as a slot has it that was just opened, under the same key: for another object name that is no
/// call of a key management service.
pub(crate) fn wrap_again(
    engine: &Engine,
    opened: &Opened<'_>,
    old: &Place<'_>,
    new: &Place<'_>,
    now: u64,
) -> Result<Vec<u8>> {
    let (from, to) = (old.context, new.context);
    let same_key_serves = match opened.slot.kind() {
        Kind::Customer => true,
        Kind::Remote => from.bucket() == to.bucket() && from.user_pairs()? == to.user_pairs()?,
        Kind::Local | Kind::BucketKey | Kind::BucketKeyReference => from.bucket() == to.bucket(),
    };
    if !same_key_serves {
        return Err(Error::Argument("a remote key or bucket key is bound to its place: give the new recipient"));
    }
    let head = SlotHead { wrapped_at: now, ..opened.slot.head };
    seal_slot(engine, &head, &opened.wrapping_key, new, &opened.data_key)
}

fn seal_slot(
    engine: &Engine,
    head: &SlotHead<'_>,
    key: &WrappingKey,
    place: &Place<'_>,
    data_key: &Secret,
) -> Result<Vec<u8>> {
    let prk = key.prk_to_wrap(head.wrapped_at)?;
    let mut slot = head.encode();
    let head_len = slot.len();
    slot.resize(head_len + INNER_LEN, 0);
    let (head, inner) = slot.split_at_mut(head_len);
    message::seal_into(engine, prk, &wrap_context(place.prelude, head, &place.encoded), data_key.bytes()?, inner)?;
    Ok(slot)
}

/// A slot that opened.
pub(crate) struct Opened<'a> {
    pub(crate) slot: &'a Slot<'a>,
    pub(crate) data_key: Secret,
    wrapping_key: WrappingKey,
}

/// Opens the first slot that opens, of those the caller allows.
pub(crate) fn unwrap<'e>(
    engine: &Engine,
    keys: &dyn SlotKeys,
    envelope: &'e Envelope<'e>,
    place: &Place<'_>,
    expect: &Expect<'_>,
    now: u64,
) -> Result<Opened<'e>> {
    let mut worst = Error::Expect("the master key of the object");
    for slot in envelope.candidates(expect)? {
        match unwrap_slot(engine, keys, slot, place, now) {
            Ok(opened) => return Ok(opened),
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
        Error::KeyAbsent => 2,
        Error::NoVersion => 3,
        Error::KeyState => 4,
        _ if error.is_of_the_process() => 6,
        _ => 5,
    }
}

fn unwrap_slot<'e>(
    engine: &Engine,
    keys: &dyn SlotKeys,
    slot: &'e Slot<'e>,
    place: &Place<'_>,
    now: u64,
) -> Result<Opened<'e>> {
    if slot.kind() == Kind::BucketKey {
        BucketKeyRecord::in_slot(slot)?;
    }
    let wrapping_key = keys.wrapping_key(engine, slot, place.context, now)?;
    let context = wrap_context(place.prelude, slot.head_bytes(), &place.encoded);
    // One answer for every way in which a wrapped key can fail: no oracle tells them apart.
    let data_key = Secret::filled(engine.lock(), |out| {
        message::open_into(engine, wrapping_key.prk()?, &context, slot.inner(), out)
    })
    .map_err(|error| if error.is_of_the_process() { error } else { Error::Commit })?;
    Ok(Opened { slot, data_key, wrapping_key })
}
