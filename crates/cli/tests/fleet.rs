//! A rewrap over a folder that is killed, and goes on.

mod common;

use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use common::{Ended, Home};
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

#[test]
fn an_interrupted_rewrap_tells_so_and_goes_on() {
    let home = Home::new();
    fill(&home);
    home.ok("keystore rotate main --now");
    let arguments = "rewrap store --rate 150 --checkpoint checkpoint";
    let child = home.command(arguments.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !home.path("checkpoint").exists() {
        sleep(Duration::from_millis(5));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    let ended = Ended::new(arguments, child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    let done = home.json("rewrap store --checkpoint checkpoint");
    assert_eq!((&done["resumed"], &done["rewrapped"], &done["complete"]), (&true.into(), &FILES.into(), &true.into()));
}

#[test]
fn several_at_once_lose_nothing() {
    let home = Home::new();
    fill(&home);
    home.ok("keystore rotate main --now");
    let run = |line: &str| {
        let mut command = home.command(line.split(' '));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let lines: Vec<String> = (0..4).map(|i| format!("keystore create key-{i}")).collect();
    let rewraps = ["--json rewrap store", "--json rewrap store --threads 3"];
    let [a, b] = rewraps.map(run);
    let creates: Vec<_> = lines.iter().map(|line| run(line)).collect();
    for (line, child) in lines.iter().zip(creates) {
        Ended::new(line, child.wait_with_output().unwrap()).ok();
    }
    let rewrapped = [a, b].map(|child| {
        let ended = Ended::new("rewrap", child.wait_with_output().unwrap()).ok();
        serde_json::from_slice::<serde_json::Value>(&ended.stdout).unwrap()["rewrapped"].as_u64().unwrap()
    });
    assert_eq!(rewrapped.iter().sum::<u64>(), FILES as u64);
    assert_eq!(home.json("keystore list")["keys"].as_array().unwrap().len(), 5);
    assert_eq!(home.json("verify store")["failed"], 0);
}

#[test]
fn files_of_a_folder_move_to_another_keystore_or_get_one_more_key() {
    let home = Home::new();
    home.write("plain", "data");
    for name in ["a", "sub/b"] {
        std::fs::create_dir_all(home.path("store/sub")).unwrap();
        home.ok(&format!("seal plain store/{name} --below store --tenant t"));
    }
    let theirs = "--keystore theirs --root-key-file theirs.key";
    home.ok(&format!("{theirs} keystore init"));
    // The same key id as here.
    home.ok(&format!("{theirs} keystore create main"));
    home.ok(&format!("{theirs} keystore create more"));
    let to = "--to-keystore theirs --to-root-key-file theirs.key";
    home.refused(2, &format!("rewrap store --tenant t {to}"));
    home.refused(2, "rewrap store --tenant t --add");
    assert!(home.refused(4, &format!("rewrap store --tenant t {to} --to-key none")).contains("no such key"));
    home.refused(4, "rewrap store --tenant t --to-keystore theirs --to-key main");
    // A slot that stays has that id.
    home.refused(2, &format!("rewrap store --tenant t {to} --to-key main --add"));

    let counts = |line: &str| {
        let told = home.json(line);
        (told["rewrapped"].as_u64().unwrap(), told["up_to_date"].as_u64().unwrap())
    };
    let add = format!("rewrap store --tenant t {to} --to-key more --add");
    assert_eq!((counts(&add), counts(&add)), ((2, 0), (0, 2)));
    home.ok("verify store --tenant t");
    home.ok(&format!("{theirs} verify store --tenant t"));
    // Sealed anew, they lose it, and it is said.
    let told = home.ok("reencrypt store --tenant t");
    assert!(told.contains("store/sub/b: sealed anew") && told.contains("it was under more, too"), "{told}");
    assert_eq!(counts(&add), (2, 0));

    let migrate = format!("rewrap store --tenant t {to} --to-key main");
    assert_eq!((counts(&migrate), counts(&migrate)), ((2, 0), (0, 2)));
    home.refused(1, "verify store --tenant t");
    assert_eq!(home.json(&format!("{theirs} verify store --tenant t"))["failed"], 0);
    assert_eq!(home.json("census store")["counts"].as_array().unwrap().len(), 1);
}
