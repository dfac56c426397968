//! Envelopes in a text file: rewrapped line by line, ended, gone on with.
#![cfg(unix)]

mod common;

use std::fs;

use common::{ALLOW, Ending, NOW, Store, hex, list_line};
use ossenc_kms::fleet::{CheckpointError, Counters, EnvelopeList, KeyRewrapper, ListError, ListJob};

#[test]
fn a_list_of_envelopes_keeps_its_lines_and_their_form() {
    let (mut store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    let envelope = |context: &ossenc::Context<'_>| store.create(context).1;
    let strange = ossenc::Context { tenant: b"a\tb", object: b"100%\n", user: &[("k", "v=w")], ..Default::default() };
    let mut lines = vec![
        "# exported yesterday".to_owned(),
        format!("{}\ta%09b\t\t100%25%0A\t\tk=v=w", hex(&envelope(&strange))),
        String::new(),
        hex(&envelope(&ossenc::Context::default())),
        format!("{}\tanother tenant", hex(&envelope(&ossenc::Context::default()))),
        "nonsense\tacme".to_owned(),
        format!("{}\tacme\t\t\t\tno pair", hex(&envelope(&ossenc::Context::default()))),
        format!("{}\tacme%2", hex(&envelope(&ossenc::Context::default()))),
    ];
    // More than the threads take at once.
    let more = 3_000;
    lines.extend((0..more).map(|i| list_line(&store, i).trim_end().to_owned()));
    fs::write(&old, lines.join("\n")).unwrap();
    store.rotate("oss");
    let rewrapper = KeyRewrapper::rotation(&store.engine, &store.keystore, ALLOW, NOW);
    let summary = ListJob { threads: 3, ..ListJob::new(&rewrapper) }.run(&EnvelopeList::new(&old), &new).unwrap();
    let wanted = Counters { rewrapped: 2 + more as u64, failed: 4, ..Counters::default() };
    assert_eq!((summary.counters, summary.complete), (wanted, true));
    let failed: Vec<_> = summary.failures.iter().map(|(name, _)| name.to_str().unwrap()).collect();
    assert_eq!(failed, ["5", "6", "7", "8"]);
    let text = fs::read_to_string(&new).unwrap();
    assert!(text.ends_with('\n'));
    assert_eq!(text.lines().count(), lines.len());
    for (i, (old, new)) in lines.iter().zip(text.lines()).enumerate() {
        let fields = |line: &str| line.split_once('\t').map(|(_, fields)| fields.to_owned());
        assert_eq!(fields(old), fields(new));
        assert_eq!(old == new, [0, 2, 4, 5, 6, 7].contains(&i), "line {}", i + 1);
    }
    // The new list may take the old one's name; there is nothing to do in it.
    let again = ListJob { threads: 2, ..ListJob::new(&rewrapper) }.run(&EnvelopeList::new(&new), &new).unwrap();
    assert_eq!(again.counters, Counters { done: 2 + more as u64, failed: 4, ..Counters::default() });
    assert_eq!(fs::read_to_string(&new).unwrap(), text);
    let (counts, _) = EnvelopeList::new(&new).census(&()).unwrap();
    assert_eq!((counts.count("oss", "2"), counts.count("oss", "1")), (2 + more as u64, 1));

    // Who ends the job, and a line that is too long, leave no new list.
    let ending = Ending::after(5);
    let none = folder.path().join("none");
    let job = ListJob { observer: &ending, ..ListJob::new(&rewrapper) };
    assert!(!job.run(&EnvelopeList::new(&old), &none).unwrap().complete);
    fs::write(&old, vec![b'x'; (1 << 20) + 1]).unwrap();
    assert!(matches!(ListJob::new(&rewrapper).run(&EnvelopeList::new(&old), &none), Err(ListError::Line(1))));
    let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["new", "old"]);
}

#[test]
fn a_list_job_that_was_ended_goes_on_where_it_was() {
    const LINES: usize = 1_000;
    let (mut store, home) = (Store::new(), tempfile::tempdir().unwrap());
    let [old, new, checkpoint] = ["old", "new", "checkpoint"].map(|name| home.path().join(name));
    let lines: Vec<String> = (0..LINES).map(|i| list_line(&store, i)).collect();
    fs::write(&old, format!("# comment\n{}", lines.concat())).unwrap();
    store.rotate("oss");
    let rewrapper = KeyRewrapper::rotation(&store.engine, &store.keystore, ALLOW, NOW);
    let list = EnvelopeList::new(&old);
    let job = ListJob { threads: 2, checkpoint: Some(&checkpoint), ..ListJob::new(&rewrapper) };

    let dry = ListJob { dry_run: true, checkpoint: None, per_second: 1_000_000, ..job }.run(&list, &new).unwrap();
    assert_eq!(dry.counters, Counters { rewrapped: LINES as u64, ..Counters::default() });
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "a dry run writes nothing");

    let mut done = 0;
    for items in [1, 7, 400] {
        let ending = Ending::after(items);
        let summary = ListJob { observer: &ending, ..job }.run(&list, &new).unwrap();
        done += items;
        assert_eq!((summary.complete, summary.resumed, summary.counters.items()), (false, done > items, done));
        // What a kill may leave after the checkpoint is cut off.
        let partial = home.path().join("new.partial");
        let mut text = fs::read(&partial).unwrap();
        assert_eq!(text.iter().filter(|byte| **byte == b'\n').count() as u64, done + 1);
        text.extend(b"half a li");
        fs::write(&partial, text).unwrap();
    }
    let other = [
        ListJob { dry_run: true, ..job }.run(&list, &new),
        ListJob { rewrapper: &rewrapper.keeping_slots(false), ..job }.run(&list, &new),
        job.run(&list, home.path().join("elsewhere")),
    ];
    assert!(
        other.iter().all(|told| matches!(told, Err(ListError::Checkpoint(CheckpointError::OtherJob)))),
        "{other:?}"
    );
    // Two at once: one is told.
    let held = fs::File::open(home.path().join("new.partial")).unwrap();
    held.lock().unwrap();
    assert!(matches!(job.run(&list, &new), Err(ListError::Write(_))));
    drop(held);

    let summary = job.run(&list, &new).unwrap();
    let all = Counters { rewrapped: LINES as u64, ..Counters::default() };
    assert_eq!((summary.complete, summary.resumed, summary.counters), (true, true, all));
    let mut left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["new", "old"]);
    let text = fs::read_to_string(&new).unwrap();
    assert_eq!(text.lines().next(), Some("# comment"));
    let names: Vec<_> = text.lines().skip(1).map(|line| line.rsplit('\t').next().unwrap().to_owned()).collect();
    assert_eq!(names, (0..LINES).map(|i| i.to_string()).collect::<Vec<_>>());
    assert_eq!(EnvelopeList::new(&new).census(&()).unwrap().0.count("oss", "2"), LINES as u64);

    // Without what was done, the checkpoint is worth nothing: it begins anew. A list that has changed is another job.
    let ending = Ending::after(300);
    ListJob { observer: &ending, ..job }.run(&list, &new).unwrap();
    fs::remove_file(home.path().join("new.partial")).unwrap();
    let summary = job.run(&list, &new).unwrap();
    assert_eq!((summary.resumed, summary.counters), (false, all));
    let ending = Ending::after(300);
    ListJob { observer: &ending, ..job }.run(&list, &new).unwrap();
    fs::write(&old, lines.concat()).unwrap();
    assert!(matches!(job.run(&list, &new), Err(ListError::Checkpoint(CheckpointError::OtherJob))));
}
