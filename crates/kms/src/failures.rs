//! Failures that are kept, so that a service in trouble is not asked by everybody.

use core::time::Duration;

use crate::call::Call;
use crate::id::Id;
use crate::limits::after;
use crate::provider::Failure;
use crate::recent::Recent;
use crate::{Limits, OpError};

const BACK_OFF_FIRST_MS: u32 = 50;
const BACK_OFF_MAX_MS: u32 = 5_000;
/// A service that says "in a month" is not believed.
const RETRY_MAX: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Failures {
    limits: Limits,
    /// Of one key.
    kept: Recent<Kept>,
    /// Of a master key's service: throttled, away.
    services: Recent<Service>,
}

#[derive(Debug)]
struct Kept {
    error: OpError,
    key_id: String,
    until_ns: u64,
}

#[derive(Debug)]
struct Service {
    key_id: String,
    strikes: u32,
    failed_ns: u64,
    until_ns: u64,
    /// After the back-off one operation finds out; until then the others go on failing.
    probed_until_ns: u64,
}

impl Failures {
    pub(crate) fn new(limits: Limits) -> Failures {
        // Back-off does not depend on there being a cache.
        let capacity = limits.entries.max(1_000) as usize;
        Failures { limits, kept: Recent::new(capacity), services: Recent::new(capacity) }
    }

    /// The failure that is kept for a key.
    pub(crate) fn find(&mut self, id: &Id, now_ns: u64) -> Option<OpError> {
        let kept = self.kept.peek(id)?;
        if now_ns < kept.until_ns {
            return Some(kept.error);
        }
        self.kept.remove(id);
        None
    }

    /// Whether a call may be made now.
    pub(crate) fn admit(&mut self, call: &Call, now_ns: u64) -> Result<(), OpError> {
        let Some(service) = self.services.get(&call.service()) else { return Ok(()) };
        let closed_until = service.until_ns.max(service.probed_until_ns);
        if now_ns < closed_until {
            return Err(OpError::Retry { after: Duration::from_nanos(closed_until - now_ns) });
        }
        service.probed_until_ns = after(now_ns, self.limits.call_ms);
        Ok(())
    }

    /// A call has failed, which was asked for at `asked_ns`.
    pub(crate) fn failed(&mut self, id: Id, call: &Call, failure: Failure, asked_ns: u64, now_ns: u64) -> OpError {
        let service_id = call.service();
        let key_id = call.key_id.clone();
        let Failure::Retry { after: wished } = failure else {
            // It answered, so it is there.
            self.services.remove(&service_id);
            let error = OpError::from(failure);
            self.kept.put(id, Kept { error, key_id, until_ns: after(now_ns, self.limits.negative_ms) });
            return error;
        };
        let mut service = self.services.remove(&service_id).unwrap_or(Service {
            key_id,
            strikes: 0,
            failed_ns: 0,
            until_ns: 0,
            probed_until_ns: 0,
        });
        // Calls that were under way together fail together: one strike.
        if service.strikes == 0 || asked_ns >= service.failed_ns {
            service.strikes += 1;
            service.failed_ns = now_ns;
        }
        let back_off = BACK_OFF_FIRST_MS.saturating_mul(1 << (service.strikes - 1).min(16)).min(BACK_OFF_MAX_MS);
        let pause = wished.min(RETRY_MAX).max(Duration::from_millis(back_off.into()));
        let pause_ns = u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
        service.until_ns = service.until_ns.max(now_ns.saturating_add(pause_ns));
        service.probed_until_ns = 0;
        let left = Duration::from_nanos(service.until_ns - now_ns);
        self.services.put(service_id, service);
        OpError::Retry { after: left }
    }

    /// A call has succeeded.
    pub(crate) fn succeeded(&mut self, call: &Call) {
        self.services.remove(&call.service());
    }

    /// A call was given up: another may find out.
    pub(crate) fn abandoned(&mut self, call: &Call) {
        if let Some(service) = self.services.peek_mut(&call.service()) {
            service.probed_until_ns = 0;
        }
    }

    pub(crate) fn evict(&mut self, key_id: Option<&str>) {
        self.kept.retain(|kept| key_id.is_some_and(|id| kept.key_id != id));
        self.services.retain(|service| key_id.is_some_and(|id| service.key_id != id));
    }
}
