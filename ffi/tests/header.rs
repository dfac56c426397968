//! `include/ossenc.h` is what the sources say. `OSSENC_UPDATE_HEADER=1` (that is `make header`) writes it.

use std::path::Path;

fn generated(crate_dir: &Path) -> String {
    let mut config = cbindgen::Config::from_file(crate_dir.join("cbindgen.toml")).expect("cbindgen.toml");
    let part = |name: &str| name.parse::<u32>().expect("a number");
    let (major, minor, patch) =
        (env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), env!("CARGO_PKG_VERSION_PATCH"));
    config.after_includes = Some(format!(
        "\n// The version of this header: major x 1,000,000 + minor x 1,000 + patch.\n\
         #define OSSENC_VERSION_NUMBER {}\n\
         // The version of this header.\n\
         #define OSSENC_VERSION_STRING \"{major}.{minor}.{patch}\"",
        part(major) * 1_000_000 + part(minor) * 1_000 + part(patch),
    ));
    let bindings =
        cbindgen::Builder::new().with_crate(crate_dir).with_config(config).generate().expect("sources parse");
    let mut header = Vec::new();
    bindings.write(&mut header);
    let header = String::from_utf8(header).expect("UTF-8");
    header.lines().map(|line| parenthesized(line) + "\n").collect()
}

/// `#define NAME -1` is safe in any expression only as `#define NAME (-1)`.
fn parenthesized(line: &str) -> String {
    match line.strip_prefix("#define ").and_then(|rest| rest.split_once(" -")) {
        Some((name, number)) => format!("#define {name} (-{number})"),
        None => line.to_owned(),
    }
}

#[test]
fn the_header_is_fresh() {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = crate_dir.join("../include/ossenc.h");
    let header = generated(crate_dir);
    if std::env::var_os("OSSENC_UPDATE_HEADER").is_some() {
        std::fs::write(&path, &header).expect("include/ossenc.h is writable");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == header, "include/ossenc.h is stale: run `make header`, look at the change, and commit it");
}
