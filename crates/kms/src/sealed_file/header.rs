//! The header: two copies of 4 KiB, so that one is whole at every moment of a change.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use ossenc::{Error, Result, crc32c};

/// Bytes of a header copy.
pub const COPY_LEN: usize = 4_096;
/// Where the body begins.
pub const BODY_AT: u64 = 2 * COPY_LEN as u64;
/// Most bytes of an envelope that a file holds: those of one with a large blob of a key service may be too many.
pub const FILED_ENVELOPE_MAX: usize = CRC_AT - ENVELOPE_AT;

const MAGIC: &[u8; 7] = b"ossencF";
const VERSION: u8 = 1;
const LAYOUT_INLINE: u8 = 0;
const VERSION_AT: usize = 7;
const SEQUENCE_AT: usize = 8;
const LAYOUT_AT: usize = 16;
const LENGTH_AT: usize = 17;
const ENVELOPE_AT: usize = 19;
const CRC_AT: usize = COPY_LEN - 4;

type Copy = [u8; COPY_LEN];

/// What both copies say: unauthenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    sequences: [Option<u64>; 2],
    counting: usize,
    envelope: Vec<u8>,
    settled: bool,
}

impl Header {
    /// Of the bytes before [`BODY_AT`].
    pub(super) fn parse(bytes: &[u8; 2 * COPY_LEN]) -> Result<Header> {
        let (a, b) = bytes.split_at(COPY_LEN);
        let copies: [&Copy; 2] = [a.try_into().expect("4,096 bytes"), b.try_into().expect("4,096 bytes")];
        let sequences = copies.map(sequence);
        // The higher sequence counts; A when they are equal. A copy that is not intact is below every other.
        let counting = usize::from(sequences[1] > sequences[0]);
        if sequences[counting].is_none() {
            return Err(Error::Format("not a sealed file, or both header copies are damaged"));
        }
        let copy = copies[counting];
        if copy[VERSION_AT] != VERSION || copy[LAYOUT_AT] != LAYOUT_INLINE {
            return Err(Error::TooNew("version or layout of a sealed file"));
        }
        // From here on there is no falling back on the other copy: it is older, and may hold a key that was replaced.
        let len = usize::from(u16::from_be_bytes([copy[LENGTH_AT], copy[LENGTH_AT + 1]]));
        let (envelope, padding) = copy[ENVELOPE_AT..CRC_AT]
            .split_at_checked(len)
            .ok_or(Error::Format("the envelope does not fit the header"))?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(Error::Format("the header's padding is not zero"));
        }
        let other = 1 - counting;
        let settled = sequences[other].is_some_and(|sequence| encode(sequence, envelope) == *copies[other]);
        Ok(Header { sequences, counting, envelope: envelope.to_vec(), settled })
    }

    /// The envelope of the copy that counts.
    #[must_use]
    pub fn envelope(&self) -> &[u8] {
        &self.envelope
    }

    /// The sequences of the copies A and B; `None` for one that is damaged.
    #[must_use]
    pub fn sequences(&self) -> [Option<u64>; 2] {
        self.sequences
    }

    /// Which copy counts: 0 for A, 1 for B.
    #[must_use]
    pub fn counting(&self) -> usize {
        self.counting
    }

    /// Whether both copies are intact and hold the same envelope, as they do unless a change was interrupted or a copy is
    /// damaged. A change settles them.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.settled
    }
}

/// The header of a new file.
pub(super) fn new(envelope: &[u8]) -> Result<[u8; 2 * COPY_LEN]> {
    check_len(envelope)?;
    let mut bytes = [0; 2 * COPY_LEN];
    for (copy, sequence) in bytes.chunks_exact_mut(COPY_LEN).zip(1..) {
        copy.copy_from_slice(&encode(sequence, envelope));
    }
    Ok(bytes)
}

/// What holds a header, and may lose what was written and not synced.
pub(super) trait Medium {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
}

impl Medium for &File {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Puts a new envelope in the place of that of `header`, which is what lies there. At every moment one copy is whole, and
/// in the end neither holds the old envelope: it may open with a key that is about to be retired.
pub(super) fn replace(
    mut medium: impl Medium,
    header: &Header,
    envelope: &[u8],
) -> core::result::Result<(), super::FileError> {
    check_len(envelope)?;
    let counting = header.counting;
    let sequence = header.sequences[counting].expect("a header has an intact copy");
    let last = sequence.checked_add(2).ok_or(Error::State("the header's sequence is used up: seal the file again"))?;
    // First the copy that does not count. Until it is whole and durable, the other one counts and is not touched.
    for (copy, sequence) in [(1 - counting, last - 1), (counting, last)] {
        medium.write_at(&encode(sequence, envelope), (copy * COPY_LEN) as u64)?;
        medium.sync()?;
    }
    Ok(())
}

fn check_len(envelope: &[u8]) -> Result<()> {
    if envelope.len() > FILED_ENVELOPE_MAX {
        return Err(Error::Argument("a sealed file holds an envelope of at most 4,073 bytes"));
    }
    Ok(())
}

fn encode(sequence: u64, envelope: &[u8]) -> Copy {
    let mut copy = [0; COPY_LEN];
    copy[..VERSION_AT].copy_from_slice(MAGIC);
    copy[VERSION_AT] = VERSION;
    copy[SEQUENCE_AT..LAYOUT_AT].copy_from_slice(&sequence.to_be_bytes());
    copy[LAYOUT_AT] = LAYOUT_INLINE;
    let len = u16::try_from(envelope.len()).expect("checked to be at most 4,073 bytes");
    copy[LENGTH_AT..ENVELOPE_AT].copy_from_slice(&len.to_be_bytes());
    copy[ENVELOPE_AT..ENVELOPE_AT + envelope.len()].copy_from_slice(envelope);
    let crc = crc32c(&copy[..CRC_AT]);
    copy[CRC_AT..].copy_from_slice(&crc.to_be_bytes());
    copy
}

/// The sequence of a copy whose magic and checksum are right.
fn sequence(copy: &Copy) -> Option<u64> {
    let (checked, crc) = copy.split_last_chunk().expect("longer than 4 bytes");
    let intact = checked.starts_with(MAGIC) && crc32c(checked) == u32::from_be_bytes(*crc);
    let bytes = copy[SEQUENCE_AT..].first_chunk().expect("longer than 16 bytes");
    intact.then(|| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
