//! Changing a header: one process at a time.

use std::fs::File;
use std::path::Path;

use super::files::{identity, lock, open_regular};
use super::{FileError, Header, Identity, header, read_header};

/// A sealed file under an exclusive lock, for a change of its envelope. Dropping it ends the lock.
#[derive(Debug)]
pub struct LockedFile {
    file: File,
    header: Header,
}

impl LockedFile {
    /// Opens a file for a change and reads its header. Blocks while another process changes it or reads its header.
    ///
    /// # Errors
    /// As [`SealedFile::open`](super::SealedFile::open).
    pub fn open(path: impl AsRef<Path>) -> Result<LockedFile, FileError> {
        let path = path.as_ref();
        loop {
            let file = open_regular(path, true)?;
            lock(&file)?;
            // While this one waited, another may have put a new file in its place.
            if identity(path)? == Identity::of(&file.metadata()?) {
                let header = read_header(&file)?;
                return Ok(LockedFile { file, header });
            }
        }
    }

    /// The envelope of the header copy that counts.
    #[must_use]
    pub fn envelope(&self) -> &[u8] {
        self.header.envelope()
    }

    /// Both header copies.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Puts another envelope in the place of the one there: two writes of 4 KiB, each synced, whatever the file's
    /// length. When this returns `Ok` it is durable, and the old one is gone. After a crash or an error at any moment the
    /// old or the new one counts, whole.
    ///
    /// # Errors
    /// [`FileError::Core`]: [`Argument`](ossenc::Error::Argument) for an envelope of more than
    /// [`FILED_ENVELOPE_MAX`](super::FILED_ENVELOPE_MAX) bytes or one of another object,
    /// [`State`](ossenc::Error::State) after 2^64 - 1 changes; nothing was written then. [`FileError::Io`].
    pub fn replace_envelope(self, envelope: &[u8]) -> Result<(), FileError> {
        let (old, new) = (ossenc::Envelope::parse(self.envelope())?, ossenc::Envelope::parse(envelope)?);
        if old.prelude() != new.prelude() {
            return Err(ossenc::Error::Argument("the envelope is of another object").into());
        }
        header::replace(&self.file, &self.header, envelope)
    }

    pub(super) fn is_same(&self, other: &super::SealedFile) -> Result<bool, FileError> {
        Ok(super::Seen::of(&self.file)? == other.seen && self.header == other.header)
    }
}
