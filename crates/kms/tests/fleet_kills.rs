//! Killed at random moments, a job leaves only whole files, and goes on where it was. `OSSENC_KILLS` says how often (100).
#![cfg(unix)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{ALLOW, NOW, Store, locate, place, tree};
use ossenc_kms::fleet::{Folder, KeyRewrapper, RewrapJob, Summary, census};
use ossenc_kms::sealed_file::SealedFile;

const FILES: usize = 24;
const THREADS: usize = 4;
const HOME: &str = "OSSENC_TEST_HOME";

fn rewrap_all(store: &Store, home: &Path) -> Summary {
    let checkpoint = home.join("checkpoint");
    let rewrapper = KeyRewrapper::rotation(&store.engine, &store.keystore, ALLOW, NOW);
    let job = RewrapJob {
        threads: THREADS,
        checkpoint: Some(&checkpoint),
        checkpoint_every: Duration::ZERO,
        ..RewrapJob::new(&rewrapper, &locate)
    };
    job.run(&Folder::new(home.join("files"))).unwrap()
}

/// Not a test of its own: what the test below kills.
#[test]
#[ignore = "the child of a_killed_job_leaves_whole_files_and_goes_on"]
fn child() {
    let Some(home) = std::env::var_os(HOME) else { return };
    let home = Path::new(&home);
    let store = Store::load(&fs::read(home.join("keystore")).unwrap());
    println!("\nat work");
    rewrap_all(&store, home);
    println!("\nready");
}

/// Starts the child and kills it, so long after it began its work; says whether it had ended.
fn killed(home: &Path, after: Duration) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--ignored", "--nocapture"])
        .env(HOME, home)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "at work"));
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    lines.any(|line| line == "ready")
}

#[test]
fn a_killed_job_leaves_whole_files_and_goes_on() {
    let kills: u32 = std::env::var("OSSENC_KILLS").map_or(100, |kills| kills.parse().unwrap());
    let (mut store, home) = (Store::new(), tempfile::tempdir().unwrap());
    let files = home.path().join("files");
    let names = tree(&store, &files, FILES);
    let sequence = |name: &Path| {
        let file = SealedFile::open(files.join(name)).unwrap();
        let header = file.header();
        (header.sequences()[header.counting()].unwrap(), header.is_settled())
    };
    let mut random = 1u32;
    let (mut longest, mut cut, mut between) = (Duration::from_millis(20), 0, 0);
    for round in 0..kills {
        store.rotate("oss");
        fs::write(home.path().join("keystore"), &store.image).unwrap();
        let before: Vec<u64> = names.iter().map(|name| sequence(name).0).collect();
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let ended = killed(home.path(), longest.mul_f64(f64::from(random) / f64::from(u32::MAX)));
        cut += u32::from(!ended);

        // Before anything is repaired, every file opens; those cut in the middle of a change are at most the items in flight.
        let left: Vec<(u64, bool)> = names.iter().map(|name| sequence(name)).collect();
        for name in &names {
            let plain = store.read(&files.join(name), &place("acme", name), "oss").unwrap();
            assert_eq!(plain, name.as_os_str().as_encoded_bytes(), "round {round}");
        }
        let unsettled = left.iter().filter(|(_, settled)| !settled).count();
        assert!(unsettled <= THREADS, "round {round}: {unsettled} files were in the middle of a change");
        between += unsettled;

        let begin = Instant::now();
        let summary = rewrap_all(&store, home.path());
        longest = longest.max(begin.elapsed());
        assert!(summary.complete && summary.failures.is_empty());
        assert_eq!(summary.counters.items(), FILES as u64, "round {round}: {summary:?}");
        for (i, name) in names.iter().enumerate() {
            let (after, settled) = sequence(name);
            // One change of two writes; one write more where the first of them was cut off from the second.
            let wanted = if left[i].0 == before[i] + 1 { before[i] + 3 } else { before[i] + 2 };
            assert_eq!((after, settled), (wanted, true), "round {round}: {name:?} was {left:?}", left = left[i]);
        }
        let counts = census(&Folder::new(&files), 2, &()).unwrap().0;
        let version = store.keystore.key("oss").unwrap().primary().unwrap().to_string();
        assert_eq!((counts.count("oss", &version), counts.envelopes()), (FILES as u64, FILES as u64));
    }
    let mut left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    left.retain(|name| !ossenc_kms::sealed_file::is_temporary(name));
    assert_eq!(left, ["files", "keystore"]);
    ossenc_kms::sealed_file::remove_leftovers(home.path()).unwrap();
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
    println!("{cut} of {kills} runs were cut, {between} files in the middle of a change");
    assert!(cut > kills / 10, "the kills come while the job is at work");
}
