//! What operations share: the keystore in use, the keys that are kept, the calls in flight, the counters.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use ossenc::{Context, Engine, Error, Keystore, Result, Shape};

use crate::audit::Audit;
use crate::cache::Cache;
use crate::call::{Call, Held, Need, Want};
use crate::failures::Failures;
use crate::flight::{Flights, Member};
use crate::id::Id;
use crate::limits::after;
use crate::op::Op;
use crate::request::{Choice, Opening, Rewrapping, Task};
use crate::stats::Stats;
use crate::{Limits, OpError, Time};

/// Nothing has been published yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKeystore;

/// Makes operations, and keeps what they share: the newest published [`Keystore`], and keys that services gave, within
/// [`Limits`]. Cheap to clone; clones are the same keyring. Any number of threads may use it. See docs/key-services.md.
#[derive(Clone)]
pub struct Keyring(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) limits: Limits,
    pub(crate) stats: Stats,
    pub(crate) audit: Option<Arc<dyn Audit>>,
    current: RwLock<Option<Arc<Keystore>>>,
    /// One lock for all tables: whether a key is there, and whether it is being asked for, is one question. It is held
    /// for a few map operations, never during cryptography, a wake or a callback.
    tables: Mutex<Tables>,
    next: AtomicU64,
}

pub(crate) struct Tables {
    pub(crate) cache: Cache,
    pub(crate) failures: Failures,
    pub(crate) flights: Flights,
}

/// What an operation that lacks something is to do.
pub(crate) enum Claim {
    /// It is there: the key, and until when.
    Found(Arc<Held>, u64),
    Failed(OpError),
    /// Make the call.
    Lead,
    /// Another makes it.
    Wait {
        until_ns: u64,
    },
}

impl Keyring {
    /// A keyring without a keystore. `audit` is told every wrap and unwrap.
    #[must_use]
    pub fn new(engine: Engine, limits: Limits, audit: Option<Arc<dyn Audit>>) -> Keyring {
        let tables = Tables { cache: Cache::new(limits), failures: Failures::new(limits), flights: Flights::default() };
        Keyring(Arc::new(Shared {
            engine,
            limits,
            stats: Stats::default(),
            audit,
            current: RwLock::default(),
            tables: Mutex::new(tables),
            next: AtomicU64::new(1),
        }))
    }

    /// Makes `keystore` the one that operations use from their next step on.
    ///
    /// # Errors
    /// [`Error::Expect`] for an older generation of the keystore that is published: it would bring retired keys back.
    pub fn publish(&self, keystore: Arc<Keystore>) -> Result<()> {
        let mut current = self.0.current.write().unwrap_or_else(PoisonError::into_inner);
        let older = current.as_ref().is_some_and(|published| {
            published.info().keystore_id == keystore.info().keystore_id
                && published.generation() > keystore.generation()
        });
        if older {
            return Err(Error::Expect("this keystore is older than the published one"));
        }
        *current = Some(keystore);
        Ok(())
    }

    /// The published keystore.
    ///
    /// # Errors
    /// [`NoKeystore`] before the first was published.
    pub fn current(&self) -> core::result::Result<Arc<Keystore>, NoKeystore> {
        self.0.current()
    }

    /// Makes an object, as [`ossenc::Object::create`] does.
    #[must_use]
    pub fn create(&self, choice: &Choice<'_>, context: &Context<'_>, shape: Shape, now: Time) -> Op {
        Op::begin(&self.0, &Task::Create { choice: *choice, context: *context, shape }, now)
    }

    /// Opens an envelope, as [`ossenc::Object::open`] does.
    #[must_use]
    pub fn open(&self, opening: &Opening<'_>, now: Time) -> Op {
        Op::begin(&self.0, &Task::Open(*opening), now)
    }

    /// Makes a new envelope for the same object, as [`ossenc::rewrap()`] does.
    #[must_use]
    pub fn rewrap(&self, opening: &Opening<'_>, change: &Rewrapping<'_>, now: Time) -> Op {
        Op::begin(&self.0, &Task::Rewrap(*opening, *change), now)
    }

    /// Asks again for a key that was served after its soft lifetime: the one that is due longest; `None` if none is. The
    /// operation gives nothing. A key that the service refuses to unwrap is dropped at once.
    #[must_use]
    pub fn refresh(&self, now: Time) -> Option<Op> {
        loop {
            let mut tables = self.0.tables();
            let (id, held, call) = tables.cache.take_due(now.mono_ns)?;
            if tables.flights.is_led(&id, now.mono_ns) || tables.failures.admit(&call, now.mono_ns).is_err() {
                continue;
            }
            let op = Op::refresh(&self.0, Need { id, call, want: Want::Refreshed(held) }, now, |member| {
                tables.flights.lead(id, member, after(now.mono_ns, self.0.limits.call_ms));
                tables.cache.epoch()
            });
            return Some(op);
        }
    }

    /// Drops the keys and failures of a master key, given by the id that slots have; `None`: of all. What is being asked
    /// for meanwhile serves its operation, and is not kept.
    pub fn evict(&self, key_id: Option<&str>) {
        let mut tables = self.0.tables();
        tables.cache.evict(key_id);
        tables.failures.evict(key_id);
    }

    /// The counters, as Prometheus text (version 0.0.4).
    #[must_use]
    pub fn stats(&self) -> String {
        let entries = self.0.tables().cache.len();
        self.0.stats.text(entries)
    }
}

impl Shared {
    pub(crate) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn current(&self) -> core::result::Result<Arc<Keystore>, NoKeystore> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(NoKeystore)
    }

    /// A number that no ask and no operation of this keyring had.
    pub(crate) fn next(&self) -> u64 {
        self.next.fetch_add(1, Relaxed)
    }

    /// Looks once more for what an operation lacks, and if it is not there, decides who asks.
    pub(crate) fn claim(&self, need: &Need, member: &Member, now: Time) -> Claim {
        let mut tables = self.tables();
        let id = &need.id;
        let found = match &need.want {
            Want::NewBucketKey { .. } => tables.cache.find_wrapping(id, None, now).map(|held| (held, u64::MAX)),
            Want::Stored(new) => {
                let Held::Bucket(new) = &**new else { unreachable!("only bucket keys are stored") };
                let found = tables.cache.find_wrapping(id, Some(new.record().key_version()), now);
                found.map(|held| (held, u64::MAX))
            }
            Want::Generated | Want::Refreshed(_) => None,
            Want::SlotKey | Want::BucketKey(_) | Want::Record { .. } => {
                tables.cache.find(id, now.mono_ns).map(|found| (found.held, found.until_ns))
            }
        };
        if let Some((held, until_ns)) = found {
            return Claim::Found(held, until_ns);
        }
        if let Some(error) = tables.failures.find(id, now.mono_ns) {
            return Claim::Failed(error);
        }
        if need.want.is_shared()
            && let Some(until_ns) = tables.flights.wait(id, member, now.mono_ns)
        {
            return Claim::Wait { until_ns };
        }
        if let Err(error) = tables.failures.admit(&need.call, now.mono_ns) {
            return Claim::Failed(error);
        }
        if need.want.is_shared() {
            tables.flights.lead(*id, member, after(now.mono_ns, self.limits.call_ms));
        }
        Claim::Lead
    }

    /// A bucket key was made: it wraps for its bucket, and opens what it wrapped.
    pub(crate) fn adopt(&self, id: Id, held: &Arc<Held>, context: &Context<'_>, by_reference: bool, now: Time) {
        let Held::Bucket(key) = &**held else { return };
        let record = key.record();
        let names = [record.provider(), record.key_id(), record.key_version()];
        let entry = match by_reference {
            true => Id::reference(names, record.id(), context),
            false => Id::bucket_key(&record, context),
        };
        let call = record.blob().and_then(|_| Call::unwrap_record(&record, context).ok()).map(Arc::new);
        let mut tables = self.tables();
        tables.cache.keep(entry, Arc::clone(held), record.key_id(), call, now.mono_ns, now.mono_ns);
        tables.cache.prove(&entry);
        tables.cache.wrap_with(id, entry, record.not_after(), now.mono_ns);
    }
}

impl core::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Keyring").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}
