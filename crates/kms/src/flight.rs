//! Calls in flight: who makes one, and who waits for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use crate::id::Id;

/// An operation that waits. Its lock is held while it is woken, so that clearing it waits for a wake under way, and none
/// comes after.
#[derive(Debug, Default)]
pub(crate) struct Waiter(Mutex<Option<Waker>>);

impl Waiter {
    pub(crate) fn set(&self, waker: &Waker) {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *place {
            Some(old) => old.clone_from(waker),
            None => *place = Some(waker.clone()),
        }
    }

    pub(crate) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn wake(&self) {
        if let Some(waker) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            waker.wake_by_ref();
        }
    }
}

/// Those to be woken, once no lock of the keyring is held.
#[must_use]
#[derive(Debug, Default)]
pub(crate) struct Wakes(Vec<Arc<Waiter>>);

impl Wakes {
    pub(crate) fn wake(self) {
        self.0.iter().for_each(|waiter| waiter.wake());
    }
}

/// A thread that blocks, told from all others that live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThreadToken(pub(crate) usize);

/// An operation, as flights know it.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) token: u64,
    pub(crate) waiter: Arc<Waiter>,
    /// The thread on which it blocks; none when it is stepped.
    pub(crate) thread: Option<ThreadToken>,
}

#[derive(Debug, Default)]
pub(crate) struct Flights(HashMap<Id, Flight>);

#[derive(Debug)]
struct Flight {
    leader: u64,
    thread: Option<ThreadToken>,
    lease_ns: u64,
    waiters: BTreeMap<u64, Arc<Waiter>>,
}

impl Flights {
    /// Whether somebody makes that call, and has time left for it.
    pub(crate) fn is_led(&self, id: &Id, now_ns: u64) -> bool {
        self.0.get(id).is_some_and(|flight| now_ns < flight.lease_ns)
    }

    /// Until when an operation that needs the key has to wait; none if it may lead.
    pub(crate) fn wait(&mut self, id: &Id, member: &Member, now_ns: u64) -> Option<u64> {
        let flight = self.0.get_mut(id).filter(|flight| flight.leader != member.token && now_ns < flight.lease_ns)?;
        // Who blocks waits for others that block, on other threads: who is stepped may be of this thread.
        if member.thread.is_some() && (flight.thread.is_none() || flight.thread == member.thread) {
            return None;
        }
        flight.waiters.insert(member.token, Arc::clone(&member.waiter));
        Some(flight.lease_ns)
    }

    /// Makes an operation the leader, until the lease runs out. Those who wait go on waiting.
    pub(crate) fn lead(&mut self, id: Id, member: &Member, lease_ns: u64) {
        let new = || Flight { leader: member.token, thread: None, lease_ns, waiters: BTreeMap::new() };
        let flight = self.0.entry(id).or_insert_with(new);
        (flight.leader, flight.thread, flight.lease_ns) = (member.token, member.thread, lease_ns);
        flight.waiters.remove(&member.token);
    }

    /// The leader's next call begins.
    pub(crate) fn renew(&mut self, id: &Id, token: u64, lease_ns: u64) {
        if let Some(flight) = self.0.get_mut(id).filter(|flight| flight.leader == token) {
            flight.lease_ns = lease_ns;
        }
    }

    /// An operation is through with a flight: its call is answered, or it has ended. If it led, or has brought the key
    /// although another leads by now, all that wait are woken.
    pub(crate) fn leave(&mut self, id: &Id, token: u64, brings_key: bool) -> Wakes {
        let Some(flight) = self.0.get_mut(id) else { return Wakes::default() };
        flight.waiters.remove(&token);
        let leads = flight.leader == token;
        let wakes = if leads || brings_key { flight.waiters.values().cloned().collect() } else { Vec::new() };
        if leads {
            self.0.remove(id);
        }
        Wakes(wakes)
    }
}
