//! One try of the core with the keys at hand: it is done, it failed, or a key is lacking. And the report at the end.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use ossenc::{
    BucketKey, BucketKeyRecord, Context, Engine, Envelope, Error, Keystore, Kind, Method, Object, Recipient, Result,
    Rewrap, Slot, SlotKeys, WrappingKey, rewrap,
};

use crate::answer::Generated;
use crate::audit::{Event, What};
use crate::call::{Call, Held, Need, Want};
use crate::id::Id;
use crate::keyring::Shared;
use crate::request::{Choice, Opening, Rewrapping, Task};
use crate::stats::count;
use crate::{OpError, Time};

/// What an operation has made.
#[derive(Debug, Default)]
pub(crate) struct Product {
    pub(crate) object: Option<Object>,
    pub(crate) envelope: Option<Vec<u8>>,
}

/// What an operation has come by on its way.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    keys: RefCell<Vec<Gained>>,
    pub(crate) failed: Vec<(Id, OpError)>,
    pub(crate) generated: Option<Generated>,
    pub(crate) bucket_key: Option<Arc<Held>>,
    /// Whether the envelope has opened, and how many of its slots were tried.
    opened: Cell<bool>,
    tried: Cell<usize>,
}

#[derive(Debug)]
struct Gained {
    id: Id,
    held: Arc<Held>,
    until_ns: u64,
}

impl Gathered {
    pub(crate) fn gain(&self, id: Id, held: Arc<Held>, until_ns: u64) {
        self.keys.borrow_mut().push(Gained { id, held, until_ns });
    }

    fn key(&self, id: &Id, now_ns: u64) -> Option<Arc<Held>> {
        let keys = self.keys.borrow();
        keys.iter().rev().find(|key| key.id == *id && now_ns <= key.until_ns).map(|key| Arc::clone(&key.held))
    }
}

/// Why a try does not end in a product.
pub(crate) enum Stop {
    Needs(Box<Need>),
    Failed(OpError),
}

impl Stop {
    fn needs(id: Id, call: Call, want: Want) -> Stop {
        Stop::Needs(Box::new(Need { id, call: Arc::new(call), want }))
    }
}

impl<E: Into<OpError>> From<E> for Stop {
    fn from(error: E) -> Stop {
        Stop::Failed(error.into())
    }
}

pub(crate) fn attempt(
    shared: &Shared,
    task: &Task<'_>,
    gathered: &Gathered,
    now: Time,
) -> core::result::Result<Product, Stop> {
    let keystore = shared.current()?;
    let (engine, wall_s) = (&shared.engine, now.wall_s);
    match task {
        Task::Create { choice, context, shape } => {
            let chosen = choose(shared, &keystore, choice, context, gathered, now)?;
            let (object, envelope) = Object::create(engine, &keystore, &chosen.recipient(), context, *shape, wall_s)?;
            Ok(Product { object: Some(object), envelope: Some(envelope) })
        }
        Task::Open(opening) => {
            let object = open(shared, &keystore, opening, gathered, now)?;
            Ok(Product { object: Some(object), envelope: None })
        }
        Task::Rewrap(opening, change) => {
            // Before a service is asked for a new key, it is known that the old one opens.
            open(shared, &keystore, opening, gathered, now)?;
            let Rewrapping { to, context, keep_slots } = *change;
            let place = context.unwrap_or(opening.context);
            let chosen = match &to {
                Some(choice) => Some(choose(shared, &keystore, choice, &place, gathered, now)?),
                None => None,
            };
            let change = Rewrap { to: chosen.as_ref().map(Chosen::recipient), context, keep_slots };
            let hand = Hand::new(shared, &keystore, opening, gathered, now);
            let old = &opening.context;
            let envelope = rewrap(engine, &hand, opening.envelope, old, &opening.expect, &change, wall_s)?;
            Ok(Product { object: None, envelope: Some(envelope) })
        }
        Task::Refresh => Ok(Product::default()),
    }
}

fn open(
    shared: &Shared,
    keystore: &Keystore,
    opening: &Opening<'_>,
    gathered: &Gathered,
    now: Time,
) -> core::result::Result<Object, Stop> {
    let hand = Hand::new(shared, keystore, opening, gathered, now);
    let Opening { envelope, context, expect, .. } = opening;
    let opened = Object::open(&shared.engine, &hand, envelope, context, expect, now.wall_s);
    gathered.tried.set(hand.tried.get());
    match opened {
        Ok(object) => {
            gathered.opened.set(true);
            if let Some(id) = hand.unproved.get() {
                shared.tables().cache.prove(&id);
            }
            Ok(object)
        }
        Err(error) => Err(match hand.lacking.into_inner() {
            Some(need) => Stop::Needs(need),
            None => Stop::Failed(nearest(error, &gathered.failed)),
        }),
    }
}

/// Of the core's reason and the services', the one to report: what may pass, then what was found out about a slot.
fn nearest(error: Error, failed: &[(Id, OpError)]) -> OpError {
    let retry = failed.iter().find(|(_, error)| matches!(error, OpError::Retry { .. }));
    match (retry, error) {
        (Some((_, retry)), _) => *retry,
        (None, Error::KeyAbsent | Error::Expect(_) | Error::TooNew(_)) => {
            failed.first().map_or(OpError::Core(error), |(_, failure)| *failure)
        }
        (None, error) => OpError::Core(error),
    }
}

/// The keys at hand: the keystore's first, which judges the state of local master keys; the customer's; what this
/// operation was given; what is kept.
struct Hand<'a> {
    shared: &'a Shared,
    keystore: &'a Keystore,
    opening: &'a Opening<'a>,
    gathered: &'a Gathered,
    now: Time,
    tried: Cell<usize>,
    /// The key that was given last, if no slot has opened with it so far.
    unproved: Cell<Option<Id>>,
    /// The first key that is not at hand, and may be asked for.
    lacking: RefCell<Option<Box<Need>>>,
}

impl<'a> Hand<'a> {
    fn new(
        shared: &'a Shared,
        keystore: &'a Keystore,
        opening: &'a Opening<'a>,
        gathered: &'a Gathered,
        now: Time,
    ) -> Hand<'a> {
        let (tried, unproved, lacking) = (Cell::new(0), Cell::new(None), RefCell::new(None));
        Hand { shared, keystore, opening, gathered, now, tried, unproved, lacking }
    }

    fn find(&self, id: &Id, slot: &Slot<'_>) -> Option<Arc<Held>> {
        if let Some(held) = self.gathered.key(id, self.now.mono_ns) {
            self.unproved.set(Some(*id));
            return Some(held);
        }
        let found = self.shared.tables().cache.find(id, self.now.mono_ns)?;
        count(&self.shared.stats.of(slot.provider(), slot.key_id()).hits);
        self.unproved.set((!found.proved).then_some(*id));
        self.gathered.gain(*id, Arc::clone(&found.held), found.until_ns);
        Some(found.held)
    }

    fn lack(&self, id: Id, need: impl FnOnce() -> Result<(Call, Want)>) -> Result<()> {
        let mut lacking = self.lacking.borrow_mut();
        if lacking.is_none() && self.gathered.failed.iter().all(|(failed, _)| *failed != id) {
            let (call, want) = need()?;
            *lacking = Some(Box::new(Need { id, call: Arc::new(call), want }));
        }
        Ok(())
    }
}

impl SlotKeys for Hand<'_> {
    fn wrapping_key(&self, engine: &Engine, slot: &Slot<'_>, context: &Context<'_>, now: u64) -> Result<WrappingKey> {
        self.tried.set(self.tried.get() + 1);
        self.unproved.set(None);
        match self.keystore.wrapping_key(engine, slot, context, now) {
            Err(Error::KeyAbsent) => {}
            answer => return answer,
        }
        let record = if slot.kind() == Kind::BucketKey { Some(BucketKeyRecord::in_slot(slot)?) } else { None };
        let names = [slot.provider(), slot.key_id(), slot.key_version()];
        let bucket_key_id = slot.bucket_key_id().map_or(&[][..], |id| id);
        let id = match (slot.kind(), &record) {
            (Kind::Customer, _) => {
                let key = self.opening.customer_key.ok_or(Error::KeyAbsent)?;
                return key.wrapping_key(engine, slot, context, now);
            }
            (Kind::Remote, _) => {
                let prelude = self.opening.envelope.get(..32).unwrap_or_default();
                Id::slot(prelude, slot, &context.kms_bytes()?)
            }
            (_, Some(record)) => Id::bucket_key(record, context),
            (_, None) => Id::reference(names, bucket_key_id, context),
        };
        match self.find(&id, slot).as_deref() {
            Some(Held::Slot(key)) => return Ok(key.clone()),
            Some(Held::Bucket(key)) => return SlotKeys::wrapping_key(key, engine, slot, context, now),
            None => {}
        }
        self.lack(id, || match (slot.kind(), &record) {
            (Kind::Remote, _) => Ok((Call::unwrap_slot(slot, context)?, Want::SlotKey)),
            (_, Some(record)) => Ok((Call::unwrap_record(record, context)?, Want::BucketKey(record.bytes().to_vec()))),
            (_, None) => {
                let names = names.map(str::to_owned);
                Ok((Call::load(slot), Want::Record { names, bucket_key_id: bucket_key_id.to_vec() }))
            }
        })?;
        Err(Error::KeyAbsent)
    }

    fn keystore(&self) -> Option<&Keystore> {
        Some(self.keystore)
    }
}

/// A choice, with the key that it needs.
enum Chosen<'a> {
    Recipient(Recipient<'a>),
    BucketKey { method: Method, by_reference: bool, held: Arc<Held> },
}

impl Chosen<'_> {
    fn recipient(&self) -> Recipient<'_> {
        match self {
            Chosen::Recipient(recipient) => *recipient,
            Chosen::BucketKey { method, by_reference, held } => {
                let (method, Held::Bucket(key)) = (*method, &**held) else {
                    unreachable!("bucket keys wrap for buckets");
                };
                match by_reference {
                    true => Recipient::BucketKeyReference { method, key },
                    false => Recipient::BucketKey { method, key },
                }
            }
        }
    }
}

fn choose<'a>(
    shared: &Shared,
    keystore: &Keystore,
    choice: &Choice<'a>,
    context: &Context<'_>,
    gathered: &'a Gathered,
    now: Time,
) -> core::result::Result<Chosen<'a>, Stop> {
    match *choice {
        Choice::Local { method, key } => Ok(Chosen::Recipient(Recipient::Local { method, key })),
        Choice::Customer(key) => Ok(Chosen::Recipient(Recipient::Customer(key))),
        Choice::Remote { method, provider, key } => match &gathered.generated {
            Some(generated) => Ok(Chosen::Recipient(Recipient::Remote { method, key: generated.remote_key() })),
            None => {
                let call = Call::generate(provider, key, context)?;
                let id = Id::generated(provider, key, &context.kms_bytes()?);
                Err(Stop::needs(id, call, Want::Generated))
            }
        },
        Choice::BucketKey { method, provider, key, by_reference } => {
            let held = bucket_key(shared, keystore, [provider, key], by_reference, context, gathered, now)?;
            Ok(Chosen::BucketKey { method, by_reference, held })
        }
    }
}

fn bucket_key(
    shared: &Shared,
    keystore: &Keystore,
    [provider, key]: [&str; 2],
    by_reference: bool,
    context: &Context<'_>,
    gathered: &Gathered,
    now: Time,
) -> core::result::Result<Arc<Held>, Stop> {
    if let Some(held) = &gathered.bucket_key {
        return Ok(Arc::clone(held));
    }
    if !provider.is_empty() {
        context.kms_pairs()?;
        let id = Id::wrapping(provider, key, by_reference, context);
        let found = shared.tables().cache.find_wrapping(&id, None, now);
        return found.map_or_else(
            || {
                let call = Call::generate(provider, key, &context.bucket())?;
                Err(Stop::needs(id, call, Want::NewBucketKey { by_reference }))
            },
            Ok,
        );
    }
    // Under a local master key: no call, and a new one as soon as the master key has rotated.
    let master_key = keystore.resolve(key).ok_or(Error::NoVersion)?;
    let version = master_key.primary().ok_or(Error::KeyState)?.to_string();
    let id = Id::wrapping("", master_key.id(), by_reference, context);
    if let Some(held) = shared.tables().cache.find_wrapping(&id, Some(&version), now) {
        return Ok(held);
    }
    let not_after = now.wall_s.saturating_add(shared.limits.bucket_key_s.max(1).into());
    let made = BucketKey::create(&shared.engine, keystore, master_key.id(), context, not_after, now.wall_s)?;
    if by_reference {
        let call = Call::store(&made.record());
        return Err(Stop::needs(id, call, Want::Stored(Arc::new(Held::Bucket(made)))));
    }
    let held = Arc::new(Held::Bucket(made));
    shared.adopt(id, &held, context, false, now);
    Ok(held)
}

/// Counts and audits what has ended.
pub(crate) fn report(
    shared: &Shared,
    task: &Task<'_>,
    gathered: &Gathered,
    outcome: core::result::Result<&Product, OpError>,
) {
    let made = outcome.map(|product| product.envelope.as_deref().unwrap_or_default());
    match task {
        Task::Create { choice, .. } => report_wrap(shared, Some(choice), &[], made),
        Task::Open(opening) => report_unwrap(shared, opening, gathered, outcome.map(|_| ())),
        Task::Rewrap(opening, _) if !gathered.opened.get() => {
            report_unwrap(shared, opening, gathered, outcome.map(|_| ()));
        }
        Task::Rewrap(opening, change) => {
            report_unwrap(shared, opening, gathered, Ok(()));
            report_wrap(shared, change.to.as_ref(), opening.envelope, made);
        }
        Task::Refresh => {}
    }
}

fn report_unwrap(
    shared: &Shared,
    opening: &Opening<'_>,
    gathered: &Gathered,
    outcome: core::result::Result<(), OpError>,
) {
    let envelope = Envelope::parse(opening.envelope).ok();
    let candidates = envelope.as_ref().and_then(|envelope| envelope.candidates(&opening.expect).ok());
    let last = gathered.tried.get().checked_sub(1);
    let slot = candidates.as_ref().and_then(|slots| slots.get(last?).copied());
    let object_id = envelope.as_ref().map(|envelope| envelope.prelude().object_id());
    let names = slot.map_or([""; 3], |slot| [slot.provider(), slot.key_id(), slot.key_version()]);
    tell(shared, What::Unwrap, object_id, names, outcome);
}

fn report_wrap(shared: &Shared, choice: Option<&Choice<'_>>, old: &[u8], made: core::result::Result<&[u8], OpError>) {
    let envelope = Envelope::parse(made.unwrap_or(old)).ok();
    let object_id = envelope.as_ref().map(|envelope| envelope.prelude().object_id());
    let names = match (&envelope, made, choice) {
        (Some(envelope), Ok(_), _) => {
            let slot = &envelope.slots()[0];
            [slot.provider(), slot.key_id(), slot.key_version()]
        }
        (_, _, Some(Choice::Local { key, .. })) => ["", key, ""],
        (_, _, Some(Choice::Remote { provider, key, .. } | Choice::BucketKey { provider, key, .. })) => {
            [provider, key, ""]
        }
        _ => [""; 3],
    };
    tell(shared, What::Wrap, object_id, names, made.map(|_| ()));
}

fn tell(
    shared: &Shared,
    what: What,
    object_id: Option<&[u8; 16]>,
    [provider, key_id, key_version]: [&str; 3],
    outcome: core::result::Result<(), OpError>,
) {
    shared.stats.of(provider, key_id).ended(what, &outcome);
    if let Some(audit) = &shared.audit {
        audit.event(&Event { what, object_id, provider, key_id, key_version, outcome });
    }
}
