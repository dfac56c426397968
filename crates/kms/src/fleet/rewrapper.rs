//! What becomes of an envelope.

use ossenc::{
    Context, Engine, Envelope, Error, Expect, KeyState, Keystore, Kind, Method, Object, Recipient, Rewrap, Slot,
    SlotKeys, WrappingKey, rewrap,
};

use super::checkpoint::put_field;
use super::{ItemError, Location};

/// Makes new envelopes for a job. Used by several threads at once.
///
/// [`KeyRewrapper`] does it with keys at hand, [`ServiceRewrapper`](super::ServiceRewrapper) asks key services.
pub trait Rewrapper: Sync {
    /// Whether an envelope is what [`Rewrapper::rewrap`] would make of it. Most envelopes of a job that begins again are:
    /// this should ask no service where the envelope's names tell.
    ///
    /// # Errors
    /// Why it cannot be rewrapped.
    fn is_current(&self, envelope: &[u8], location: &Location) -> Result<bool, ItemError>;

    /// The envelope that shall take the place of `envelope`. One that is up to date is opened, too, and made anew: that
    /// proves that keys and place are the right ones.
    ///
    /// # Errors
    /// Why it stays as it is.
    fn rewrap(&self, envelope: &[u8], location: &Location) -> Result<Vec<u8>, ItemError>;

    /// What tells this change from others: key ids, versions, which keystore. A checkpoint of a job with another identity
    /// is not resumed.
    fn identity(&self) -> Vec<u8>;
}

/// Rewraps with the keys at hand: from those that open to those that wrap, which are mostly the same.
#[derive(Clone, Copy)]
pub struct KeyRewrapper<'a> {
    engine: &'a Engine,
    from: &'a (dyn SlotKeys + Sync),
    to: &'a Keystore,
    /// Both are one, so that an envelope tells by its key ids whether it is up to date.
    same_keys: bool,
    expect: Expect<'a>,
    recipient: Option<Recipient<'a>>,
    keep_slots: bool,
    now: u64,
}

impl<'a> KeyRewrapper<'a> {
    /// After a rotation: every slot of a local master key that `expect` allows goes under its key's primary version.
    /// All other slots stay as they are. `now` is the wall time in seconds since 1970.
    #[must_use]
    pub fn rotation(engine: &'a Engine, keystore: &'a Keystore, expect: Expect<'a>, now: u64) -> KeyRewrapper<'a> {
        KeyRewrapper {
            engine,
            from: keystore,
            to: keystore,
            same_keys: true,
            expect,
            recipient: None,
            keep_slots: true,
            now,
        }
    }

    /// To another key or method of the same keystore; the slot of the old key goes.
    #[must_use]
    pub fn to_key(
        engine: &'a Engine,
        keystore: &'a Keystore,
        expect: Expect<'a>,
        recipient: Recipient<'a>,
        now: u64,
    ) -> KeyRewrapper<'a> {
        KeyRewrapper {
            recipient: Some(recipient),
            keep_slots: false,
            ..KeyRewrapper::rotation(engine, keystore, expect, now)
        }
    }

    /// From keys of any kind (another keystore, a recovery keystore, a tenant's) to a key of the keystore `to`; all old
    /// slots go. The keystores may have keys of the same id: each file is tried with `to` first, and is done if that opens
    /// it.
    #[must_use]
    pub fn migration(
        engine: &'a Engine,
        from: &'a (dyn SlotKeys + Sync),
        expect: Expect<'a>,
        to: &'a Keystore,
        recipient: Recipient<'a>,
        now: u64,
    ) -> KeyRewrapper<'a> {
        let recipient = Some(recipient);
        KeyRewrapper { engine, from, to, same_keys: false, expect, recipient, keep_slots: false, now }
    }

    /// A further slot, under a key of another keystore: for an offline recovery key, for a replica, for a tenant that shall
    /// read the objects itself. The slots that are there stay; so the new key needs an id that none of them has.
    #[must_use]
    pub fn adding(
        engine: &'a Engine,
        from: &'a (dyn SlotKeys + Sync),
        expect: Expect<'a>,
        to: &'a Keystore,
        recipient: Recipient<'a>,
        now: u64,
    ) -> KeyRewrapper<'a> {
        KeyRewrapper { keep_slots: true, ..KeyRewrapper::migration(engine, from, expect, to, recipient, now) }
    }

    /// Whether slots of other keys are kept; each way of making one says what it does. A place of another name takes only
    /// the one slot that was opened: with slots to keep, a rename of an envelope of several is refused.
    #[must_use]
    pub fn keeping_slots(self, keep_slots: bool) -> KeyRewrapper<'a> {
        KeyRewrapper { keep_slots, ..self }
    }

    /// Whether a slot says that it is under the recipient, at the version that wraps.
    fn is_wanted(&self, slot: &Slot<'_>, recipient: &Recipient<'_>) -> bool {
        let named = |provider, key_id| (slot.provider(), slot.key_id()) == (provider, key_id);
        slot.method() == recipient.method()
            && match *recipient {
                Recipient::Local { key, .. } => self.to.resolve(key).is_some_and(|key| {
                    let primary = key.primary().map(|number| number.to_string());
                    slot.kind() == Kind::Local && named("", key.id()) && primary.as_deref() == Some(slot.key_version())
                }),
                Recipient::BucketKey { key, .. } => {
                    slot.kind() == Kind::BucketKey && slot.bucket_key_id() == Some(key.record().id())
                }
                Recipient::BucketKeyReference { key, .. } => {
                    slot.kind() == Kind::BucketKeyReference && slot.bucket_key_id() == Some(key.record().id())
                }
                // A remote key is made for one slot, and a customer's has no name: neither is there already.
                _ => false,
            }
    }

    /// The local keys of slots that are not at their primary version.
    fn stale<'e>(&self, envelope: &Envelope<'e>) -> Result<Vec<&'e str>, ItemError> {
        let mut stale = Vec::new();
        for slot in envelope.candidates(&self.expect)? {
            let Some(number) = slot.key_version().parse::<u64>().ok().filter(|_| slot.provider().is_empty()) else {
                continue;
            };
            let key = self.to.key(slot.key_id()).ok_or(Error::NoVersion)?;
            if key.state() != KeyState::Enabled {
                return Err(Error::KeyState.into());
            }
            if key.primary() != Some(number) {
                if slot.kind() != Kind::Local {
                    return Err(Error::State("under a bucket key of an old version: give another recipient").into());
                }
                stale.push(slot.key_id());
            }
        }
        stale.dedup();
        Ok(stale)
    }

    /// The same, for an envelope that has been where it shall be already: with the keys that wrap, it opens, too.
    fn arrived(&self) -> Arrived<'_> {
        let key_id = match &self.recipient {
            Some(Recipient::Local { key, .. }) => self.to.resolve(key).map(|key| key.id().to_owned()),
            Some(Recipient::BucketKey { key, .. } | Recipient::BucketKeyReference { key, .. }) => {
                Some(key.record().key_id().to_owned())
            }
            _ => None,
        };
        Arrived { rewrapper: self, key_id, method: self.recipient.map(|recipient| recipient.method()) }
    }

    /// From one place to another, which may be the same.
    fn change(&self, bytes: &[u8], old: &Context<'_>, new: Option<&Context<'_>>) -> Result<Vec<u8>, ItemError> {
        let envelope = Envelope::parse(bytes)?;
        if self.recipient.is_none() && new.is_none() {
            // Each stale key's slot in turn; the others stay. With none, the first that opens is made anew.
            let (method, stale) = (envelope.method(), self.stale(&envelope)?);
            if stale.is_empty() {
                return self.wrap(bytes, old, &self.expect, Rewrap { keep_slots: true, ..Rewrap::default() });
            }
            return stale.iter().try_fold(bytes.to_vec(), |latest, key| {
                let expect = Expect { key_ids: &[*key], ..self.expect };
                let to = Some(Recipient::Local { method, key });
                self.wrap(&latest, old, &expect, Rewrap { to, keep_slots: true, ..Rewrap::default() })
            });
        }
        // Slots to keep forbid another place, unless there are none.
        let keep_slots = self.keep_slots && (envelope.slots().len() > 1 || new.is_none());
        if let (true, false, Some(Recipient::Local { key, .. })) = (keep_slots, self.same_keys, &self.recipient) {
            let id = self.to.resolve(key).ok_or(Error::NoVersion)?.id();
            if envelope.slots().iter().any(|slot| slot.provider().is_empty() && slot.key_id() == id) {
                let taken = Error::Argument("a slot that stays has a key of the same id: give the new key another");
                return Err(taken.into());
            }
        }
        self.wrap(bytes, old, &self.expect, Rewrap { to: self.recipient, context: new.copied(), keep_slots })
    }

    fn wrap(
        &self,
        bytes: &[u8],
        context: &Context<'_>,
        expect: &Expect<'_>,
        change: Rewrap<'_>,
    ) -> Result<Vec<u8>, ItemError> {
        let keys = Both { from: self.from, to: self.to };
        Ok(rewrap(self.engine, &keys, bytes, context, expect, &change, self.now)?)
    }
}

/// A [`KeyRewrapper`] for envelopes that were rewrapped before.
struct Arrived<'r> {
    rewrapper: &'r KeyRewrapper<'r>,
    key_id: Option<String>,
    method: Option<Method>,
}

impl Arrived<'_> {
    fn with<T>(&self, then: impl FnOnce(&KeyRewrapper<'_>) -> T) -> T {
        let key_ids: Vec<&str> = match &self.key_id {
            Some(key_id) => vec![key_id],
            None => self.rewrapper.expect.key_ids.to_vec(),
        };
        let methods: Vec<Method> = match self.method {
            Some(method) => vec![method],
            None => self.rewrapper.expect.methods.to_vec(),
        };
        let expect = Expect { methods: &methods, key_ids: &key_ids };
        then(&KeyRewrapper { from: self.rewrapper.to, same_keys: true, expect, ..*self.rewrapper })
    }
}

impl Rewrapper for KeyRewrapper<'_> {
    fn is_current(&self, bytes: &[u8], location: &Location) -> Result<bool, ItemError> {
        let envelope = Envelope::parse(bytes)?;
        let by_its_names = match &self.recipient {
            None => self.stale(&envelope)?.is_empty(),
            Some(recipient) => {
                envelope.slots().iter().any(|slot| self.is_wanted(slot, recipient))
                    && (self.keep_slots || envelope.slots().len() == 1)
            }
        };
        if !by_its_names || (self.same_keys && location.new_place.is_none()) {
            return Ok(by_its_names);
        }
        // The same names may stand for another key, or another place: only opening tells.
        let opens = self.arrived().with(|arrived| {
            location.with(|_, new| Object::open(self.engine, self.to, bytes, new, &arrived.expect, self.now))
        });
        match opens {
            Ok(_) => Ok(true),
            Err(Error::Commit | Error::KeyAbsent) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn rewrap(&self, bytes: &[u8], location: &Location) -> Result<Vec<u8>, ItemError> {
        location.with(|old, new| {
            // If it does not open where it was: an earlier run may have done this envelope, and the key it went to may have
            // been rotated since.
            self.change(bytes, old, location.new_place.is_some().then_some(new))
                .or_else(|error| self.arrived().with(|arrived| arrived.change(bytes, new, None)).map_err(|_| error))
        })
    }

    fn identity(&self) -> Vec<u8> {
        let mut identity = Vec::new();
        let mut field = |bytes: &[u8]| put_field(&mut identity, bytes);
        field(&self.to.info().keystore_id);
        field(&[u8::from(self.same_keys), u8::from(self.keep_slots)]);
        field(&self.from.keystore().map_or([0; 16], |keystore| keystore.info().keystore_id));
        field(&(self.expect.key_ids.len() as u64).to_be_bytes());
        self.expect.key_ids.iter().for_each(|key_id| field(key_id.as_bytes()));
        field(&(self.expect.methods.len() as u64).to_be_bytes());
        self.expect.methods.iter().for_each(|method| field(&[*method as u8]));
        // Another primary is another job: what came before its checkpoint would be left behind.
        let wanted: Vec<&str> = match &self.recipient {
            Some(Recipient::Local { key, .. }) => vec![key],
            _ => self.expect.key_ids.to_vec(),
        };
        for key in wanted.into_iter().filter_map(|key| self.to.resolve(key)) {
            field(key.id().as_bytes());
            field(&key.primary().unwrap_or(0).to_be_bytes());
        }
        match &self.recipient {
            None => field(b"the same"),
            Some(Recipient::BucketKey { method, key } | Recipient::BucketKeyReference { method, key }) => {
                field(&[*method as u8]);
                field(key.record().id());
            }
            Some(recipient) => field(&[recipient.method() as u8]),
        }
        identity
    }
}

impl core::fmt::Debug for KeyRewrapper<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let shown = (&self.expect, &self.recipient, self.keep_slots);
        f.debug_tuple("KeyRewrapper").field(&shown.0).field(&shown.1).field(&shown.2).finish()
    }
}

/// Opens with one, wraps with the other.
struct Both<'a> {
    from: &'a (dyn SlotKeys + Sync),
    to: &'a Keystore,
}

impl SlotKeys for Both<'_> {
    fn wrapping_key(
        &self,
        engine: &Engine,
        slot: &Slot<'_>,
        context: &Context<'_>,
        now: u64,
    ) -> ossenc::Result<WrappingKey> {
        self.from.wrapping_key(engine, slot, context, now)
    }

    fn keystore(&self) -> Option<&Keystore> {
        Some(self.to)
    }
}
