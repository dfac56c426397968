//! The `ossenc` command: keystores, sealed files and fleets of them, for operators.
//!
//! One module for each command, which has its options, its work and its report; and what they share: `app` (options of
//! all commands), `each_file` (one file after another), `keys` (keystore and root key), `place` (where an object
//! belongs), `fail` (messages and exit codes), `out` (text, JSON, names that are safe to print), `interrupt` (signals and
//! progress).
#![forbid(unsafe_code)]

mod app;
mod bench;
mod census;
mod clean;
mod direct;
mod each_file;
mod fail;
mod files;
mod info;
mod interrupt;
mod keys;
mod keystore;
mod open;
mod out;
mod place;
mod reencrypt;
mod rewrap;
mod root_key;
mod seal;
mod time;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

/// The command line, for what is generated from it: man pages, completions.
#[must_use]
pub fn command() -> clap::Command {
    app::Cli::command()
}

/// Runs the command with these arguments, the program's name first. Prints, and gives the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match app::Cli::try_parse_from(&arguments) {
        Ok(cli) => app::run(cli),
        // There is no command line that would say it: so the word counts wherever it is.
        Err(error) => out::usage(&error, arguments.iter().any(|argument| argument == "--json")),
    }
}
