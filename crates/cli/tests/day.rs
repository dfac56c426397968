//! An operator's days: a keystore, files, a rotation, damage, a key that goes.

mod common;

use common::{Home, sample};

#[test]
fn a_rotation_from_end_to_end() {
    let home = Home::new();
    home.write("plain", sample(300_000));
    for name in ["a", "sub/b", "sub/c"] {
        home.write(format!("store/{name}"), "");
        std::fs::remove_file(home.path(format!("store/{name}"))).unwrap();
        home.ok(&format!("seal plain store/{name} --below store --tenant acme"));
    }
    home.ok("keystore stage main");
    // Staged, it does not wrap.
    home.ok("seal plain store/d --below store --tenant acme");
    assert_eq!(home.json("info store/d")["slots"][0]["key_version"], "1");
    home.ok("keystore promote main");
    let dry = home.json("rewrap store --tenant acme --dry-run");
    assert_eq!((&dry["rewrapped"], &dry["dry_run"]), (&4.into(), &true.into()));
    assert_eq!(home.json("info store/sub/b")["slots"][0]["key_version"], "1");
    home.ok("census store --save before");
    let told = home.refused(1, "keystore retire main 1 --census before");
    assert!(told.contains("4 slots are under version 1 of key main"), "{told}");

    let done = home.json("rewrap store --tenant acme --threads 3 --rate 1000 --checkpoint checkpoint");
    assert_eq!((&done["rewrapped"], &done["failed"], &done["complete"]), (&4.into(), &0.into(), &true.into()));
    assert!(!home.path("checkpoint").exists());
    let again = home.json("rewrap store --tenant acme");
    assert_eq!((&again["rewrapped"], &again["up_to_date"]), (&0.into(), &4.into()));

    // Shards are disjoint, and add up.
    for shard in 1..=3 {
        home.ok(&format!("census store --shard {shard}/3 --save census.{shard}"));
    }
    let merged = home.json("census --merge census.1 census.2 census.3 --save after");
    assert_eq!(merged, home.json("census store --threads 2"));
    assert_eq!((&merged["counts"][0]["key_version"], &merged["counts"][0]["slots"]), (&"2".into(), &4.into()));
    home.ok("keystore retire main 1 --census after");
    home.refused(2, "keystore destroy main 1");
    home.ok("keystore destroy main 1 --yes");
    let key = home.json("keystore show main");
    assert_eq!(
        (&key["versions"][0]["state"], &key["versions"][0]["has_material"]),
        (&"destroyed".into(), &false.into())
    );
    home.ok("keystore forget-previous");
    assert!(!home.path("ossenc.keystore.previous").exists());

    let scrub = home.json("verify store --tenant acme");
    assert_eq!((&scrub["files"], &scrub["failed"]), (&4.into(), &0.into()));
    home.ok("open store/sub/c out --below store --tenant acme");
    assert_eq!(home.read("out"), sample(300_000));
}

#[test]
fn damage_is_found_and_repaired_from_a_replica_by_what_verify_says() {
    let home = Home::new();
    home.write("plain", sample(500_000));
    home.ok("seal plain sealed");
    std::fs::copy(home.path("sealed"), home.path("replica")).unwrap();
    let chunk_at = |chunk: usize| 8_192 + 56 + chunk * 16_400;
    for chunk in [3, 4, 17, 30] {
        home.flip("sealed", chunk_at(chunk) + 5);
    }
    let told = home.run("verify sealed");
    assert_eq!(told.code, Some(1));
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(text.contains("repair chunk 17 at byte 287,048 (16,400 bytes of the file) from a replica"), "{text}");

    // To a file, all or nothing; to a pipe, up to the damage.
    home.refused(1, "open sealed out");
    assert_eq!(
        home.names("."),
        [
            "ossenc.keystore",
            "ossenc.keystore.lock",
            "ossenc.keystore.previous",
            "ossenc.rootkey",
            "plain",
            "replica",
            "sealed"
        ]
    );
    let piped = home.run("open sealed -");
    assert_eq!(piped.code, Some(1));
    assert_eq!(piped.stdout, sample(500_000)[..3 * 16_384]);
    assert!(piped.stderr.contains("chunk 3 is damaged"), "{}", piped.stderr);
    // A range beside the damage.
    let range = home.run("open sealed - --range 100000-200000").ok();
    assert_eq!(range.stdout, sample(500_000)[100_000..=200_000]);

    let ended = home.run("--json verify sealed");
    let report: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    let runs = report["damage"].as_array().unwrap();
    assert_eq!(runs.len(), 3);
    let (replica, mut repaired) = (home.read("replica"), home.read("sealed"));
    for run in runs {
        let at = |field: &str| run[field].as_u64().unwrap() as usize;
        let bytes = at("file_offset")..at("file_offset") + at("file_len");
        repaired[bytes.clone()].copy_from_slice(&replica[bytes]);
    }
    assert_eq!(repaired, replica);
}

#[test]
fn ranges_pipes_and_lengths() {
    let home = Home::new();
    for len in [0, 1, 16_384, 100_000] {
        let plain = sample(len);
        home.run_with(&format!("seal - sealed --force --user k={len}"), &plain).ok();
        let open = |range: &str| home.run(&format!("open sealed - --user k={len}{range}"));
        assert_eq!(open("").ok().stdout, plain);
        if len > 0 {
            assert_eq!(open(" --range=-7").ok().stdout, plain[len.saturating_sub(7)..]);
            assert_eq!(open(" --range 0-").ok().stdout, plain);
            assert_eq!(open(&format!(" --range {}-999999", len - 1)).ok().stdout, plain[len - 1..]);
        }
        let past = open(&format!(" --range {len}-"));
        assert_eq!((past.code, past.stdout.len()), (Some(2), 0));
        assert!(past.stderr.contains("at or past the end"), "{}", past.stderr);
    }
    // The end is proved before the first byte of what depends on it.
    let cut = home.read("sealed");
    home.write("sealed", &cut[..cut.len() - (100_000 % 16_384 + 16)]);
    let suffix = home.run("open sealed - --user k=100000 --range=-7");
    assert_eq!((suffix.code, suffix.stdout.len()), (Some(1), 0));

    assert!(home.refused(2, "seal plain -").contains("seal into a file"));
    assert!(home.refused(2, "open - plain").contains("name a file"));
}

#[test]
fn reencrypting_makes_another_object_of_the_same_data() {
    let home = Home::new();
    home.write("plain", sample(70_000));
    home.ok("seal plain sealed --object o --method kms");
    let before = home.json("info sealed");
    home.ok("keystore create other");
    home.ok("reencrypt sealed --object o");
    let after = home.json("info sealed");
    assert_ne!(before["object_id"], after["object_id"]);
    assert_eq!((&after["method"], &after["slots"][0]["key_id"]), (&"SSE-KMS".into(), &"main".into()));
    home.ok("reencrypt sealed --object o --to-key other");
    assert_eq!(home.json("info sealed")["slots"][0]["key_id"], "other");
    home.ok("rewrap sealed --object o --to-key main");
    assert_eq!(home.json("info sealed")["slots"][0]["key_id"], "main");
    home.ok("open sealed out --object o");
    assert_eq!(home.read("out"), sample(70_000));
}

#[test]
fn small_secrets() {
    let home = Home::new();
    home.run_with("direct encrypt - blob --user use=db", b"swordfish").ok();
    assert_eq!(home.run("direct decrypt blob - --user use=db").ok().stdout, b"swordfish");
    assert!(home.refused(1, "direct decrypt blob -").contains("--user"));
    home.ok("keystore rotate main --now");
    home.ok("direct reencrypt blob new --user use=db");
    home.ok("keystore retire main 1 --yes");
    assert_eq!(home.run("direct decrypt new - --user use=db").ok().stdout, b"swordfish");
    home.refused(4, "direct decrypt blob - --user use=db");
    home.refused(4, "direct decrypt new - --user use=db --allow-key other");
    assert_eq!(home.run_with("direct encrypt - big", &[1; 4_096]).code, Some(2));
    assert!(!home.path("big").exists());
}
