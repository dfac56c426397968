//! The command line as a whole: the commands, the options that all of them have, and the first and last steps of each.

use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Parser, Subcommand};
use ossenc::Engine;

use crate::fail::{CODES_HELP, Failure};
use crate::keys::KeyOptions;
use crate::out::Out;
use crate::{bench, census, clean, direct, info, keystore, open, reencrypt, rewrap, seal, verify};

const LONG_ABOUT: &str = "\
Encrypts files at rest, keeps the master keys in a keystore, rotates them, and moves whole folders to the new version \
without rewriting data.

A sealed file opens only with what it was sealed with: a master key of the keystore (--keystore, under a root key or a \
passphrase), and the place of its object (--tenant, --bucket, --object, --version-id, --user). Nothing of that is \
believed because the file says so.";

const AFTER_HELP: &str = "\
A rotation, from end to end:
  ossenc keystore stage main            every node unwraps with the new version, once it has loaded the keystore
  ossenc keystore promote main          from now on it wraps
  ossenc rewrap /srv/objects --threads 4 --checkpoint /var/tmp/rewrap
  ossenc census /srv/objects --save /var/tmp/census
  ossenc keystore retire main 1 --census /var/tmp/census";

/// Envelope encryption for files: sealing, opening, keystores, rotation, rewrapping
#[derive(Parser)]
#[command(name = "ossenc", version, long_about = LONG_ABOUT, after_help = AFTER_HELP,
    after_long_help = format!("{AFTER_HELP}\n\n{CODES_HELP}"), max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    keys: KeyOptions,
    /// Print JSON: one document on a line for each report, on standard error for failures
    ///
    /// Reports go to standard output (to standard error where that carries data), failures to standard error as
    /// {"error": {"code", "kind", "about", "message", "next"}}. Fields keep their names from version to version; new ones
    /// may come. Times are seconds since 1970, lengths and offsets bytes. Names and paths are escaped as in text: \n, \\,
    /// \u{202e}, \xff for what is no UTF-8.
    #[arg(long, global = true)]
    json: bool,
    /// No progress and no notes on standard error, failures only
    #[arg(short, long, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Keystore: make it, look at it, and everything in the life of its keys
    #[command(subcommand)]
    Keystore(keystore::Command),
    Seal(seal::Seal),
    Open(open::Open),
    Info(info::Info),
    Verify(verify::Verify),
    Rewrap(rewrap::Rewrap),
    Reencrypt(reencrypt::Reencrypt),
    Census(census::CensusCommand),
    /// Small secrets under a master key, without an object
    #[command(subcommand)]
    Direct(direct::Command),
    Clean(clean::Clean),
    Bench(bench::Bench),
}

/// What every command has at hand.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) keys: KeyOptions,
    pub(crate) out: Out,
    /// Wall time, in seconds since 1970.
    pub(crate) now: u64,
}

pub(crate) fn run(cli: Cli) -> ExitCode {
    let out = Out::new(cli.json, cli.quiet);
    match dispatch(cli, out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out.failure(&failure);
            failure.code().into()
        }
    }
}

fn dispatch(cli: Cli, out: Out) -> Result<(), Failure> {
    let engine = Engine::new().map_err(|error| Failure::core("this machine", error))?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let app = App { engine, keys: cli.keys, out, now };
    match cli.command {
        Command::Keystore(command) => keystore::run(&app, command),
        Command::Seal(command) => seal::run(&app, &command),
        Command::Open(command) => open::run(&app, &command),
        Command::Info(command) => info::run(&app, &command),
        Command::Verify(command) => verify::run(&app, &command),
        Command::Rewrap(command) => rewrap::run(&app, &command),
        Command::Reencrypt(command) => reencrypt::run(&app, &command),
        Command::Census(command) => census::run(&app, &command),
        Command::Direct(command) => direct::run(&app, command),
        Command::Clean(command) => clean::run(&app, &command),
        Command::Bench(command) => bench::run(&app, &command),
    }
}
