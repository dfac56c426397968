//! The life of master keys beyond rotation: every change in every state, deletion, imported material, aliases, periods,
//! and another root key.

mod common;

use common::entropy::{Counter, Failing};
use common::store::{NOW, OSS, PLACE, Store};
use ossenc::{
    Change, DELETION_WINDOW_DAYS, Error, ImageInfo, Kdf, KeyState, Keystore, Object, PERIOD_DAYS, Recipient, Result,
    Secret, Shape, VersionState, direct,
};

const DAY: u64 = 86_400;
const MATERIAL: [u8; 32] = [0x42; 32];

fn material() -> Secret {
    Secret::new(&MATERIAL)
}

/// Applies at another time than [`NOW`], and keeps the image if the change can be made.
fn apply_at(store: &mut Store, change: &Change<'_>, now: u64) -> Result<()> {
    let image = store.keystore.apply(&store.engine, change, now)?;
    assert_eq!(store.keystore.apply_len(change, now), Ok(image.len()), "{change:?}");
    store.keystore = store.load(&image).expect("what is made can be loaded");
    store.image = image;
    Ok(())
}

fn state(store: &Store, key_id: &str) -> KeyState {
    store.keystore.key(key_id).expect("the key is there").state()
}

/// One key in each state, by origin: as far as that state exists.
fn store_in(wanted: KeyState, imported: bool) -> Store {
    let mut store = Store::empty(Counter::engine());
    let secret = material();
    if imported {
        store.apply(&Change::CreateForImport { key_id: "oss" });
        if wanted != KeyState::PendingImport {
            store.apply(&Change::Import { key_id: "oss", material: &secret, not_after: None });
        }
    } else {
        store.apply(&Change::Create { key_id: "oss" });
    }
    match wanted {
        KeyState::Disabled => store.apply(&Change::Disable { key_id: "oss" }),
        KeyState::PendingDeletion => store.apply(&Change::ScheduleDeletion { key_id: "oss", window_days: 7 }),
        _ => {}
    }
    assert_eq!(state(&store, "oss"), wanted);
    store
}

/// The table in the documentation of [`Change`], row by row: `None` is a refusal, `Some(None)` a key that is gone.
#[test]
fn every_change_in_every_state_is_as_the_table_says() {
    use KeyState::{Disabled, Enabled, PendingDeletion, PendingImport};
    let (id, secret) = ("oss", material());
    let import = Change::Import { key_id: id, material: &secret, not_after: None };
    let alias = "alias/a";
    // At a time when the deletion is due. Then what is expected in Enabled, Disabled, PendingDeletion, and again for
    // imported keys, where PendingImport comes in addition.
    let later = NOW + 8 * DAY;
    let gone = Some(None);
    let to = |state| Some(Some(state));
    type Row<'a> = (Change<'a>, [Option<Option<KeyState>>; 3], [Option<Option<KeyState>>; 4]);
    let rows: [Row<'_>; 15] = [
        (Change::Stage { key_id: id }, [to(Enabled), None, None], [None; 4]),
        (Change::SetPeriod { key_id: id, seconds: 7 * DAY }, [to(Enabled), to(Disabled), None], [None; 4]),
        (
            Change::SetPeriod { key_id: id, seconds: 0 },
            [to(Enabled), to(Disabled), None],
            [to(Enabled), to(Disabled), None, to(PendingImport)],
        ),
        (Change::Enable { key_id: id }, [None, to(Enabled), None], [None, to(Enabled), None, None]),
        (Change::Disable { key_id: id }, [to(Disabled), None, None], [to(Disabled), None, None, None]),
        (
            Change::ScheduleDeletion { key_id: id, window_days: 7 },
            [to(PendingDeletion), to(PendingDeletion), None],
            [to(PendingDeletion), to(PendingDeletion), None, None],
        ),
        (Change::CancelDeletion { key_id: id }, [None, None, to(Disabled)], [None, None, to(Disabled), None]),
        (Change::Delete { key_id: id }, [None, None, gone], [None, None, gone, gone]),
        (import, [None; 3], [to(Enabled), None, None, to(Enabled)]),
        (Change::DeleteImportedMaterial { key_id: id }, [None; 3], [to(PendingImport), to(PendingImport), None, None]),
        (
            Change::SetAlias { key_id: id, alias },
            [to(Enabled), to(Disabled), None],
            [to(Enabled), to(Disabled), None, to(PendingImport)],
        ),
        (
            Change::SetServiceAlias { key_id: id, alias: "alias/acs/oss" },
            [to(Enabled), to(Disabled), None],
            [to(Enabled), to(Disabled), None, to(PendingImport)],
        ),
        (Change::RemoveAlias { alias }, [None; 3], [None; 4]),
        (Change::CreateForImport { key_id: id }, [None; 3], [None; 4]),
        (Change::Create { key_id: id }, [None; 3], [None; 4]),
    ];
    for (change, of_service, of_imported) in rows {
        let of_service = [Enabled, Disabled, PendingDeletion].into_iter().zip(of_service).map(|(s, e)| (s, false, e));
        let of_imported = [Enabled, Disabled, PendingDeletion, PendingImport].into_iter().zip(of_imported);
        for (from, imported, expected) in of_service.chain(of_imported.map(|(s, e)| (s, true, e))) {
            let mut store = store_in(from, imported);
            let outcome = apply_at(&mut store, &change, later);
            let becomes = outcome.as_ref().ok().map(|()| store.keystore.key(id).map(|key| key.state()));
            assert_eq!(becomes, expected, "{change:?} of {from:?}, imported: {imported}: {outcome:?}");
            if let Err(error) = outcome {
                assert!(matches!(error, Error::State(_) | Error::KeyState), "{change:?} of {from:?}: {error:?}");
                assert_eq!(store.keystore.apply_len(&change, later), Err(error));
            }
        }
    }
}

#[test]
fn only_a_retired_version_is_destroyed_and_its_material_is_gone() {
    let mut store = Store::with_oss();
    let envelope = store.create().1;
    store.rotate();
    store.apply(&Change::Stage { key_id: "oss" });
    let destroy = |version| Change::Destroy { key_id: "oss", version };
    for version in [1, 2, 3] {
        assert!(matches!(apply_at(&mut store, &destroy(version), NOW), Err(Error::State(_))));
    }
    assert_eq!(apply_at(&mut store, &destroy(4), NOW), Err(Error::NoVersion));
    store.apply(&Change::Retire { key_id: "oss", version: 1 });
    let body = common::format::open_keystore_image(&store.engine, &store.root_key, &store.image);
    store.apply(&destroy(1));
    let emptied = common::format::open_keystore_image(&store.engine, &store.root_key, &store.image);
    assert_eq!(emptied.len() + 32, body.len(), "32 bytes of material less");
    let version = &store.keystore.key("oss").unwrap().versions()[0];
    assert_eq!((version.state(), version.has_material()), (VersionState::Destroyed, false));
    assert!(matches!(apply_at(&mut store, &destroy(1), NOW), Err(Error::State(_))));
    assert_eq!(store.open(&envelope).err(), Some(Error::KeyState));
}

#[test]
fn a_disabled_key_neither_wraps_nor_unwraps_until_it_is_enabled() {
    let mut store = Store::with_oss();
    let envelope = store.create().1;
    store.apply(&Change::Disable { key_id: "oss" });
    assert_eq!(store.open(&envelope).err(), Some(Error::KeyState));
    let created = Object::create(&store.engine, &store.keystore, &OSS, &PLACE, Shape::Single, NOW);
    assert_eq!(created.err(), Some(Error::KeyState));
    store.apply(&Change::Enable { key_id: "oss" });
    assert!(store.open(&envelope).is_ok());
}

// --- Deletion -------------------------------------------------------------------------------------------------------

#[test]
fn a_key_is_deleted_from_its_time_on_and_not_before() {
    let mut store = Store::with_oss();
    let envelope = store.create().1;
    store.apply(&Change::SetAlias { key_id: "oss", alias: "alias/a" });
    store.apply(&Change::ScheduleDeletion { key_id: "oss", window_days: 30 });
    let delete_at = NOW + 30 * DAY;
    assert_eq!(store.keystore.key("oss").unwrap().delete_at(), Some(delete_at));
    assert_eq!(store.open(&envelope).err(), Some(Error::KeyState));

    let due = |store: &Store, now| store.keystore.deletions_due(now).map(|key| key.id().to_owned()).collect::<Vec<_>>();
    assert!(due(&store, delete_at - 1).is_empty());
    assert_eq!(due(&store, delete_at), ["oss"]);
    let delete = Change::Delete { key_id: "oss" };
    assert!(matches!(apply_at(&mut store, &delete, delete_at - 1), Err(Error::State(_))));
    apply_at(&mut store, &delete, delete_at).unwrap();
    assert!(store.keystore.keys().is_empty());
    assert!(store.keystore.resolve("alias/a").is_none());
    assert_eq!(store.open(&envelope).err(), Some(Error::NoVersion));

    // Another key of the same id is another key.
    store.apply(&Change::Create { key_id: "oss" });
    assert_eq!(store.open(&envelope).err(), Some(Error::Commit));
}

#[test]
fn a_deletion_that_is_called_off_leaves_the_key_disabled() {
    let mut store = Store::with_oss();
    let envelope = store.create().1;
    store.apply(&Change::ScheduleDeletion { key_id: "oss", window_days: 7 });
    apply_at(&mut store, &Change::CancelDeletion { key_id: "oss" }, NOW + 9 * DAY).unwrap();
    let key = store.keystore.key("oss").unwrap();
    assert_eq!((key.state(), key.delete_at()), (KeyState::Disabled, None));
    store.apply(&Change::Enable { key_id: "oss" });
    assert!(store.open(&envelope).is_ok());
}

#[test]
fn a_deletion_window_has_limits() {
    for (window_days, allowed) in [(0, false), (6, false), (7, true), (366, true), (367, false), (u32::MAX, false)] {
        assert_eq!(DELETION_WINDOW_DAYS.contains(&window_days), allowed);
        let outcome = apply_at(&mut Store::with_oss(), &Change::ScheduleDeletion { key_id: "oss", window_days }, NOW);
        assert_eq!(outcome.is_ok(), allowed, "{window_days} days");
        assert!(outcome.is_ok() || matches!(outcome, Err(Error::Argument(_))));
    }
    let at_the_end = Change::ScheduleDeletion { key_id: "oss", window_days: 7 };
    assert!(matches!(apply_at(&mut Store::with_oss(), &at_the_end, u64::MAX - 5), Err(Error::Argument(_))));
}

// --- Rotation by time -----------------------------------------------------------------------------------------------

#[test]
fn a_rotation_is_due_when_the_period_has_passed_since_the_last() {
    let mut store = Store::with_oss();
    let due = |store: &Store, now| store.keystore.rotations_due(now).count();
    assert_eq!(due(&store, u64::MAX), 0, "no period");
    store.apply(&Change::SetPeriod { key_id: "oss", seconds: 90 * DAY });
    assert_eq!(store.keystore.key("oss").unwrap().period(), Some(90 * DAY));
    assert_eq!((due(&store, 0), due(&store, NOW + 90 * DAY - 1), due(&store, NOW + 90 * DAY)), (0, 0, 1));

    apply_at(&mut store, &Change::Stage { key_id: "oss" }, NOW + 90 * DAY).unwrap();
    assert_eq!(due(&store, NOW + 90 * DAY), 1, "staging is half of it");
    apply_at(&mut store, &Change::Promote { key_id: "oss", version: None }, NOW + 91 * DAY).unwrap();
    assert_eq!((due(&store, NOW + 180 * DAY), due(&store, NOW + 181 * DAY)), (0, 1));
    store.apply(&Change::Disable { key_id: "oss" });
    assert_eq!(due(&store, u64::MAX), 0, "a disabled key is not rotated");
}

#[test]
fn a_period_has_limits() {
    let (min, max) = (u64::from(*PERIOD_DAYS.start()) * DAY, u64::from(*PERIOD_DAYS.end()) * DAY);
    assert_eq!((min, max), (7 * DAY, 730 * DAY));
    for (seconds, allowed) in [(0, true), (1, false), (min - 1, false), (min, true), (max, true), (max + 1, false)] {
        let outcome = apply_at(&mut Store::with_oss(), &Change::SetPeriod { key_id: "oss", seconds }, NOW);
        assert_eq!(outcome.is_ok(), allowed, "{seconds} s");
        assert!(outcome.is_ok() || matches!(outcome, Err(Error::Argument(_))));
    }
}

// --- Imported material ----------------------------------------------------------------------------------------------

#[test]
fn imported_material_is_taken_again_only_if_it_is_the_same() {
    let mut store = store_in(KeyState::PendingImport, true);
    let (secret, other) = (material(), Secret::new(&[0x43; 32]));
    let import = Change::Import { key_id: "oss", material: &secret, not_after: Some(NOW + 10) };
    let import_other = Change::Import { key_id: "oss", material: &other, not_after: None };
    store.apply(&import);
    let envelope = store.create().1;
    assert_eq!(common::store::NOW, store.keystore.key("oss").unwrap().last_rotated_at());

    let refused = |store: &mut Store| {
        let message = apply_at(store, &import_other, NOW).unwrap_err();
        assert!(matches!(message, Error::State(text) if text.contains("only the same")), "{message}");
    };
    refused(&mut store);
    store.apply(&Change::DeleteImportedMaterial { key_id: "oss" });
    assert_eq!(store.open(&envelope).err(), Some(Error::KeyState));
    assert_eq!(state(&store, "oss"), KeyState::PendingImport);
    refused(&mut store);
    store.apply(&Change::Import { key_id: "oss", material: &secret, not_after: None });
    assert!(store.open(&envelope).is_ok());
    let key = store.keystore.key("oss").unwrap();
    assert_eq!((key.versions().len(), key.primary(), key.versions()[0].not_after()), (1, Some(1), None));

    // The key is gone; who has the material makes it again.
    store.apply(&Change::DeleteImportedMaterial { key_id: "oss" });
    store.apply(&Change::Delete { key_id: "oss" });
    store.apply(&Change::CreateForImport { key_id: "oss" });
    store.apply(&Change::Import { key_id: "oss", material: &secret, not_after: None });
    assert!(store.open(&envelope).is_ok());
}

#[test]
fn imported_material_expires_and_is_listed_before() {
    let mut store = store_in(KeyState::PendingImport, true);
    let (secret, end) = (material(), NOW + 1000);
    let import = |not_after| Change::Import { key_id: "oss", material: &secret, not_after };
    for not_after in [Some(0), Some(NOW - 1), Some(NOW)] {
        assert!(matches!(apply_at(&mut store, &import(not_after), NOW), Err(Error::Argument(_))));
    }
    store.apply(&import(Some(end)));
    let envelope = store.create().1;
    let expiring = |store: &Store, until| store.keystore.expiring(until).count();
    assert_eq!((expiring(&store, end - 1), expiring(&store, end), expiring(&store, u64::MAX)), (0, 1, 1));
    let open_at = |store: &Store, now| {
        Object::open(&store.engine, &store.keystore, &envelope, &PLACE, &common::store::ALLOW, now).err()
    };
    assert_eq!((open_at(&store, end - 1), open_at(&store, end)), (None, Some(Error::KeyState)));

    apply_at(&mut store, &Change::DeleteImportedMaterial { key_id: "oss" }, end).unwrap();
    assert_eq!(expiring(&store, u64::MAX), 0, "material that is gone does not expire");
    apply_at(&mut store, &import(Some(end + 1000)), end).unwrap();
    assert_eq!(open_at(&store, end), None);
}

#[test]
fn zeros_are_no_material() {
    let mut store = store_in(KeyState::PendingImport, true);
    let zeros = Secret::new(&[0; 32]);
    let import = Change::Import { key_id: "oss", material: &zeros, not_after: None };
    assert!(matches!(apply_at(&mut store, &import, NOW), Err(Error::Argument(_))));
}

/// The check value is that of docs/FORMAT.md, section 4, and another key's is another.
#[test]
fn the_check_value_is_kept_sealed() {
    let store = store_in(KeyState::Enabled, true);
    let body = common::format::open_keystore_image(&store.engine, &store.root_key, &store.image);
    let check = common::format::check_value(&MATERIAL, "oss");
    assert!(body.windows(32).any(|window| window == check));
    assert!(!store.image.windows(32).any(|window| window == check));
    assert_ne!(common::format::check_value(&MATERIAL, "other"), check);
}

// --- Aliases --------------------------------------------------------------------------------------------------------

#[test]
fn an_alias_belongs_to_one_key_and_moves_only_when_told() {
    let mut store = Store::with_oss();
    store.apply(&Change::Create { key_id: "other" });
    let resolve = |store: &Store, name: &str| store.keystore.resolve(name).map(|key| key.id().to_owned());
    let set = |key_id| Change::SetAlias { key_id, alias: "alias/main" };
    let move_to = |key_id| Change::MoveAlias { key_id, alias: "alias/main" };
    let remove = Change::RemoveAlias { alias: "alias/main" };
    let refused = |store: &mut Store, change: &Change<'_>| {
        assert!(matches!(apply_at(store, change, NOW), Err(Error::State(_))), "{change:?}");
    };
    refused(&mut store, &move_to("oss"));
    refused(&mut store, &remove);
    store.apply(&set("oss"));
    refused(&mut store, &set("other"));
    refused(&mut store, &set("oss"));
    refused(&mut store, &move_to("oss"));
    assert_eq!(apply_at(&mut store, &move_to("none"), NOW), Err(Error::NoVersion));
    assert_eq!(resolve(&store, "alias/main").as_deref(), Some("oss"));
    store.apply(&move_to("other"));
    assert_eq!(resolve(&store, "alias/main").as_deref(), Some("other"));
    assert!(store.keystore.key("oss").unwrap().aliases().is_empty());
    for alias in ["alias/z", "alias/A", "alias/n"] {
        store.apply(&Change::SetAlias { key_id: "other", alias });
    }
    assert_eq!(store.keystore.key("other").unwrap().aliases(), ["alias/A", "alias/main", "alias/n", "alias/z"]);
    store.apply(&remove);
    assert_eq!(resolve(&store, "alias/main"), None);
    for alias in ["", "alias/", "Alias/x", "alias/a b", "alias/\u{e9}", &format!("alias/{}", "x".repeat(250))] {
        let outcome = apply_at(&mut store, &Change::SetAlias { key_id: "oss", alias }, NOW);
        assert!(matches!(outcome, Err(Error::Argument(_))), "{alias}");
    }
}

#[test]
fn the_services_aliases_take_a_change_of_their_own() {
    let mut store = Store::with_oss();
    store.apply(&Change::Create { key_id: "other" });
    let argument = |store: &mut Store, change: &Change<'_>| {
        assert!(matches!(apply_at(store, change, NOW), Err(Error::Argument(_))), "{change:?}");
    };
    store.apply(&Change::SetServiceAlias { key_id: "oss", alias: "alias/acs/oss" });
    for alias in ["alias/acs", "alias/acs/oss", "alias/acsx"] {
        argument(&mut store, &Change::SetAlias { key_id: "oss", alias });
        argument(&mut store, &Change::MoveAlias { key_id: "other", alias });
        argument(&mut store, &Change::RemoveAlias { alias });
    }
    argument(&mut store, &Change::SetServiceAlias { key_id: "oss", alias: "alias/ours" });
    let set = |key_id| Change::SetServiceAlias { key_id, alias: "alias/acs/oss" };
    assert!(matches!(apply_at(&mut store, &set("oss"), NOW), Err(Error::State(_))));
    store.apply(&set("other"));
    assert_eq!(store.keystore.resolve("alias/acs/oss").unwrap().id(), "other");
    assert!(store.keystore.key("oss").unwrap().aliases().is_empty());
}

// --- Another root key -----------------------------------------------------------------------------------------------

#[test]
fn a_resealed_keystore_opens_with_the_new_root_key_only() {
    let mut store = Store::with_oss();
    let (envelope, old) = (store.create().1, store.image.clone());
    let new_root = Secret::new(&[8; 32]);
    let image = store.keystore.reseal(&store.engine, "root-two", &new_root).unwrap();
    assert_eq!(store.keystore.reseal_len("root-two", false), Ok(image.len()));
    let info = ImageInfo::read(&image).unwrap();
    assert_eq!((info.generation, &info.root_key_id[..], info.kdf), (3, "root-two", Kdf::None));
    assert_eq!(info.keystore_id, store.keystore.info().keystore_id);
    assert_eq!(store.load(&image).err(), Some(Error::Commit));
    assert_eq!(Keystore::load(&store.engine, &old, &new_root, 0).err(), Some(Error::Commit));
    assert!(store.load(&old).is_ok());
    store.keystore = Keystore::load(&store.engine, &image, &new_root, 3).unwrap();
    assert!(store.open(&envelope).is_ok());
    // What comes after is under the new root key, too.
    let next = store.keystore.apply(&store.engine, &Change::Stage { key_id: "oss" }, NOW).unwrap();
    assert!(Keystore::load(&store.engine, &next, &new_root, 4).is_ok());

    let zeros = Secret::new(&[0; 32]);
    assert!(matches!(store.keystore.reseal(&store.engine, "r", &zeros), Err(Error::Argument(_))));
    assert!(matches!(store.keystore.reseal(&store.engine, "", &new_root), Err(Error::Argument(_))));
}

#[test]
fn nothing_is_resealed_or_encrypted_without_entropy() {
    let (engine, source) = Failing::engine();
    let mut store = Store::empty(engine.clone());
    store.apply(&Change::Create { key_id: "oss" });
    source.arm(Some(0));
    assert_eq!(store.keystore.reseal(&engine, "r", &store.root_key), Err(Error::NoEntropy));
    assert_eq!(direct::encrypt(&engine, &store.keystore, "oss", &[], b"x", NOW), Err(Error::NoEntropy));
}

#[test]
fn an_imported_key_wraps_as_its_alias() {
    let mut store = store_in(KeyState::Enabled, true);
    store.apply(&Change::SetAlias { key_id: "oss", alias: "alias/byok" });
    let recipient = Recipient::oss("alias/byok");
    let created = Object::create(&store.engine, &store.keystore, &recipient, &PLACE, Shape::Single, NOW);
    assert!(store.open(&created.unwrap().1).is_ok());
}
