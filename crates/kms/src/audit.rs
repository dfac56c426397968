//! What an auditor is told.

use ossenc::OBJECT_ID_LEN;

use crate::OpError;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum What {
    /// A data key was wrapped: an object was created, or rewrapped.
    Wrap,
    /// A data key was unwrapped: an object was opened, or rewrapped.
    Unwrap,
}

/// A wrap or an unwrap that has ended, well or not.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// What.
    pub what: What,
    /// The object; none if there was no envelope to tell.
    pub object_id: Option<&'a [u8; OBJECT_ID_LEN]>,
    /// The provider of the master key; empty for local and customer keys.
    pub provider: &'a str,
    /// The master key. Of an opening that failed, the last one that was tried; empty if none was.
    pub key_id: &'a str,
    /// Its version.
    pub key_version: &'a str,
    /// How it ended.
    pub outcome: Result<(), OpError>,
}

/// Is told every wrap and unwrap, on the thread that did it. It must not call the keyring.
pub trait Audit: Send + Sync {
    /// Takes note.
    fn event(&self, event: &Event<'_>);
}
