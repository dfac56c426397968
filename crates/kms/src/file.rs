//! The keystore's file: replaced whole, by compare-and-swap on the generation, safe at any moment of a crash.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ossenc::{Error, IMAGE_MAX, ImageInfo};

/// Why an image was not stored. The file is as it was.
#[derive(Debug)]
#[non_exhaustive]
pub enum SwapError {
    /// Another writer was first: the file's generation is not the expected one. Load it, make the change again, try
    /// again.
    Conflict {
        /// The generation found; 0 without a file.
        found: u64,
    },
    /// The image, or what lies in the file, is no keystore image, or not the next generation of the same keystore.
    Image(Error),
    /// The file system refused.
    Io(io::Error),
}

impl core::fmt::Display for SwapError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            SwapError::Conflict { found } => write!(f, "another writer was first: the file has generation {found}"),
            SwapError::Image(error) => error.fmt(f),
            SwapError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SwapError {}

impl From<io::Error> for SwapError {
    fn from(error: io::Error) -> SwapError {
        SwapError::Io(error)
    }
}

impl From<Error> for SwapError {
    fn from(error: Error) -> SwapError {
        SwapError::Image(error)
    }
}

/// Replaces the image at `path`, if the one there has generation `if_generation` (0: if there is none), by `image`,
/// which must be the next generation of the same keystore.
///
/// Writers of one file exclude each other by a lock on `<path>.lock`, which stays there. The new image is written
/// beside the old one with mode 0600, synced, and renamed over it, and the folder is synced: after a crash the file is
/// the old or the new image, whole. When this returns `Ok` the new one is durable. Blocks while another writer is at
/// work.
///
/// The replaced image is kept as `<path>.previous`, for an operator who has to go back; it is whole at every moment,
/// too. It still holds what the change removed, under the root key that it had: see [`forget_previous`].
///
/// A `path` that is a symbolic link stands for what it leads to: that is replaced, and has lock and previous image beside
/// it, so that all names of one keystore are one keystore.
///
/// # Errors
/// [`SwapError`]. The file is then as it was, except that after [`SwapError::Io`] from the very last step, the sync of
/// the folder, it may be either image.
pub fn swap_file(path: &Path, if_generation: u64, image: &[u8]) -> Result<(), SwapError> {
    let new = ImageInfo::read(image)?;
    let path = &resolved(path)?;
    let _lock = lock(path)?;

    let old = match read_file(path) {
        Ok(image) => Some((ImageInfo::read(&image)?, image)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let found = old.as_ref().map_or(0, |(info, _)| info.generation);
    if found != if_generation {
        return Err(SwapError::Conflict { found });
    }
    if Some(new.generation) != if_generation.checked_add(1) {
        return Err(SwapError::Image(Error::Argument("the image is not the next generation")));
    }
    if old.as_ref().is_some_and(|(old, _)| old.keystore_id != new.keystore_id) {
        return Err(SwapError::Image(Error::Argument("the image is of another keystore")));
    }

    let temporary = beside(path, ".tmp");
    if let Some((_, old)) = old {
        write_synced(&temporary, &old)?;
        std::fs::rename(&temporary, beside(path, ".previous"))?;
    }
    write_synced(&temporary, image)?;
    std::fs::rename(&temporary, path)?;
    sync_folder(path)?;
    Ok(())
}

/// Removes `<path>.previous`, if there is one: after a version or a key was destroyed, or after the root key was changed
/// because the old one is no longer trusted. What the disk does with the removed blocks is the disk's.
///
/// # Errors
/// [`SwapError::Io`].
pub fn forget_previous(path: &Path) -> Result<(), SwapError> {
    let path = &resolved(path)?;
    let _lock = lock(path)?;
    match std::fs::remove_file(beside(path, ".previous")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(sync_folder(path)?),
    }
}

/// Reads an image. A file that is longer than any image is read only until that shows, and will not load.
///
/// # Errors
/// As the file system has it; [`InvalidInput`](io::ErrorKind::InvalidInput) for what is no regular file, which is not
/// opened: that might block.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let mut image = Vec::new();
    File::open(path)?.take(IMAGE_MAX as u64 + 1).read_to_end(&mut image)?;
    Ok(image)
}

/// What a rename has to replace: not the link, but what it leads to.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    match std::fs::symlink_metadata(path) {
        Ok(about) if about.is_symlink() => std::fs::canonicalize(path),
        _ => Ok(path.to_owned()),
    }
}

/// Excludes other writers for as long as it lives.
fn lock(path: &Path) -> io::Result<File> {
    let lock = private().open(beside(path, ".lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// Of the file of that name.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

/// The path with a longer name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// For writing; a new file is its owner's alone.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Writes a temporary file; if that fails, none is left. One that a writer which crashed left behind is removed, for the
/// lock says that no other writer is at work; so is a link that somebody put there, which is not followed.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let remove = || match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    remove()?;
    let mut file = private().create_new(true).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        remove()?;
    }
    written
}
