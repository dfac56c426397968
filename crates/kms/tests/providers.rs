//! The registry of providers, and the folder of bucket keys' records.

use std::sync::Arc;
use std::time::Duration;

use ossenc_kms::providers::{BucketKeyFolder, Providers};
use ossenc_kms::{Answer, Ask, Failure, Provider, Verb};

/// Answers with its name.
struct Named(&'static str);

impl Provider for Named {
    fn call(&self, _: &Ask<'_>, _: Duration) -> Result<Answer, Failure> {
        Ok(Answer { key_id: self.0.into(), ..Answer::default() })
    }
}

fn ask<'a>(verb: Verb, provider: &'a str, blob: &'a [u8], bucket_key_id: &'a [u8]) -> Ask<'a> {
    Ask { id: 1, verb, provider, key_id: "k", key_version: "", context: &[], context_bytes: &[], blob, bucket_key_id }
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_ask_goes_to_the_provider_that_it_names_and_records_to_their_store() {
    let mut providers = Providers::new();
    providers.add("one", Arc::new(Named("1"))).unwrap();
    providers.add("two", Arc::new(Named("2"))).unwrap();
    let call = |providers: &Providers, verb, name| {
        providers.call(&ask(verb, name, b"", &[]), Duration::ZERO).map(|answer| answer.key_id)
    };
    assert_eq!(call(&providers, Verb::Generate, "one"), Ok("1".into()));
    assert_eq!(call(&providers, Verb::Unwrap, "two"), Ok("2".into()));
    for unknown in ["", "three", "ONE", "one "] {
        assert_eq!(call(&providers, Verb::Unwrap, unknown), Err(Failure::Unknown), "{unknown:?}");
    }
    assert_eq!(call(&providers, Verb::LoadBucketKey, "one"), Err(Failure::Unknown));
    providers.keep_bucket_keys(Arc::new(Named("records")));
    for name in ["", "one", "three"] {
        assert_eq!(call(&providers, Verb::LoadBucketKey, name), Ok("records".into()));
        assert_eq!(call(&providers, Verb::StoreBucketKey, name), Ok("records".into()));
    }
    assert_eq!(call(&providers, Verb::Unwrap, ""), Err(Failure::Unknown));
}

/// RUSTSEC-2024-0432 in another system: a provider's name ran a binary.
#[test]
fn names_have_a_strict_grammar_and_one_meaning() {
    let mut providers = Providers::new();
    for good in ["a", "aws-kms-1", "sixteen-letters-"] {
        providers.add(good, Arc::new(Named("x"))).unwrap();
        providers.add(good, Arc::new(Named("y"))).unwrap_err();
    }
    for bad in ["", "AWS", "a b", "../bin/sh", "a\0", "\u{e9}", "seventeen-letters"] {
        assert!(providers.add(bad, Arc::new(Named("x"))).is_err(), "{bad:?}");
    }
}

#[test]
fn a_record_is_a_file_of_its_owner_alone_and_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = BucketKeyFolder::new(folder.path());
    let id = [0xab; 16];
    let load = || store.call(&ask(Verb::LoadBucketKey, "", b"", &id), Duration::ZERO).map(|answer| answer.blob);
    assert_eq!(load(), Err(Failure::Unknown));
    for record in [&b"a long first record"[..], b"second"] {
        store.call(&ask(Verb::StoreBucketKey, "", record, &id), Duration::ZERO).unwrap();
        assert_eq!(load().unwrap(), record);
    }
    assert_eq!(names(folder.path()), [".lock", &"ab".repeat(16)]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(".lock"), mode(&"ab".repeat(16))), (0o600, 0o600));
    }
    // What a crash left is written over.
    std::fs::write(folder.path().join("ab".repeat(16) + ".tmp"), [7; 9000]).unwrap();
    store.call(&ask(Verb::StoreBucketKey, "", b"third", &id), Duration::ZERO).unwrap();
    assert_eq!(load().unwrap(), b"third");
    assert_eq!(names(folder.path()).len(), 2);
}

#[test]
fn ids_records_and_verbs_that_have_no_place_are_errors_and_touch_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = BucketKeyFolder::new(folder.path());
    let nonsense = Failure::Error { code: 0 };
    let fails = |verb, blob: &[u8], id: &[u8]| store.call(&ask(verb, "", blob, id), Duration::ZERO).unwrap_err();
    for id in [&[][..], &[1; 15], &[1; 17], b"../../etc/passwd/"] {
        assert_eq!(fails(Verb::StoreBucketKey, b"r", id), nonsense);
        assert_eq!(fails(Verb::LoadBucketKey, b"", id), nonsense);
    }
    assert_eq!(fails(Verb::StoreBucketKey, b"", &[1; 16]), nonsense);
    assert_eq!(fails(Verb::StoreBucketKey, &[1; 8_193], &[1; 16]), nonsense);
    assert_eq!(fails(Verb::Generate, b"", &[1; 16]), nonsense);
    assert_eq!(fails(Verb::Unwrap, b"r", &[1; 16]), nonsense);
    assert_eq!(names(folder.path()), [""; 0]);
    for size in [0, 8_193] {
        std::fs::write(folder.path().join("01".repeat(16)), vec![1; size]).unwrap();
        assert_eq!(fails(Verb::LoadBucketKey, b"", &[1; 16]), nonsense);
    }
}

/// A folder that is not mounted must not look like records that are lost for good.
#[test]
fn a_folder_that_is_missing_is_an_error_and_not_an_unknown_record() {
    let folder = tempfile::tempdir().unwrap();
    let store = BucketKeyFolder::new(folder.path().join("absent"));
    for verb in [Verb::LoadBucketKey, Verb::StoreBucketKey] {
        let failure = store.call(&ask(verb, "", b"r", &[1; 16]), Duration::ZERO).unwrap_err();
        assert!(matches!(failure, Failure::Error { code } if code != 0), "{failure:?}");
    }
}

#[test]
fn writers_of_one_record_leave_one_of_theirs_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = BucketKeyFolder::new(folder.path());
    std::thread::scope(|scope| {
        for writer in 0..4u8 {
            let store = &store;
            scope.spawn(move || {
                for _ in 0..10 {
                    let record = vec![writer; 5000 + usize::from(writer)];
                    store.call(&ask(Verb::StoreBucketKey, "", &record, &[1; 16]), Duration::ZERO).unwrap();
                    let found = store.call(&ask(Verb::LoadBucketKey, "", b"", &[1; 16]), Duration::ZERO).unwrap().blob;
                    assert!(found.iter().all(|b| *b == found[0]) && found.len() == 5000 + usize::from(found[0]));
                }
            });
        }
    });
}
