//! Files: regular ones only, new ones that get their name when they are whole and durable, and locks.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::FileError;

/// Names of files that are being written begin so …
pub const TEMPORARY_PREFIX: &str = ".ossenc-";
/// … and end so.
pub const TEMPORARY_SUFFIX: &str = ".tmp";

/// Which file a name or an open file stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// Opens a regular file. What else has that name is not opened, so that a FIFO does not block, a device is not woken, and
/// a symbolic link does not lead a change elsewhere.
pub(super) fn open_regular(path: &Path, write: bool) -> Result<File, FileError> {
    let named = fs::symlink_metadata(path)?;
    if !named.is_file() {
        return Err(FileError::NotRegular(kind_of(named.file_type())));
    }
    let file = OpenOptions::new().read(true).write(write).open(path)?;
    let opened = file.metadata()?;
    if Identity::of(&opened) != Identity::of(&named) {
        return Err(FileError::Changed("another file took its name while it was opened"));
    }
    Ok(file)
}

/// What has that name and is not replaced by a file: for root even a device would be.
#[must_use]
pub fn irreplaceable(path: &Path) -> Option<&'static str> {
    let kind = fs::symlink_metadata(path).ok()?.file_type();
    (!kind.is_file() && !kind.is_symlink()).then(|| kind_of(kind))
}

fn kind_of(kind: fs::FileType) -> &'static str {
    match kind {
        _ if kind.is_symlink() => "a symbolic link",
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a FIFO",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

/// Which file has that name now.
pub(super) fn identity(path: &Path) -> io::Result<Identity> {
    Ok(Identity::of(&fs::symlink_metadata(path)?))
}

pub(super) fn lock(file: &File) -> io::Result<()> {
    uninterrupted(|| file.lock())
}

pub(super) fn lock_shared(file: &File) -> io::Result<()> {
    uninterrupted(|| file.lock_shared())
}

fn uninterrupted(mut call: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// Whether that is the name of a file that is being written, or was left behind by a writer that crashed.
#[must_use]
pub fn is_temporary(name: &std::ffi::OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(TEMPORARY_PREFIX.as_bytes()) && name.ends_with(TEMPORARY_SUFFIX.as_bytes())
}

/// Removes what writers that crashed left in a folder, and says how many files it was. Those of writers at work are
/// locked, and stay.
///
/// # Errors
/// The file system's, of the folder or the first file that could not be removed.
pub fn remove_leftovers(folder: impl AsRef<Path>) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !is_temporary(&entry.file_name()) || !entry.file_type()?.is_file() {
            continue;
        }
        let Ok(file) = File::open(entry.path()) else { continue };
        if file.try_lock().is_ok() {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// A file that has no name yet: it is written under a temporary one, locked, and gets its own when it is whole.
/// Dropped before, it is removed.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    temporary: PathBuf,
    folder: PathBuf,
    named: bool,
}

impl NewFile {
    /// Beside `path`, so that naming it moves no bytes. Its mode is `mode`, whatever the umask.
    ///
    /// # Errors
    /// The file system's.
    pub fn beside(path: &Path, mode: u32) -> io::Result<NewFile> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        loop {
            // A name that nobody has; secrecy is not asked of it. Every RandomState has keys of its own.
            let number = RandomState::new().build_hasher().finish();
            let temporary = folder.join(format!("{TEMPORARY_PREFIX}{number:016x}{TEMPORARY_SUFFIX}"));
            match OpenOptions::new().read(true).write(true).create_new(true).mode(mode & 0o600).open(&temporary) {
                Ok(file) => {
                    let new = NewFile { file, temporary, folder, named: false };
                    lock(&new.file)?;
                    // What the umask took away, and what only the file with its own name may have.
                    new.file.set_permissions(fs::Permissions::from_mode(mode))?;
                    return Ok(new);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What is written to.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Makes it durable, and then its name; in the place of the file or link that has that name, or only if nothing has.
    /// A device, a FIFO or a folder of that name stays.
    ///
    /// After an error of the very last step, the sync of the folder, the name is there, and may be gone after a crash.
    ///
    /// # Errors
    /// The file system's, with [`AlreadyExists`](io::ErrorKind::AlreadyExists) for a name that is taken.
    pub fn commit(mut self, path: &Path, replace: bool) -> io::Result<()> {
        self.file.sync_all()?;
        if replace {
            if let Some(what) = irreplaceable(path) {
                let message = format!("{what} has this name, and is not replaced");
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
            }
            fs::rename(&self.temporary, path)?;
        } else {
            // A link never replaces what is there.
            fs::hard_link(&self.temporary, path)?;
            fs::remove_file(&self.temporary)?;
        }
        self.named = true;
        File::open(&self.folder)?.sync_all()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.named {
            // It may be gone already; there is nobody to tell.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}
