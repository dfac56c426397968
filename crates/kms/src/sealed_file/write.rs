//! Making sealed files: new ones, and old ones anew under another data key.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use ossenc::io::SealWriter;
use ossenc::{Envelope, Error, Layout, Object, Receipt};
use zeroize::Zeroizing;

use super::files::NewFile;
use super::{BODY_AT, FileError, LockedFile, SealedFile, header};

/// Plaintext that is held between reading and sealing.
const BUFFER_LEN: usize = 64 << 10;

/// How a file is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Create {
    /// Its mode, whatever the umask.
    pub mode: u32,
    /// Take the place of a file that has the name already. Without it that is an error.
    pub replace: bool,
}

impl Default for Create {
    /// The owner's alone, 0600; replacing nothing.
    fn default() -> Create {
        Create { mode: 0o600, replace: false }
    }
}

/// Seals `source`, of any length, into a file of a new object. `envelope` is the object's.
///
/// Memory is bounded, whatever the length. It is written under a temporary name in the same folder, synced, gets its
/// name, and the folder is synced: when this returns `Ok` the file is durable, and at every moment of a crash the name
/// has a whole file or what it had before. What a crash leaves behind, [`remove_leftovers`](super::remove_leftovers)
/// takes away.
///
/// # Errors
/// [`FileError::Core`] with [`Argument`](Error::Argument) for an envelope that is not the object's or too long for a
/// header, or an object of several segments; [`FileError::Io`] of the source and the file system, with
/// [`AlreadyExists`](io::ErrorKind::AlreadyExists) for a name that is taken. The name then has what it had before.
pub fn create(
    path: impl AsRef<Path>,
    object: &Object,
    envelope: &[u8],
    source: impl Read,
    how: &Create,
) -> Result<Receipt, FileError> {
    let path = path.as_ref();
    if !how.replace && path.symlink_metadata().is_ok() {
        return Err(FileError::Io(io::ErrorKind::AlreadyExists.into()));
    }
    let new = NewFile::beside(path, how.mode)?;
    let receipt = write(&new, object, envelope, source)?;
    new.commit(path, how.replace)?;
    Ok(receipt)
}

fn write(new: &NewFile, object: &Object, envelope: &[u8], source: impl Read) -> Result<Receipt, FileError> {
    if Envelope::parse(envelope)?.prelude() != object.prelude() {
        return Err(Error::Argument("the envelope is of another object").into());
    }
    let mut file: &File = new.file();
    file.write_all(&header::new(envelope)?)?;
    let sealer = object.sealer(0, Layout::Inline)?;
    let (_, receipt) = copy(source, SealWriter::new(sealer, file))?.finish()?;
    Ok(receipt)
}

/// `io::copy`, with a buffer that is wiped.
fn copy<W: Write>(mut source: impl Read, mut writer: SealWriter<W>) -> io::Result<SealWriter<W>> {
    let mut buffer = Zeroizing::new(vec![0; BUFFER_LEN]);
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(writer),
            Ok(n) => writer.write_all(&buffer[..n])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl SealedFile {
    /// Seals the file anew under the data key of another object: what is left to do when a data key itself may be known.
    /// (After a rotation of the master key, a new envelope is enough.)
    ///
    /// `old` is the object as it is, open; `new` and `envelope` the one it becomes; `reopen` opens that envelope, with
    /// the keys that readers will have. The new file is written beside the old one, with its mode and owner, synced, opened
    /// again by its envelope, and verified whole; only then it takes the old one's place. Readers that have the old file
    /// open go on reading it. Needs as much space again.
    ///
    /// # Errors
    /// As [`create`] for the new file, [`SealedFile::body`] and [`Chunk`](Error::Chunk) for the old one, and what
    /// `reopen` gives; [`FileError::Changed`] if the old file was replaced, rewrapped or changed meanwhile. The old file
    /// is then as it was.
    pub fn reencrypt(
        &self,
        old: &Object,
        new: &Object,
        envelope: &[u8],
        reopen: impl FnOnce(&[u8]) -> ossenc::Result<Object>,
    ) -> Result<Receipt, FileError> {
        if old.prelude() == new.prelude() {
            return Err(Error::Argument("a file is sealed anew as another object").into());
        }
        let about = self.file.metadata()?;
        let fresh = NewFile::beside(&self.path, about.permissions().mode() & 0o7777)?;
        let owner = fresh.file().metadata()?;
        if (owner.uid(), owner.gid()) != (about.uid(), about.gid()) {
            fchown(fresh.file(), Some(about.uid()), Some(about.gid()))?;
        }
        let receipt = write(&fresh, new, envelope, self.body(old)?.reader())?;
        fresh.file().sync_all()?;
        verify(&fresh, &receipt, reopen)?;

        // A rewrap meanwhile is a change, too: the file may have another name in its context now.
        let place = LockedFile::open(&self.path)?;
        if !place.is_same(self)? {
            return Err(FileError::Changed("the file is no longer the one that was sealed anew"));
        }
        fresh.commit(&self.path, true)?;
        Ok(receipt)
    }
}

/// Reads a new file as any reader will.
fn verify(
    fresh: &NewFile,
    receipt: &Receipt,
    reopen: impl FnOnce(&[u8]) -> ossenc::Result<Object>,
) -> Result<(), FileError> {
    let mut file: &File = fresh.file();
    let len = file.seek(SeekFrom::End(0))?;
    let header = super::read_header(file)?;
    let object = reopen(header.envelope())?;
    let body = super::Body::open(std::sync::Arc::new(file.try_clone()?), len.saturating_sub(BODY_AT), &object)?;
    if body.verify(|_| {})? == receipt.plain { Ok(()) } else { Err(Error::Truncated.into()) }
}
