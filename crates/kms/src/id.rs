//! What a key is good for, as one name: nothing that differs in any of it shares an entry or a call.

use ossenc::{BucketKeyRecord, Context, Slot};
use sha2::{Digest, Sha256};

/// The SHA-256 of all that a key is bound to, encoded so that no two lists of fields have the same bytes. A digest, and
/// not the fields, because a slot takes up to 8 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id([u8; 32]);

impl Id {
    /// The key of a remote slot: the object, the slot, the place as the service is told it.
    pub(crate) fn slot(prelude: &[u8], slot: &Slot<'_>, kms_context: &[u8]) -> Id {
        Id::of("slot", &[prelude, slot.bytes(), kms_context])
    }

    /// A bucket key whose record is in the slot: the whole record counts, since storage may hold forged ones of its id.
    pub(crate) fn bucket_key(record: &BucketKeyRecord<'_>, context: &Context<'_>) -> Id {
        Id::of("bucket key", &[context.tenant, context.bucket_id, record.bytes()])
    }

    /// A bucket key that slots refer to.
    pub(crate) fn reference(names: [&str; 3], id: &[u8], context: &Context<'_>) -> Id {
        let [provider, key_id, version] = names.map(str::as_bytes);
        Id::of("reference", &[context.tenant, context.bucket_id, provider, key_id, version, id])
    }

    /// The bucket key that wraps for a bucket under a master key.
    pub(crate) fn wrapping(provider: &str, key: &str, by_reference: bool, context: &Context<'_>) -> Id {
        let fields = [context.tenant, context.bucket_id, provider.as_bytes(), key.as_bytes(), &[by_reference.into()]];
        Id::of("wrapping", &fields)
    }

    /// A new key of a remote master key.
    pub(crate) fn generated(provider: &str, key: &str, kms_context: &[u8]) -> Id {
        Id::of("generated", &[provider.as_bytes(), key.as_bytes(), kms_context])
    }

    /// A master key's service, or its store of bucket keys' records.
    pub(crate) fn service(provider: &str, key: &str, is_store: bool) -> Id {
        Id::of("service", &[provider.as_bytes(), key.as_bytes(), &[is_store.into()]])
    }

    fn of(kind: &str, fields: &[&[u8]]) -> Id {
        let mut hash = Sha256::new();
        for field in [kind.as_bytes()].iter().chain(fields) {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
        Id(hash.finalize().into())
    }
}
