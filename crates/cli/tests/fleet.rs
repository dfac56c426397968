//! A rewrap over a folder that is killed, and goes on.

mod common;

use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use common::Home;
use ossenc::{Context, Engine, Object, Recipient, Shape};
use ossenc_kms::sealed_file::{Create, create};
use ossenc_kms::{FileStore, RootKeyFile};

const FILES: usize = 400;

fn fill(home: &Home) {
    let engine = Engine::new().unwrap();
    let root_key = RootKeyFile(home.path("ossenc.rootkey"));
    let keystore = FileStore::new(engine.clone(), home.path("ossenc.keystore"), root_key, 0).load().unwrap();
    for i in 0..FILES {
        let name = format!("{}/{i}", i % 7);
        let path = home.path(Path::new("store").join(&name));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let context = Context { object: name.as_bytes(), ..Context::default() };
        let (object, envelope) =
            Object::create(&engine, &keystore, &Recipient::oss("main"), &context, Shape::Single, 1_700_000_000)
                .unwrap();
        create(path, &object, &envelope, name.as_bytes(), &Create::default()).unwrap();
    }
}

#[test]
fn a_killed_rewrap_goes_on_from_its_checkpoint() {
    let home = Home::new();
    fill(&home);
    home.ok("keystore rotate main --now");
    let arguments = "rewrap store --threads 2 --rate 150 --checkpoint checkpoint";
    let mut child = home.command(arguments.split(' ')).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !home.path("checkpoint").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it was ready before its first checkpoint");
        sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();

    // Each file is under the old or the new version, whole; of the one that was under work the copies of the header differ.
    home.ok("verify store");
    let half = home.json("census store");
    let of = |census: &serde_json::Value, version: &str| {
        let counts = census["counts"].as_array().unwrap().clone();
        counts.iter().find(|count| count["key_version"] == version).map_or(0, |count| count["slots"].as_u64().unwrap())
    };
    assert!(of(&half, "1") > 0 && of(&half, "2") > 0, "{half}");

    // The checkpoint is of this job, and no other.
    let other = home.refused(1, "rewrap store --tenant other --checkpoint checkpoint");
    assert!(other.contains("another job"), "{other}");
    let done = home.json("rewrap store --threads 2 --checkpoint checkpoint");
    assert_eq!((&done["resumed"], &done["complete"], &done["failed"]), (&true.into(), &true.into(), &0.into()));
    assert!(!home.path("checkpoint").exists());
    let all = home.json("census store");
    assert_eq!((of(&all, "1"), of(&all, "2")), (0, FILES as u64));
    assert_eq!(home.json("verify store")["failed"], 0);
}

#[test]
fn files_that_fail_do_not_keep_the_others_from_their_turn() {
    let home = Home::new();
    fill(&home);
    home.write("store/0/0", "no sealed file");
    home.ok("keystore rotate main --now");
    let ended = home.run("--json rewrap store");
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("0/0"), "{}", ended.stderr);
    let summary: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((&summary["failed"], &summary["rewrapped"]), (&1.into(), &(FILES - 1).into()));
}
