//! Where the files come from: a folder, walked in order, or shards of it; or a list of paths.

use std::ffi::OsStr;
use std::fs::{self, FileType};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ossenc::{Error, Result, crc32c};

use crate::sealed_file::is_temporary;

/// One item of a [`Source`].
#[derive(Debug)]
pub struct Found {
    /// Its place in the order of the source: at most 4,096 bytes, which the source itself understands.
    pub position: Vec<u8>,
    /// What its [`Locate`](super::Locate) knows it by.
    pub name: PathBuf,
    /// What opens it.
    pub path: PathBuf,
    /// Why it is not one to be opened: something that the job is not about, or a folder that cannot be read.
    pub unfit: Option<Unfit>,
}

/// Why an item is not opened.
#[derive(Debug)]
pub enum Unfit {
    /// It is something else; it says what.
    Skip(&'static str),
    /// It, or what is in it, cannot be listed.
    Error(io::Error),
}

/// Which files a job is about, in an order that is the same each time.
pub trait Source: Sync {
    /// The items, those after a position only. What came or went since is no matter.
    ///
    /// # Errors
    /// The file system's; `InvalidData` for a position of another source.
    fn items(&self, after: Option<&[u8]>) -> io::Result<Box<dyn Iterator<Item = Found> + Send + '_>>;

    /// What tells this source from others, for a checkpoint.
    ///
    /// # Errors
    /// The file system's.
    fn identity(&self) -> io::Result<Vec<u8>>;
}

/// One of several shards, which machines or processes take one each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// The `index`-th, counted from 0, `of` so many.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `index` is below `of`.
    pub fn new(index: u32, of: u32) -> Result<Shard> {
        if index < of { Ok(Shard { index, of }) } else { Err(Error::Argument("a shard's index is below their number")) }
    }

    /// By the CRC-32C of the name: the same on every machine, wherever the folder is mounted.
    fn has(self, name: &Path) -> bool {
        let hash = u64::from(crc32c(name.as_os_str().as_bytes()));
        (hash * u64::from(self.of)) >> 32 == u64::from(self.index)
    }
}

/// All regular files below a folder, sorted by their paths' components. Symbolic links are not followed; files that
/// [`create`](crate::sealed_file::create) is still writing are passed over.
///
/// It keeps the names of the folders on the way to the current file, and nothing else.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    shard: Option<Shard>,
}

impl Folder {
    /// All files below `root`. Their names are the paths below it.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Folder {
        Folder { root: root.into(), shard: None }
    }

    /// Only those of a shard.
    #[must_use]
    pub fn shard(self, shard: Shard) -> Folder {
        Folder { shard: Some(shard), ..self }
    }
}

impl Source for Folder {
    fn items(&self, after: Option<&[u8]>) -> io::Result<Box<dyn Iterator<Item = Found> + Send + '_>> {
        let after = after.map(|position| PathBuf::from(OsStr::from_bytes(position)));
        let mut walk = Walk { folder: self, after, open: Vec::new() };
        walk.enter(Path::new(""))?;
        Ok(Box::new(walk))
    }

    fn identity(&self) -> io::Result<Vec<u8>> {
        let mut identity = b"folder\0".to_vec();
        if let Some(shard) = self.shard {
            identity.extend([shard.index, shard.of].map(u32::to_be_bytes).as_flattened());
        }
        identity.push(0);
        identity.extend(fs::canonicalize(&self.root)?.as_os_str().as_bytes());
        Ok(identity)
    }
}

struct Walk<'a> {
    folder: &'a Folder,
    /// Names up to this one are passed over.
    after: Option<PathBuf>,
    /// The folders on the way: what is left of each, the next one last.
    open: Vec<Vec<(PathBuf, io::Result<FileType>)>>,
}

impl Walk<'_> {
    fn enter(&mut self, name: &Path) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.folder.root.join(name))? {
            let entry = entry?;
            entries.push((name.join(entry.file_name()), entry.file_type()));
        }
        entries.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        self.open.push(entries);
        Ok(())
    }

    fn is_past(&self, name: &Path) -> bool {
        self.after.as_ref().is_none_or(|after| name > after)
    }

    fn found(&self, name: PathBuf, unfit: Option<Unfit>) -> Found {
        Found { position: name.as_os_str().as_bytes().to_vec(), path: self.folder.root.join(&name), name, unfit }
    }
}

impl Iterator for Walk<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let (name, kind) = loop {
                match self.open.last_mut()?.pop() {
                    Some(entry) => break entry,
                    None => drop(self.open.pop()),
                }
            };
            let unfit = match kind {
                Ok(kind) if kind.is_dir() => {
                    // A folder is before everything in it: the way to the position may lead through it.
                    let wanted =
                        self.is_past(&name) || self.after.as_ref().is_some_and(|after| after.starts_with(&name));
                    match if wanted { self.enter(&name) } else { Ok(()) } {
                        Ok(()) => continue,
                        Err(error) => Some(Unfit::Error(error)),
                    }
                }
                Ok(kind) if kind.is_file() => None,
                Ok(kind) if kind.is_symlink() => Some(Unfit::Skip("a symbolic link")),
                Ok(_) => Some(Unfit::Skip("no regular file")),
                Err(error) => Some(Unfit::Error(error)),
            };
            let temporary = name.file_name().is_some_and(is_temporary);
            if !temporary && self.is_past(&name) && self.folder.shard.is_none_or(|shard| shard.has(&name)) {
                return Some(self.found(name, unfit));
            }
        }
    }
}

/// A list of paths, in its own order. Each is its item's name.
#[derive(Clone, Debug)]
pub struct Paths(Vec<PathBuf>);

impl Paths {
    /// These.
    #[must_use]
    pub fn new(paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Paths {
        Paths(paths.into_iter().map(Into::into).collect())
    }
}

impl Source for Paths {
    fn items(&self, after: Option<&[u8]>) -> io::Result<Box<dyn Iterator<Item = Found> + Send + '_>> {
        let begin = match after {
            None => Some(0),
            Some(position) => position.try_into().ok().map(u64::from_be_bytes).and_then(|last| last.checked_add(1)),
        };
        let begin = begin.and_then(|begin| usize::try_from(begin).ok());
        let left = begin.and_then(|begin| self.0.get(begin..)).ok_or(io::ErrorKind::InvalidData)?;
        let first = self.0.len() - left.len();
        Ok(Box::new((first as u64..).zip(left).map(|(index, path)| Found {
            position: index.to_be_bytes().to_vec(),
            name: path.clone(),
            path: path.clone(),
            unfit: None,
        })))
    }

    fn identity(&self) -> io::Result<Vec<u8>> {
        let mut identity = b"paths\0".to_vec();
        for path in &self.0 {
            identity.extend(path.as_os_str().as_bytes());
            identity.push(0);
        }
        Ok(identity)
    }
}
