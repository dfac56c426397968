//! Operands: which files a command is about; plain data in and out.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ossenc_kms::fleet::{Folder, Found, Paths, Shard, Source, Unfit};
use ossenc_kms::sealed_file::{NewFile, irreplaceable};
use zeroize::Zeroizing;

use crate::fail::Failure;
use crate::interrupt::Interrupt;
use crate::out::{Stream, path_name, refuse_terminal};

/// `-` stands for standard input or output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Files that were named, or those of a folder.
pub(crate) enum Operands {
    Files(Paths),
    Folder(Folder),
}

impl Operands {
    /// One folder, or files.
    pub(crate) fn new(paths: &[PathBuf], shard: Option<Shard>) -> Result<Operands, Failure> {
        match (paths, shard) {
            ([folder], shard) if folder.is_dir() => {
                let all = Folder::new(folder);
                Ok(Operands::Folder(match shard {
                    Some(shard) => all.shard(shard),
                    None => all,
                }))
            }
            (_, Some(_)) => Err(Failure::usage("--shard", "only a folder has shards", "name one folder")),
            (paths, None) => match paths.iter().find(|path| path.is_dir()) {
                Some(folder) => {
                    let message = "a folder beside other operands: its object names would not be clear";
                    Err(Failure::usage(path_name(folder), message, "name one folder, or files"))
                }
                None => Ok(Operands::Files(Paths::new(paths))),
            },
        }
    }

    pub(crate) fn is_folder(&self) -> bool {
        matches!(self, Operands::Folder(_))
    }

    pub(crate) fn source(&self) -> &dyn Source {
        match self {
            Operands::Files(paths) => paths,
            Operands::Folder(folder) => folder,
        }
    }

    pub(crate) fn items(&self) -> Result<Box<dyn Iterator<Item = Found> + Send + '_>, Failure> {
        self.source().items(None).map_err(|error| Failure::system("the files", "list them", &error))
    }

    /// How many there are, if somebody watches: it reads all folders.
    pub(crate) fn count(&self, wanted: bool) -> Result<Option<u64>, Failure> {
        if wanted { Ok(Some(self.items()?.count() as u64)) } else { Ok(None) }
    }
}

/// What an item that is not to be opened is; `None` for a failure of the file system.
pub(crate) fn unfit(found: &Found) -> Option<Result<&'static str, Failure>> {
    Some(match found.unfit.as_ref()? {
        Unfit::Skip(what) => Ok(what),
        Unfit::Error(error) => Err(Failure::io(&found.path, "look at it", error)),
    })
}

/// Parses `I/N`, counted from 1.
pub(crate) fn shard(text: &str) -> Result<Shard, String> {
    let parse = || {
        let (index, of) = text.split_once('/')?;
        Shard::new(index.parse::<u32>().ok()?.checked_sub(1)?, of.parse().ok()?).ok()
    };
    parse().ok_or_else(|| "a shard is I/N, from 1/N to N/N".to_owned())
}

/// Opens data to be read; says how long it is, where that is known.
pub(crate) fn open_source(path: &Path) -> Result<(Box<dyn Read>, Option<u64>), Failure> {
    if is_standard(path) {
        return Ok((Box::new(io::stdin()), None));
    }
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let (about, file) = opened.map_err(|error| Failure::io(path, "open", &error))?;
    if about.is_dir() {
        return Err(Failure::usage(path_name(path), "a folder", "name a file"));
    }
    Ok((Box::new(file), about.is_file().then_some(about.len())))
}

/// Reads small data whole; one byte more than `max` tells that there is more. The buffer never grows, so it leaves no
/// copies.
pub(crate) fn read_small(path: &Path, max: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let (source, _) = open_source(path)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(max + 2));
    source.take(max as u64 + 1).read_to_end(&mut bytes).map_err(|error| Failure::io(path, "read", &error))?;
    Ok(bytes)
}

/// Where plain data goes: a new file, which gets its name when it is whole, or standard output.
pub(crate) enum Sink<'a> {
    File { new: NewFile, path: &'a Path, replace: bool },
    Stdout,
}

impl<'a> Sink<'a> {
    /// A file that is there is replaced only if `force` says so; a terminal gets binary data only then.
    pub(crate) fn open(path: &'a Path, force: bool, what: &str) -> Result<Sink<'a>, Failure> {
        if is_standard(path) {
            if !force {
                refuse_terminal(what)?;
            }
            return Ok(Sink::Stdout);
        }
        refuse_taken(path, force)?;
        let new = NewFile::beside(path, 0o600).map_err(|error| Failure::io(path, "make it", &error))?;
        Ok(Sink::File { new, path, replace: force })
    }

    /// Where reports go.
    pub(crate) fn report_stream(&self) -> Stream {
        match self {
            Sink::File { .. } => Stream::Stdout,
            Sink::Stdout => Stream::Stderr,
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Sink::File { new, path, .. } => {
                let mut file: &File = new.file();
                file.write_all(bytes).map_err(|error| Failure::io(path, "write", &error))
            }
            Sink::Stdout => io::stdout()
                .lock()
                .write_all(bytes)
                .map_err(|error| Failure::system("standard output", "write", &error)),
        }
    }

    /// All of it is there.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self {
            Sink::File { new, path, replace } => {
                new.commit(path, replace).map_err(|error| Failure::io(path, "name the new file", &error))
            }
            Sink::Stdout => io::stdout().flush().map_err(|error| Failure::system("standard output", "write", &error)),
        }
    }
}

/// Before any work is done: the last word has the step that gives the name.
pub(crate) fn refuse_taken(path: &Path, force: bool) -> Result<(), Failure> {
    if let Some(what) = irreplaceable(path) {
        let message = format!("{what}, which no file replaces");
        return Err(Failure::usage(
            path_name(path),
            message,
            "name a file; or - for standard output, and redirect that",
        ));
    }
    if !force && path.symlink_metadata().is_ok() {
        return Err(Failure::io(path, "make it", &io::ErrorKind::AlreadyExists.into()));
    }
    Ok(())
}

/// Copies to the end, or `limit` bytes, through a buffer that is wiped. `progress` is told of every piece.
pub(crate) fn copy(
    mut source: impl Read,
    sink: &mut Sink<'_>,
    mut limit: u64,
    interrupt: &Interrupt,
    mut progress: impl FnMut(u64),
    failed: impl Fn(io::Error) -> Failure,
) -> Result<u64, Failure> {
    let mut buffer = Zeroizing::new(vec![0; 256 << 10]);
    let mut copied = 0;
    while limit > 0 {
        interrupt.check()?;
        let most = buffer.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
        let n = match source.read(&mut buffer[..most]) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        sink.write(&buffer[..n])?;
        (copied, limit) = (copied + n as u64, limit - n as u64);
        progress(n as u64);
    }
    Ok(copied)
}
