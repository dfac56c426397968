//! `ossenc direct`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use ossenc::{Error, KEY_ID_MAX, direct};
use serde::Serialize;

use crate::app::App;
use crate::fail::{Code, Failure};
use crate::files::{Sink, read_small};
use crate::keys::Allow;
use crate::out::{grouped, name, path_name};
use crate::place::pair;

/// More than any blob has: a header with the longest ids, and a message of 4,095 bytes.
const BLOB_MAX: usize = direct::PLAIN_MAX + KEY_ID_MAX + 1_024;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Encrypt at most 4,095 bytes
    Encrypt(Encrypt),
    /// Decrypt a blob
    Decrypt(Decrypt),
    /// Encrypt a blob for another key, or the newest version of the same, without showing what is in it
    Reencrypt(Reencrypt),
}

#[derive(Args)]
pub(crate) struct InOut {
    /// What to read; - for standard input
    source: PathBuf,
    /// What to make; - for standard output
    destination: PathBuf,
    /// Replace a file that is there; write to a terminal
    #[arg(short, long)]
    force: bool,
    /// Pair that the blob is bound to; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    user: Vec<(String, String)>,
}

#[derive(Args)]
pub(crate) struct Encrypt {
    #[command(flatten)]
    io: InOut,
    /// Master key, by id or alias
    #[arg(long, value_name = "KEY", default_value = "main")]
    key: String,
}

#[derive(Args)]
pub(crate) struct Decrypt {
    #[command(flatten)]
    io: InOut,
    #[command(flatten)]
    allow: Allow,
}

#[derive(Args)]
pub(crate) struct Reencrypt {
    #[command(flatten)]
    io: InOut,
    #[command(flatten)]
    allow: Allow,
    /// Master key of the new blob, by id or alias
    #[arg(long, value_name = "KEY", default_value = "main")]
    key: String,
}

#[derive(Serialize)]
struct Report {
    path: String,
    len: usize,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} bytes", self.path, grouped(self.len as u64))
    }
}

pub(crate) fn run(app: &App, command: Command) -> Result<(), Failure> {
    let keystore = app.load_keystore()?;
    match command {
        Command::Encrypt(Encrypt { io, key }) => {
            let plain = read_small(&io.source, direct::PLAIN_MAX)?;
            let blob = direct::encrypt(&app.engine, &keystore, &key, &io.pairs(), &plain, app.now);
            let blob = blob.map_err(|error| of_key(&key, error))?;
            io.put(app, &blob, "an encrypted blob")
        }
        Command::Decrypt(Decrypt { io, allow }) => {
            let blob = read_small(&io.source, BLOB_MAX)?;
            let plain = direct::decrypt(&app.engine, &keystore, &blob, &io.pairs(), &allow.key_ids(&keystore), app.now);
            let plain = plain.map_err(|error| of_blob(&io.source, error))?;
            io.put(app, &plain, "a secret")
        }
        Command::Reencrypt(Reencrypt { io, allow, key }) => {
            let blob = read_small(&io.source, BLOB_MAX)?;
            let (pairs, allowed) = (io.pairs(), allow.key_ids(&keystore));
            let new = direct::reencrypt(&app.engine, &keystore, &blob, &pairs, &allowed, &key, &pairs, app.now);
            let new = new.map_err(|error| of_blob(&io.source, error))?;
            io.put(app, &new, "an encrypted blob")
        }
    }
}

impl InOut {
    fn pairs(&self) -> Vec<(&str, &str)> {
        self.user.iter().map(|(key, value)| (&key[..], &value[..])).collect()
    }

    fn put(&self, app: &App, bytes: &[u8], what: &str) -> Result<(), Failure> {
        let mut sink = Sink::open(&self.destination, self.force, what)?;
        let stream = sink.report_stream();
        sink.write(bytes)?;
        sink.finish()?;
        app.out.report_to(stream, &Report { path: path_name(&self.destination), len: bytes.len() })
    }
}

fn of_key(key: &str, error: Error) -> Failure {
    Failure::core(format!("key {}", name(key)), error)
}

fn of_blob(path: &Path, error: Error) -> Failure {
    match error {
        Error::Commit => Failure::new(
            Code::Refused,
            path_name(path),
            error,
            "check --user: the pairs are the same as at encrypting; if they are, the blob is damaged",
        ),
        Error::Expect(_) => Failure::new(
            Code::Keys,
            path_name(path),
            "it is under a key that is not allowed, or that the keystore does not have",
            "give --allow-key, or the right or a newer keystore",
        ),
        error => Failure::core(path_name(path), error),
    }
}
