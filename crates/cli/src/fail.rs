//! How the command ends: exit codes, and from every error of the libraries to a message and a next step. Nowhere else.

use std::borrow::Cow;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use ossenc::Error;
use ossenc_kms::fleet::{CheckpointError, ItemError, JobError};
use ossenc_kms::sealed_file::FileError;
use ossenc_kms::{RootKeyError, StoreError, SwapError};

use crate::out::{name, path_name};

/// One for each kind of thing to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Refused = 1,
    Usage = 2,
    Io = 3,
    Keys = 4,
    Conflict = 5,
    TooNew = 6,
    Machine = 7,
    Interrupted = 130,
}

pub(crate) const CODES_HELP: &str = "\
Exit codes:
    0  done
    1  refused: damaged, truncated, in another place, or not allowed
    2  the command line makes no sense, or an option is missing
    3  the file system refused
    4  keys: no keystore, wrong root key, no such key or version, or its state forbids the use
    5  somebody else was first, or changed the file meanwhile: try again
    6  written by a later version
    7  this machine failed: self-test, entropy, memory
  130  interrupted
Of several files that failed: the code of all of them, or 1 where they differ.";

impl Code {
    /// That of several failures.
    pub(crate) fn of_all(codes: &[Code]) -> Code {
        match codes {
            [first, rest @ ..] if rest.iter().all(|code| code == first) => *first,
            _ => Code::Refused,
        }
    }

    /// As JSON has it.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Code::Refused => "refused",
            Code::Usage => "usage",
            Code::Io => "io",
            Code::Keys => "keys",
            Code::Conflict => "conflict",
            Code::TooNew => "too_new",
            Code::Machine => "machine",
            Code::Interrupted => "interrupted",
        }
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> ExitCode {
        ExitCode::from(code as u8)
    }
}

/// Why a command, or its work on one file, failed. All texts are safe to print.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    about: String,
    message: String,
    next: Cow<'static, str>,
    /// It was printed already.
    told: bool,
}

const STALE: &str = "the keystore may be stale: take the newest one; `ossenc info` tells the file's key and version";
const LOOK: &str = "look at the path, its permissions, and free space; what was there before is as it was";
const RESTORE: &str = "restore it from a replica or a backup";
const PLACE: &str = "check --tenant, --bucket, --object (or --below), --version-id and --user: they are the same as at sealing; \
    if they are, restore the file from a replica";

impl Failure {
    /// `about` is safe to print: see [`name`].
    pub(crate) fn new(
        code: Code,
        about: impl Into<String>,
        message: impl Display,
        next: impl Into<Cow<'static, str>>,
    ) -> Failure {
        Failure { code, about: about.into(), message: message.to_string(), next: next.into(), told: false }
    }

    pub(crate) fn usage(
        about: impl Into<String>,
        message: impl Display,
        next: impl Into<Cow<'static, str>>,
    ) -> Failure {
        Failure::new(Code::Usage, about, message, next)
    }

    pub(crate) fn interrupted() -> Failure {
        Failure::new(Code::Interrupted, "interrupted", "nothing half done has a name", "run it again")
    }

    /// How a command on several files ends, of which those that failed were reported.
    pub(crate) fn told(codes: &[Code]) -> Result<(), Failure> {
        if codes.is_empty() {
            return Ok(());
        }
        Err(Failure { told: true, ..Failure::new(Code::of_all(codes), "", "", "") })
    }

    pub(crate) fn is_told(&self) -> bool {
        self.told
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    pub(crate) fn about(&self) -> &str {
        &self.about
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn next(&self) -> &str {
        &self.next
    }

    /// Of stored bytes, and the keys that open them.
    pub(crate) fn core(about: impl Into<String>, error: Error) -> Failure {
        let (code, next) = match error {
            Error::Argument(_) => (Code::Usage, "see `ossenc help`"),
            Error::State(_) => (Code::Keys, "`ossenc keystore show KEY` tells the state of a key"),
            Error::Format(_) => (Code::Refused, "check the path; if it is the right one, restore it from a replica"),
            Error::TooNew(_) => (Code::TooNew, "use a newer version of this program"),
            Error::Expect(_) => (Code::Refused, "`ossenc info` tells its key: allow that with --allow-key"),
            Error::Commit => (Code::Refused, PLACE),
            Error::Chunk { .. } => (Code::Refused, "`ossenc verify` tells which bytes to repair from a replica"),
            Error::Truncated | Error::Manifest => (Code::Refused, RESTORE),
            Error::NoVersion => (Code::Keys, STALE),
            Error::KeyState => {
                (Code::Keys, "`ossenc keystore show KEY` tells the state; `enable` it, or take another key")
            }
            Error::KeyAbsent => {
                (Code::Keys, "this needs a key service or a customer's key, which this command has not")
            }
            _ => (Code::Machine, "nothing was written; try again, and look at this machine if it stays"),
        };
        Failure::new(code, about, error, next)
    }

    pub(crate) fn io(path: &Path, doing: &str, error: &io::Error) -> Failure {
        Failure::system(path_name(path), doing, error)
    }

    /// The same for what has no path.
    pub(crate) fn system(about: impl Into<String>, doing: &str, error: &io::Error) -> Failure {
        let next = match error.kind() {
            io::ErrorKind::AlreadyExists => "it is there already: --force replaces it",
            io::ErrorKind::BrokenPipe => "whoever reads it has ended",
            _ => LOOK,
        };
        Failure::new(Code::Io, about, format_args!("cannot {doing}: {error}"), next)
    }

    pub(crate) fn file(path: &Path, error: FileError) -> Failure {
        match error {
            FileError::Core(error) => Failure::core(path_name(path), error),
            FileError::Io(error) => Failure::io(path, "work on it", &error),
            FileError::NotRegular(_) => Failure::usage(path_name(path), error, "name a sealed file"),
            _ => Failure::new(Code::Conflict, path_name(path), error, "try again"),
        }
    }

    pub(crate) fn item(path: &Path, error: &ItemError) -> Failure {
        match error {
            ItemError::File(FileError::Core(error)) | ItemError::Envelope(error) => {
                Failure::core(path_name(path), *error)
            }
            ItemError::File(FileError::Io(error)) => Failure::io(path, "work on it", error),
            ItemError::File(error @ FileError::NotRegular(_)) => {
                Failure::usage(path_name(path), error, "name a sealed file")
            }
            ItemError::File(error) => Failure::new(Code::Conflict, path_name(path), error, "run it again"),
            error => Failure::new(Code::Refused, path_name(path), name(error.to_string()), "see above"),
        }
    }

    pub(crate) fn job(error: &JobError, checkpoint: Option<&Path>) -> Failure {
        match error {
            JobError::Source(error) => Failure::system("the files", "list them", error),
            JobError::Checkpoint(CheckpointError::Io(error)) => match checkpoint {
                Some(path) => Failure::io(path, "keep the checkpoint", error),
                None => Failure::system("the checkpoint", "keep it", error),
            },
            _ => Failure::new(
                Code::Refused,
                checkpoint.map(path_name).unwrap_or_default(),
                error,
                "remove it to begin anew (files that are done are passed over), or give another --checkpoint",
            ),
        }
    }

    pub(crate) fn store(path: &Path, error: StoreError) -> Failure {
        match error {
            StoreError::Swap(error) => Failure::swap(path, error),
            StoreError::RootKey(error) => Failure::root_key(error),
            _ => Failure::new(Code::Keys, path_name(path), error, "report it"),
        }
    }

    pub(crate) fn swap(path: &Path, error: SwapError) -> Failure {
        match error {
            SwapError::Conflict { found } if found > 0 => Failure::new(
                Code::Conflict,
                path_name(path),
                format_args!("there is a keystore of generation {found}"),
                "load it and try again; a new keystore needs another path",
            ),
            SwapError::Image(error) => Failure::image(path, error),
            SwapError::Io(error) => match error.kind() {
                io::ErrorKind::NotFound => Failure::new(
                    Code::Keys,
                    path_name(path),
                    "there is no keystore",
                    "name it with --keystore or OSSENC_KEYSTORE, or make one: ossenc keystore init",
                ),
                _ => Failure::io(path, "read or replace the keystore", &error),
            },
            error => Failure::new(Code::Conflict, path_name(path), error, "try again"),
        }
    }

    /// Of the keystore, and of changes to it.
    pub(crate) fn image(path: &Path, error: Error) -> Failure {
        let about = || path_name(path);
        match error {
            Error::Commit => Failure::new(
                Code::Keys,
                about(),
                "wrong root key or passphrase, or the keystore's header is damaged",
                "check --root-key-file or --passphrase-file; the image before the last change is beside it, as .previous",
            ),
            Error::Expect(_) => Failure::new(
                Code::Keys,
                about(),
                error,
                "stale keystore: load the newest one, or check --min-generation",
            ),
            Error::Chunk { .. } | Error::Truncated | Error::Format(_) => Failure::new(
                Code::Keys,
                about(),
                format_args!("no keystore, or damaged: {error}"),
                "check --keystore; the image before the last change is beside it, as .previous",
            ),
            Error::NoVersion => Failure::new(
                Code::Keys,
                about(),
                "no such key or version",
                "`ossenc keystore list` tells what there is",
            ),
            error => Failure::core(about(), error),
        }
    }

    pub(crate) fn root_key(error: RootKeyError) -> Failure {
        const NEXT: &str = "give --root-key-file, or --passphrase-file for a keystore under a passphrase";
        match error {
            RootKeyError::Io(error) if error.kind() != io::ErrorKind::NotFound => {
                Failure::system("the root key's file", "read it", &error)
            }
            error => Failure::new(Code::Keys, "root key", error, NEXT),
        }
    }
}
