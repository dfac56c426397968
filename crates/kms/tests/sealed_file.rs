//! Sealed files: docs/FORMAT.md, section 10, by the vectors; damage, ranges, what is no file, and what changes meanwhile.
#![cfg(unix)]

mod common;

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, PermissionsExt, symlink};
use std::path::Path;

use common::{ALLOW, NOW, Store, assert_core, pattern, place};
use ossenc::{Context, Engine, Error, Keystore, Object, Rewrap, Secret, Shape, rewrap};
use ossenc_kms::fleet::Place;
use ossenc_kms::sealed_file::{
    BODY_AT, Create, Damage, DamageKind, FileError, LockedFile, SealedFile, create, is_temporary, remove_leftovers,
};
use serde_json::Value;

fn home() -> Place {
    place("acme", Path::new("report"))
}

/// A store, a folder, and a sealed file of that length in it.
fn sealed(len: usize) -> (Store, tempfile::TempDir, std::path::PathBuf) {
    let (store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("report");
    store.seal(&path, &home(), &pattern(len));
    (store, folder, path)
}

fn open_object(store: &Store, file: &SealedFile) -> Object {
    home().with(|context| store.open(file.envelope(), context, "oss")).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn vectors(file: &str) -> Vec<Value> {
    let path = format!("{}/../../vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn status(error: &FileError) -> &'static str {
    match error {
        FileError::Core(Error::Format(_)) => "FORMAT",
        FileError::Core(Error::TooNew(_)) => "TOONEW",
        FileError::Core(Error::Commit) => "COMMIT",
        FileError::Core(Error::Chunk { .. }) => "CHUNK",
        FileError::Core(Error::Truncated) => "TRUNCATED",
        other => panic!("{other:?}"),
    }
}

/// Every case of vectors/files.json is opened, or refused with its status; what opens also survives a rewrap.
#[test]
fn files_of_the_vectors_open_or_are_refused_as_the_format_says() {
    let (engine, folder) = (Engine::new().unwrap(), tempfile::tempdir().unwrap());
    let keystores = vectors("keystores.json");
    for case in vectors("files.json") {
        let name = case["name"].as_str().unwrap();
        let keystore = keystores.iter().find(|keystore| keystore["name"] == case["keystore"]).unwrap();
        let image = keystore["steps"].as_array().map_or(&keystore["image"], |steps| &steps.last().unwrap()["image"]);
        let root_key = Secret::from_slice(&unhex(&keystore["root_key"])).unwrap();
        let keystore = Keystore::load(&engine, &unhex(image), &root_key, 0).unwrap();
        let fields = ["tenant", "bucket_id", "object", "version_id"].map(|field| unhex(&case["context"][field]));
        let user: Vec<(&str, &str)> = case["context"]["user"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
            .collect();
        let context = Context {
            tenant: &fields[0],
            bucket_id: &fields[1],
            object: &fields[2],
            version_id: &fields[3],
            user: &user,
        };
        let key_ids: Vec<&str> =
            case["allow"]["key_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        let expect = ossenc::Expect { methods: &[ossenc::Method::SseOss], key_ids: &key_ids };

        let path = folder.path().join(name);
        fs::write(&path, unhex(&case["file"])).unwrap();
        let read = |path: &Path| -> Result<Vec<u8>, FileError> {
            let file = SealedFile::open(path)?;
            let object = Object::open(&engine, &keystore, file.envelope(), &context, &expect, NOW)?;
            let body = file.body(&object)?;
            let verified = body.verify(|_| {});
            let mut plain = Vec::new();
            let whole = body.reader().read_to_end(&mut plain).map_err(FileError::from);
            assert_eq!(verified.is_ok(), whole.is_ok(), "{name}");
            whole?;
            assert_eq!((verified?, body.prove_len()?), (plain.len() as u64, plain.len() as u64));
            Ok(plain)
        };
        let outcome = read(&path);
        assert_eq!(outcome.as_ref().err().map(status), case["error"].as_str(), "{name}");
        let Ok(plain) = outcome else { continue };
        assert_eq!(plain, pattern(case["plaintext_len"].as_u64().unwrap() as usize), "{name}");

        let before = fs::read(&path).unwrap();
        let file = LockedFile::open(&path).unwrap();
        let last = file.header().sequences()[file.header().counting()].unwrap();
        let envelope = rewrap(&engine, &keystore, file.envelope(), &context, &expect, &Rewrap::default(), NOW).unwrap();
        let outcome = file.replace_envelope(&envelope);
        let after = fs::read(&path).unwrap();
        assert!(before[BODY_AT as usize..] == after[BODY_AT as usize..], "{name}: the body is not touched");
        if last > u64::MAX - 2 {
            assert_core(outcome, |error| matches!(error, Error::State(_)));
            assert!(before == after, "{name}");
            continue;
        }
        outcome.unwrap();
        assert!(SealedFile::open(&path).unwrap().header().is_settled(), "{name}");
        assert_eq!(read(&path).unwrap(), plain, "{name}");
    }
}

/// Written out by hand, with a CRC of its own: the bytes of section 10.
#[test]
fn a_new_file_has_the_bytes_of_the_format() {
    fn crc32c(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 })
        })
    }
    let (_, _folder, path) = sealed(40_000);
    let file = fs::read(&path).unwrap();
    let envelope = SealedFile::open(&path).unwrap().envelope().to_vec();
    for (i, copy) in file[..8_192].chunks(4_096).enumerate() {
        let mut wanted = [&b"ossencF\x01"[..], &(i as u64 + 1).to_be_bytes(), &[0]].concat();
        wanted.extend((envelope.len() as u16).to_be_bytes());
        wanted.extend(&envelope);
        wanted.resize(4_092, 0);
        wanted.extend(crc32c(&wanted).to_be_bytes());
        assert!(copy == wanted, "copy {i}");
    }
    assert_eq!(file.len(), 8_192 + 56 + 40_000 + 3 * 16);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn every_length_and_every_range_reads_as_it_was_written() {
    for len in [0, 1, 16_383, 16_384, 16_385, 262_144, 1_048_576, 1_048_577] {
        let (store, folder, path) = sealed(len);
        let plain = pattern(len);
        assert_eq!(store.read(&path, &home(), "oss").unwrap(), plain);
        assert_eq!(names(folder.path()), ["report"]);
        let file = SealedFile::open(&path).unwrap();
        let body = file.body(&open_object(&store, &file)).unwrap();
        assert_eq!(
            (body.plain_len(), body.prove_len().unwrap(), body.verify(|_| panic!()).unwrap()),
            (len as u64, len as u64, len as u64)
        );
        let mut reader = body.reader();
        for (from, n) in [(0, 10), (16_380, 10), (len / 2, 70_000), (len.saturating_sub(3), 10), (len + 5, 1)] {
            let mut got = Vec::new();
            reader.seek(SeekFrom::Start(from as u64)).unwrap();
            (&mut reader).take(n as u64).read_to_end(&mut got).unwrap();
            assert_eq!(got, plain[from.min(len)..(from + n).min(len)]);
        }
    }
}

#[test]
fn verifying_names_each_damaged_chunk_and_goes_on() {
    let (store, _folder, path) = sealed(20 * 16_384 + 100);
    let flip = |chunk: u64| {
        let file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let (at, mut byte) = (BODY_AT + 56 + chunk * 16_400 + 7, [0]);
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    };
    [2, 3, 4, 9, 20].into_iter().for_each(flip);
    let file = SealedFile::open(&path).unwrap();
    let body = file.body(&open_object(&store, &file)).unwrap();
    let mut damage = Vec::new();
    assert_core(body.verify(|run| damage.push(*run)), |error| *error == Error::Chunk { chunk: 2 });
    let run = |chunk: u64, len| Damage { kind: DamageKind::Damaged, chunk, offset: chunk * 16_384, len };
    assert_eq!(damage, [run(2, 3 * 16_384), run(9, 16_384), run(20, 100)]);
    assert_core(body.prove_len(), |error| *error == Error::Chunk { chunk: 20 });
    let mut got = Vec::new();
    assert_core(body.reader().read_to_end(&mut got).map_err(FileError::from), |e| *e == Error::Chunk { chunk: 2 });
    assert_eq!(got, pattern(2 * 16_384), "everything up to the damage, and nothing of it");
    [2, 3, 4, 9, 20].into_iter().for_each(flip);
    assert_eq!(body.verify(|_| panic!()).unwrap(), 20 * 16_384 + 100);
}

#[test]
fn a_last_chunk_that_holds_nothing_is_damage_too() {
    let (store, _folder, path) = sealed(2 * 16_384);
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(b"x", BODY_AT + 56 + 2 * 16_400).unwrap();
    let file = SealedFile::open(&path).unwrap();
    let body = file.body(&open_object(&store, &file)).unwrap();
    let mut damage = Vec::new();
    assert!(body.verify(|run| damage.push(*run)).is_err());
    assert_eq!(damage, [Damage { kind: DamageKind::Damaged, chunk: 2, offset: 2 * 16_384, len: 0 }]);
}

#[test]
fn a_file_that_becomes_shorter_while_it_is_read_is_an_error() {
    let (store, _folder, path) = sealed(3_000_000);
    let file = SealedFile::open(&path).unwrap();
    let body = file.body(&open_object(&store, &file)).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(20_000).unwrap();
    assert!(matches!(body.verify(|_| {}), Err(FileError::Changed(_))));
    assert!(body.reader().read_to_end(&mut Vec::new()).is_err());
}

#[test]
fn only_regular_files_are_opened() {
    let (store, folder, path) = sealed(5);
    let at = |name: &str| folder.path().join(name);
    symlink(&path, at("link")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    for (name, what) in
        [("link", "a symbolic link"), ("folder", "a folder"), ("fifo", "a FIFO"), ("socket", "a socket")]
    {
        for outcome in [SealedFile::open(at(name)).map(drop), LockedFile::open(at(name)).map(drop)] {
            assert!(matches!(outcome, Err(FileError::NotRegular(found)) if found == what), "{name}");
        }
    }
    assert!(matches!(SealedFile::open("/dev/null"), Err(FileError::NotRegular("a device"))));
    assert!(matches!(SealedFile::open(at("none")), Err(FileError::Io(_))));
    // A name that is taken, by whatever it is, is taken; with `replace` the name gets the new file, not its target.
    let (object, envelope) = home().with(|context| store.create(context));
    let target = fs::read(&path).unwrap();
    for name in ["link", "report", "fifo"] {
        let outcome = create(at(name), &object, &envelope, &b"x"[..], &Create::default());
        assert!(matches!(outcome, Err(FileError::Io(error)) if error.kind() == std::io::ErrorKind::AlreadyExists));
    }
    create(at("link"), &object, &envelope, &b"x"[..], &Create { mode: 0o640, replace: true }).unwrap();
    assert!(fs::read(&path).unwrap() == target);
    assert_eq!(fs::symlink_metadata(at("link")).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(create(at("folder"), &object, &envelope, &b"x"[..], &Create { mode: 0o600, replace: true }).is_err());
    assert_eq!(names(folder.path()), ["fifo", "folder", "link", "report", "socket"], "no temporary file is left");
}

/// A source that fails after some bytes.
struct Failing(usize);

impl Read for Failing {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = self.0.min(out.len());
        self.0 -= n;
        if n == 0 { Err(std::io::ErrorKind::ConnectionReset.into()) } else { Ok(n) }
    }
}

#[test]
fn a_file_that_could_not_be_made_leaves_nothing() {
    let (store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("report");
    let (object, envelope) = home().with(|context| store.create(context));
    for len in [0, 100, 1_000_000] {
        let outcome = create(&path, &object, &envelope, Failing(len), &Create::default());
        assert!(matches!(outcome, Err(FileError::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionReset));
    }
    let (_, of_another) = home().with(|context| store.create(context));
    assert_core(create(&path, &object, &of_another, &b""[..], &Create::default()), |e| matches!(e, Error::Argument(_)));
    assert!(names(folder.path()).is_empty());
}

/// As root a rename would replace a device, too, for the whole machine.
#[test]
fn only_files_and_links_are_replaced_by_a_new_file() {
    let (store, folder, sealed) = sealed(10);
    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let (object, envelope) = home().with(|context| store.create(context));
    let how = Create { replace: true, ..Create::default() };
    let refused = create(&fifo, &object, &envelope, &b"x"[..], &how);
    assert!(matches!(refused, Err(FileError::Io(error)) if error.kind() == std::io::ErrorKind::AlreadyExists));
    assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo());
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&sealed, &link).unwrap();
    create(&link, &object, &envelope, &b"x"[..], &how).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_file());
    assert_eq!(store.read(&sealed, &home(), "oss").unwrap(), common::pattern(10));
}

#[test]
fn leftovers_of_writers_that_crashed_are_removed_and_those_at_work_are_not() {
    let (store, folder, _) = sealed(5);
    let at = |name: &str| folder.path().join(name);
    fs::write(at(".ossenc-0123456789abcdef.tmp"), b"half a file").unwrap();
    fs::write(at(".ossenc-notes"), b"").unwrap();
    let (object, envelope) = home().with(|context| store.create(context));
    // A source that looks into the folder while the file is being written.
    struct Looking<'a>(&'a Path, usize);
    impl Read for Looking<'_> {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            self.1 = remove_leftovers(self.0)?;
            assert_eq!(names(self.0).iter().filter(|name| is_temporary(name.as_ref())).count(), 1);
            Ok(0)
        }
    }
    let mut source = Looking(folder.path(), 0);
    create(at("new"), &object, &envelope, &mut source, &Create::default()).unwrap();
    assert_eq!(source.1, 1);
    assert_eq!(names(folder.path()), [".ossenc-notes", "new", "report"]);
}

#[test]
fn an_envelope_of_another_object_is_not_put_into_a_header() {
    let (store, _folder, path) = sealed(5);
    let before = fs::read(&path).unwrap();
    let (_, other) = home().with(|context| store.create(context));
    assert_core(LockedFile::open(&path).unwrap().replace_envelope(&other), |e| matches!(e, Error::Argument(_)));
    assert!(LockedFile::open(&path).unwrap().replace_envelope(b"nonsense").is_err());
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn rewrappers_and_readers_at_once_lose_nothing() {
    let (mut store, _folder, path) = sealed(5);
    const CHANGES: usize = 25;
    store.rotate("oss");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..CHANGES {
                    let file = LockedFile::open(&path).unwrap();
                    let envelope = home()
                        .with(|context| {
                            rewrap(
                                &store.engine,
                                &store.keystore,
                                file.envelope(),
                                context,
                                &ALLOW,
                                &Rewrap::default(),
                                NOW,
                            )
                        })
                        .unwrap();
                    file.replace_envelope(&envelope).unwrap();
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..4 * CHANGES {
                assert!(SealedFile::open(&path).unwrap().header().is_settled());
                assert_eq!(store.read(&path, &home(), "oss").unwrap(), pattern(5));
            }
        });
    });
    let last = 2 + 2 * 3 * CHANGES as u64;
    assert_eq!(SealedFile::open(&path).unwrap().header().sequences().iter().max(), Some(&Some(last)));
}

#[test]
fn a_file_is_sealed_anew_under_another_data_key() {
    for len in [0, 16_384, 1_000_000] {
        let (store, folder, path) = sealed(len);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let file = SealedFile::open(&path).unwrap();
        let old = open_object(&store, &file);
        let (new, envelope) = home().with(|context| store.create(context));
        let before = fs::read(&path).unwrap();

        // It is not taken for good before it was opened by its envelope.
        let refused = file.reencrypt(&old, &new, &envelope, |_| Err(Error::Commit));
        assert_core(refused, |error| *error == Error::Commit);
        assert!(fs::read(&path).unwrap() == before);
        let another = file.reencrypt(&old, &new, &envelope, |_| home().with(|c| Ok(store.create(c).0)));
        assert_core(another, |error| *error == Error::Commit);
        let same = file.reencrypt(&old, &old, file.envelope(), |_| Ok(old.clone()));
        assert_core(same, |error| matches!(error, Error::Argument(_)));
        assert!(fs::read(&path).unwrap() == before);

        let receipt = file
            .reencrypt(&old, &new, &envelope, |envelope| home().with(|context| store.open(envelope, context, "oss")))
            .unwrap();
        assert_eq!(receipt.plain, len as u64);
        assert_eq!(names(folder.path()), ["report"]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        let fresh = SealedFile::open(&path).unwrap();
        assert_eq!(fresh.envelope(), envelope);
        assert!(fresh.body(&old).is_err(), "the old data key opens nothing of it");
        assert_eq!(store.read(&path, &home(), "oss").unwrap(), pattern(len));
        // Who had the old one open goes on reading it; it cannot be sealed anew a second time.
        let mut plain = Vec::new();
        file.body(&old).unwrap().reader().read_to_end(&mut plain).unwrap();
        assert_eq!(plain, pattern(len));
        let (third, envelope) = home().with(|context| store.create(context));
        let outcome = file.reencrypt(&old, &third, &envelope, |e| home().with(|c| store.open(e, c, "oss")));
        assert!(matches!(outcome, Err(FileError::Changed(_))));
        assert_eq!(SealedFile::open(&path).unwrap().envelope(), fresh.envelope());
    }
}

#[test]
fn a_rewrap_or_damage_while_a_file_is_sealed_anew_stops_it() {
    let (store, folder, path) = sealed(100_000);
    let file = SealedFile::open(&path).unwrap();
    let old = open_object(&store, &file);
    let (new, envelope) = home().with(|context| store.create(context));
    let open = |envelope: &[u8]| home().with(|context| store.open(envelope, context, "oss"));
    let outcome = file.reencrypt(&old, &new, &envelope, |envelope| {
        let locked = LockedFile::open(&path).unwrap();
        let fresh = home().with(|context| {
            rewrap(&store.engine, &store.keystore, locked.envelope(), context, &ALLOW, &Rewrap::default(), NOW)
        })?;
        locked.replace_envelope(&fresh).unwrap();
        open(envelope)
    });
    assert!(matches!(outcome, Err(FileError::Changed(_))), "{outcome:?}");
    assert_eq!(store.read(&path, &home(), "oss").unwrap(), pattern(100_000));

    let file = SealedFile::open(&path).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().write_all_at(b"x", BODY_AT + 60_000).unwrap();
    let before = fs::read(&path).unwrap();
    assert_core(file.reencrypt(&old, &new, &envelope, open), |error| *error == Error::Chunk { chunk: 3 });
    assert!(fs::read(&path).unwrap() == before);
    assert_eq!(names(folder.path()), ["report"]);
}

#[test]
fn an_object_of_several_segments_goes_into_no_file() {
    let (store, folder) = (Store::new(), tempfile::tempdir().unwrap());
    let (object, envelope) = home()
        .with(|context| Object::create(&store.engine, &store.keystore, &common::OSS, context, Shape::Segmented, NOW))
        .unwrap();
    let outcome = create(folder.path().join("x"), &object, &envelope, &b""[..], &Create::default());
    assert_core(outcome, |error| matches!(error, Error::Argument(_)));
    assert!(names(folder.path()).is_empty());
}
