//! Killed at random moments, a job leaves only whole files, and goes on where it was. `OSSENC_KILLS` says how often (100).
#![cfg(unix)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{ALLOW, NOW, Store, list_line, locate, place, tree};
use ossenc_kms::fleet::{EnvelopeList, Folder, KeyRewrapper, ListJob, RewrapJob, Summary, census};
use ossenc_kms::sealed_file::SealedFile;

const FILES: usize = 24;
const THREADS: usize = 4;
const LINES: usize = 600;
const HOME: &str = "OSSENC_TEST_HOME";
const WHAT: &str = "OSSENC_TEST_WHAT";

fn kills() -> u32 {
    std::env::var("OSSENC_KILLS").map_or(100, |kills| kills.parse().unwrap())
}

/// The moments of the kills, as parts of the longest run.
struct Moments {
    random: u32,
    longest: Duration,
}

impl Moments {
    fn new() -> Moments {
        Moments { random: 1, longest: Duration::from_millis(20) }
    }

    fn next(&mut self) -> Duration {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.longest.mul_f64(f64::from(self.random) / f64::from(u32::MAX))
    }
}

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

/// Puts the new list in the place of the old one.
fn rewrap_list(store: &Store, home: &Path) -> Summary {
    let (list, checkpoint) = (home.join("list"), home.join("checkpoint"));
    let rewrapper = KeyRewrapper::rotation(&store.engine, &store.keystore, ALLOW, NOW);
    let job = ListJob {
        threads: 1,
        checkpoint: Some(&checkpoint),
        checkpoint_every: Duration::ZERO,
        ..ListJob::new(&rewrapper)
    };
    job.run(&EnvelopeList::new(&list), home.join("new")).unwrap()
}

/// Not a test of its own: what the tests below kill.
#[test]
#[ignore = "the child of the tests that kill it"]
fn child() {
    let Some(home) = std::env::var_os(HOME) else { return };
    let home = Path::new(&home);
    let store = Store::load(&fs::read(home.join("keystore")).unwrap());
    println!("\nat work");
    match std::env::var(WHAT).unwrap() == "list" {
        true => rewrap_list(&store, home),
        false => rewrap_all(&store, home),
    };
    println!("\nready");
}

/// Starts the child and kills it, so long after it began its work; says whether it had ended.
fn killed(home: &Path, what: &str, after: Duration) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--ignored", "--nocapture"])
        .env(HOME, home)
        .env(WHAT, what)
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
    let kills = kills();
    let (mut store, home) = (Store::new(), tempfile::tempdir().unwrap());
    let files = home.path().join("files");
    let names = tree(&store, &files, FILES);
    let sequence = |name: &Path| {
        let file = SealedFile::open(files.join(name)).unwrap();
        let header = file.header();
        (header.sequences()[header.counting()].unwrap(), header.is_settled())
    };
    let (mut moments, mut cut, mut between, mut resumed) = (Moments::new(), 0, 0, 0);
    for round in 0..kills {
        store.rotate("oss");
        fs::write(home.path().join("keystore"), &store.image).unwrap();
        let before: Vec<u64> = names.iter().map(|name| sequence(name).0).collect();
        let ended = killed(home.path(), "files", moments.next());
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
        moments.longest = moments.longest.max(begin.elapsed());
        resumed += u32::from(summary.resumed);
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
    println!("{cut} of {kills} runs were cut, {between} files in the middle of a change, {resumed} had a checkpoint");
    assert!(cut > kills / 10 && resumed > kills / 20, "the kills come while the job is at work");
}

/// A list has its old name or its new one, whole; what a killed job has done of it is done.
#[test]
fn a_killed_list_job_leaves_whole_lists_and_goes_on() {
    let kills = kills();
    let (mut store, home) = (Store::new(), tempfile::tempdir().unwrap());
    let [list, new] = ["list", "new"].map(|name| home.path().join(name));
    fs::write(&list, (0..LINES).map(|i| list_line(&store, i)).collect::<String>()).unwrap();
    let (mut moments, mut cut, mut resumed) = (Moments::new(), 0, 0);
    for round in 0..kills {
        store.rotate("oss");
        fs::write(home.path().join("keystore"), &store.image).unwrap();
        let version = store.keystore.key("oss").unwrap().primary().unwrap().to_string();
        let ended = killed(home.path(), "list", moments.next());
        cut += u32::from(!ended);
        assert!(!ended || new.exists(), "round {round}");
        let begin = Instant::now();
        let summary = rewrap_list(&store, home.path());
        moments.longest = moments.longest.max(begin.elapsed());
        resumed += u32::from(summary.resumed);
        assert!(summary.complete && summary.failures.is_empty());
        assert_eq!(summary.counters.items(), LINES as u64, "round {round}: {summary:?}");
        let counts = EnvelopeList::new(&new).census(&()).unwrap().0;
        assert_eq!((counts.count("oss", &version), counts.envelopes()), (LINES as u64, LINES as u64), "round {round}");
        fs::rename(&new, &list).unwrap();
        ossenc_kms::sealed_file::remove_leftovers(home.path()).unwrap();
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2, "round {round}: the list and the keystore");
    }
    // Opened under the place of each line: none was lost, none twice, none in another's place.
    let text = fs::read_to_string(&list).unwrap();
    let names: Vec<_> = text.lines().map(|line| line.rsplit('\t').next().unwrap().to_owned()).collect();
    assert_eq!(names, (0..LINES).map(|i| i.to_string()).collect::<Vec<String>>());
    store.rotate("oss");
    assert_eq!(rewrap_list(&store, home.path()).counters.rewrapped, LINES as u64);
    println!("{cut} of {kills} runs were cut, {resumed} had a checkpoint");
    assert!(cut > kills / 10 && resumed > kills / 20, "the kills come while the job is at work");
}
