//! The sealed file: one object in one file, whose envelope can be replaced in constant time and at any moment of a crash
//! (docs/FORMAT.md, section 10).
//!
//! Keys and files are apart. A [`SealedFile`] gives an envelope, which the caller opens however keys are had (a
//! [`Keystore`](ossenc::Keystore) here, an operation that asks a service there), and takes the open object.
//!
//! ```
//! use std::io::Read;
//! # use ossenc::{Change, Context, Engine, Expect, Keystore, Method, Object, Recipient, Rewrap, Secret, Shape, rewrap};
//! use ossenc_kms::sealed_file::{Create, LockedFile, SealedFile, create};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (engine, root_key) = (Engine::new()?, Secret::new(&[7; 32]));
//! # let image = Keystore::init(&engine, "root-1", &root_key)?;
//! # let keystore = Keystore::load(&engine, &image, &root_key, 1)?;
//! # let image = keystore.apply(&engine, &Change::Create { key_id: "oss" }, 0)?;
//! # let keystore = Keystore::load(&engine, &image, &root_key, 2)?;
//! # let (folder, now) = (tempfile::tempdir()?, 1_700_000_000);
//! # let path = folder.path().join("report");
//! # let context = Context { tenant: b"acme", object: b"report", ..Context::default() };
//! # let expect = Expect { methods: &[Method::SseOss], key_ids: &["oss"] };
//!
//! let (object, envelope) = Object::create(&engine, &keystore, &Recipient::oss("oss"), &context, Shape::Single, now)?;
//! create(&path, &object, &envelope, &b"hello"[..], &Create::default())?;
//!
//! let file = SealedFile::open(&path)?;
//! let object = Object::open(&engine, &keystore, file.envelope(), &context, &expect, now)?;
//! let mut plain = String::new();
//! file.body(&object)?.reader().read_to_string(&mut plain)?;
//! assert_eq!(plain, "hello");
//!
//! // After a rotation, a rename: the data stays where it is.
//! let file = LockedFile::open(&path)?;
//! let envelope = rewrap(&engine, &keystore, file.envelope(), &context, &expect, &Rewrap::default(), now)?;
//! file.replace_envelope(&envelope)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Locks
//! Who changes a header holds an exclusive lock on the file (`flock` on Linux), who reads one a shared lock for the
//! moment of reading: so a reader never sees halves of two changes, and two rewrappers exclude each other. The lock is
//! advisory: only those who take it are excluded. Bodies are never changed in place, and are read without a lock.

mod body;
mod error;
mod files;
mod header;
mod locked;
mod write;

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use body::{Body, Damage, DamageKind, StoredBody};
pub use error::FileError;
pub use files::{NewFile, TEMPORARY_PREFIX, TEMPORARY_SUFFIX, irreplaceable, is_temporary, remove_leftovers};
pub use header::{BODY_AT, COPY_LEN, FILED_ENVELOPE_MAX, Header};
pub use locked::LockedFile;
pub use write::{Create, create};

use files::{Identity, lock_shared, open_regular};

/// A sealed file, open for reading, and what its header said at that moment: unauthenticated.
///
/// Any number of threads may use it. The file stays open as long as this or a [`Body`] of it lives.
#[derive(Debug)]
pub struct SealedFile {
    file: Arc<File>,
    path: PathBuf,
    header: Header,
    seen: Seen,
}

/// What tells that a file is no longer the one that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    identity: Identity,
    len: u64,
    modified: (i64, i64),
}

impl Seen {
    fn of(file: &File) -> io::Result<Seen> {
        let about = file.metadata()?;
        Ok(Seen { identity: Identity::of(&about), len: about.len(), modified: (about.mtime(), about.mtime_nsec()) })
    }
}

impl SealedFile {
    /// Opens a file and reads its header, under a shared lock for that moment: blocks while another process changes it.
    ///
    /// # Errors
    /// [`FileError::NotRegular`] for whatever is no regular file, symbolic links included; [`FileError::Core`] with
    /// [`Format`](ossenc::Error::Format) or [`TooNew`](ossenc::Error::TooNew) for a header that docs/FORMAT.md, section
    /// 10, refuses; [`FileError::Io`]. The envelope is not parsed here.
    pub fn open(path: impl AsRef<Path>) -> Result<SealedFile, FileError> {
        let path = path.as_ref();
        let file = open_regular(path, false)?;
        let header = {
            lock_shared(&file)?;
            let header = read_header(&file);
            file.unlock()?;
            header?
        };
        let seen = Seen::of(&file)?;
        Ok(SealedFile { file: Arc::new(file), path: path.to_owned(), header, seen })
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

    /// Bytes of the body, as the file's length says.
    #[must_use]
    pub fn body_len(&self) -> u64 {
        self.seen.len.saturating_sub(BODY_AT)
    }

    /// The path that it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that the body is that of `object`, and reads it.
    ///
    /// # Errors
    /// [`FileError::Core`]: [`TooNew`](ossenc::Error::TooNew) for an object of several segments, which no file holds;
    /// [`Truncated`](ossenc::Error::Truncated) for a length that no whole body has;
    /// [`Commit`](ossenc::Error::Commit) for a body of another object, or whose first 56 bytes are damaged.
    pub fn body(&self, object: &ossenc::Object) -> Result<Body, FileError> {
        Body::open(Arc::clone(&self.file), self.body_len(), object)
    }
}

/// Reads both copies. The caller holds a lock.
fn read_header(file: &File) -> Result<Header, FileError> {
    let mut copies = Box::new([0; 2 * COPY_LEN]);
    match file.read_exact_at(&mut copies[..], 0) {
        Ok(()) => Ok(Header::parse(&copies)?),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(ossenc::Error::Format("not a sealed file: shorter than its header").into())
        }
        Err(error) => Err(error.into()),
    }
}

impl Identity {
    fn of(about: &std::fs::Metadata) -> Identity {
        Identity { device: about.dev(), inode: about.ino() }
    }
}
