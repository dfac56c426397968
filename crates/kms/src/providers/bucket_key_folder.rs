//! Bucket keys' records as files of a folder.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::Duration;

use ossenc::BUCKET_KEY_ID_LEN;

use super::NONSENSE;
use crate::file::{private, write_synced};
use crate::{Answer, Ask, Failure, Provider, Verb};

/// Longest record (docs/FORMAT.md, section 5).
const RECORD_MAX: usize = ossenc::OUTER_BLOB_MAX;

/// A folder with one file for each bucket key's record, named by the key's id in hexadecimal.
///
/// A record is written with mode 0600 to `<id>.tmp`, synced, renamed, and the folder is synced: when the answer is there
/// the record is durable, and a crash leaves the old record or the new one, whole. Records hold wrapped keys only. Writers
/// of one folder, of several processes too, exclude each other by a lock on `.lock`, which stays there. The operating
/// system's calls are not bounded in time, whatever the timeout says: keep the folder on a local disk.
///
/// ```
/// use std::time::Duration;
/// use ossenc_kms::providers::BucketKeyFolder;
/// use ossenc_kms::{Ask, Failure, Provider, Verb};
///
/// let folder = tempfile::tempdir()?;
/// let store = BucketKeyFolder::new(folder.path());
/// let ask = Ask {
///     id: 1, verb: Verb::LoadBucketKey, provider: "", key_id: "", key_version: "", context: &[], context_bytes: &[],
///     blob: &[], bucket_key_id: &[7; 16],
/// };
/// assert_eq!(store.call(&ask, Duration::ZERO).unwrap_err(), Failure::Unknown);
/// store.call(&Ask { verb: Verb::StoreBucketKey, blob: b"a record", ..ask }, Duration::ZERO).unwrap();
/// assert_eq!(store.call(&ask, Duration::ZERO).unwrap().blob, b"a record");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct BucketKeyFolder {
    folder: PathBuf,
}

impl BucketKeyFolder {
    /// A store in `folder`, which must be there when it is used, and be the daemon's alone.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> BucketKeyFolder {
        BucketKeyFolder { folder: folder.into() }
    }

    fn load(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut record = Vec::new();
        File::open(self.folder.join(name))?.take(RECORD_MAX as u64 + 1).read_to_end(&mut record)?;
        Ok(record)
    }

    fn store(&self, name: &str, record: &[u8]) -> io::Result<()> {
        let lock = private().open(self.folder.join(".lock"))?;
        lock.lock()?;
        let temporary = self.folder.join(format!("{name}.tmp"));
        write_synced(&temporary, record)?;
        std::fs::rename(&temporary, self.folder.join(name))?;
        File::open(&self.folder)?.sync_all()
    }
}

impl Provider for BucketKeyFolder {
    /// # Errors
    /// [`Failure::Unknown`]: there is no such record. [`Failure::Denied`]: the file system forbids it. [`Failure::Error`]
    /// with the operating system's error number for the rest, and with code 0 for ids, records and verbs that have no
    /// place here.
    fn call(&self, ask: &Ask<'_>, _timeout: Duration) -> Result<Answer, Failure> {
        if ask.bucket_key_id.len() != BUCKET_KEY_ID_LEN {
            return Err(NONSENSE);
        }
        let name: String = ask.bucket_key_id.iter().map(|b| format!("{b:02x}")).collect();
        let sized = |record: &[u8]| if (1..=RECORD_MAX).contains(&record.len()) { Ok(()) } else { Err(NONSENSE) };
        match ask.verb {
            Verb::LoadBucketKey => {
                let blob = self.load(&name).map_err(|error| match error.kind() {
                    // A folder that is missing, for instance not mounted, says nothing about the record.
                    io::ErrorKind::NotFound if self.folder.is_dir() => Failure::Unknown,
                    _ => failure(&error),
                })?;
                sized(&blob)?;
                Ok(Answer { blob, ..Answer::default() })
            }
            Verb::StoreBucketKey => {
                sized(ask.blob)?;
                self.store(&name, ask.blob).map_err(|error| failure(&error))?;
                Ok(Answer::default())
            }
            Verb::Generate | Verb::Unwrap => Err(NONSENSE),
        }
    }
}

fn failure(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Failure::Denied,
        _ => Failure::Error { code: error.raw_os_error().unwrap_or(0) },
    }
}
