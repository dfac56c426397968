//! The session of README.md, as it stands there.

mod common;

use common::{Home, sample};

#[test]
fn the_session_of_the_readme_runs_as_it_is_printed() {
    let readme = include_str!("../../../README.md");
    let (_, rest) = readme.split_once("```console\n").unwrap();
    let (session, _) = rest.split_once("```").unwrap();
    let home = Home::empty();
    home.write("report.pdf", sample(100_000));
    std::fs::create_dir(home.path("store")).unwrap();
    let mut commands = 0;
    for part in session.split("$ ossenc ").skip(1) {
        let (line, printed) = part.split_once('\n').unwrap();
        assert_eq!(home.ok(line), printed, "{line}");
        commands += 1;
    }
    assert!(commands > 6, "{commands}");
    assert_eq!(home.read("copy.pdf"), sample(100_000));
}
