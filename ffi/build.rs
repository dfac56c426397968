//! Gives the shared library its soname, `libossenc.so.MAJOR`: what programs that are linked against it ask for, so that
//! one with another major version may be installed beside it.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let variable = |name| env::var(name).expect("cargo sets it");
    if variable("CARGO_CFG_TARGET_FAMILY") != "unix" || variable("CARGO_CFG_TARGET_VENDOR") == "apple" {
        return;
    }
    let soname = format!("libossenc.so.{}", variable("CARGO_PKG_VERSION_MAJOR"));
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{soname}");
    #[cfg(unix)]
    link_beside(Path::new(&variable("OUT_DIR")), &soname);
}

/// Programs that are linked against the library where cargo leaves it, `target/PROFILE`, look for it there by its
/// soname. `out` is `target/PROFILE/build/PACKAGE/out`; elsewhere nobody looks, so that this fails is no error.
#[cfg(unix)]
fn link_beside(out: &Path, soname: &str) {
    if let Some(profile) = out.ancestors().nth(3) {
        let _ = std::os::unix::fs::symlink("libossenc.so", profile.join(soname));
    }
}
