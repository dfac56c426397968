//! The `ossenc` command. See the library of this package.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ossenc_cli::run(std::env::args_os())
}
