//! The keys that are kept, which bucket keys wrap, and which keys are due to be asked for again.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::call::{Call, Held};
use crate::id::Id;
use crate::limits::after;
use crate::recent::Recent;
use crate::{Limits, Time};

#[derive(Debug)]
pub(crate) struct Cache {
    limits: Limits,
    entries: Recent<Entry>,
    /// By what they wrap for. The keys themselves are among the entries: what is evicted there wraps no more.
    wrapping: Recent<Wrapping>,
    /// Entries that were served after their soft lifetime, by its end.
    due: BTreeSet<(u64, Id)>,
    /// Counts the evictions: an answer to an ask from before one is not kept.
    epoch: u64,
}

#[derive(Debug)]
struct Entry {
    held: Arc<Held>,
    key_id: String,
    /// How to ask for it again; none for bucket keys of local master keys, whose state is seen at every use.
    call: Option<Arc<Call>>,
    asked_ns: u64,
    soft_ns: u64,
    hard_ns: u64,
    uses: u32,
    /// Whether a slot has opened with it.
    proved: bool,
}

#[derive(Debug)]
struct Wrapping {
    entry: Id,
    until_ns: u64,
    not_after: u64,
    objects: u64,
}

/// A key that was found.
pub(crate) struct Found {
    pub(crate) held: Arc<Held>,
    pub(crate) proved: bool,
    pub(crate) until_ns: u64,
}

impl Cache {
    pub(crate) fn new(limits: Limits) -> Cache {
        let capacity = limits.entries as usize;
        let (entries, wrapping) = (Recent::new(capacity), Recent::new(capacity));
        Cache { limits, entries, wrapping, due: BTreeSet::new(), epoch: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Serves a key.
    pub(crate) fn find(&mut self, id: &Id, now_ns: u64) -> Option<Found> {
        let entry = self.entries.peek(id)?;
        let used_up = self.limits.uses != 0 && entry.uses >= self.limits.uses;
        if now_ns >= entry.hard_ns || used_up {
            self.forget(id);
            return None;
        }
        let entry = self.entries.get(id)?;
        entry.uses = entry.uses.saturating_add(1);
        if now_ns >= entry.soft_ns && entry.proved && entry.call.is_some() {
            self.due.insert((entry.soft_ns, *id));
        }
        Some(Found { held: Arc::clone(&entry.held), proved: entry.proved, until_ns: entry.hard_ns })
    }

    /// Keeps a key that was asked for at `asked_ns`, which no slot has proved: until one does, not for long.
    pub(crate) fn keep(
        &mut self,
        id: Id,
        held: Arc<Held>,
        key_id: &str,
        call: Option<Arc<Call>>,
        asked_ns: u64,
        now: u64,
    ) {
        // What is there and proved is better than what comes late.
        if self.entries.peek(&id).is_some_and(|entry| entry.proved && now < entry.hard_ns) {
            return;
        }
        let hard_ns = after(now, self.limits.negative_ms).min(after(asked_ns, self.limits.hard_ms));
        let key_id = key_id.to_owned();
        let entry = Entry { held, key_id, call, asked_ns, soft_ns: u64::MAX, hard_ns, uses: 0, proved: false };
        if let Some((gone, entry)) = self.entries.put(id, entry) {
            self.due.remove(&(entry.soft_ns, gone));
        }
    }

    /// A slot has opened with it, or it was made here: it is kept for its time.
    pub(crate) fn prove(&mut self, id: &Id) {
        let limits = self.limits;
        if let Some(entry) = self.entries.peek_mut(id).filter(|entry| !entry.proved) {
            entry.proved = true;
            entry.soft_ns = after(entry.asked_ns, limits.soft_ms);
            entry.hard_ns = after(entry.asked_ns, limits.hard_ms);
        }
    }

    pub(crate) fn forget(&mut self, id: &Id) {
        if let Some(entry) = self.entries.remove(id) {
            self.due.remove(&(entry.soft_ns, *id));
        }
    }

    /// The bucket key that wraps, for one object more. `version`: the one that its master key has to have.
    pub(crate) fn find_wrapping(&mut self, id: &Id, version: Option<&str>, now: Time) -> Option<Arc<Held>> {
        let wrapping = self.wrapping.get(id)?;
        let ended = now.mono_ns >= wrapping.until_ns || now.wall_s >= wrapping.not_after || wrapping.objects == 0;
        wrapping.objects = wrapping.objects.saturating_sub(1);
        let entry = wrapping.entry;
        let found = if ended { None } else { self.find(&entry, now.mono_ns) };
        let held = found.map(|found| found.held).filter(|held| match &**held {
            Held::Bucket(key) => version.is_none_or(|version| key.record().key_version() == version),
            Held::Slot(_) => false,
        });
        if held.is_none() {
            self.wrapping.remove(id);
        }
        held
    }

    /// From now on that key wraps: it is among the entries already. One object is for its maker.
    pub(crate) fn wrap_with(&mut self, id: Id, entry: Id, not_after: u64, made_ns: u64) {
        let until_ns = made_ns.saturating_add(u64::from(self.limits.bucket_key_s.max(1)) * 1_000_000_000);
        let objects = self.limits.bucket_key_uses.saturating_sub(1);
        self.wrapping.put(id, Wrapping { entry, until_ns, not_after, objects });
    }

    /// The longest due key, which is not due again before its call has had its time.
    pub(crate) fn take_due(&mut self, now_ns: u64) -> Option<(Id, Arc<Held>, Arc<Call>)> {
        while let Some((soft_ns, id)) = self.due.pop_first() {
            let Some(entry) = self.entries.peek_mut(&id).filter(|entry| entry.soft_ns == soft_ns) else { continue };
            entry.soft_ns = after(now_ns, self.limits.call_ms);
            if let Some(call) = &entry.call
                && now_ns < entry.hard_ns
            {
                return Some((id, Arc::clone(&entry.held), Arc::clone(call)));
            }
        }
        None
    }

    /// The service still unwraps it.
    pub(crate) fn renew(&mut self, id: &Id, asked_ns: u64) {
        let limits = self.limits;
        let Some(entry) = self.entries.peek_mut(id) else { return };
        self.due.remove(&(entry.soft_ns, *id));
        entry.asked_ns = asked_ns;
        entry.soft_ns = after(asked_ns, limits.soft_ms);
        entry.hard_ns = after(asked_ns, limits.hard_ms);
        entry.uses = 0;
    }

    /// Drops the keys of a master key, or all.
    pub(crate) fn evict(&mut self, key_id: Option<&str>) {
        self.epoch += 1;
        self.entries.retain(|entry| key_id.is_some_and(|id| entry.key_id != id));
        let entries = &self.entries;
        self.due.retain(|(_, id)| entries.peek(id).is_some());
        self.wrapping.retain(|wrapping| entries.peek(&wrapping.entry).is_some());
    }
}
