//! What can go wrong with a sealed file.

use std::io;

use ossenc::Error;

/// Why a sealed file was not read, made or changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// The bytes are refused, or the keys do not open them: as docs/FORMAT.md has it.
    Core(Error),
    /// The file system refused.
    Io(io::Error),
    /// There is something else than a regular file; it says what. It was not opened.
    NotRegular(&'static str),
    /// The file became another one while it was at work; it says how. Nothing of the new one was touched: try again.
    Changed(&'static str),
}

impl core::fmt::Display for FileError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            FileError::Core(error) => error.fmt(f),
            FileError::Io(error) => error.fmt(f),
            FileError::NotRegular(what) => write!(f, "not a regular file, but {what}"),
            FileError::Changed(how) => write!(f, "changed meanwhile: {how}"),
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            FileError::Core(error) => Some(error),
            FileError::Io(error) => Some(error),
            FileError::NotRegular(_) | FileError::Changed(_) => None,
        }
    }
}

impl From<Error> for FileError {
    fn from(error: Error) -> FileError {
        FileError::Core(error)
    }
}

/// An error of the core that came through `std::io` is one of the core again.
impl From<io::Error> for FileError {
    fn from(error: io::Error) -> FileError {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(core) => FileError::Core(*core),
            None => FileError::Io(error),
        }
    }
}
