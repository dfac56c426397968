//! Every change of a keystore, and root keys of every kind.

mod common;

use std::os::unix::fs::PermissionsExt;

use common::Home;
use ossenc::{Change, Engine};
use ossenc_kms::{FileStore, RootKeyFile};

const CHEAP: &str = "--passphrase-kib 32 --passphrase-passes 1 --passphrase-lanes 1";

#[test]
fn the_life_of_keys() {
    let home = Home::new();
    let state = |key: &str| home.json(&format!("keystore show {key}"))["state"].as_str().unwrap().to_owned();
    home.ok("keystore disable main");
    assert_eq!(state("main"), "disabled");
    home.refused(4, "keystore disable main");
    home.refused(4, "keystore stage main");
    home.ok("keystore enable main");
    home.ok("keystore schedule-deletion main --days 7");
    assert_eq!(state("main"), "pending_deletion");
    assert!(home.ok("keystore delete-due --yes").contains("no deletion is due"));
    home.ok("keystore cancel-deletion main");
    assert_eq!(state("main"), "disabled");
    home.ok("keystore enable main");
    home.refused(2, "keystore schedule-deletion main --days 3");

    home.ok("keystore period main 30");
    assert!(home.ok("keystore due").contains("nothing is due"));
    assert_eq!(home.json("keystore due --days 31")["rotations"], serde_json::json!(["main"]));
    home.refused(2, "keystore period main 3");

    home.ok("keystore alias set alias/daily main");
    assert_eq!(home.json("keystore show alias/daily")["key_id"], "main");
    home.ok("keystore create second");
    home.refused(4, "keystore create second");
    home.ok("keystore alias move alias/daily second");
    assert_eq!(home.json("keystore show alias/daily")["key_id"], "second");
    home.ok("keystore alias remove alias/daily");
    home.refused(4, "keystore show alias/daily");
    home.refused(2, "keystore alias set daily main");
    home.refused(4, "keystore show third");

    home.refused(2, "keystore rotate main");
    home.ok("keystore rotate main --wait 0");
    assert_eq!(home.json("keystore show main")["primary"], 2);
    // A version that is staged already is taken.
    home.ok("keystore stage main");
    home.ok("keystore rotate main --now");
    assert_eq!(home.json("keystore show main")["versions"].as_array().unwrap().len(), 3);
    home.ok("keystore promote main 1");
    home.refused(4, "keystore retire main 1 --yes");
    home.refused(2, "keystore retire main 2");
    home.write("nothing", "");
    home.refused(1, "keystore retire main 2 --census nothing");

    let list = home.json("keystore list");
    assert_eq!(list["keys"].as_array().unwrap().len(), 2);
    assert!(home.ok("keystore list").contains("main  enabled, version 1 wraps, 3 versions"));
    assert!(home.ok("keystore show main").contains("version 1: active, wraps"));
}

#[test]
fn a_deletion_that_is_due() {
    let home = Home::new();
    // Scheduled long ago.
    let root_key = RootKeyFile(home.path("ossenc.rootkey"));
    let store = FileStore::new(Engine::new().unwrap(), home.path("ossenc.keystore"), root_key, 0);
    store.apply(&Change::ScheduleDeletion { key_id: "main", window_days: 7 }, 1_000_000_000).unwrap();
    assert_eq!(home.json("keystore due")["deletions"], serde_json::json!(["main"]));
    assert!(home.refused(2, "keystore delete-due").contains("would be deleted for ever: main"));
    home.ok("keystore delete-due --yes");
    assert_eq!(home.json("keystore list")["keys"], serde_json::json!([]));
}

#[test]
fn material_of_the_customers_own() {
    let home = Home::new();
    home.ok("keystore create byok --import");
    home.write_private("material", &[7; 32]);
    home.ok("keystore import byok --material-file material --not-after 2999-01-01");
    assert_eq!(home.json("keystore show byok")["versions"][0]["not_after"], 32_472_144_000u64);
    home.write("plain", "x");
    home.ok("seal plain sealed --key byok");
    home.ok("keystore delete-material byok");
    home.refused(4, "open sealed out");
    // The same again, in hexadecimal, through a pipe.
    home.run_with("keystore import byok --material-stdin", "07".repeat(32).as_bytes()).ok();
    home.ok("open sealed out");
    assert_eq!(home.run_with("keystore import byok --material-stdin", &[8; 32]).code, Some(4));
    assert_eq!(home.run_with("keystore import byok --material-stdin", &[7; 31]).code, Some(4));
    std::fs::set_permissions(home.path("material"), PermissionsExt::from_mode(0o640)).unwrap();
    assert!(home.refused(4, "keystore import byok --material-file material").contains("0600"));
    home.refused(2, "keystore import byok --material-stdin --not-after 2001-02-29");
    home.refused(2, "keystore import byok");
    home.refused(4, "keystore rotate byok --now");
}

#[test]
fn a_keystore_under_a_passphrase() {
    let home = Home::empty();
    home.write_private("pass", b"correct horse\n");
    home.ok(&format!("keystore init --passphrase-file pass {CHEAP}"));
    home.ok("keystore create main --passphrase-file pass");
    assert_eq!(home.json("keystore list --passphrase-file pass")["passphrase"], true);
    // The line feed is none of it.
    home.write_private("same", b"correct horse");
    home.ok("keystore list --passphrase-file same");
    home.write_private("other", b"battery staple");
    assert!(home.refused(4, "keystore list --passphrase-file other").contains("wrong root key or passphrase"));
    // Without a terminal nobody is asked.
    assert!(home.refused(4, "keystore list").contains("no terminal"));
    std::fs::set_permissions(home.path("same"), PermissionsExt::from_mode(0o604)).unwrap();
    assert!(home.refused(4, "keystore list --passphrase-file same").contains("0600"));
    home.write_private("empty", b"\n");
    assert_ne!(home.run(&format!("--keystore k keystore init --passphrase-file empty {CHEAP}")).code, Some(0));
    assert!(!home.path("k").exists());
    // To a root key's file, and back.
    home.ok("keystore root-key --passphrase-file pass --new-root-key-file new --root-key-id root-2");
    assert_eq!(home.json("keystore list --root-key-file new")["root_key_id"], "root-2");
    home.refused(4, "keystore list --passphrase-file pass");
    home.ok(&format!("keystore root-key --root-key-file new --new-passphrase-file pass {CHEAP}"));
    home.refused(4, "keystore list --root-key-file new");
    home.ok("keystore list --passphrase-file pass");
}

#[test]
fn an_escrow_opens_what_the_keystore_opens() {
    let home = Home::new();
    home.write("plain", "data");
    home.ok("seal plain sealed");
    home.ok("keystore export escrow --new-root-key-file escrow.rootkey --root-key-id escrow");
    home.refused(3, "keystore export escrow --new-root-key-file escrow.rootkey");
    home.refused(4, "--keystore escrow keystore list");
    home.ok("--keystore escrow --root-key-file escrow.rootkey open sealed out");
    assert_eq!(home.read("out"), b"data");
    for secret in ["ossenc.rootkey", "escrow.rootkey", "escrow", "ossenc.keystore", "out"] {
        let mode = home.path(secret).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
}

#[test]
fn the_keystores_path_may_come_from_the_environment_and_nothing_else_does() {
    let home = Home::new();
    std::fs::rename(home.path("ossenc.keystore"), home.path("elsewhere")).unwrap();
    home.refused(4, "keystore list");
    let run = |name: &str| home.command(["keystore", "list"]).env(name, "elsewhere").output().unwrap().status.code();
    assert_eq!(run("OSSENC_KEYSTORE"), Some(0));
    let help = home.ok("help");
    assert_eq!(help.matches("[env: ").count(), 1);
}
