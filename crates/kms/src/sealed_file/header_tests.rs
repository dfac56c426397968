//! The header under crashes: a change cut at every point leaves one good copy.

use std::ops::Range;

use super::*;
use crate::sealed_file::FileError;

const OLD: &[u8] = b"the old envelope";
const NEW: &[u8] = b"the new envelope, which is longer";

type Disk = [u8; 2 * COPY_LEN];

/// What a disk was told, in order.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Write(usize, Vec<u8>),
    Sync,
}

#[derive(Default)]
struct Recorder(Vec<Step>);

impl Medium for &mut Recorder {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.push(Step::Write(offset as usize, bytes.to_vec()));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.push(Step::Sync);
        Ok(())
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^ (z >> 27)
    }
}

fn change(disk: &Disk, envelope: &[u8]) -> Vec<Step> {
    let mut recorder = Recorder::default();
    replace(&mut recorder, &Header::parse(disk).unwrap(), envelope).unwrap();
    recorder.0
}

fn apply(disk: &mut Disk, steps: &[Step]) {
    for step in steps {
        if let Step::Write(at, bytes) = step {
            disk[*at..*at + bytes.len()].copy_from_slice(bytes);
        }
    }
}

/// Every state that a disk can be in when the power goes at any moment of `steps`: what was synced is there; of a write
/// that was not, any of its bytes.
fn each_crash(disk: &Disk, steps: &[Step], mut look: impl FnMut(&Disk)) {
    let mut random = Random(1);
    let mut durable = *disk;
    for (i, step) in steps.iter().enumerate() {
        let Step::Write(at, bytes) = step else {
            apply(&mut durable, &steps[..i]);
            look(&durable);
            continue;
        };
        let mut torn = |kept: &[Range<usize>]| {
            let mut disk = durable;
            for range in kept {
                disk[at + range.start..at + range.end].copy_from_slice(&bytes[range.clone()]);
            }
            look(&disk);
        };
        for cut in 0..=bytes.len() {
            torn(&[0..cut]);
        }
        for cut in (0..bytes.len()).step_by(61) {
            torn(&[cut..bytes.len()]);
        }
        // Sectors of 512 bytes, in all combinations of the eight; and smaller pieces at random.
        for sectors in 0..=255usize {
            torn(&pieces(512, |i| sectors >> i & 1 == 1));
        }
        for _ in 0..100 {
            torn(&pieces(16, |_| random.next() & 1 == 1));
        }
    }
}

/// Pieces of a copy, of that length, those that are kept.
fn pieces(len: usize, mut kept: impl FnMut(usize) -> bool) -> Vec<Range<usize>> {
    (0..COPY_LEN / len).filter(|i| kept(*i)).map(|i| i * len..(i + 1) * len).collect()
}

#[test]
fn a_change_cut_at_every_point_leaves_the_old_or_the_new_envelope() {
    let fresh = super::new(OLD).unwrap();
    let mut settled = fresh;
    apply(&mut settled, &change(&fresh, OLD));
    // A new header, one that was changed, and the two that an interrupted change leaves.
    let steps = change(&fresh, OLD);
    let mut between = fresh;
    apply(&mut between, &steps[..1]);
    let mut torn = fresh;
    torn[COPY_LEN..COPY_LEN + 700].fill(0xaa);
    for disk in [fresh, settled, between, torn] {
        let steps = change(&disk, NEW);
        assert!(matches!(&steps[..], [Step::Write(..), Step::Sync, Step::Write(..), Step::Sync]));
        let mut seen = [0u32; 2];
        let mut states = 0;
        each_crash(&disk, &steps, |crashed| {
            let header = Header::parse(crashed).expect("one copy is whole");
            assert!(header.envelope() == OLD || header.envelope() == NEW);
            seen[usize::from(header.envelope() == NEW)] += 1;
            // What a crash has left can be changed, and is whole then: looked at in a part of the states, for time.
            states += 1;
            if states % 17 != 0 {
                return;
            }
            let mut repaired = *crashed;
            apply(&mut repaired, &change(crashed, NEW));
            let header = Header::parse(&repaired).unwrap();
            assert!(header.envelope() == NEW && header.is_settled());
        });
        assert!(seen[0] > 4_000 && seen[1] > 4_000, "{seen:?}");
        let mut done = disk;
        apply(&mut done, &steps);
        let header = Header::parse(&done).unwrap();
        assert!(header.envelope() == NEW && header.is_settled());
        assert!(!done.windows(OLD.len()).any(|window| window == OLD), "the old envelope is gone");
    }
}

#[test]
fn sequences_count_by_two_and_end() {
    let mut disk = super::new(OLD).unwrap();
    assert_eq!(Header::parse(&disk).unwrap().sequences(), [Some(1), Some(2)]);
    for wanted in [[Some(3), Some(4)], [Some(5), Some(6)]] {
        let steps = change(&disk, NEW);
        apply(&mut disk, &steps);
        assert_eq!(Header::parse(&disk).unwrap().sequences(), wanted);
    }
    for (sequence, fits) in [(u64::MAX - 2, true), (u64::MAX - 1, false), (u64::MAX, false)] {
        disk[COPY_LEN..].copy_from_slice(&encode(sequence, OLD));
        let mut recorder = Recorder::default();
        let outcome = replace(&mut recorder, &Header::parse(&disk).unwrap(), NEW);
        assert_eq!(outcome.is_ok(), fits);
        assert!(fits || matches!(outcome, Err(FileError::Core(Error::State(_)))));
        assert_eq!(recorder.0.is_empty(), !fits, "nothing is written over when the sequence is used up");
    }
}

#[test]
fn an_envelope_takes_at_most_what_the_header_holds() {
    let longest = [1; FILED_ENVELOPE_MAX];
    assert_eq!(FILED_ENVELOPE_MAX, 4_073);
    assert_eq!(Header::parse(&super::new(&longest).unwrap()).unwrap().envelope(), longest);
    assert!(matches!(super::new(&[1; FILED_ENVELOPE_MAX + 1]), Err(Error::Argument(_))));
    let disk = super::new(OLD).unwrap();
    let mut recorder = Recorder::default();
    let outcome = replace(&mut recorder, &Header::parse(&disk).unwrap(), &[1; FILED_ENVELOPE_MAX + 1]);
    assert!(matches!(outcome, Err(FileError::Core(Error::Argument(_)))) && recorder.0.is_empty());
}

/// A disk that refuses at some call.
struct Refusing {
    calls_left: usize,
}

impl Medium for &mut Refusing {
    fn write_at(&mut self, _: &[u8], _: u64) -> io::Result<()> {
        self.sync()
    }

    fn sync(&mut self) -> io::Result<()> {
        self.calls_left = self.calls_left.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        Ok(())
    }
}

#[test]
fn every_refusal_of_the_disk_is_reported() {
    let header = Header::parse(&super::new(OLD).unwrap()).unwrap();
    for calls in 0..4 {
        let outcome = replace(&mut Refusing { calls_left: calls }, &header, NEW);
        assert!(matches!(outcome, Err(FileError::Io(error)) if error.kind() == io::ErrorKind::StorageFull));
    }
    replace(&mut Refusing { calls_left: 4 }, &header, NEW).unwrap();
}
