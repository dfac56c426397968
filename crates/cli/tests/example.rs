//! The C example program `ossenc_file` and this one open what the other has made: two programs over one keystore.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Home, OSSENC, sample};

/// Builds libossenc and the example; `None`, loudly, without a C compiler.
fn example(home: &Home) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    if Command::new(&compiler).arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no C compiler {compiler:?}, so nothing was tried with the C example");
        return None;
    }
    // Beside this program: in the folder of its profile.
    let folder = Path::new(OSSENC).parent().unwrap();
    let target = folder.parent().unwrap();
    let built = Command::new(env!("CARGO"))
        .args(["build", "-q", "-p", "ossenc-ffi", "--target-dir"])
        .arg(target)
        .current_dir(&root)
        .status()
        .unwrap();
    assert!(built.success());
    let program = home.path("ossenc_file");
    let compiled = Command::new(root.join("examples/c/build.sh"))
        .arg("file")
        .arg(&program)
        .env("LIB_DIR", target.join("debug"))
        .status()
        .unwrap();
    assert!(compiled.success());
    Some(program)
}

#[test]
fn both_programs_open_what_the_other_has_made() {
    let home = Home::empty();
    let Some(program) = example(&home) else { return };
    let c = |line: &str| {
        let output = Command::new(&program).current_dir(home.path("")).args(line.split(' ')).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    };
    // Without any option: the same keystore, root key, master key and place.
    c("init");
    home.write("plain", sample(100_001));
    c("seal plain from_c");
    home.ok("open from_c opened");
    assert_eq!(home.read("opened"), sample(100_001));
    home.ok("seal plain from_ossenc");
    c("open from_ossenc opened_by_c");
    assert_eq!(home.read("opened_by_c"), sample(100_001));

    let place = "--tenant t --bucket b --object o --version-id v";
    c(&format!("{place} --pair k=v seal plain from_c"));
    home.ok(&format!("verify from_c {place} --user k=v"));
    // Each rotates, the other rewraps.
    c("rotate");
    home.ok(&format!("rewrap from_c {place} --user k=v"));
    assert_eq!(home.json("info from_c")["slots"][0]["key_version"], "2");
    home.ok("keystore rotate main --now");
    c(&format!("{place} --pair k=v rewrap from_c"));
    assert_eq!(home.json("info from_c")["slots"][0]["key_version"], "3");
    c(&format!("{place} --pair k=v verify from_c"));

    // And a keystore of this program's.
    let home = Home::new();
    home.write("plain", "x");
    home.ok("seal plain sealed");
    let output = Command::new(&program).current_dir(home.path("")).args(["cat", "sealed"]).output().unwrap();
    assert_eq!(output.stdout, b"x");
}
