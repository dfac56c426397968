//! What can go wrong, as one small list. Every variant is a public fact: none depends on secret bytes beyond "does not
//! verify".

/// The outcome of everything here that can fail.
pub type Result<T> = core::result::Result<T, Error>;

/// Why an operation was refused. The C ABI has one `OSSENC_E_…` status for each variant; `docs/FORMAT.md` says which
/// byte leads to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A caller's argument is outside what the interface allows.
    Argument(&'static str),
    /// The call does not fit the state that the thing is in: a sealer that has finished, a version that cannot be
    /// promoted.
    State(&'static str),
    /// The output buffer is too small. Nothing was written.
    Buffer {
        /// The bytes that are needed.
        needed: usize,
    },
    /// The entropy source failed. Nothing was sealed.
    NoEntropy,
    /// The known-answer test of AES-256-GCM failed on this machine.
    SelfTest,
    /// Stored bytes are not well-formed.
    Format(&'static str),
    /// Stored bytes are of a format version, suite, shape, method or kind that this library does not open.
    TooNew(&'static str),
    /// Well-formed, but not what the caller allows.
    Expect(&'static str),
    /// Wrong key, wrong context, or an envelope or message head that belongs elsewhere or is damaged.
    Commit,
    /// A chunk does not verify: damaged, swapped or moved. What its output held is wiped.
    Chunk {
        /// Its number; it holds the plaintext from byte `chunk * 16384` on.
        chunk: u64,
    },
    /// A manifest verified, but its content breaks the rules of docs/FORMAT.md, section 8.
    Manifest,
    /// This ticket was spent already.
    Used,
    /// The stored length cannot be that of a whole message, or is not the length that the caller trusts.
    Truncated,
    /// The keystore has no such key or version: it may be stale. Reload it and try again.
    NoVersion,
    /// The key or version is there, but its state forbids the use.
    KeyState,
    /// The key that a slot needs is not at hand: a remote key, a bucket key or a customer's key that has to be asked
    /// for.
    KeyAbsent,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Error::Argument(what) => write!(f, "bad argument: {what}"),
            Error::State(what) => write!(f, "not possible now: {what}"),
            Error::Buffer { needed } => write!(f, "output buffer too small: {needed} bytes are needed"),
            Error::NoEntropy => f.write_str("the entropy source failed"),
            Error::SelfTest => f.write_str("the AES-256-GCM known-answer test failed on this machine"),
            Error::Format(what) => write!(f, "malformed: {what}"),
            Error::TooNew(what) => write!(f, "not supported by this version: {what}"),
            Error::Expect(what) => write!(f, "not what the caller allows: {what}"),
            Error::Commit => f.write_str("wrong key or context, or an envelope that belongs elsewhere or is damaged"),
            Error::Chunk { chunk } => write!(f, "chunk {chunk} is damaged"),
            Error::Manifest => f.write_str("the manifest breaks its rules"),
            Error::Used => f.write_str("this ticket was spent already"),
            Error::Truncated => f.write_str("truncated: this is not the length of a whole message"),
            Error::NoVersion => f.write_str("no such key or version in this keystore: reload it and try again"),
            Error::KeyState => f.write_str("the state of the key forbids this use"),
            Error::KeyAbsent => f.write_str("the key is not at hand: it has to be asked for"),
        }
    }
}

impl core::error::Error for Error {}

impl From<ossenc_gcm::Error> for Error {
    fn from(error: ossenc_gcm::Error) -> Error {
        match error {
            ossenc_gcm::Error::BadTag { chunk } => Error::Chunk { chunk },
            ossenc_gcm::Error::SelfTest => Error::SelfTest,
            _ => Error::Argument("buffer lengths do not go together"),
        }
    }
}
