//! docs/OPERATIONS.md: its commands run as they stand there, and every command that its text names is one.

mod common;

use std::path::Path;
use std::process::Command;

use common::{Home, OSSENC};

const TEXT: &str = include_str!("../../../docs/OPERATIONS.md");

#[test]
fn the_commands_of_the_operations_guide_run_as_they_stand_there() {
    let blocks: Vec<&str> =
        TEXT.split("```sh\n").skip(1).map(|block| block.split_once("```").expect("an end").0).collect();
    assert!(blocks.len() >= 7, "{}", blocks.len());
    let home = Home::empty();
    let path = std::env::join_paths(
        [Path::new(OSSENC).parent().unwrap().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let ran = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &blocks.concat()])
        .current_dir(home.path(""))
        .env("PATH", path.unwrap())
        .env_remove("OSSENC_KEYSTORE")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));

    // What the text says of them.
    let told = String::from_utf8(ran.stdout).unwrap();
    let two_slots = "1 files counted, 0 failed, 0 skipped\n                1  local: key main-2, version 1\n                1  local: key recovery, version 1\n";
    assert!(told.contains(two_slots), "{told}");
    assert_eq!(told.matches("1 verified, 0 failed").count(), 3, "{told}");
    for checkpoint in ["rewrap.1", "rewrap.2", "moving"] {
        assert!(!home.path(checkpoint).exists(), "{checkpoint}");
    }
    assert_eq!(home.json("keystore show main")["state"], "pending_deletion");
}

/// `ossenc keystore stage KEY` is taken for `ossenc keystore stage`.
#[test]
fn every_command_that_the_texts_name_is_there() {
    let texts = [
        TEXT,
        include_str!("../../../README.md"),
        include_str!("../src/fail.rs"),
        include_str!("../src/keys.rs"),
        include_str!("../src/keystore/change.rs"),
        include_str!("../src/keystore/rotate.rs"),
    ];
    let mut named = 0;
    for span in texts.iter().flat_map(|text| text.split('`').skip(1).step_by(2)) {
        let Some(words) = span.strip_prefix("ossenc ") else { continue };
        let mut command = ossenc_cli::command();
        for word in
            words.split_whitespace().take_while(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
        {
            if let Some(option) = word.strip_prefix("--") {
                let known = command.get_arguments().any(|argument| argument.get_long() == Some(option));
                assert!(known, "{span}: --{option}");
            } else if command.has_subcommands() && word != "help" {
                command = command.find_subcommand(word).unwrap_or_else(|| panic!("{span}: {word}")).clone();
            }
        }
        named += 1;
    }
    assert!(named > 15, "{named}");
}
