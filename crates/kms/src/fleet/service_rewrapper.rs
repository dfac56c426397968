//! What becomes of an envelope when key services are to be asked.

use std::thread;
use std::time::Duration;

use ossenc::{Context, Envelope, Error, Expect, Kind, Method, Shape, Slot};

use super::checkpoint::put_field;
use super::{ItemError, Location, Rewrapper};
use crate::{Choice, Keyring, Op, OpError, Opening, Provider, Rewrapping, Time};

/// How long an envelope may take, unless the caller says so.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait before looking again whether a service is back. While one operation finds out, the others are told to
/// wait for as long as that may take, and mostly it is quicker; looking costs no call.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Rewraps by operations of a [`Keyring`]: from and to keys of every kind but customers', the calls made by a
/// [`Provider`]. For envelopes of local keys alone, [`KeyRewrapper`](super::KeyRewrapper) does the same without a
/// service, and between keystores.
///
/// An envelope of remote keys costs a call to unwrap its slot, if the keyring does not keep that key, and to a remote key
/// another to wrap it; to a bucket key, one call for the bucket. A service that is throttled or away is waited for: as
/// long as an envelope may take, see [`ServiceRewrapper::within`].
///
/// ```
/// use ossenc::{Context, Engine, Expect, Method};
/// use ossenc_kms::fleet::ServiceRewrapper;
/// # use ossenc_kms::providers::Providers;
/// # use ossenc_kms::{Choice, Keyring, Limits, OpError, Time};
/// # let (keyring, providers) = (Keyring::new(Engine::new()?, Limits::default(), None), Providers::new());
/// # let clock = || Time { wall_s: 1_700_000_000, mono_ns: 0 };
///
/// // The token has a new key of the label "main": everything that is under the old one goes under it.
/// let expect = Expect { methods: &[Method::SseKms], key_ids: &["main"] };
/// let to = Choice::Remote { method: Method::SseKms, provider: "hsm-1", key: "main" };
/// let place = Context { tenant: b"acme", bucket_id: b"bucket-17", ..Context::default() };
/// let rewrapper = ServiceRewrapper::new(&keyring, &providers, &clock, expect, to, &place);
/// # assert_eq!(rewrapper.unwrap_err(), OpError::NoKeystore);
/// # Ok::<(), ossenc::Error>(())
/// ```
#[derive(Clone)]
pub struct ServiceRewrapper<'a> {
    keyring: &'a Keyring,
    provider: &'a dyn Provider,
    clock: &'a (dyn Fn() -> Time + Sync),
    expect: Expect<'a>,
    to: Choice<'a>,
    wanted: Wanted,
    keep_slots: bool,
    timeout: Duration,
}

/// What a slot under the new key says of itself.
#[derive(Clone, Debug)]
struct Wanted {
    method: Method,
    kind: Kind,
    provider: String,
    key_id: String,
    key_version: String,
}

impl<'a> ServiceRewrapper<'a> {
    /// Under `to`, from whatever `expect` allows. All other slots go, unless [`ServiceRewrapper::keeping_slots`]; of a
    /// key's own slot, an older version goes in either case.
    ///
    /// Which id and version the service wraps with, it alone knows: it is asked here for a key at `place`, that of any
    /// object of the job. `clock` tells the time, which has to go on.
    ///
    /// # Errors
    /// As [`Op::step`] for an operation that makes an object at `place`; [`Error::Argument`] for a customer's key.
    pub fn new(
        keyring: &'a Keyring,
        provider: &'a dyn Provider,
        clock: &'a (dyn Fn() -> Time + Sync),
        expect: Expect<'a>,
        to: Choice<'a>,
        place: &Context<'_>,
    ) -> Result<ServiceRewrapper<'a>, OpError> {
        if matches!(to, Choice::Customer(_)) {
            return Err(
                Error::Argument("a customer's key has no name: no envelope tells whether it is under it").into()
            );
        }
        let made = run(provider, clock, TIMEOUT, |now| keyring.create(&to, place, Shape::Single, now))?;
        let wanted = Wanted::of(Envelope::parse(made.envelope().unwrap_or_default())?.slots().first());
        let wanted = wanted.ok_or(Error::Format("an envelope without a slot"))?;
        Ok(ServiceRewrapper { keyring, provider, clock, expect, to, wanted, keep_slots: false, timeout: TIMEOUT })
    }

    /// Whether slots of other keys are kept. With slots to keep, another place is refused for an envelope of several.
    #[must_use]
    pub fn keeping_slots(self, keep_slots: bool) -> ServiceRewrapper<'a> {
        ServiceRewrapper { keep_slots, ..self }
    }

    /// How long an envelope may take, waiting for a service that is throttled or away included: 60 seconds, unless said.
    /// The job's observer may end it when envelopes begin to fail by that.
    #[must_use]
    pub fn within(self, timeout: Duration) -> ServiceRewrapper<'a> {
        ServiceRewrapper { timeout, ..self }
    }

    fn run(&self, make: impl Fn(Time) -> Op) -> Result<Op, OpError> {
        run(self.provider, self.clock, self.timeout, make)
    }

    /// What opens an envelope that is under the new key.
    fn arrived<T>(&self, then: impl FnOnce(&Expect<'_>) -> T) -> T {
        then(&Expect { methods: &[self.wanted.method], key_ids: &[&self.wanted.key_id] })
    }

    fn change(
        &self,
        envelope: &[u8],
        context: &Context<'_>,
        expect: &Expect<'_>,
        new: Option<Context<'_>>,
    ) -> Result<Vec<u8>, OpError> {
        // Slots to keep forbid another place, unless there are none.
        let keep_slots = self.keep_slots && (new.is_none() || Envelope::parse(envelope)?.slots().len() > 1);
        let opening = Opening { envelope, context: *context, expect: *expect, customer_key: None };
        let change = Rewrapping { to: Some(self.to), context: new, keep_slots };
        let op = self.run(|now| self.keyring.rewrap(&opening, &change, now))?;
        Ok(op.envelope().unwrap_or_default().to_vec())
    }
}

/// Takes operations to an end, until one succeeds or fails for good: a service that says "later" is asked later.
fn run(
    provider: &dyn Provider,
    clock: &dyn Fn() -> Time,
    timeout: Duration,
    make: impl Fn(Time) -> Op,
) -> Result<Op, OpError> {
    let until_ns = clock().mono_ns.saturating_add(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX));
    let left = || Duration::from_nanos(until_ns.saturating_sub(clock().mono_ns));
    loop {
        let mut op = make(clock());
        match op.run(provider, left(), clock) {
            Ok(()) => return Ok(op),
            Err(OpError::Retry { after }) if after < left() => thread::sleep(after.min(LOOK_AGAIN)),
            Err(error) => return Err(error),
        }
    }
}

/// Whether another place or another key would not change it.
fn is_of_the_service(error: &OpError) -> bool {
    matches!(error, OpError::Retry { .. } | OpError::Timeout | OpError::NoKeystore)
}

impl Wanted {
    fn of(slot: Option<&Slot<'_>>) -> Option<Wanted> {
        let slot = slot?;
        Some(Wanted {
            method: slot.method(),
            kind: slot.kind(),
            provider: slot.provider().to_owned(),
            key_id: slot.key_id().to_owned(),
            key_version: slot.key_version().to_owned(),
        })
    }

    fn is(&self, slot: &Slot<'_>) -> bool {
        (slot.method(), slot.kind()) == (self.method, self.kind)
            && [slot.provider(), slot.key_id(), slot.key_version()]
                == [&self.provider[..], &self.key_id, &self.key_version]
    }
}

impl Rewrapper for ServiceRewrapper<'_> {
    fn is_current(&self, bytes: &[u8], location: &Location) -> Result<bool, ItemError> {
        let envelope = Envelope::parse(bytes)?;
        let named = envelope.slots().iter().any(|slot| self.wanted.is(slot))
            && (self.keep_slots || envelope.slots().len() == 1);
        if !named || location.new_place.is_none() {
            return Ok(named);
        }
        // Names tell nothing of the place: only opening does.
        let opened = location.with(|_, new| {
            self.arrived(|expect| {
                let opening = Opening { envelope: bytes, context: *new, expect: *expect, customer_key: None };
                self.run(|now| self.keyring.open(&opening, now))
            })
        });
        match opened {
            Err(error) if is_of_the_service(&error) => Err(error.into()),
            opened => Ok(opened.is_ok()),
        }
    }

    fn rewrap(&self, bytes: &[u8], location: &Location) -> Result<Vec<u8>, ItemError> {
        location.with(|old, new| {
            let moved = location.new_place.is_some().then_some(*new);
            self.change(bytes, old, &self.expect, moved).or_else(|error| {
                if is_of_the_service(&error) {
                    return Err(error.into());
                }
                // An earlier run may have done this envelope, and the key it went to may have another version since.
                self.arrived(|expect| self.change(bytes, new, expect, None)).map_err(|_| error.into())
            })
        })
    }

    fn identity(&self) -> Vec<u8> {
        let Wanted { method, kind, provider, key_id, key_version } = &self.wanted;
        let flags = [*method as u8, *kind as u8, self.keep_slots.into()];
        let methods: Vec<u8> = self.expect.methods.iter().map(|method| *method as u8).collect();
        let keystore = self.keyring.current().map(|keystore| keystore.info().keystore_id).unwrap_or_default();
        let mut identity = Vec::new();
        let mut field = |bytes: &[u8]| put_field(&mut identity, bytes);
        field(b"service");
        field(&keystore);
        field(&flags);
        [provider, key_id, key_version].iter().for_each(|name| field(name.as_bytes()));
        field(&methods);
        self.expect.key_ids.iter().for_each(|key_id| field(key_id.as_bytes()));
        identity
    }
}

impl core::fmt::Debug for ServiceRewrapper<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ServiceRewrapper")
            .field("wanted", &self.wanted)
            .field("expect", &self.expect)
            .field("keep_slots", &self.keep_slots)
            .finish_non_exhaustive()
    }
}
