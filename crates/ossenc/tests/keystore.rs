//! The life of a keystore: versions that are staged, promoted and retired, images that are refused, changes that fail.

mod common;

use common::entropy::{Counter, Failing, Tape};
use common::format::{self, Key, KeyVersion};
use common::store::{ALLOW, NOW, OSS, PLACE, ROOT_KEY, Store, map_of, open, seal};
use ossenc::{
    Change, Error, IMAGE_MAX, ImageInfo, Keystore, Layout, Object, Recipient, Result, Secret, Shape, VersionState,
};

const STAGE: Change<'_> = Change::Stage { key_id: "oss" };
const PROMOTE: Change<'_> = Change::Promote { key_id: "oss", version: None };

fn promote(version: u64) -> Change<'static> {
    Change::Promote { key_id: "oss", version: Some(version) }
}

fn retire(version: u64) -> Change<'static> {
    Change::Retire { key_id: "oss", version }
}

/// Primary, and the states of the versions 1, 2, ….
fn versions(store: &Store) -> (Option<u64>, Vec<VersionState>) {
    let key = store.keystore.key("oss").unwrap();
    assert!(key.versions().iter().map(|version| version.number()).eq(1..=key.versions().len() as u64));
    (key.primary(), key.versions().iter().map(|version| version.state()).collect())
}

/// The version under which an envelope is wrapped.
fn wrapped_under(envelope: &[u8]) -> String {
    ossenc::Envelope::parse(envelope).unwrap().slots()[0].key_version().to_string()
}

// --- Rotation -------------------------------------------------------------------------------------------------------

#[test]
fn a_version_is_staged_promoted_and_at_last_retired() {
    use VersionState::{Active, Retired, Staged};
    let mut store = Store::with_oss();
    assert_eq!(versions(&store), (Some(1), vec![Active]));
    let (object, envelope) = store.create();
    let body = seal(&object, b"made under version 1");

    store.apply(&STAGE);
    assert_eq!(versions(&store), (Some(1), vec![Active, Staged]));
    assert_eq!(wrapped_under(&store.create().1), "1", "a staged version does not wrap");

    store.apply(&PROMOTE);
    assert_eq!(versions(&store), (Some(2), vec![Active, Active]));
    assert_eq!(wrapped_under(&store.create().1), "2");
    let opened = store.open(&envelope).unwrap();
    assert_eq!(open(&opened, &body).unwrap(), b"made under version 1");

    store.apply(&retire(1));
    assert_eq!(versions(&store), (Some(2), vec![Retired, Active]));
    assert_eq!(store.open(&envelope).err(), Some(Error::KeyState));
    assert_eq!(open(&opened, &body).unwrap(), b"made under version 1", "what is open stays open");
    assert_eq!(store.keystore.generation(), 5);
}

#[test]
fn a_former_primary_can_be_promoted_back() {
    let mut store = Store::with_oss();
    store.rotate();
    let under_2 = store.create().1;
    store.apply(&promote(1));
    assert_eq!(versions(&store).0, Some(1));
    assert_eq!(wrapped_under(&store.create().1), "1");
    assert!(store.open(&under_2).is_ok());
}

#[test]
fn promoting_without_a_number_takes_the_newest_staged_version() {
    let mut store = Store::with_oss();
    store.apply(&STAGE);
    store.apply(&STAGE);
    store.apply(&PROMOTE);
    assert_eq!(versions(&store), (Some(3), vec![VersionState::Active, VersionState::Staged, VersionState::Active]));
}

#[test]
fn a_number_is_never_used_again() {
    let mut store = Store::with_oss();
    store.apply(&STAGE);
    store.apply(&retire(2));
    store.apply(&STAGE);
    assert_eq!(versions(&store).1.len(), 3);
    store.apply(&PROMOTE);
    assert_eq!(versions(&store).0, Some(3));
}

/// The order of a rotation: stage, let every node load that, promote.
#[test]
fn a_node_that_has_not_loaded_the_staged_version_says_that_it_may_be_stale() {
    let mut writer = Store::with_oss();
    let behind = writer.load(&writer.image).unwrap();
    writer.apply(&STAGE);
    let up_to_date = writer.load(&writer.image).unwrap();
    writer.apply(&PROMOTE);
    let envelope = writer.create().1;

    let open_on = |node: &Keystore| Object::open(&writer.engine, node, &envelope, &PLACE, &ALLOW, NOW).map(|_| ());
    assert_eq!(open_on(&behind), Err(Error::NoVersion));
    assert_eq!(open_on(&up_to_date), Ok(()));
}

#[test]
fn changes_that_cannot_be_made_are_refused() {
    let mut store = Store::with_oss();
    store.rotate();
    store.apply(&STAGE);
    store.apply(&retire(3));
    let create = |key_id| Change::Create { key_id };
    let long = "k".repeat(256);
    let state = Error::State("");
    let argument = Error::Argument("");
    for (change, expected) in [
        (create("oss"), state),
        (create(""), argument),
        (create("two words"), argument),
        (create("ümlaut"), argument),
        (create("alias/oss"), argument),
        (create(&long), argument),
        (Change::Stage { key_id: "none" }, Error::NoVersion),
        (Change::Promote { key_id: "none", version: None }, Error::NoVersion),
        (Change::Retire { key_id: "none", version: 1 }, Error::NoVersion),
        (PROMOTE, state),
        (promote(2), state),
        (promote(3), Error::KeyState),
        (promote(4), Error::NoVersion),
        (promote(0), Error::NoVersion),
        (retire(2), state),
        (retire(3), state),
        (retire(4), Error::NoVersion),
    ] {
        let error = store.keystore.apply(&store.engine, &change, NOW).unwrap_err();
        assert_eq!(std::mem::discriminant(&error), std::mem::discriminant(&expected), "{change:?}: {error:?}");
    }
    assert!(matches!(Keystore::init(&store.engine, "", &store.root_key), Err(Error::Argument(_))));
    assert!(matches!(Keystore::init(&store.engine, "a b", &store.root_key), Err(Error::Argument(_))));
}

/// The caller stores by compare-and-swap on the generation: of two changes of one image, the second has to begin anew.
#[test]
fn two_writers_of_one_generation_make_images_of_one_generation() {
    let store = Store::with_oss();
    let rotated = store.keystore.apply(&store.engine, &STAGE, NOW).unwrap();
    let created = store.keystore.apply(&store.engine, &Change::Create { key_id: "other" }, NOW).unwrap();
    let (rotated_info, created_info) = (ImageInfo::read(&rotated).unwrap(), ImageInfo::read(&created).unwrap());
    assert_eq!(rotated_info, created_info, "which tells that one of them would undo the other");
    assert_eq!(rotated_info.generation, store.keystore.generation() + 1);
    assert_ne!(rotated, created);
}

/// tikv's encryption component elsewhere: a rotation that failed took the process with it.
#[test]
fn a_failing_rotation_leaves_the_old_primary_in_use_and_reports() {
    let (engine, source) = Failing::engine();
    let mut store = Store::empty(engine);
    store.apply(&Change::Create { key_id: "oss" });
    let (before, envelope) = (store.image.clone(), store.create().1);
    for change in [STAGE, PROMOTE, retire(7), promote(7)] {
        source.arm(Some(0));
        assert!(store.keystore.apply(&store.engine, &change, NOW).is_err(), "{change:?}");
        source.arm(None);
    }
    assert_eq!((store.keystore.generation(), versions(&store).0), (2, Some(1)));
    assert_eq!(wrapped_under(&store.create().1), "1");
    assert!(store.open(&envelope).is_ok());
    assert_eq!(store.load(&before).unwrap().generation(), 2);
}

// --- Images ---------------------------------------------------------------------------------------------------------

#[test]
fn an_image_below_the_minimum_generation_is_refused() {
    let mut store = Store::with_oss();
    let old = store.image.clone();
    store.rotate();
    store.apply(&retire(1));
    let newest = store.keystore.generation();
    let load = |image: &[u8], minimum| Keystore::load(&store.engine, image, &store.root_key, minimum).map(|_| ());
    assert!(matches!(load(&old, newest), Err(Error::Expect(_))), "it would bring version 1 back");
    assert_eq!(load(&store.image, newest), Ok(()));
    assert!(matches!(load(&store.image, newest + 1), Err(Error::Expect(_))));
    assert_eq!(load(&old, 0), Ok(()), "who pins nothing is not protected");
}

#[test]
fn another_root_key_opens_no_keystore() {
    let store = Store::with_oss();
    let other = Keystore::load(&store.engine, &store.image, &Secret::new(&[1; 32]), 0);
    assert_eq!(other.err(), Some(Error::Commit));
}

/// rustfs #3520 elsewhere: a master key of zeros, if none was configured.
#[test]
fn there_is_no_default_key() {
    let empty = Store::empty(Counter::engine());
    for key in ["oss", "", "default"] {
        let recipient = Recipient::oss(key);
        let created = Object::create(&empty.engine, &empty.keystore, &recipient, &PLACE, Shape::Single, NOW);
        assert_eq!(created.err(), Some(Error::NoVersion));
    }
    assert_eq!(empty.open(&Store::with_oss().create().1).err(), Some(Error::NoVersion));
    assert!(matches!(Secret::from_slice(&[]), Err(Error::Argument(_))), "a key cannot be left out");
    let zeros = Secret::new(&[0; 32]);
    assert!(matches!(Keystore::init(&empty.engine, "root-1", &zeros), Err(Error::Argument(_))));
    assert!(matches!(Keystore::load(&empty.engine, &empty.image, &zeros, 0), Err(Error::Argument(_))));
}

#[test]
fn the_length_of_an_image_is_known_beforehand() {
    let mut store = Store::empty(Counter::engine());
    assert_eq!(Keystore::init_len("root-1"), Ok(store.image.len()));
    for change in [Change::Create { key_id: "oss" }, STAGE, PROMOTE, retire(1), Change::Create { key_id: "another" }] {
        let expected = store.keystore.apply_len(&change);
        store.apply(&change);
        assert_eq!(Ok(store.image.len()), expected, "{change:?}");
    }
}

/// An image with any body, sealed as it should be.
fn load_body(body: &[u8]) -> Result<Keystore> {
    let (engine, root_key) = (Counter::engine(), Secret::new(&ROOT_KEY));
    let image = format::keystore_image(&engine, &root_key, &format::keystore_header(&[1; 16], 1, "root-1"), body);
    Keystore::load(&engine, &image, &root_key, 0)
}

/// RUSTSEC-2026-0239 elsewhere: 4 GiB were allocated because a header said so.
#[test]
fn counts_are_capped_before_anything_is_allocated() {
    let key = format::keystore_body(&[Key::new("oss", &[7; 32])]);
    assert!(load_body(&key).is_ok());
    let (aliases_at, versions_at) = (5 + 4 + 2 + 6 * 8 + 1, 5 + 4 + 2 + 6 * 8 + 1 + 2);
    for (at, len) in [(1, 4), (aliases_at, 2), (versions_at, 4)] {
        let mut body = key.clone();
        body[at..at + len].fill(0xff);
        assert!(matches!(load_body(&body), Err(Error::Format(_))), "count at byte {at}");
    }
    let image = [&Store::with_oss().image[..], &vec![0; IMAGE_MAX]].concat();
    assert!(matches!(Store::with_oss().load(&image), Err(Error::Format(_))), "an image over the limit");
}

// --- What states allow ----------------------------------------------------------------------------------------------

/// A store whose image has that key.
fn store_of(key: &Key) -> Store {
    let mut store = Store::empty(Counter::engine());
    let header = format::keystore_header(&[1; 16], 1, "root-1");
    let body = format::keystore_body(std::slice::from_ref(key));
    store.image = format::keystore_image(&store.engine, &store.root_key, &header, &body);
    store.keystore = store.load(&store.image).unwrap();
    store
}

#[test]
fn a_key_that_may_not_wrap_wraps_nothing_and_is_not_rotated() {
    let enabled = Key::new("oss", &[7; 32]);
    let disabled = Key { state: 2, ..enabled.clone() };
    let leaving = Key { state: 3, delete_at: NOW + 9, ..enabled.clone() };
    let awaited = Key { origin: 2, state: 4, primary: 0, next_version: 1, versions: vec![], ..enabled.clone() };
    assert!(Object::create(&Counter::engine(), &store_of(&enabled).keystore, &OSS, &PLACE, Shape::Single, NOW).is_ok());
    for key in [disabled, leaving, awaited] {
        let store = store_of(&key);
        let created = Object::create(&store.engine, &store.keystore, &OSS, &PLACE, Shape::Single, NOW);
        assert_eq!(created.err(), Some(Error::KeyState), "state {}", key.state);
        for change in [STAGE, PROMOTE] {
            assert_eq!(store.keystore.apply(&store.engine, &change, NOW).err(), Some(Error::KeyState));
        }
    }
    let imported = Key { origin: 2, ..enabled };
    let staged = store_of(&imported).keystore.apply(&Counter::engine(), &STAGE, NOW);
    assert!(matches!(staged, Err(Error::State(_))), "imported material is not rotated");
}

#[test]
fn a_version_is_used_until_its_time_and_not_at_it() {
    let mut key = Key::new("oss", &[7; 32]);
    key.versions = vec![KeyVersion { not_after: NOW, ..key.versions[0].clone() }];
    let store = store_of(&key);
    let create_at = |now| Object::create(&store.engine, &store.keystore, &OSS, &PLACE, Shape::Single, now);
    let envelope = create_at(NOW - 1).unwrap().1;
    let open_at = |now| Object::open(&store.engine, &store.keystore, &envelope, &PLACE, &ALLOW, now).err();
    assert_eq!(open_at(NOW - 1), None);
    assert_eq!(open_at(NOW), Some(Error::KeyState));
    assert_eq!(create_at(NOW).err(), Some(Error::KeyState));
}

#[test]
fn aliases_are_resolved_before_anything_is_stored() {
    let key = Key { aliases: vec![b"alias/main".to_vec()], ..Key::new("oss", &[7; 32]) };
    let store = store_of(&key);
    let recipient = Recipient::oss("alias/main");
    let created = Object::create(&store.engine, &store.keystore, &recipient, &PLACE, Shape::Single, NOW);
    let envelope = created.unwrap().1;
    assert_eq!(ossenc::Envelope::parse(&envelope).unwrap().slots()[0].key_id(), "oss");
    assert!(store.open(&envelope).is_ok());
}

// --- Entropy, and what may be seen ----------------------------------------------------------------------------------

#[test]
fn a_keystore_is_not_written_when_entropy_fails_at_any_draw() {
    let (engine, source) = Failing::engine();
    let mut store = Store::empty(engine.clone());
    store.apply(&Change::Create { key_id: "oss" });
    store.apply(&STAGE);
    let init = || Keystore::init(&engine, "root-1", &store.root_key);
    let apply = |change| store.keystore.apply(&engine, &change, NOW);
    type Operation<'a> = &'a dyn Fn() -> Result<Vec<u8>>;
    let operations: [(usize, Operation<'_>); 5] = [
        (2, &init),
        (2, &|| apply(Change::Create { key_id: "other" })),
        (2, &|| apply(STAGE)),
        (1, &|| apply(PROMOTE)),
        (1, &|| apply(retire(2))),
    ];
    for (i, (draws, operation)) in operations.into_iter().enumerate() {
        for works in 0..draws {
            source.arm(Some(works));
            assert_eq!(operation(), Err(Error::NoEntropy), "operation {i}, draw {works}");
        }
        source.arm(Some(draws));
        assert!(operation().is_ok(), "operation {i} draws {draws} times");
    }
}

/// CVE-2018-16889 elsewhere: keys in logs.
#[test]
fn debug_output_and_errors_hold_no_key_bytes() {
    let (engine, tape) = Tape::engine();
    // Bytes of key material, all different, so that any two in a row tell them.
    let secret = |first: u8| -> [u8; 32] { std::array::from_fn(|i| first + i as u8) };
    let (root_key, material, data_key) = (Secret::new(&secret(130)), secret(170), secret(210));
    let header = format::keystore_header(&[1; 16], 1, "root-1");
    let body = format::keystore_body(&[Key::new("oss", &material)]);
    let keystore =
        Keystore::load(&engine, &format::keystore_image(&engine, &root_key, &header, &body), &root_key, 0).unwrap();
    let (object, _) = tape.play(&[&[9; 16], &data_key[..], &[8; 24]].concat(), || {
        Object::create(&engine, &keystore, &OSS, &PLACE, Shape::Single, NOW).unwrap()
    });
    let body = seal(&object, b"hello");
    let opener = object.opener(&map_of(&body, None).unwrap(), 0).unwrap();
    let (sealer, tickets) = (object.sealer(0, Layout::Paged).unwrap(), object.ticket_sealer(0, Layout::Inline, 1, 1));
    let stream = ossenc::message::StreamOpener::new(&engine, &root_key, &[], &common::head(&body));
    let key = keystore.key("oss").unwrap();
    let wrong = Keystore::load(&engine, &[0; 9], &root_key, 0).unwrap_err();

    let shown: [&dyn std::fmt::Debug; 12] = [
        &root_key,
        &engine,
        &keystore,
        key,
        &key.versions()[0],
        &object,
        &opener,
        &sealer,
        &tickets,
        &stream,
        &wrong,
        &Secret::from_slice(&material[..31]),
    ];
    let text: String =
        shown.iter().map(|value| format!("{value:?}\n{value:#?}\n")).collect::<String>() + &wrong.to_string();
    assert!(text.contains("oss"), "what is not secret is shown");
    for secret in [secret(130), material, data_key] {
        for pair in secret.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let forms = [format!("{a}, {b}"), format!("{a:02x}{b:02x}"), format!("{a:02X}{b:02X}"), format!("{a},\n")];
            let found = forms.iter().find(|form| text.contains(&form[..]));
            assert_eq!(found, None, "{text}");
        }
    }
}
