//! A bounded map that forgets what was used least recently.
//!
//! Two maps of the standard library: recency is a counter. An LRU list would save the logarithm, and cost `unsafe` or a
//! dependency; the cryptography of one operation takes longer than both lookups.

use std::collections::{BTreeMap, HashMap};

use crate::id::Id;

#[derive(Debug)]
pub(crate) struct Recent<V> {
    capacity: usize,
    clock: u64,
    by_id: HashMap<Id, (u64, V)>,
    by_use: BTreeMap<u64, Id>,
}

impl<V> Recent<V> {
    pub(crate) fn new(capacity: usize) -> Recent<V> {
        Recent { capacity, clock: 0, by_id: HashMap::new(), by_use: BTreeMap::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Looks without use.
    pub(crate) fn peek(&self, id: &Id) -> Option<&V> {
        self.by_id.get(id).map(|(_, value)| value)
    }

    /// As [`Recent::peek`], to change it.
    pub(crate) fn peek_mut(&mut self, id: &Id) -> Option<&mut V> {
        self.by_id.get_mut(id).map(|(_, value)| value)
    }

    /// Looks, and counts as a use.
    pub(crate) fn get(&mut self, id: &Id) -> Option<&mut V> {
        let (used, value) = self.by_id.get_mut(id)?;
        self.by_use.remove(used);
        self.clock += 1;
        *used = self.clock;
        self.by_use.insert(self.clock, *id);
        Some(value)
    }

    /// Keeps a value, as the most recently used. Gives what had to go for it.
    pub(crate) fn put(&mut self, id: Id, value: V) -> Option<(Id, V)> {
        let replaced = self.remove(&id).map(|old| (id, old));
        if self.capacity == 0 {
            return Some((id, value));
        }
        let oldest = if self.by_id.len() < self.capacity { None } else { self.by_use.first_key_value() };
        let evicted = oldest.map(|(_, id)| *id).and_then(|id| self.remove(&id).map(|old| (id, old)));
        self.clock += 1;
        self.by_use.insert(self.clock, id);
        self.by_id.insert(id, (self.clock, value));
        replaced.or(evicted)
    }

    pub(crate) fn remove(&mut self, id: &Id) -> Option<V> {
        let (used, value) = self.by_id.remove(id)?;
        self.by_use.remove(&used);
        Some(value)
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.by_id.retain(|_, (_, value)| keep(value));
        let by_id = &self.by_id;
        self.by_use.retain(|_, id| by_id.contains_key(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let [a, b, c] = [b"a", b"b", b"c"].map(|name| Id::generated("p", "k", name));
        let mut map = Recent::new(2);
        assert!(map.put(a, 1).is_none() && map.put(b, 2).is_none());
        assert_eq!(map.get(&a), Some(&mut 1));
        assert_eq!(map.put(c, 3), Some((b, 2)));
        assert_eq!(map.peek(&a), Some(&1));
        assert_eq!(map.put(a, 4), Some((a, 1)), "replaced, nothing evicted");
        assert_eq!((map.len(), map.by_use.len()), (2, 2));
        map.retain(|value| *value == 4);
        assert_eq!((map.len(), map.by_use.len()), (1, 1));
        assert_eq!(Recent::new(0).put(a, 1), Some((a, 1)));
    }
}
