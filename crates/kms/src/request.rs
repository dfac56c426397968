//! What an operation is to do: borrowed as the caller gives it, and owned while it waits.

use ossenc::{Context, CustomerKey, Expect, Method, Shape};

/// Under which key an object shall be wrapped.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Choice<'a> {
    /// A master key of the keystore, by id or alias.
    Local {
        /// SSE-OSS or SSE-KMS.
        method: Method,
        /// Its id or alias.
        key: &'a str,
    },
    /// A master key of a key service, which makes a key for each slot.
    Remote {
        /// SSE-OSS or SSE-KMS.
        method: Method,
        /// The provider's name: 1 to 16 characters of `a`-`z`, `0`-`9` and `-`.
        provider: &'a str,
        /// What the service takes for a master key: an id, an alias; 1 to 2,048 bytes.
        key: &'a str,
    },
    /// The bucket key of the object's bucket, which is made when there is none.
    BucketKey {
        /// SSE-OSS or SSE-KMS.
        method: Method,
        /// The provider that has the master key; empty for the keystore.
        provider: &'a str,
        /// The master key, as above.
        key: &'a str,
        /// Whether slots refer to its record, which is stored once, or hold it.
        by_reference: bool,
    },
    /// A customer's key (SSE-C).
    Customer(&'a CustomerKey),
}

/// An envelope to open: what it is, where the caller's index says it belongs, and what it may be.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// As stored.
    pub envelope: &'a [u8],
    /// From the caller's own index.
    pub context: Context<'a>,
    /// What is allowed.
    pub expect: Expect<'a>,
    /// The customer's key, for SSE-C.
    pub customer_key: Option<&'a CustomerKey>,
}

/// What a rewrap changes: see [`ossenc::Rewrap`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Rewrapping<'a> {
    /// The new recipient; `None`: the one it has.
    pub to: Option<Choice<'a>>,
    /// The new place; `None`: the one it has.
    pub context: Option<Context<'a>>,
    /// Keep the slots of other master keys.
    pub keep_slots: bool,
}

/// Any of them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Task<'a> {
    Create { choice: Choice<'a>, context: Context<'a>, shape: Shape },
    Open(Opening<'a>),
    Rewrap(Opening<'a>, Rewrapping<'a>),
    Refresh,
}

#[derive(Debug)]
pub(crate) enum OwnedTask {
    Create { choice: OwnedChoice, context: OwnedContext, shape: Shape },
    Open(OwnedOpening),
    Rewrap { opening: OwnedOpening, to: Option<OwnedChoice>, context: Option<OwnedContext>, keep_slots: bool },
    Refresh,
}

#[derive(Debug)]
pub(crate) enum OwnedChoice {
    Local { method: Method, key: String },
    Remote { method: Method, provider: String, key: String },
    BucketKey { method: Method, provider: String, key: String, by_reference: bool },
    Customer(CustomerKey),
}

#[derive(Debug)]
pub(crate) struct OwnedOpening {
    envelope: Vec<u8>,
    context: OwnedContext,
    methods: Vec<Method>,
    key_ids: Vec<String>,
    customer_key: Option<CustomerKey>,
}

#[derive(Debug)]
pub(crate) struct OwnedContext {
    fields: [Vec<u8>; 4],
    user: Vec<(String, String)>,
}

impl<'a> Task<'a> {
    /// The place of the object for which a key is asked: of a rewrap, the new one if the key is to wrap.
    pub(crate) fn place(&self, to_wrap: bool) -> Context<'a> {
        match self {
            Task::Create { context, .. } => *context,
            Task::Rewrap(_, Rewrapping { context: Some(new), .. }) if to_wrap => *new,
            Task::Open(opening) | Task::Rewrap(opening, _) => opening.context,
            Task::Refresh => Context::default(),
        }
    }

    pub(crate) fn into_owned(self) -> OwnedTask {
        match self {
            Task::Create { choice, context, shape } => {
                OwnedTask::Create { choice: OwnedChoice::new(&choice), context: OwnedContext::new(&context), shape }
            }
            Task::Open(opening) => OwnedTask::Open(OwnedOpening::new(&opening)),
            Task::Rewrap(opening, change) => OwnedTask::Rewrap {
                opening: OwnedOpening::new(&opening),
                to: change.to.as_ref().map(OwnedChoice::new),
                context: change.context.as_ref().map(OwnedContext::new),
                keep_slots: change.keep_slots,
            },
            Task::Refresh => OwnedTask::Refresh,
        }
    }
}

impl OwnedTask {
    pub(crate) fn with<T>(&self, run: impl FnOnce(&Task<'_>) -> T) -> T {
        match self {
            OwnedTask::Create { choice, context, shape } => {
                context.with(|context| run(&Task::Create { choice: choice.borrow(), context: *context, shape: *shape }))
            }
            OwnedTask::Open(opening) => opening.with(|opening| run(&Task::Open(*opening))),
            OwnedTask::Rewrap { opening, to, context, keep_slots } => opening.with(|opening| {
                let to = to.as_ref().map(OwnedChoice::borrow);
                let change = Rewrapping { to, context: None, keep_slots: *keep_slots };
                match context {
                    Some(new) => {
                        new.with(|new| run(&Task::Rewrap(*opening, Rewrapping { context: Some(*new), ..change })))
                    }
                    None => run(&Task::Rewrap(*opening, change)),
                }
            }),
            OwnedTask::Refresh => run(&Task::Refresh),
        }
    }
}

impl OwnedChoice {
    fn new(choice: &Choice<'_>) -> OwnedChoice {
        match *choice {
            Choice::Local { method, key } => OwnedChoice::Local { method, key: key.into() },
            Choice::Remote { method, provider, key } => {
                OwnedChoice::Remote { method, provider: provider.into(), key: key.into() }
            }
            Choice::BucketKey { method, provider, key, by_reference } => {
                OwnedChoice::BucketKey { method, provider: provider.into(), key: key.into(), by_reference }
            }
            Choice::Customer(key) => OwnedChoice::Customer(key.clone()),
        }
    }

    fn borrow(&self) -> Choice<'_> {
        match self {
            OwnedChoice::Local { method, key } => Choice::Local { method: *method, key },
            OwnedChoice::Remote { method, provider, key } => Choice::Remote { method: *method, provider, key },
            OwnedChoice::BucketKey { method, provider, key, by_reference } => {
                Choice::BucketKey { method: *method, provider, key, by_reference: *by_reference }
            }
            OwnedChoice::Customer(key) => Choice::Customer(key),
        }
    }
}

impl OwnedOpening {
    fn new(opening: &Opening<'_>) -> OwnedOpening {
        OwnedOpening {
            envelope: opening.envelope.to_vec(),
            context: OwnedContext::new(&opening.context),
            methods: opening.expect.methods.to_vec(),
            key_ids: opening.expect.key_ids.iter().map(ToString::to_string).collect(),
            customer_key: opening.customer_key.cloned(),
        }
    }

    fn with<T>(&self, run: impl FnOnce(&Opening<'_>) -> T) -> T {
        let key_ids: Vec<&str> = self.key_ids.iter().map(String::as_str).collect();
        let expect = Expect { methods: &self.methods, key_ids: &key_ids };
        self.context.with(|context| {
            run(&Opening {
                envelope: &self.envelope,
                context: *context,
                expect,
                customer_key: self.customer_key.as_ref(),
            })
        })
    }
}

impl OwnedContext {
    fn new(context: &Context<'_>) -> OwnedContext {
        OwnedContext {
            fields: [context.tenant, context.bucket_id, context.object, context.version_id].map(<[u8]>::to_vec),
            user: context.user.iter().map(|&(key, value)| (key.into(), value.into())).collect(),
        }
    }

    fn with<T>(&self, run: impl FnOnce(&Context<'_>) -> T) -> T {
        let user: Vec<(&str, &str)> = self.user.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let [tenant, bucket_id, object, version_id] = self.fields.each_ref().map(Vec::as_slice);
        run(&Context { tenant, bucket_id, object, version_id, user: &user })
    }
}
