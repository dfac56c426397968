//! Many files: rewrapped, moved, migrated, recovered, counted; bad ones among them; two rewrappers; jobs resumed.
#![cfg(unix)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use common::{ALLOW, Ending, NOW, Store, locate, place, tree};
use ossenc::{Census, Error, Expect, Method, Recipient};
use ossenc_kms::fleet::{
    CheckpointError, Counters, Folder, ItemError, JobError, KeyRewrapper, Location, Observer, Outcome, Paths,
    RewrapJob, Rewrapper, Shard, Source, Summary, census,
};
use ossenc_kms::sealed_file::{FileError, LockedFile, SealedFile};

/// What every file under a folder holds.
fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let found = Folder::new(root);
    found.items(None).unwrap().map(|found| (found.name, fs::read(&found.path).unwrap())).collect()
}

#[track_caller]
fn assert_all_open(store: &Store, root: &Path, names: &[PathBuf], key_id: &str, tenant: &str) {
    for name in names {
        let plain = store.read(&root.join(name), &place(tenant, name), key_id).unwrap();
        assert_eq!(plain, name.as_os_str().as_encoded_bytes());
    }
}

fn last_sequence(path: &Path) -> u64 {
    let file = SealedFile::open(path).unwrap();
    assert!(file.header().is_settled());
    file.header().sequences().into_iter().flatten().max().unwrap()
}

fn counted(rewrapped: u64, done: u64) -> Counters {
    Counters { rewrapped, done, ..Counters::default() }
}

#[track_caller]
fn run(job: &RewrapJob<'_>, source: &dyn Source) -> Summary {
    let summary = job.run(source).unwrap();
    assert!(summary.complete && summary.failures.is_empty(), "{summary:?}");
    summary
}

#[test]
fn after_a_rotation_everything_goes_under_the_new_version_once() {
    let (mut store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let names = tree(&store, folder.path(), 40);
    let source = Folder::new(folder.path());
    let before = census(&source, 3, &()).unwrap().0;
    assert_eq!((before.count("oss", "1"), before.envelopes()), (40, 40));
    store.rotate("oss");
    let rewrapper = KeyRewrapper::rotation(&store.engine, &store.keystore, ALLOW, NOW);
    let job = RewrapJob { threads: 4, ..RewrapJob::new(&rewrapper, &locate) };

    let untouched = contents(folder.path());
    let dry = RewrapJob { dry_run: true, ..job };
    assert_eq!(run(&dry, &source).counters, counted(40, 0));
    assert!(contents(folder.path()) == untouched, "a dry run writes nothing");

    assert_eq!(run(&RewrapJob { per_second: 10_000, ..job }, &source).counters, counted(40, 0));
    assert_eq!(run(&job, &source).counters, counted(0, 40));
    assert_all_open(&store, folder.path(), &names, "oss", "acme");
    for name in &names {
        assert_eq!(last_sequence(&folder.path().join(name)), 4);
    }
    let after = census(&source, 3, &()).unwrap().0;
    assert_eq!((after.count("oss", "1"), after.count("oss", "2")), (0, 40));
}

#[test]
fn bad_files_are_reported_and_left_alone() {
    let (mut store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let names = tree(&store, folder.path(), 10);
    let at = |name: &str| folder.path().join(name);
    store.seal(&at("0/of-another-tenant"), &place("other", Path::new("0/of-another-tenant")), b"x");
    store.seal(&at("1/moved"), &place("acme", Path::new("1/its-old-name")), b"x");
    store.seal(&at("unplaced"), &place("acme", Path::new("unplaced")), b"x");
    fs::write(at("2/foreign.txt"), b"hello").unwrap();
    fs::write(at("2/foreign.bin"), vec![7; 10_000]).unwrap();
    fs::write(at("empty"), b"").unwrap();
    let whole = fs::read(at("0/of-another-tenant")).unwrap();
    fs::write(at("truncated"), &whole[..5_000]).unwrap();
    let mut newer = whole.clone();
    newer[4_096..8_192].fill(0);
    newer[7] = 2;
    fs::write(at("torn"), &newer).unwrap();
    symlink(at("unplaced"), at("link")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at("1/fifo")).status().unwrap().success());
    fs::write(at(".ossenc-0123456789abcdef.tmp"), b"half a file").unwrap();
    let elsewhere = Store::with_key("oss");
    elsewhere.seal(&at("1/of-another-keystore"), &place("acme", Path::new("1/of-another-keystore")), b"x");

    store.rotate("oss");
    let bad = [
        "0/of-another-tenant",
        "1/moved",
        "1/of-another-keystore",
        "2/foreign.bin",
        "2/foreign.txt",
        "empty",
        "torn",
        "truncated",
        "unplaced",
    ];
    let before: Vec<_> = bad.iter().map(|name| fs::read(at(name)).unwrap()).collect();
    let locate =
        |name: &Path| if name == Path::new("unplaced") { Err("not in the index".into()) } else { locate(name) };
    let rewrapper = KeyRewrapper::rotation(&store.engine, &store.keystore, ALLOW, NOW);
    for dry_run in [true, false] {
        let job = RewrapJob { dry_run, threads: 3, ..RewrapJob::new(&rewrapper, &locate) };
        let summary = job.run(&Folder::new(folder.path())).unwrap();
        assert_eq!(summary.counters, Counters { rewrapped: 10, skipped: 2, failed: 9, ..Counters::default() });
        let mut failures = summary.failures;
        failures.sort_by(|(a, _), (b, _)| a.cmp(b));
        assert_eq!(failures.iter().map(|(name, _)| name.to_str().unwrap()).collect::<Vec<_>>(), bad);
        for (i, commits) in [(0, true), (1, true), (2, true), (3, false)] {
            assert_eq!(matches!(failures[i].1, ItemError::Envelope(Error::Commit)), commits, "{:?}", failures[i]);
        }
        for failure in &failures[3..8] {
            assert!(matches!(failure.1, ItemError::File(FileError::Core(Error::Format(_)))), "{failure:?}");
        }
        assert!(matches!(&failures[8].1, ItemError::Place(why) if why == "not in the index"));
    }
    for (name, before) in bad.iter().zip(before) {
        assert!(fs::read(at(name)).unwrap() == before, "{name}");
    }
    assert_all_open(&store, folder.path(), &names, "oss", "acme");
    let (counts, summary) = census(&Folder::new(folder.path()), 2, &()).unwrap();
    assert_eq!((summary.counters.failed, summary.counters.skipped, counts.envelopes()), (5, 2, 14));
}

#[test]
fn two_rewrappers_on_one_folder_do_every_file_once() {
    let (mut store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let names = tree(&store, folder.path(), 60);
    store.rotate("oss");
    let rewrapper = KeyRewrapper::rotation(&store.engine, &store.keystore, ALLOW, NOW);
    let source = Folder::new(folder.path());
    let job = RewrapJob { threads: 2, ..RewrapJob::new(&rewrapper, &locate) };
    let summaries = std::thread::scope(|scope| {
        let jobs = [(); 2].map(|()| scope.spawn(|| run(&job, &source)));
        for name in &names {
            store.read(&folder.path().join(name), &place("acme", name), "oss").unwrap();
        }
        jobs.map(|job| job.join().unwrap())
    });
    let rewrapped: u64 = summaries.iter().map(|summary| summary.counters.rewrapped).sum();
    assert_eq!(rewrapped, 60);
    assert!(summaries.iter().all(|summary| summary.counters.items() == 60));
    assert!(names.iter().all(|name| last_sequence(&folder.path().join(name)) == 4));
}

#[test]
fn a_job_that_was_ended_goes_on_where_it_was() {
    let (mut store, folder, kept) = (Store::new(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let names = tree(&store, folder.path(), 30);
    store.rotate("oss");
    let checkpoint = kept.path().join("checkpoint");
    let rewrapper = KeyRewrapper::rotation(&store.engine, &store.keystore, ALLOW, NOW);
    let job = RewrapJob { checkpoint: Some(&checkpoint), label: b"acme", ..RewrapJob::new(&rewrapper, &locate) };
    let paths = Paths::new(names.iter().map(|name| folder.path().join(name)));
    let by_path = |path: &Path| locate(path.strip_prefix(folder.path()).unwrap());
    for (source, locate) in
        [(&Folder::new(folder.path()) as &dyn Source, &locate as &dyn ossenc_kms::fleet::Locate), (&paths, &by_path)]
    {
        let job = RewrapJob { locate, ..job };
        let mut done = 0;
        for items in [1, 7, 13] {
            let ending = Ending::after(items);
            let summary = RewrapJob { observer: &ending, ..job }.run(source).unwrap();
            assert_eq!((summary.complete, summary.resumed), (false, done > 0));
            done += items;
            assert_eq!(summary.counters.items(), done, "no item has its turn twice");
        }
        // Its checkpoint is no other job's.
        let other = RewrapJob { label: b"other", ..job };
        assert!(matches!(other.run(source), Err(JobError::Checkpoint(CheckpointError::OtherJob))));
        let other = RewrapJob { dry_run: true, ..job };
        assert!(matches!(other.run(source), Err(JobError::Checkpoint(CheckpointError::OtherJob))));
        let other = Folder::new(folder.path()).shard(Shard::new(0, 2).unwrap());
        assert!(matches!(job.run(&other), Err(JobError::Checkpoint(CheckpointError::OtherJob))));
        let keeping = rewrapper.keeping_slots(false);
        let other = RewrapJob { rewrapper: &keeping, ..job };
        assert!(matches!(other.run(source), Err(JobError::Checkpoint(CheckpointError::OtherJob))));

        let summary = run(&job, source);
        assert!(summary.resumed && summary.counters.items() == 30);
        assert_eq!(fs::read_dir(kept.path()).unwrap().count(), 0, "a complete job leaves no checkpoint");
    }
    assert!(names.iter().all(|name| last_sequence(&folder.path().join(name)) == 4));
    fs::write(&checkpoint, b"nonsense").unwrap();
    let outcome = job.run(&Folder::new(folder.path()));
    assert!(matches!(outcome, Err(JobError::Checkpoint(CheckpointError::Malformed))));
    let nowhere = kept.path().join("none/checkpoint");
    let ending = Ending::after(1);
    let job = RewrapJob { checkpoint: Some(&nowhere), observer: &ending, ..job };
    assert!(matches!(job.run(&Folder::new(folder.path())), Err(JobError::Checkpoint(CheckpointError::Io(_)))));
}

#[test]
fn a_checkpoint_of_before_a_rotation_is_not_gone_on_with() {
    let (mut store, folder, kept) = (Store::new(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    tree(&store, folder.path(), 6);
    store.rotate("oss");
    let (checkpoint, source) = (kept.path().join("checkpoint"), Folder::new(folder.path()));
    let ending = Ending::after(3);
    let first = KeyRewrapper::rotation(&store.engine, &store.keystore, ALLOW, NOW);
    let job = RewrapJob { checkpoint: Some(&checkpoint), observer: &ending, ..RewrapJob::new(&first, &locate) };
    assert!(!job.run(&source).unwrap().complete);
    let mut later = Store::load(&store.image);
    later.rotate("oss");
    let second = KeyRewrapper::rotation(&later.engine, &later.keystore, ALLOW, NOW);
    let job = RewrapJob { checkpoint: Some(&checkpoint), ..RewrapJob::new(&second, &locate) };
    assert!(matches!(job.run(&source), Err(JobError::Checkpoint(CheckpointError::OtherJob))));
    fs::remove_file(&checkpoint).unwrap();
    assert_eq!(run(&job, &source).counters, counted(6, 0));
}

#[test]
fn files_that_go_or_come_during_a_job_are_no_failure() {
    let (mut store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let names = tree(&store, folder.path(), 12);
    store.rotate("oss");
    let gone = folder.path().join(names.last().unwrap());
    struct Removing(PathBuf);
    impl Observer for Removing {
        fn item(&self, _: &Path, _: &Outcome, _: &Counters) -> ControlFlow<()> {
            let _ = fs::remove_file(&self.0);
            ControlFlow::Continue(())
        }
    }
    let rewrapper = KeyRewrapper::rotation(&store.engine, &store.keystore, ALLOW, NOW);
    let paths = Paths::new(names.iter().map(|name| folder.path().join(name)));
    let by_path = |path: &Path| locate(path.strip_prefix(folder.path()).unwrap());
    let removing = Removing(gone);
    let job = RewrapJob { observer: &removing, ..RewrapJob::new(&rewrapper, &by_path) };
    assert_eq!(run(&job, &paths).counters, Counters { rewrapped: 11, gone: 1, ..Counters::default() });
}

#[test]
fn shards_are_disjoint_and_whole_and_their_censuses_add_up() {
    let (store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let names = tree(&store, folder.path(), 50);
    let whole = census(&Folder::new(folder.path()), 2, &()).unwrap().0;
    let (mut merged, mut found) = (Census::new(), Vec::new());
    for index in 0..3 {
        let shard = Folder::new(folder.path()).shard(Shard::new(index, 3).unwrap());
        let part = census(&shard, 2, &()).unwrap().0;
        assert!(part.envelopes() > 5, "shards are of about the same size");
        merged.merge(&Census::decode(&part.encode()).unwrap()).unwrap();
        found.extend(shard.items(None).unwrap().map(|found| found.name));
    }
    assert_eq!(merged, whole);
    found.sort();
    assert_eq!(found, names);
    assert!(Shard::new(3, 3).is_err() && Shard::new(0, 0).is_err());
}

#[test]
fn a_walk_is_sorted_and_goes_on_after_any_position() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a/b", "a/c/d", "a-b", "a.b", "ab", "b/0/1/2", "b/0/1.x", "z"] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"").unwrap();
    }
    fs::create_dir(folder.path().join("nothing")).unwrap();
    let source = Folder::new(folder.path());
    let all: Vec<_> = source.items(None).unwrap().map(|found| found.name).collect();
    let mut sorted = all.clone();
    sorted.sort();
    assert_eq!((all.len(), &all), (8, &sorted));
    for position in all.iter().map(PathBuf::as_path).chain(["", "a", "a/c/x", "b/0/1", "q/r", "zz"].map(Path::new)) {
        let rest: Vec<_> =
            source.items(Some(position.as_os_str().as_encoded_bytes())).unwrap().map(|f| f.name).collect();
        let wanted: Vec<_> = all.iter().filter(|name| name.as_path() > position).cloned().collect();
        assert_eq!(rest, wanted, "after {position:?}");
    }
}

#[test]
fn a_rename_is_done_once_and_survives_a_second_run_and_a_rotation() {
    let (mut store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let names = tree(&store, folder.path(), 8);
    let source = Folder::new(folder.path());
    let moved = |name: &Path| Ok(Location { place: place("acme", name), new_place: Some(place("umbrella", name)) });
    {
        let rewrapper = KeyRewrapper::rotation(&store.engine, &store.keystore, ALLOW, NOW);
        let job = RewrapJob { threads: 2, ..RewrapJob::new(&rewrapper, &moved) };
        assert_eq!(run(&job, &source).counters, counted(8, 0));
        assert_eq!(run(&job, &source).counters, counted(0, 8));
    }
    assert_all_open(&store, folder.path(), &names, "oss", "umbrella");
    assert!(store.read(&folder.path().join(&names[0]), &place("acme", &names[0]), "oss").is_err());
    store.rotate("oss");
    let rewrapper = KeyRewrapper::rotation(&store.engine, &store.keystore, ALLOW, NOW);
    assert_eq!(run(&RewrapJob::new(&rewrapper, &moved), &source).counters, counted(8, 0));
    assert_all_open(&store, folder.path(), &names, "oss", "umbrella");
}

#[test]
fn another_key_and_another_method_of_the_same_keystore() {
    let (mut store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let names = tree(&store, folder.path(), 5);
    store.apply(&ossenc::Change::Create { key_id: "cmk" });
    let source = Folder::new(folder.path());
    let counts = |version| census(&source, 1, &()).unwrap().0.count("cmk", version);
    for (version, changed) in [("1", 5), ("2", 5)] {
        let rewrapper = KeyRewrapper::to_key(&store.engine, &store.keystore, ALLOW, Recipient::kms("cmk"), NOW);
        let job = RewrapJob::new(&rewrapper, &locate);
        assert_eq!(run(&job, &source).counters, counted(changed, 0));
        assert_eq!(run(&job, &source).counters, counted(0, 5));
        assert_eq!(counts(version), 5);
        store.rotate("cmk");
    }
    assert_all_open(&store, folder.path(), &names, "cmk", "acme");
}

#[test]
fn a_migration_between_keystores_with_the_same_key_ids_is_done_once() {
    let (old, mut new, folder) = (Store::new(), Store::new(), tempfile::tempdir().unwrap());
    let names = tree(&old, folder.path(), 9);
    let source = Folder::new(folder.path());
    for _ in 0..2 {
        let rewrapper = KeyRewrapper::migration(&old.engine, &old.keystore, ALLOW, &new.keystore, common::OSS, NOW);
        let job = RewrapJob { threads: 3, ..RewrapJob::new(&rewrapper, &locate) };
        // The names "oss" and "1" say nothing: a third of the files was migrated before, and is found by opening it.
        let third = Folder::new(folder.path()).shard(Shard::new(0, 3).unwrap());
        let first = job.run(&third).unwrap().counters.rewrapped;
        assert_eq!(run(&job, &source).counters, counted(9 - first, first));
        assert_eq!(run(&job, &source).counters, counted(0, 9));
        assert_all_open(&new, folder.path(), &names, "oss", "acme");
        assert!(old.read(&folder.path().join(&names[0]), &place("acme", &names[0]), "oss").is_err());
        // A rotation of the new keystore meanwhile: what was migrated follows.
        new.rotate("oss");
    }
    let stranger = Store::new();
    let rewrapper = KeyRewrapper::migration(&old.engine, &stranger.keystore, ALLOW, &old.keystore, common::OSS, NOW);
    let summary = RewrapJob::new(&rewrapper, &locate).run(&source).unwrap();
    assert_eq!((summary.counters.failed, summary.counters.items()), (9, 9));
    assert_all_open(&new, folder.path(), &names, "oss", "acme");
}

const RECOVERY: Expect<'_> = Expect { methods: &[Method::SseOss], key_ids: &["recovery"] };

#[test]
fn the_drill_a_lost_keystore_and_an_offline_recovery_key() {
    let (mut primary, mut recovery) = (Store::new(), Store::with_key("recovery"));
    let folder = tempfile::tempdir().unwrap();
    let names = tree(&primary, folder.path(), 7);
    let source = Folder::new(folder.path());
    let slots = |name: &PathBuf| {
        let file = SealedFile::open(folder.path().join(name)).unwrap();
        ossenc::Envelope::parse(file.envelope()).unwrap().slots().len()
    };

    // Every file gets a second slot; once.
    let (from, to) = (&primary.keystore, &recovery.keystore);
    let adding = KeyRewrapper::adding(&primary.engine, from, ALLOW, to, Recipient::oss("recovery"), NOW);
    let job = RewrapJob { threads: 2, ..RewrapJob::new(&adding, &locate) };
    assert_eq!(run(&job, &source).counters, counted(7, 0));
    assert_eq!(run(&job, &source).counters, counted(0, 7));
    // A key of the same id would take the primary's slot away.
    let same_id = KeyRewrapper::adding(&primary.engine, from, ALLOW, &Store::new().keystore, common::OSS, NOW)
        .rewrap(SealedFile::open(folder.path().join(&names[0])).unwrap().envelope(), &locate(&names[0]).unwrap())
        .map(drop);
    assert!(matches!(same_id, Err(ItemError::Envelope(Error::Argument(_)))), "{same_id:?}");

    // The primary key is rotated: its slot changes, the recovery key's stays.
    primary.rotate("oss");
    {
        let rotation = KeyRewrapper::rotation(&primary.engine, &primary.keystore, ALLOW, NOW);
        let job = RewrapJob::new(&rotation, &locate);
        assert_eq!(run(&job, &source).counters, counted(7, 0));
        assert_eq!(run(&job, &source).counters, counted(0, 7));
    }
    assert!(names.iter().all(|name| slots(name) == 2));
    let counts = census(&source, 1, &()).unwrap().0;
    assert_eq!((counts.count("oss", "1"), counts.count("oss", "2"), counts.count("recovery", "1")), (0, 7, 7));
    // So is the recovery key, offline.
    recovery.rotate("recovery");
    {
        let adding = KeyRewrapper::adding(
            &primary.engine,
            &primary.keystore,
            ALLOW,
            &recovery.keystore,
            Recipient::oss("recovery"),
            NOW,
        );
        assert_eq!(run(&RewrapJob::new(&adding, &locate), &source).counters, counted(7, 0));
        assert_eq!(census(&source, 1, &()).unwrap().0.count("recovery", "2"), 7);
    }
    assert_all_open(&primary, folder.path(), &names, "oss", "acme");

    // The primary keystore is lost. The recovery keystore opens everything, and a new primary takes over.
    drop(primary);
    assert_all_open(&recovery, folder.path(), &names, "recovery", "acme");
    let fresh = Store::new();
    let (from, to) = (&recovery.keystore, &fresh.keystore);
    let migration = KeyRewrapper::migration(&fresh.engine, from, RECOVERY, to, common::OSS, NOW);
    let job = RewrapJob::new(&migration, &locate);
    assert_eq!(run(&job, &source).counters, counted(7, 0));
    assert_eq!(run(&job, &source).counters, counted(0, 7));
    assert_all_open(&fresh, folder.path(), &names, "oss", "acme");
    assert!(names.iter().all(|name| slots(name) == 1));
    assert!(recovery.read(&folder.path().join(&names[0]), &place("acme", &names[0]), "recovery").is_err());
}

#[test]
fn a_header_of_which_one_copy_is_damaged_is_repaired() {
    let (store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let names = tree(&store, folder.path(), 2);
    let path = folder.path().join(&names[0]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[100] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(!SealedFile::open(&path).unwrap().header().is_settled());
    let rewrapper = KeyRewrapper::rotation(&store.engine, &store.keystore, ALLOW, NOW);
    assert_eq!(run(&RewrapJob::new(&rewrapper, &locate), &Folder::new(folder.path())).counters, counted(1, 1));
    assert!(LockedFile::open(&path).unwrap().header().is_settled());
    assert_all_open(&store, folder.path(), &names, "oss", "acme");
}
