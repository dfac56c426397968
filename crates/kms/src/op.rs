//! Operations: state machines that are stepped to their end.

use std::sync::Arc;
use std::task::Waker;

use ossenc::{Error, Object};

use crate::answer::{Next, Refusal, accept};
use crate::attempt::{Gathered, Product, Stop, attempt, report};
use crate::call::{Need, OpenAsk, Want};
use crate::flight::{Member, ThreadToken};
use crate::id::Id;
use crate::keyring::{Claim, Shared};
use crate::limits::after;
use crate::provider::{Answer, Failure, Verb};
use crate::request::{OwnedTask, Task};
use crate::stats::count;
use crate::{OpError, Time};

/// A creation, an opening, a rewrap or a refresh under way. With local keys it has ended when it is made. Dropping it
/// cancels it. One thread at a time; see docs/key-services.md.
pub struct Op {
    state: State,
    deadline_ns: u64,
}

enum State {
    /// Not told yet.
    Ready(Result<Product, OpError>),
    Done(Product),
    Failed,
    Pending(Box<Job>),
}

/// What a step says.
#[derive(Debug)]
pub enum Step<'a> {
    /// The operation has ended well: what it made is there.
    Done,
    /// Make this call, and step with its answer.
    Ask(OpenAsk<'a>),
    /// Another operation makes the call: step again after the wake.
    Wait {
        /// And at this monotonic time, if no wake has come.
        until_ns: u64,
    },
}

/// The answer to an ask.
#[derive(Debug)]
pub struct Reply {
    /// The ask's `id`.
    pub id: u64,
    /// What the service gave.
    pub outcome: Result<Answer, Failure>,
}

/// An operation that lacks a key.
struct Job {
    shared: Arc<Shared>,
    member: Member,
    task: OwnedTask,
    gathered: Gathered,
    /// What it lacks, while it waits or is about to ask.
    need: Option<Box<Need>>,
    asked: Option<Asked>,
    /// Where it leads, or waits.
    flight: Option<Flight>,
}

struct Flight {
    id: Id,
    /// Whether its call has given the key: those who wait are woken once it was tried.
    brings_key: bool,
}

/// The open ask.
struct Asked {
    id: u64,
    need: Box<Need>,
    asked_ns: u64,
    epoch: u64,
}

enum Moved {
    Ended(Product),
    Done,
    Ask,
    Wait { until_ns: u64 },
}

impl Op {
    pub(crate) fn begin(shared: &Arc<Shared>, task: &Task<'_>, now: Time) -> Op {
        let gathered = Gathered::default();
        let outcome = match attempt(shared, task, &gathered, now) {
            Ok(product) => Ok(product),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Needs(need)) => {
                let mut job = Job::new(shared, task.into_owned());
                job.gathered = gathered;
                job.lack(need);
                return Op::pending(job);
            }
        };
        report(shared, task, &gathered, outcome.as_ref().map_err(|error| *error));
        Op { state: State::Ready(outcome), deadline_ns: u64::MAX }
    }

    /// `lead` makes it the leader, and gives the cache's epoch.
    pub(crate) fn refresh(shared: &Arc<Shared>, need: Need, now: Time, lead: impl FnOnce(&Member) -> u64) -> Op {
        let mut job = Job::new(shared, OwnedTask::Refresh);
        let epoch = lead(&job.member);
        job.flight = Some(Flight { id: need.id, brings_key: false });
        job.ask(Box::new(need), now, epoch);
        Op::pending(job)
    }

    fn pending(job: Job) -> Op {
        Op { state: State::Pending(Box::new(job)), deadline_ns: u64::MAX }
    }

    /// From that monotonic time on the operation neither asks nor waits: it ends in [`OpError::Timeout`].
    pub fn set_deadline(&mut self, mono_ns: u64) {
        self.deadline_ns = mono_ns;
    }

    /// Takes the operation on as far as it goes. `waker` is woken when it shall be stepped again, after [`Step::Wait`];
    /// that may be before this returns, or without need, but never after the operation is dropped. It must not call the
    /// library.
    ///
    /// # Errors
    /// [`OpError::NotAsked`] for a reply to another ask than the open one: the operation goes on. Any other error has
    /// ended it.
    pub fn step(&mut self, reply: Option<Reply>, now: Time, waker: &Waker) -> Result<Step<'_>, OpError> {
        match self.advance(reply, now, waker)? {
            Moved::Done | Moved::Ended(_) => Ok(Step::Done),
            Moved::Wait { until_ns } => Ok(Step::Wait { until_ns }),
            Moved::Ask => match &self.state {
                State::Pending(job) => job.open_ask(self.deadline_ns).map(Step::Ask).ok_or(OpError::NotAsked),
                _ => Err(OpError::NotAsked),
            },
        }
    }

    fn advance(&mut self, reply: Option<Reply>, now: Time, waker: &Waker) -> Result<Moved, OpError> {
        let job = match &mut self.state {
            State::Pending(job) => job,
            _ if reply.is_some() => return Err(OpError::NotAsked),
            _ => return self.tell(),
        };
        let outcome = match job.advance(reply, now, waker, self.deadline_ns) {
            Ok(Moved::Ended(product)) => Ok(product),
            Err(OpError::NotAsked) => return Err(OpError::NotAsked),
            Err(error) => Err(error),
            moved => return moved,
        };
        job.task.with(|task| report(&job.shared, task, &job.gathered, outcome.as_ref().map_err(|error| *error)));
        self.state = State::Ready(outcome);
        self.tell()
    }

    /// The outcome, of an operation that has ended: an error once.
    fn tell(&mut self) -> Result<Moved, OpError> {
        match core::mem::replace(&mut self.state, State::Failed) {
            State::Ready(Ok(product)) | State::Done(product) => {
                self.state = State::Done(product);
                Ok(Moved::Done)
            }
            State::Ready(Err(error)) => Err(error),
            State::Failed | State::Pending(_) => Err(OpError::Core(Error::State("this operation has failed"))),
        }
    }

    /// The open object, of a creation or an opening that a step has said to be done.
    #[must_use]
    pub fn object(&self) -> Option<&Object> {
        if let State::Done(product) = &self.state { product.object.as_ref() } else { None }
    }

    /// The new envelope, of a creation or a rewrap that a step has said to be done.
    #[must_use]
    pub fn envelope(&self) -> Option<&[u8]> {
        if let State::Done(product) = &self.state { product.envelope.as_deref() } else { None }
    }

    /// Says that it is run by a thread that blocks, until that monotonic time at most.
    pub(crate) fn block(&mut self, thread: ThreadToken, until_ns: u64) {
        self.deadline_ns = self.deadline_ns.min(until_ns);
        if let State::Pending(job) = &mut self.state {
            job.member.thread = Some(thread);
        }
    }
}

impl Job {
    fn new(shared: &Arc<Shared>, task: OwnedTask) -> Job {
        let member = Member { token: shared.next(), waiter: Arc::default(), thread: None };
        let gathered = Gathered::default();
        Job { shared: Arc::clone(shared), member, task, gathered, need: None, asked: None, flight: None }
    }

    fn advance(&mut self, reply: Option<Reply>, now: Time, waker: &Waker, deadline_ns: u64) -> Result<Moved, OpError> {
        if let Some(Reply { id, outcome }) = reply {
            let asked = self.asked.take_if(|asked| asked.id == id).ok_or(OpError::NotAsked)?;
            self.answered(asked, outcome, now)?;
        }
        self.member.waiter.set(waker);
        while self.asked.is_none() {
            let Some(need) = self.need.take() else {
                match self.attempt(now)? {
                    Some(product) => return Ok(Moved::Ended(product)),
                    None => continue,
                }
            };
            match self.shared.claim(&need, &self.member, now) {
                Claim::Found(held, until_ns) => {
                    self.leave();
                    if need.want.is_to_wrap() {
                        self.gathered.bucket_key = Some(held);
                    } else {
                        self.gathered.gain(need.id, held, until_ns);
                    }
                }
                Claim::Failed(error) => {
                    self.leave();
                    self.without(&need, error)?;
                }
                Claim::Lead => {
                    self.flight = Some(Flight { id: need.id, brings_key: false });
                    let epoch = self.shared.tables().cache.epoch();
                    self.ask(need, now, epoch);
                }
                Claim::Wait { until_ns } => {
                    self.flight = Some(Flight { id: need.id, brings_key: false });
                    self.need = Some(need);
                    if now.mono_ns >= deadline_ns {
                        return Err(OpError::Timeout);
                    }
                    return Ok(Moved::Wait { until_ns: until_ns.min(deadline_ns) });
                }
            }
        }
        if now.mono_ns >= deadline_ns { Err(OpError::Timeout) } else { Ok(Moved::Ask) }
    }

    /// Tries with what was gathered; none if a need was found.
    fn attempt(&mut self, now: Time) -> Result<Option<Product>, OpError> {
        let tried = self.task.with(|task| attempt(&self.shared, task, &self.gathered, now));
        self.leave();
        match tried {
            Ok(product) => Ok(Some(product)),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Needs(need)) => {
                self.lack(need);
                Ok(None)
            }
        }
    }

    fn lack(&mut self, need: Box<Need>) {
        count(&self.shared.stats.of(&need.call.provider, &need.call.key_id).misses);
        self.need = Some(need);
    }

    fn ask(&mut self, need: Box<Need>, now: Time, epoch: u64) {
        self.shared.stats.of(&need.call.provider, &need.call.key_id).called(need.call.verb);
        self.asked = Some(Asked { id: self.shared.next(), need, asked_ns: now.mono_ns, epoch });
    }

    /// There is nothing to be had for a need: fatal, unless another slot may open.
    fn without(&mut self, need: &Need, error: OpError) -> Result<(), OpError> {
        match need.want {
            Want::SlotKey | Want::BucketKey(_) | Want::Record { .. } => {
                self.gathered.failed.push((need.id, error));
                Ok(())
            }
            Want::Generated | Want::NewBucketKey { .. } | Want::Stored(_) | Want::Refreshed(_) => Err(error),
        }
    }

    fn answered(&mut self, asked: Asked, outcome: Result<Answer, Failure>, now: Time) -> Result<(), OpError> {
        let Asked { need, asked_ns, epoch, .. } = asked;
        let Shared { engine, limits, stats, .. } = &*self.shared;
        let next = match (outcome, self.shared.current()) {
            (Ok(answer), Ok(keystore)) => self.task.with(|task| {
                accept(engine, &keystore, limits, &need, &task.place(need.want.is_to_wrap()), answer, now)
            }),
            (Err(failure), _) => Err(Refusal::Service(failure)),
            (Ok(_), Err(error)) => Err(Refusal::Own(error.into())),
        };
        let mut tables = self.shared.tables();
        let is_fresh = tables.cache.epoch() == epoch;
        let refused = match &next {
            Ok(_) => {
                tables.failures.succeeded(&need.call);
                None
            }
            Err(Refusal::Service(failure)) => {
                Some(tables.failures.failed(need.id, &need.call, *failure, asked_ns, now.mono_ns))
            }
            Err(Refusal::Own(error)) => {
                tables.failures.succeeded(&need.call);
                Some(*error)
            }
        };
        let took_ns = now.mono_ns.saturating_sub(asked_ns);
        stats.of(&need.call.provider, &need.call.key_id).answered(took_ns, refused.as_ref());
        if let Some(error) = refused {
            let is_gone = matches!(error, OpError::Denied | OpError::Core(_));
            if is_gone && matches!(need.want, Want::Refreshed(_)) {
                tables.cache.forget(&need.id);
            }
            drop(tables);
            self.leave();
            return self.without(&need, error);
        }
        let Ok(next) = next else { return Ok(()) };
        match next {
            Next::Key(held) => {
                if is_fresh {
                    let again = (need.call.verb == Verb::Unwrap).then(|| Arc::clone(&need.call));
                    tables.cache.keep(need.id, Arc::clone(&held), &need.call.key_id, again, asked_ns, now.mono_ns);
                }
                self.gathered.gain(need.id, held, after(now.mono_ns, limits.hard_ms));
            }
            Next::Confirmed => {
                if is_fresh {
                    tables.cache.renew(&need.id, asked_ns);
                }
            }
            Next::Generated(generated) => self.gathered.generated = Some(generated),
            Next::BucketKey(held) => {
                drop(tables);
                if is_fresh {
                    let by_reference = matches!(need.want, Want::Stored(_));
                    let made = Time { mono_ns: asked_ns, ..now };
                    self.task.with(|task| self.shared.adopt(need.id, &held, &task.place(true), by_reference, made));
                }
                self.gathered.bucket_key = Some(held);
            }
            Next::Ask(call, want) => {
                let admitted = tables.failures.admit(&call, now.mono_ns);
                tables.flights.renew(&need.id, self.member.token, after(now.mono_ns, limits.call_ms));
                drop(tables);
                let need = Box::new(Need { id: need.id, call: Arc::new(call), want });
                if let Err(error) = admitted {
                    self.leave();
                    return self.without(&need, error);
                }
                self.ask(need, now, epoch);
                return Ok(());
            }
        }
        if let Some(flight) = &mut self.flight {
            flight.brings_key = true;
        }
        Ok(())
    }

    fn open_ask(&self, deadline_ns: u64) -> Option<OpenAsk<'_>> {
        let asked = self.asked.as_ref()?;
        let until_ns = after(asked.asked_ns, self.shared.limits.call_ms).min(deadline_ns);
        Some(OpenAsk::new(asked.id, &asked.need.call, until_ns))
    }

    /// Neither leads nor waits any more. Whoever waits for it is woken.
    fn leave(&mut self) {
        if let Some(Flight { id, brings_key }) = self.flight.take() {
            let wakes = self.shared.tables().flights.leave(&id, self.member.token, brings_key);
            wakes.wake();
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(asked) = &self.asked {
            self.shared.tables().failures.abandoned(&asked.need.call);
        }
        self.leave();
        self.member.waiter.clear();
    }
}

impl core::fmt::Debug for Op {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let state = match &self.state {
            State::Ready(_) | State::Done(_) | State::Failed => "ended",
            State::Pending(job) if job.asked.is_some() => "asks",
            State::Pending(_) => "pending",
        };
        f.debug_struct("Op").field("state", &state).finish_non_exhaustive()
    }
}
