//! A folder with keys, in which the real program runs.
#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs")]

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub const OSSENC: &str = env!("CARGO_BIN_EXE_ossenc");

pub struct Home(tempfile::TempDir);

/// What the program said and how it ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
    line: String,
}

impl Home {
    pub fn empty() -> Home {
        Home(tempfile::tempdir().unwrap())
    }

    /// With a keystore that has the key `main`.
    pub fn new() -> Home {
        let home = Home::empty();
        home.ok("keystore init");
        home.ok("keystore create main");
        home
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program, to be run in the folder.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(OSSENC);
        command.current_dir(self.0.path()).args(arguments).env_remove("OSSENC_KEYSTORE").stdin(Stdio::null());
        command
    }

    /// Arguments are parted by blanks.
    pub fn run(&self, line: &str) -> Ended {
        Ended::new(line, self.command(line.split(' ')).output().unwrap())
    }

    pub fn run_with(&self, line: &str, stdin: &[u8]) -> Ended {
        let mut command = self.command(line.split(' '));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It may refuse before it reads.
        let _ = child.stdin.take().unwrap().write_all(stdin);
        Ended::new(line, child.wait_with_output().unwrap())
    }

    /// It succeeds; gives its standard output.
    pub fn ok(&self, line: &str) -> String {
        String::from_utf8(self.run(line).ok().stdout).unwrap()
    }

    /// It succeeds, and its report is one JSON document on one line.
    pub fn json(&self, line: &str) -> Value {
        let text = self.ok(&format!("--json {line}"));
        assert_eq!(text.lines().count(), 1, "{line}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// It ends with that exit code, and says so: in words, and as JSON. Gives the words.
    pub fn refused(&self, code: i32, line: &str) -> String {
        let ended = self.run(line);
        assert_eq!(ended.code, Some(code), "{line}: {}", ended.stderr);
        assert!(!ended.stderr.is_empty(), "{line}");
        let as_json = self.run(&format!("--json {line}"));
        assert_eq!(as_json.code, Some(code), "--json {line}: {}", as_json.stderr);
        for told in as_json.stderr.lines() {
            let error: Value = serde_json::from_str(told).unwrap_or_else(|_| panic!("--json {line}: {told}"));
            assert!(error["error"]["code"].is_u64() && error["error"]["next"] != "", "{error}");
        }
        ended.stderr
    }

    pub fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// With mode 0600.
    pub fn write_private(&self, name: &str, bytes: &[u8]) {
        let mut options = std::fs::OpenOptions::new();
        options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.path(name))
            .unwrap()
            .write_all(bytes)
            .unwrap();
    }

    pub fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Flips a bit.
    pub fn flip(&self, name: &str, offset: usize) {
        let mut bytes = self.read(name);
        bytes[offset] ^= 1;
        self.write(name, bytes);
    }

    /// All names in a folder, sorted.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Ended {
    pub fn new(line: &str, output: Output) -> Ended {
        let stderr = String::from_utf8(output.stderr).expect("messages are UTF-8");
        Ended { code: output.status.code(), stdout: output.stdout, stderr, line: line.to_owned() }
    }

    pub fn ok(self) -> Ended {
        assert_eq!(self.code, Some(0), "{}: {}", self.line, self.stderr);
        self
    }
}

/// Bytes that do not repeat soon.
pub fn sample(len: usize) -> Vec<u8> {
    (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}
