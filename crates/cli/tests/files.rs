//! What is refused, with which exit code, and what then lies in the folder; names of files; signals.

mod common;

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::process::Stdio;

use common::{Ended, Home, sample};

#[test]
fn every_exit_code_that_stored_bytes_and_options_lead_to() {
    let home = Home::new();
    home.write("plain", sample(50_000));
    home.ok("seal plain sealed --tenant t --bucket b --object o --version-id v --user k=v --user l=w");
    let place = "--tenant t --bucket b --object o --version-id v --user l=w --user k=v";
    home.ok(&format!("open sealed out {place} --force"));

    // 1: every field of the place counts; what is damaged or cut.
    for (right, wrong) in [
        ("-t t", "x"),
        ("--tenant t", "--tenant u"),
        ("--bucket b ", ""),
        ("--object o", "--object p"),
        ("--version-id v ", ""),
        (" --user k=v", ""),
        (" --user k=v", " --user k=x"),
    ] {
        if place.contains(right) {
            let told = home.refused(1, &format!("open sealed no {}", place.replace(right, wrong)));
            assert!(told.contains("--tenant, --bucket, --object"), "{told}");
        }
    }
    home.ok("keystore create other");
    let told = home.refused(1, &format!("open sealed no {place} --allow-key other"));
    assert!(told.contains("allow key main with --allow-key main"), "{told}");
    home.write("cut", &home.read("sealed")[..20_000]);
    home.refused(1, &format!("open cut no {place}"));
    home.refused(1, "info plain");
    home.refused(1, "rewrap plain");
    home.refused(1, "census plain --save c");
    assert!(!home.path("c").exists());

    // 2
    for line in [
        "",
        "frobnicate",
        "seal plain",
        "open sealed no --range 5-4",
        "seal plain no --user x",
        "rewrap sealed --shard 1/2",
        "rewrap store --shard 3/2",
        "census --merge c --threads 2",
        "keystore create a\u{1b}b",
        "verify . sealed",
        "seal . no",
        "seal plain no --object a --below .",
        "seal plain no --below elsewhere",
    ] {
        home.refused(2, line);
    }
    // 3
    for line in [
        "seal none no",
        "open none no",
        "info none",
        "verify none",
        "rewrap none",
        "census none",
        "seal plain none/no",
        "seal plain sealed",
        &format!("open sealed plain {place}"),
        "clean none",
        "direct encrypt none no",
    ] {
        home.refused(3, line);
    }
    assert_eq!(home.read("plain"), sample(50_000));
    // 4
    assert!(home.refused(4, "--keystore none keystore list").contains("ossenc keystore init"));
    home.refused(4, "--keystore plain keystore list");
    assert!(home.refused(4, "--min-generation 9 keystore list").contains("stale keystore"));
    home.refused(4, "--root-key-file none keystore list");
    home.refused(4, "--root-key-file plain keystore list");
    assert!(home.refused(4, "seal plain no --key nobody").contains("key nobody"));
    std::fs::rename(home.path("ossenc.keystore"), home.path("right")).unwrap();
    home.ok("keystore init");
    assert!(home.refused(4, &format!("open sealed no {place}")).contains("under key main, which the keystore"));
    std::fs::rename(home.path("right"), home.path("ossenc.keystore")).unwrap();
    // An older keystore does not know the version.
    std::fs::copy(home.path("ossenc.keystore"), home.path("stale")).unwrap();
    home.ok("keystore rotate main --now");
    home.ok(&format!("rewrap sealed {place}"));
    let told = home.refused(4, &format!("--keystore stale open sealed no {place}"));
    assert!(told.contains("version 2 of key main") && told.contains("stale keystore"), "{told}");
    home.ok("keystore disable main");
    assert!(home.refused(4, &format!("open sealed no {place}")).contains("ossenc keystore enable main"));
    home.ok("keystore enable main");
    // 6: of a later version, whole.
    let mut later = home.read("sealed");
    for copy in later[..8_192].chunks_exact_mut(4_096) {
        copy[7] = 2;
        let crc = ossenc::crc32c(&copy[..4_092]);
        copy[4_092..].copy_from_slice(&crc.to_be_bytes());
    }
    home.write("later", later);
    home.refused(6, "info later");
    // Of several, the code of all, or 1.
    home.refused(6, "info later later");
    home.refused(1, "info later none");
    home.refused(3, "info none sealed");

    assert!(home.names(".").iter().all(|name| name != "no" && !name.starts_with(".ossenc")));
}

#[test]
fn help_and_version_are_no_failures() {
    let home = Home::empty();
    assert!(home.ok("--version").starts_with("ossenc 0."));
    let help = home.ok("help");
    for told in ["Exit codes:", "130  interrupted", "keystore promote main", "OSSENC_KEYSTORE"] {
        assert!(help.contains(told), "{told}");
    }
    assert!(home.ok("rewrap --help").contains("--checkpoint"));
}

#[test]
fn no_name_reaches_the_terminal_as_it_is() {
    let home = Home::new();
    let hostile = OsStr::from_bytes(b"store/\x1b[2J\n\xff\xe2\x80\xaeb");
    home.write("store/x", "");
    home.write("plain", sample(10));
    let run = |words: &[&OsStr]| Ended::new("hostile", home.command(words).output().unwrap());
    let s = |text: &'static str| OsStr::new(text);
    run(&[s("seal"), s("plain"), hostile, s("--below"), s("store")]).ok();
    for words in [
        &[s("info"), hostile][..],
        &[s("--json"), s("info"), hostile],
        &[s("verify"), s("store")],
        &[s("verify"), hostile],
        &[s("rewrap"), s("store")],
        &[s("open"), hostile, s("out"), s("--object"), s("x")],
        &[s("seal"), s("plain"), hostile],
        &[s("census"), hostile, s("--shard"), s("1/2")],
        &[s("frobnicate\x1b[2J")],
        &[s("keystore"), s("show"), s("\x1b[2J")],
    ] {
        let ended = run(words);
        let printed = [&ended.stdout[..], ended.stderr.as_bytes()].concat();
        assert!(printed.iter().all(|byte| *byte >= 0x20 || *byte == b'\n'), "{words:?}: {printed:?}");
        assert!(!String::from_utf8(printed).unwrap().contains('\u{202e}'), "{words:?}");
    }
    let info = run(&[s("info"), hostile]).ok();
    assert!(info.stdout.starts_with(b"store/\\u{1b}[2J\\n\\xff\\u{202e}b\n"), "{:?}", info.stdout);
    std::fs::remove_file(home.path("store/x")).unwrap();
    run(&[s("verify"), s("store")]).ok();
    run(&[s("rewrap"), s("store")]).ok();
}

#[test]
fn links_devices_and_folders_are_not_sealed_files() {
    let home = Home::new();
    home.write("store/plain", "x");
    home.ok("seal store/plain sealed");
    std::os::unix::fs::symlink("../sealed", home.path("store/link")).unwrap();
    std::fs::remove_file(home.path("store/plain")).unwrap();
    home.refused(2, "info store/link");
    home.refused(2, "open store out");
    // A link that leads nowhere is a name that is taken.
    std::os::unix::fs::symlink("none", home.path("dangling")).unwrap();
    home.refused(3, "seal sealed dangling");
    let summary = home.json("rewrap store");
    assert_eq!((&summary["skipped"], &summary["failed"]), (&1.into(), &0.into()));
}

#[test]
fn a_signal_leaves_nothing_half_done() {
    let home = Home::new();
    let mut command = home.command(["seal", "-", "sealed"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // More than a pipe and its buffer hold: so it is at work when this returns.
    stdin.write_all(&sample(1 << 20)).unwrap();
    assert!(home.names(".").iter().any(|name| name.starts_with(".ossenc-")));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    // The end of the data, as when the whole pipe gets the signal: it is not taken for the end.
    drop(stdin);
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{told}");
    assert!(home.names(".").iter().all(|name| name != "sealed" && !name.starts_with(".ossenc-")));

    // Killed, it leaves a temporary file, which `clean` takes away.
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(&sample(1 << 20)).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(home.json("clean .")["removed"], 1);
    assert_eq!(home.json("clean .")["removed"], 0);
    assert!(!home.path("sealed").exists());
}

#[test]
fn a_short_bench_names_the_cpu() {
    let report = Home::empty().json("bench --milliseconds 1");
    assert_ne!(report["cpu"], "");
    assert!(report["sizes"].as_array().unwrap().iter().all(|size| size["seal_mb_per_s"].as_u64() > Some(0)));
}

#[test]
fn what_is_no_file_is_neither_replaced_nor_waited_for() {
    let home = Home::new();
    home.write("plain", sample(10));
    home.ok("seal plain sealed");
    assert!(std::process::Command::new("mkfifo").arg(home.path("fifo")).status().unwrap().success());
    for line in ["open sealed fifo --force", "seal plain fifo --force", "census sealed --save fifo --force"] {
        assert!(home.refused(2, line).contains("a FIFO, which no file replaces"), "{line}");
    }
    home.refused(1, "rewrap sealed --checkpoint fifo");
    home.refused(3, "--keystore fifo keystore list");
    home.refused(5, "--keystore fifo keystore init");
    assert!(home.path("fifo").symlink_metadata().unwrap().file_type().is_fifo());
    // Nor does a copy replace the keystore itself, whatever name it is given.
    std::os::unix::fs::symlink("ossenc.keystore", home.path("link")).unwrap();
    let before = home.read("ossenc.keystore");
    home.refused(2, "keystore export ./ossenc.keystore --force --new-root-key-file new");
    home.refused(2, "keystore export link --force --new-root-key-file new");
    assert!(home.refused(5, "keystore init").contains("--keystore"));
    assert_eq!(home.read("ossenc.keystore"), before);
    home.ok("--keystore link keystore create second");
    assert_eq!(home.json("keystore list")["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn a_full_disk_and_a_reader_that_ends_are_told() {
    let home = Home::new();
    home.write("plain", sample(1 << 20));
    home.ok("seal plain sealed");
    for line in ["open sealed -", "info sealed", "help"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended = Ended::new(line, home.command(line.split(' ')).stdout(full).output().unwrap());
        assert_eq!(ended.code, Some(3), "{line}: {}", ended.stderr);
    }
    let mut command = home.command(["open", "sealed", "-"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = Ended::new("open", child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("whoever reads it has ended"), "{}", ended.stderr);
}

#[test]
fn files_that_were_named_and_are_not_there_are_named() {
    let home = Home::new();
    home.write("plain", sample(10));
    home.ok("seal plain sealed");
    for line in ["rewrap sealed nowhere", "census sealed nowhere", "verify sealed nowhere", "reencrypt sealed nowhere"]
    {
        assert!(home.refused(3, line).contains("nowhere: cannot"), "{line}");
    }
}
