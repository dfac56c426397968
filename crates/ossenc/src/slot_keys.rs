//! The keys at hand that open slots.

use alloc::sync::Arc;

use crate::bucket_key::BucketKeyRecord;
use crate::{BucketKey, Context, CustomerKey, Engine, Error, Keystore, Kind, Result, Slot, WrappingKey};

/// Keys with which envelopes are opened and made: a [`Keystore`], an open [`BucketKey`], a [`CustomerKey`], a
/// [`SlotKey`] that a service gave, or several of these.
///
/// A pair asks its second only if its first does not have the key, a slice goes on in the same way. Put the keystore
/// first: it judges the state of a local master key even where an open bucket key would do.
///
/// Nothing here waits or asks anybody. Who can ask tries an opening with what is at hand; goes through
/// [`Envelope::candidates`](crate::Envelope::candidates) and finds with [`SlotKeys::wrapping_key`] those that are
/// [`Error::KeyAbsent`]; asks for the key of one; tries again.
pub trait SlotKeys {
    /// The key that wrapped the data key in `slot`, of an object in that place. `now` is the wall time in seconds since
    /// 1970.
    ///
    /// # Errors
    /// [`Error::KeyAbsent`] if it is not at hand. For local master keys [`Error::NoVersion`], [`Error::KeyState`]. For
    /// bucket keys [`Error::Commit`] if the record does not belong to the slot and the place, or is damaged;
    /// [`Error::TooNew`] for a record of a later version.
    fn wrapping_key(&self, engine: &Engine, slot: &Slot<'_>, context: &Context<'_>, now: u64) -> Result<WrappingKey>;

    /// The keystore that has the local master keys, if there is one.
    fn keystore(&self) -> Option<&Keystore> {
        None
    }
}

impl SlotKeys for Keystore {
    fn wrapping_key(&self, engine: &Engine, slot: &Slot<'_>, context: &Context<'_>, now: u64) -> Result<WrappingKey> {
        let Some(number) = slot.local_version() else { return Err(Error::KeyAbsent) };
        let master_key = || self.key(slot.key_id()).ok_or(Error::NoVersion);
        match slot.kind() {
            Kind::Local => Ok(master_key()?.data_key_wrapper(number, now)?.clone()),
            Kind::BucketKey => {
                let bucket_key = BucketKeyRecord::in_slot(slot)?.open(engine, self, context, now)?;
                Ok(bucket_key.wrapping_key().clone())
            }
            // Its record is elsewhere, but whether the master key may be used is known here.
            Kind::BucketKeyReference => {
                master_key()?.material(number, now)?;
                Err(Error::KeyAbsent)
            }
            Kind::Remote | Kind::Customer => Err(Error::KeyAbsent),
        }
    }

    fn keystore(&self) -> Option<&Keystore> {
        Some(self)
    }
}

/// For the slots that name it, in the bucket it was made for. The state of its master key is not known to it.
impl SlotKeys for BucketKey {
    fn wrapping_key(&self, _: &Engine, slot: &Slot<'_>, context: &Context<'_>, _: u64) -> Result<WrappingKey> {
        let record = self.record();
        if slot.bucket_key_id() != Some(record.id()) {
            return Err(Error::KeyAbsent);
        }
        if !record.belongs_to(slot) || !self.is_of(context)? {
            return Err(Error::Commit);
        }
        Ok(self.wrapping_key().clone())
    }
}

impl SlotKeys for CustomerKey {
    fn wrapping_key(&self, _: &Engine, slot: &Slot<'_>, _: &Context<'_>, _: u64) -> Result<WrappingKey> {
        if slot.kind() == Kind::Customer { Ok(self.wrapping_key().clone()) } else { Err(Error::KeyAbsent) }
    }
}

/// What was asked for one slot, for that slot only.
#[derive(Clone, Debug)]
pub struct SlotKey<'a> {
    /// The slot. It is compared as a whole: a service's blob alone identifies nothing.
    pub slot: Slot<'a>,
    /// Its key.
    pub key: WrappingKey,
}

impl SlotKeys for SlotKey<'_> {
    fn wrapping_key(&self, _: &Engine, slot: &Slot<'_>, _: &Context<'_>, _: u64) -> Result<WrappingKey> {
        if *slot == self.slot { Ok(self.key.clone()) } else { Err(Error::KeyAbsent) }
    }
}

impl<A: SlotKeys, B: SlotKeys> SlotKeys for (A, B) {
    fn wrapping_key(&self, engine: &Engine, slot: &Slot<'_>, context: &Context<'_>, now: u64) -> Result<WrappingKey> {
        match self.0.wrapping_key(engine, slot, context, now) {
            Err(Error::KeyAbsent) => self.1.wrapping_key(engine, slot, context, now),
            answer => answer,
        }
    }

    fn keystore(&self) -> Option<&Keystore> {
        self.0.keystore().or_else(|| self.1.keystore())
    }
}

impl<T: SlotKeys> SlotKeys for [T] {
    fn wrapping_key(&self, engine: &Engine, slot: &Slot<'_>, context: &Context<'_>, now: u64) -> Result<WrappingKey> {
        let mut answers = self.iter().map(|keys| keys.wrapping_key(engine, slot, context, now));
        answers.find(|answer| !matches!(answer, Err(Error::KeyAbsent))).unwrap_or(Err(Error::KeyAbsent))
    }

    fn keystore(&self) -> Option<&Keystore> {
        self.iter().find_map(SlotKeys::keystore)
    }
}

impl<T: SlotKeys + ?Sized> SlotKeys for &T {
    fn wrapping_key(&self, engine: &Engine, slot: &Slot<'_>, context: &Context<'_>, now: u64) -> Result<WrappingKey> {
        (**self).wrapping_key(engine, slot, context, now)
    }

    fn keystore(&self) -> Option<&Keystore> {
        (**self).keystore()
    }
}

impl<T: SlotKeys + ?Sized> SlotKeys for Arc<T> {
    fn wrapping_key(&self, engine: &Engine, slot: &Slot<'_>, context: &Context<'_>, now: u64) -> Result<WrappingKey> {
        (**self).wrapping_key(engine, slot, context, now)
    }

    fn keystore(&self) -> Option<&Keystore> {
        (**self).keystore()
    }
}
