//! Answers, checked before anything of them is believed.

use std::sync::Arc;

use ossenc::{
    BucketKey, BucketKeyRecord, Context, Engine, Error, KEY_ID_MAX, KEY_VERSION_MAX, Keystore, OUTER_BLOB_MAX,
    RemoteKey, Secret, WrappingKey,
};

use crate::call::{Call, Held, Need, Want};
use crate::provider::{Answer, Failure};
use crate::{Limits, OpError, Time};

/// What an answer has led to.
pub(crate) enum Next {
    Key(Arc<Held>),
    Generated(Generated),
    /// To wrap with; slots may refer to it now.
    BucketKey(Arc<Held>),
    Confirmed,
    Ask(Call, Want),
}

/// A key for one slot, and its wrapping.
#[derive(Debug)]
pub(crate) struct Generated {
    pub(crate) provider: String,
    key_id: String,
    key_version: String,
    blob: Vec<u8>,
    secret: Secret,
}

impl Generated {
    pub(crate) fn remote_key(&self) -> RemoteKey<'_> {
        RemoteKey {
            provider: &self.provider,
            key_id: &self.key_id,
            key_version: &self.key_version,
            blob: &self.blob,
            secret: &self.secret,
        }
    }
}

/// Why an answer leads to nothing.
pub(crate) enum Refusal {
    /// The service's doing: whoever needs the same shares it.
    Service(Failure),
    /// Found here, for this operation.
    Own(OpError),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        Refusal::Service(failure)
    }
}

const NONSENSE: Failure = Failure::Error { code: 0 };

/// Judges the answer to `need`'s call. `context` is the place of the object that the key is for.
pub(crate) fn accept(
    engine: &Engine,
    keystore: &Keystore,
    limits: &Limits,
    need: &Need,
    context: &Context<'_>,
    answer: Answer,
    now: Time,
) -> Result<Next, Refusal> {
    match &need.want {
        Want::SlotKey => Ok(Next::Key(Arc::new(Held::Slot(unwrapped(&need.call, &answer)?)))),
        Want::BucketKey(record) => {
            check_names(&need.call, &answer)?;
            let secret = answer.secret.as_ref().ok_or(NONSENSE)?;
            let record = BucketKeyRecord::parse(record).map_err(Error::into_own)?;
            let key = record.open_remote(secret, context).map_err(|_| NONSENSE)?;
            Ok(Next::Key(Arc::new(Held::Bucket(key))))
        }
        Want::Record { names, bucket_key_id } => {
            let record = BucketKeyRecord::parse(&answer.blob).map_err(|_| NONSENSE)?;
            let found = [record.provider(), record.key_id(), record.key_version()];
            if found != names.each_ref().map(String::as_str) || record.id()[..] != bucket_key_id[..] {
                return Err(NONSENSE.into());
            }
            if record.blob().is_some() {
                let call = Call::unwrap_record(&record, context).map_err(Error::into_own)?;
                return Ok(Next::Ask(call, Want::BucketKey(answer.blob)));
            }
            let key = record.open(engine, keystore, context, now.wall_s).map_err(Error::into_own)?;
            Ok(Next::Key(Arc::new(Held::Bucket(key))))
        }
        Want::Generated => Ok(Next::Generated(generated(&need.call, answer)?)),
        Want::NewBucketKey { by_reference } => {
            let generated = generated(&need.call, answer)?;
            let not_after = now.wall_s.saturating_add(limits.bucket_key_s.max(1).into());
            let made = BucketKey::create_remote(engine, &generated.remote_key(), context, not_after, now.wall_s);
            let key = match made {
                Ok(key) => key,
                Err(Error::Argument(_)) => return Err(NONSENSE.into()),
                Err(error) => return Err(error.into_own()),
            };
            let store = by_reference.then(|| Call::store(&key.record()));
            let held = Arc::new(Held::Bucket(key));
            Ok(match store {
                Some(call) => Next::Ask(call, Want::Stored(held)),
                None => Next::BucketKey(held),
            })
        }
        Want::Stored(held) => Ok(Next::BucketKey(Arc::clone(held))),
        Want::Refreshed(held) => {
            // The key that has opened slots stays; an answer that differs from it is wrong.
            if unwrapped(&need.call, &answer)?.is_same(held.wrapping_key()) {
                Ok(Next::Confirmed)
            } else {
                Err(NONSENSE.into())
            }
        }
    }
}

trait IntoOwn {
    fn into_own(self) -> Refusal;
}

impl IntoOwn for Error {
    fn into_own(self) -> Refusal {
        Refusal::Own(OpError::Core(self))
    }
}

fn unwrapped(call: &Call, answer: &Answer) -> Result<WrappingKey, Failure> {
    check_names(call, answer)?;
    let secret = answer.secret.as_ref().ok_or(NONSENSE)?;
    WrappingKey::remote(secret).map_err(|_| NONSENSE)
}

/// An answer that names a key names the one that was asked for.
fn check_names(call: &Call, answer: &Answer) -> Result<(), Failure> {
    let is_it = answer.key_id.is_empty() || answer.key_id == call.key_id;
    if is_it && is_graphic(&answer.key_version, KEY_VERSION_MAX) { Ok(()) } else { Err(NONSENSE) }
}

fn generated(call: &Call, answer: Answer) -> Result<Generated, Failure> {
    let Answer { secret: Some(secret), blob, key_id, key_version } = answer else { return Err(NONSENSE) };
    let has_names = !key_id.is_empty()
        && !key_id.starts_with("alias/")
        && is_graphic(&key_id, KEY_ID_MAX)
        && is_graphic(&key_version, KEY_VERSION_MAX);
    let is_key = WrappingKey::remote(&secret).is_ok();
    if has_names && is_key && (1..=OUTER_BLOB_MAX).contains(&blob.len()) {
        Ok(Generated { provider: call.provider.clone(), key_id, key_version, blob, secret })
    } else {
        Err(NONSENSE)
    }
}

fn is_graphic(text: &str, max: usize) -> bool {
    text.len() <= max && text.bytes().all(|b| (0x21..=0x7e).contains(&b))
}
