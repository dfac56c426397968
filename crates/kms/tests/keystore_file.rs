//! The keystore's file under one writer, two writers and bad images; the keyring under rollback.

use std::path::Path;
use std::sync::Arc;

use ossenc::{Change, Engine, Error, Keystore, Secret};
use ossenc_kms::{Keyring, Limits, SwapError, forget_previous, swap_file};

struct Store {
    engine: Engine,
    root: Secret,
}

impl Store {
    fn new() -> Store {
        Store { engine: Engine::new().unwrap(), root: Secret::new(&[5; 32]) }
    }

    fn init(&self) -> Vec<u8> {
        Keystore::init(&self.engine, "root", &self.root).unwrap()
    }

    fn load(&self, image: &[u8]) -> Keystore {
        Keystore::load(&self.engine, image, &self.root, 0).unwrap()
    }

    fn change(&self, image: &[u8], key_id: &str) -> Vec<u8> {
        self.load(image).apply(&self.engine, &Change::Create { key_id }, 1).unwrap()
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_image_is_stored_with_mode_0600_beside_the_one_before_it() {
    let (store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("keystore");
    let first = store.init();
    swap_file(&path, 0, &first).unwrap();
    let second = store.change(&first, "a");
    swap_file(&path, 1, &second).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), second);
    assert_eq!(names(folder.path()), ["keystore", "keystore.lock", "keystore.previous"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for name in names(folder.path()) {
            let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
    let previous = folder.path().join("keystore.previous");
    assert_eq!(std::fs::read(&previous).unwrap(), first);
    swap_file(&path, 2, &store.change(&second, "b")).unwrap();
    assert_eq!(std::fs::read(&previous).unwrap(), second);
    forget_previous(&path).unwrap();
    forget_previous(&path).unwrap();
    assert_eq!(names(folder.path()), ["keystore", "keystore.lock"]);
}

#[test]
fn of_two_writers_one_wins_and_the_other_is_told() {
    let (store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("keystore");
    let mut image = store.init();
    swap_file(&path, 0, &image).unwrap();
    for generation in 1..20 {
        let results: Vec<_> = std::thread::scope(|scope| {
            let writers = ["a", "b", "c", "d"].map(|writer| {
                let mine = store.change(&image, &format!("{writer}{generation}"));
                let path = &path;
                scope.spawn(move || (swap_file(path, generation, &mine), mine))
            });
            writers.into_iter().map(|w| w.join().unwrap()).collect()
        });
        let winners: Vec<_> = results.iter().filter(|(result, _)| result.is_ok()).collect();
        assert_eq!(winners.len(), 1);
        for (result, _) in results.iter().filter(|(result, _)| result.is_err()) {
            assert!(matches!(result, Err(SwapError::Conflict { found }) if *found == generation + 1));
        }
        image = winners[0].1.clone();
        assert_eq!(std::fs::read(&path).unwrap(), image);
    }
}

#[test]
fn only_the_next_generation_of_the_same_keystore_is_taken() {
    let (store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("keystore");
    let first = store.init();
    let second = store.change(&first, "a");
    let third = store.change(&second, "b");
    assert!(matches!(swap_file(&path, 1, &second), Err(SwapError::Conflict { found: 0 })));
    swap_file(&path, 0, &first).unwrap();
    assert!(matches!(swap_file(&path, 0, &store.init()), Err(SwapError::Conflict { found: 1 })));
    assert!(matches!(swap_file(&path, 1, &third), Err(SwapError::Image(Error::Argument(_)))));
    let other = store.change(&store.init(), "a");
    assert!(matches!(swap_file(&path, 1, &other), Err(SwapError::Image(Error::Argument(_)))));
    assert!(matches!(swap_file(&path, 1, b"ossenc?"), Err(SwapError::Image(Error::Format(_)))));
    std::fs::write(&path, b"something else").unwrap();
    assert!(matches!(swap_file(&path, 1, &second), Err(SwapError::Image(Error::Format(_)))));
    assert_eq!(std::fs::read(&path).unwrap(), b"something else");
}

#[test]
fn what_a_crashed_writer_left_behind_does_not_matter() {
    let (store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("keystore");
    std::fs::write(folder.path().join("keystore.tmp"), vec![1; 100_000]).unwrap();
    std::fs::write(folder.path().join("keystore.lock"), b"").unwrap();
    let image = store.init();
    swap_file(&path, 0, &image).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), image);
}

/// A link is another name of the same keystore: were it replaced, there would be two, and each would lack versions.
#[cfg(unix)]
#[test]
fn a_link_to_a_keystore_is_no_keystore_of_its_own() {
    use std::os::unix::fs::symlink;
    let (store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let (path, link) = (folder.path().join("keystore"), folder.path().join("sub/link"));
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    symlink("../keystore", &link).unwrap();
    let first = store.init();
    swap_file(&path, 0, &first).unwrap();
    let second = store.change(&first, "a");
    swap_file(&link, 1, &second).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), second);
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(names(&folder.path().join("sub")), ["link"], "lock and previous image are beside the keystore");
    forget_previous(&link).unwrap();
    assert_eq!(names(folder.path()), ["keystore", "keystore.lock", "sub"]);

    // What lies at the temporary name is neither followed nor kept.
    let victim = folder.path().join("victim");
    std::fs::write(&victim, b"precious").unwrap();
    symlink(&victim, folder.path().join("keystore.tmp")).unwrap();
    swap_file(&path, 2, &store.change(&second, "b")).unwrap();
    assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
    // And what is no file is not read: a FIFO would block.
    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert!(ossenc_kms::read_file(&fifo).is_err());
    assert!(matches!(swap_file(&fifo, 0, &first), Err(SwapError::Io(_))));
}

#[test]
fn a_keyring_takes_newer_snapshots_and_refuses_older_ones() {
    let store = Store::new();
    let first = store.init();
    let second = store.change(&first, "a");
    let keyring = Keyring::new(store.engine.clone(), Limits::default(), None);
    assert!(keyring.current().is_err());
    keyring.publish(Arc::new(store.load(&second))).unwrap();
    assert!(matches!(keyring.publish(Arc::new(store.load(&first))), Err(Error::Expect(_))));
    assert_eq!(keyring.current().unwrap().generation(), 2);
    keyring.publish(Arc::new(store.load(&store.init()))).unwrap();
    assert_eq!(keyring.current().unwrap().generation(), 1);
}
