//! How an operation fails.

use core::time::Duration;

use ossenc::Error;

use crate::NoKeystore;
use crate::provider::Failure;

/// Why an operation did not do what it was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpError {
    /// The core's reasons; [`Error::NoVersion`] and [`Error::KeyState`] also when a service says so.
    Core(Error),
    /// Nothing has been published to the keyring yet.
    NoKeystore,
    /// The service forbids this.
    Denied,
    /// The service is throttled or away, or took too long.
    Retry {
        /// When to try again; before, nobody is asked.
        after: Duration,
    },
    /// The service refused for a reason of its own, or its answer made no sense.
    Kms {
        /// Its code, for the log; 0 if there is none.
        code: i32,
    },
    /// The operation's deadline has passed.
    Timeout,
    /// An answer to another ask than the open one. Nothing has changed, and the operation goes on.
    NotAsked,
}

impl OpError {
    /// The name that counters show.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            OpError::Core(Error::Expect(_)) => "expect",
            OpError::Core(Error::Commit) => "commit",
            OpError::Core(Error::NoVersion) => "noversion",
            OpError::Core(Error::KeyState) => "keystate",
            OpError::Core(Error::KeyAbsent) => "keyabsent",
            OpError::Core(Error::Format(_) | Error::TooNew(_)) => "format",
            OpError::Denied => "denied",
            OpError::Retry { .. } => "retry",
            OpError::Kms { .. } => "kms",
            OpError::Timeout => "timeout",
            OpError::Core(_) | OpError::NoKeystore | OpError::NotAsked => "other",
        }
    }
}

impl core::fmt::Display for OpError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            OpError::Core(error) => error.fmt(f),
            OpError::NoKeystore => f.write_str("no keystore was published to this keyring"),
            OpError::Denied => f.write_str("the key service forbids this"),
            OpError::Retry { after } => write!(f, "the key service is away: try again in {} ms", after.as_millis()),
            OpError::Kms { code } => write!(f, "the key service failed or gave a bad answer, code {code}"),
            OpError::Timeout => f.write_str("the operation's deadline has passed"),
            OpError::NotAsked => f.write_str("an answer to an ask that is not open"),
        }
    }
}

impl std::error::Error for OpError {}

impl From<Error> for OpError {
    fn from(error: Error) -> OpError {
        OpError::Core(error)
    }
}

impl From<NoKeystore> for OpError {
    fn from(_: NoKeystore) -> OpError {
        OpError::NoKeystore
    }
}

impl From<Failure> for OpError {
    fn from(failure: Failure) -> OpError {
        match failure {
            Failure::Denied => OpError::Denied,
            Failure::Unknown => OpError::Core(Error::NoVersion),
            Failure::Disabled => OpError::Core(Error::KeyState),
            Failure::Retry { after } => OpError::Retry { after },
            Failure::Error { code } => OpError::Kms { code },
        }
    }
}
