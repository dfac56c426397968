//! How far a job has come: a small file, replaced whole.
//!
//! ```text
//! checkpoint = "ossencJ" || 01 || job[32] || 5 x u64 counter || lp(position) || u32 crc32c
//! ```
//!
//! Notation as in docs/FORMAT.md, section 1. job is the SHA-512/256 of what tells the job from others. The counters are
//! rewrapped, done, skipped, gone, failed: of the items up to the position, all of which have ended. It is no part of the
//! stored format: a job of another version may refuse it, and begins again.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use ossenc::crc32c;
use sha2::{Digest, Sha512_256};

use super::Counters;
use crate::sealed_file::NewFile;

const MAGIC: &[u8; 8] = b"ossencJ\x01";
const JOB_LEN: usize = 32;
const POSITION_AT: usize = MAGIC.len() + JOB_LEN + 5 * 8 + 2;
/// Longest position; a path that is longer opens nowhere.
pub(super) const POSITION_MAX: usize = 4_096;
const CHECKPOINT_MAX: usize = POSITION_AT + POSITION_MAX + 4;

/// Why a job did not go on from a checkpoint, or could not leave one.
#[derive(Debug)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It is that of another job: another source, another change, another version of the key. Remove it to begin anew.
    OtherJob,
    /// It is none, or damaged.
    Malformed,
    /// The file system refused.
    Io(io::Error),
}

impl core::fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            CheckpointError::OtherJob => f.write_str("the checkpoint is of another job: remove it to begin anew"),
            CheckpointError::Malformed => f.write_str("not a checkpoint, or damaged: remove it to begin anew"),
            CheckpointError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CheckpointError {}

impl From<io::Error> for CheckpointError {
    fn from(error: io::Error) -> CheckpointError {
        CheckpointError::Io(error)
    }
}

/// What tells a job from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JobId([u8; JOB_LEN]);

impl JobId {
    pub(super) fn new(parts: &[&[u8]]) -> JobId {
        let mut fields = Vec::new();
        parts.iter().for_each(|part| put_field(&mut fields, part));
        JobId(Sha512_256::digest(fields).into())
    }
}

/// Appends a field of an identity, with its length: other fields are other bytes.
pub(super) fn put_field(identity: &mut Vec<u8>, field: &[u8]) {
    identity.extend((field.len() as u64).to_be_bytes());
    identity.extend(field);
}

/// All items up to `position` have ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) position: Vec<u8>,
    pub(super) counters: Counters,
}

/// Reads a checkpoint; `None` if there is none.
pub(super) fn load(path: &Path, job: JobId) -> Result<Option<Progress>, CheckpointError> {
    let mut bytes = Vec::new();
    // A FIFO would block, and a device be replaced.
    if std::fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        return Err(CheckpointError::Malformed);
    }
    match File::open(path) {
        Ok(file) => file.take(CHECKPOINT_MAX as u64 + 1).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    decode(&bytes, job).map(Some)
}

/// Puts a checkpoint in the place of the one before, durably.
pub(super) fn store(path: &Path, job: JobId, progress: &Progress) -> io::Result<()> {
    let new = NewFile::beside(path, 0o600)?;
    let mut file: &File = new.file();
    file.write_all(&encode(job, progress))?;
    new.commit(path, true)
}

/// The job is complete: there is nothing to go on with.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn encode(job: JobId, progress: &Progress) -> Vec<u8> {
    let c = &progress.counters;
    let len = u16::try_from(progress.position.len()).expect("a position has at most 4,096 bytes");
    let mut out = MAGIC.to_vec();
    out.extend(job.0);
    out.extend([c.rewrapped, c.done, c.skipped, c.gone, c.failed].map(u64::to_be_bytes).as_flattened());
    out.extend(len.to_be_bytes());
    out.extend(&progress.position);
    let checksum = crc32c(&out);
    out.extend(checksum.to_be_bytes());
    out
}

fn decode(bytes: &[u8], job: JobId) -> Result<Progress, CheckpointError> {
    let malformed = CheckpointError::Malformed;
    let Some((checked, checksum)) = bytes.split_last_chunk() else { return Err(malformed) };
    let Some(rest) = checked.strip_prefix(MAGIC) else { return Err(malformed) };
    if crc32c(checked) != u32::from_be_bytes(*checksum) || checked.len() < POSITION_AT {
        return Err(malformed);
    }
    let (id, rest) = rest.split_at(JOB_LEN);
    let (counters, rest) = rest.split_at(5 * 8);
    let (len, position) = rest.split_at(2);
    if usize::from(u16::from_be_bytes([len[0], len[1]])) != position.len() || position.len() > POSITION_MAX {
        return Err(malformed);
    }
    if id != job.0 {
        return Err(CheckpointError::OtherJob);
    }
    let mut numbers = counters.chunks_exact(8).map(|n| u64::from_be_bytes(n.try_into().expect("8 bytes")));
    let mut next = || numbers.next().expect("5 counters");
    let counters = Counters { rewrapped: next(), done: next(), skipped: next(), gone: next(), failed: next() };
    Ok(Progress { position: position.to_vec(), counters })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (JobId, Progress) {
        let counters = Counters { rewrapped: 1, done: 2, skipped: 3, gone: 4, failed: 5 };
        (JobId::new(&[b"folder", b"key"]), Progress { position: b"a/b".to_vec(), counters })
    }

    #[test]
    fn a_checkpoint_is_read_as_it_was_written_and_by_its_own_job_only() {
        let (folder, (job, progress)) = (tempfile::tempdir().unwrap(), sample());
        let path = folder.path().join("checkpoint");
        assert_eq!(load(&path, job).unwrap(), None);
        store(&path, job, &progress).unwrap();
        let longest = Progress { position: vec![b'x'; POSITION_MAX], ..progress };
        store(&path, job, &longest).unwrap();
        assert_eq!(load(&path, job).unwrap(), Some(longest));
        // Parts are told apart: "folderk", "ey" is another job.
        assert!(matches!(load(&path, JobId::new(&[b"folderk", b"ey"])), Err(CheckpointError::OtherJob)));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert_eq!(load(&path, job).unwrap(), None);
    }

    #[test]
    fn every_bit_and_every_byte_of_a_checkpoint_counts() {
        let (job, progress) = sample();
        let bytes = encode(job, &progress);
        assert_eq!(decode(&bytes, job).unwrap(), progress);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&damaged, job).is_err(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len], job).is_err(), "{len} bytes");
        }
        assert!(decode(&[&bytes[..], &[0]].concat(), job).is_err());
        // Whole, but longer than a position may be.
        let long = encode(job, &Progress { position: vec![b'x'; POSITION_MAX + 1], ..progress });
        assert!(matches!(decode(&long, job), Err(CheckpointError::Malformed)));
    }
}
