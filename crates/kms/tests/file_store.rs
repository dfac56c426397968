//! Changes of a keystore in a file: many writers, crashes at any moment, and where root keys come from.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ossenc::{Change, Engine, Error, ImageInfo, KeyState, Keystore, PassphraseCost, Secret, direct};
use ossenc_kms::{
    FileStore, Passphrase, RootKeyCallback, RootKeyError, RootKeyFile, RootKeySource, StoreError, SwapError, read_file,
};
use zeroize::Zeroizing;

const NOW: u64 = 1_700_000_000;
const STAGE: Change<'_> = Change::Stage { key_id: "oss" };

/// Another one for each of 255 successive generations.
fn root_of(id: &str) -> Secret {
    let number: u64 = id.strip_prefix("root-").unwrap().parse().unwrap();
    Secret::new(&[(number % 255 + 1) as u8; 32])
}

fn store(path: &Path) -> FileStore<impl RootKeySource> {
    let root = RootKeyCallback(|image: &ImageInfo| Ok(root_of(&image.root_key_id)));
    FileStore::new(Engine::new().unwrap(), path, root, 0)
}

fn created(path: &Path) -> FileStore<impl RootKeySource> {
    let store = store(path);
    store.create(&Keystore::init(&Engine::new().unwrap(), "root-1", &root_of("root-1")).unwrap()).unwrap();
    store.apply(&Change::Create { key_id: "oss" }, NOW).unwrap();
    store
}

// --- Many writers ---------------------------------------------------------------------------------------------------

#[test]
fn many_rotators_at_once_lose_no_version() {
    const WRITERS: u64 = 4;
    const ROTATIONS: u64 = 8;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystore");
    created(&path);
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                let store = store(&path);
                for _ in 0..ROTATIONS {
                    let staged = store.apply(&STAGE, NOW).unwrap();
                    let version = staged.key("oss").unwrap().versions().last().map(|version| version.number());
                    store.apply(&Change::Promote { key_id: "oss", version }, NOW).unwrap();
                }
            });
        }
    });
    let keystore = store(&path).load().unwrap();
    let key = keystore.key("oss").unwrap();
    assert!(key.versions().iter().map(|version| version.number()).eq(1..=1 + WRITERS * ROTATIONS));
    assert_eq!(keystore.generation(), 2 + 2 * WRITERS * ROTATIONS);
}

#[test]
fn of_two_rotators_one_wins_and_the_other_is_told_or_finds_nothing_due() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystore");
    let (a, b) = (created(&path), store(&path));
    let stale = b.load().unwrap();
    a.apply(&STAGE, NOW).unwrap();
    let told = b.apply_to(&stale, &STAGE, NOW);
    assert!(matches!(told, Err(StoreError::Swap(SwapError::Conflict { found: 3 }))), "{told:?}");

    a.apply(&Change::SetPeriod { key_id: "oss", seconds: 7 * 86_400 }, NOW).unwrap();
    let later = NOW + 7 * 86_400;
    let mut asked = 0;
    let after = b.update(later, |keystore| {
        asked += 1;
        if asked == 1 {
            a.apply(&Change::Promote { key_id: "oss", version: None }, later).unwrap(); // the other one is quicker
            return Some(STAGE);
        }
        keystore.rotations_due(later).next().map(|_| STAGE)
    });
    assert_eq!((asked, after.unwrap().generation()), (2, 5));
}

#[test]
fn an_older_generation_than_was_seen_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystore");
    let store_a = created(&path);
    let old = read_file(&path).unwrap();
    store_a.apply(&STAGE, NOW).unwrap();
    std::fs::write(&path, &old).unwrap();
    let expect = |outcome| matches!(outcome, Err(StoreError::Swap(SwapError::Image(Error::Expect(_)))));
    assert!(expect(store_a.load()));
    assert!(expect(FileStore::new(Engine::new().unwrap(), &path, AlwaysOne, 3).load()));
    assert!(FileStore::new(Engine::new().unwrap(), &path, AlwaysOne, 2).load().is_ok());
    let second = store(&path).create(&Keystore::init(&Engine::new().unwrap(), "root-1", &root_of("root-1")).unwrap());
    assert!(matches!(second, Err(StoreError::Swap(SwapError::Conflict { found: 2 }))));
    std::fs::File::options().write(true).open(&path).unwrap().set_len(ossenc::IMAGE_MAX as u64 + 1).unwrap();
    assert!(matches!(store(&path).load(), Err(StoreError::Swap(SwapError::Image(Error::Format(_))))));
}

struct AlwaysOne;

impl RootKeySource for AlwaysOne {
    fn root_key(&self, _: &ImageInfo) -> Result<Secret, RootKeyError> {
        Ok(root_of("root-1"))
    }
}

// --- Crashes --------------------------------------------------------------------------------------------------------

const CHILD_PATH: &str = "OSSENC_TEST_CRASH_PATH";
const CHILD_JOB: &str = "OSSENC_TEST_CRASH_JOB";
const MATERIAL: [u8; 32] = [0x77; 32];
const IMPORTED: &str = "imported";

/// Not a test: the process that the next one kills. Says each generation that it was told is durable.
#[test]
#[ignore = "run by a_crash_at_any_moment_loses_nothing"]
fn crashing_writer() {
    let Some(path) = std::env::var_os(CHILD_PATH) else { return };
    let (store, job) = (store(Path::new(&path)), std::env::var(CHILD_JOB).unwrap());
    let material = Secret::new(&MATERIAL);
    let say = |keystore: &Keystore| {
        println!("generation {}", keystore.generation());
        std::io::stdout().flush().unwrap();
    };
    say(&store.load().unwrap());
    loop {
        match &job[..] {
            "rotate" => {
                let staged = store.apply(&STAGE, NOW).unwrap();
                say(&staged);
                let keystore = store.apply(&Change::Promote { key_id: "oss", version: None }, NOW).unwrap();
                say(&keystore);
            }
            "import" => say(&store
                .update(NOW, |keystore| {
                    Some(match keystore.key(IMPORTED).unwrap().state() {
                        KeyState::PendingImport => {
                            Change::Import { key_id: IMPORTED, material: &material, not_after: None }
                        }
                        _ => Change::DeleteImportedMaterial { key_id: IMPORTED },
                    })
                })
                .unwrap()),
            _ => {
                let id = format!("root-{}", store.load().unwrap().generation() + 1);
                say(&store.reseal(&id, &root_of(&id)).unwrap());
            }
        }
    }
}

fn start(path: &Path, job: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crashing_writer", "--ignored", "--nocapture", "--test-threads=1"])
        .env(CHILD_PATH, path)
        .env(CHILD_JOB, job)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The last generation of which a writer said so, after it was killed at some moment.
fn killed(mut child: Child, moment: Duration) -> u64 {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut generations = lines.filter_map(|line| line.unwrap().strip_prefix("generation ")?.parse().ok());
    let first: u64 = generations.next().expect("the writer began");
    std::thread::sleep(moment); // when it is killed is left to chance, and no outcome hangs on it
    child.kill().unwrap();
    child.wait().unwrap();
    generations.last().unwrap_or(first)
}

/// After kill -9: the image loads; its generation is the last one told to be durable, or the one that was under way;
/// everything that was ever sealed still opens; and the image before is whole, too. `OSSENC_CRASHES` says how often.
#[test]
fn a_crash_at_any_moment_loses_nothing() {
    let crashes = std::env::var("OSSENC_CRASHES").ok().and_then(|n| n.parse().ok()).unwrap_or(100);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystore");
    let engine = Engine::new().unwrap();
    let (store, material) = (created(&path), Secret::new(&MATERIAL));
    store.apply(&Change::CreateForImport { key_id: IMPORTED }, NOW).unwrap();
    let import = Change::Import { key_id: IMPORTED, material: &material, not_after: None };
    let keystore = store.apply(&import, NOW).unwrap();
    let seal = |keystore: &Keystore, key| direct::encrypt(&engine, keystore, key, &[], b"kept", NOW).unwrap();
    let opens = |keystore: &Keystore, blob: &[u8], key| {
        direct::decrypt(&engine, keystore, blob, &[], &[key], NOW).map(|plain| plain.to_vec())
    };
    let under_imported = seal(&keystore, IMPORTED);
    let mut sealed = vec![seal(&keystore, "oss")];
    let (mut micros, mut advanced) = (1u64, [0; 3]);
    for crash in 0..crashes {
        let job = ["rotate", "import", "reseal"][crash % 3];
        micros = micros.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let before = store.load().unwrap().generation();
        let told = killed(start(&path, job), Duration::from_micros((micros >> 33) % 4_000));
        let keystore = store.load().unwrap();
        let generation = keystore.generation();
        assert!(generation == told || generation == told + 1, "crash {crash}: {told} told, {generation} found");
        assert!(generation >= before);
        advanced[crash % 3] += generation - before;
        for blob in &sealed {
            assert_eq!(opens(&keystore, blob, "oss").as_deref(), Ok(&b"kept"[..]), "crash {crash}");
        }
        let imported = opens(&keystore, &under_imported, IMPORTED);
        match keystore.key(IMPORTED).unwrap().state() {
            KeyState::PendingImport => assert_eq!(imported, Err(Error::KeyState)),
            _ => assert_eq!(imported.as_deref(), Ok(&b"kept"[..])),
        }
        let previous = read_file(&folder.path().join("keystore.previous")).unwrap();
        let root = root_of(&ImageInfo::read(&previous).unwrap().root_key_id);
        let previous = Keystore::load(&engine, &previous, &root, 0).unwrap();
        assert!((generation - 1..=generation).contains(&previous.generation()));
        sealed.push(seal(&keystore, "oss"));
    }
    let enough = advanced.iter().all(|generations| *generations > crashes as u64 / 6);
    assert!(enough, "writers got nowhere: {advanced:?} generations by rotate, import, reseal");
}

// --- Root keys ------------------------------------------------------------------------------------------------------

#[cfg(unix)]
#[test]
fn a_root_key_comes_from_a_file_that_is_its_owners_alone() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    let put = |content: &[u8], mode| {
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let engine = Engine::new().unwrap();
    let raw: [u8; 32] = std::array::from_fn(|i| i as u8 * 7 + 3);
    let image = Keystore::init(&engine, "root-1", &Secret::new(&raw)).unwrap();
    let info = ImageInfo::read(&image).unwrap();
    let open = |path: &Path| {
        let root = RootKeyFile(path.to_owned()).root_key(&info)?;
        Keystore::load(&engine, &image, &root, 0).map_err(RootKeyError::Key)
    };
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    for content in [&raw[..], hex.as_bytes(), format!("{hex}\n").as_bytes(), hex.to_uppercase().as_bytes()] {
        put(content, 0o600);
        assert!(open(&path).is_ok());
    }
    put(&raw, 0o400);
    assert!(open(&path).is_ok());
    for mode in [0o640, 0o604, 0o660, 0o644, 0o601, 0o620] {
        put(&raw, mode);
        assert!(matches!(open(&path), Err(RootKeyError::File(text)) if text.contains("0600")), "mode {mode:o}");
    }
    let long = [0x41; 70];
    let (g, two_lines) = (hex.replace('0', "g"), format!("{hex}\n\n"));
    for content in
        [&b""[..], &raw[..31], &long[..33], &hex.as_bytes()[..63], g.as_bytes(), two_lines.as_bytes(), &long[..65]]
    {
        put(content, 0o600);
        assert!(matches!(open(&path), Err(RootKeyError::File(text)) if text.contains("64")), "{content:?}");
    }
    put(&[0; 32], 0o600);
    assert!(matches!(open(&path), Err(RootKeyError::Key(Error::Argument(_)))), "zeros");
    put(&raw, 0o600);
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(matches!(open(&link), Err(RootKeyError::File(text)) if text.contains("link")));
    assert!(matches!(open(folder.path()), Err(RootKeyError::File(_))));
    assert!(matches!(open(&folder.path().join("none")), Err(RootKeyError::Io(_))));
}

#[test]
fn a_passphrase_is_a_source_of_root_keys() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::new().unwrap();
    let cost = PassphraseCost { kib: 32, passes: 1, lanes: 1 };
    let source = |text: &[u8]| Passphrase::new(Zeroizing::new(text.to_vec()));
    let store = |text| FileStore::new(engine.clone(), folder.path().join("keystore"), source(text), 0);
    let image = Keystore::init_with_passphrase(&engine, "phrase", b"open sesame", cost).unwrap();
    let wrong = store(b"open barley").create(&image);
    assert!(matches!(wrong, Err(StoreError::Swap(SwapError::Image(Error::Commit)))));
    let right = store(b"open sesame");
    right.create(&image).unwrap();
    assert_eq!(right.apply(&Change::Create { key_id: "oss" }, NOW).unwrap().generation(), 2);
    assert_eq!(store(b"open sesame").load().unwrap().keys().len(), 1);
    assert!(!format!("{right:?}").contains("sesame"));
    let raw = Keystore::init(&engine, "root-1", &root_of("root-1")).unwrap();
    let refused = source(b"x").root_key(&ImageInfo::read(&raw).unwrap());
    assert!(matches!(refused, Err(RootKeyError::Key(Error::Argument(_)))));
    let file = RootKeyFile(folder.path().join("unread"));
    assert!(matches!(file.root_key(&ImageInfo::read(&image).unwrap()), Err(RootKeyError::Key(Error::Argument(_)))));
}
