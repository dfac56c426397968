//! What is printed: reports as text or JSON, notes, failures; and names made safe for terminals.

use std::ffi::OsStr;
use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use crate::fail::{Code, Failure};

/// Where and how a command prints.
#[derive(Clone, Copy)]
pub(crate) struct Out {
    json: bool,
    quiet: bool,
}

/// Which stream a report goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    /// Standard output carries data.
    Stderr,
}

#[derive(Serialize)]
struct JsonFailure<'a> {
    error: JsonError<'a>,
}

#[derive(Serialize)]
struct JsonError<'a> {
    code: u8,
    kind: &'static str,
    about: &'a str,
    message: &'a str,
    next: &'a str,
}

impl Out {
    pub(crate) fn new(json: bool, quiet: bool) -> Out {
        Out { json, quiet }
    }

    /// Whether progress may be drawn. That standard error is a terminal is looked at where it is drawn.
    pub(crate) fn is_chatty(self) -> bool {
        !self.json && !self.quiet
    }

    pub(crate) fn report<R: Serialize + Display>(self, report: &R) -> Result<(), Failure> {
        self.report_to(Stream::Stdout, report)
    }

    pub(crate) fn report_to<R: Serialize + Display>(self, stream: Stream, report: &R) -> Result<(), Failure> {
        if stream == Stream::Stderr && self.quiet && !self.json {
            return Ok(());
        }
        let mut text = if self.json {
            serde_json::to_string(report).expect("reports are plain structures")
        } else {
            report.to_string()
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let written = match stream {
            Stream::Stdout => io::stdout().lock().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()),
            Stream::Stderr => io::stderr().lock().write_all(text.as_bytes()),
        };
        written.map_err(|error| Failure::system("standard output", "write", &error))
    }

    /// For a person who watches.
    pub(crate) fn note(self, text: impl Display) {
        if self.is_chatty() {
            // There is nobody to tell that nobody can be told.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    pub(crate) fn failure(self, failure: &Failure) {
        if failure.is_told() {
            return;
        }
        let (about, message, next) = (failure.about(), failure.message(), failure.next());
        let text = if self.json {
            let code = failure.code();
            let error = JsonError { code: code as u8, kind: code.kind(), about, message, next };
            serde_json::to_string(&JsonFailure { error }).expect("a plain structure")
        } else {
            format!("ossenc: {about}: {message}\n  next: {next}")
        };
        let _ = writeln!(io::stderr(), "{text}");
    }
}

/// What clap says: help and version are no failures. An argument that it repeats may be a file's name.
pub(crate) fn usage(error: &clap::Error, json: bool) -> ExitCode {
    let text: String = error.render().to_string().split_inclusive('\n').map(escaped_text).collect();
    if error.use_stderr() && json {
        let message = text.trim_start_matches("error: ").lines().next().unwrap_or_default();
        Out::new(true, false).failure(&Failure::usage("command line", message, "see `ossenc help`"));
        Code::Usage.into()
    } else if error.use_stderr() {
        let _ = write!(io::stderr(), "{text}");
        Code::Usage.into()
    } else {
        match write!(io::stdout(), "{text}").and_then(|()| io::stdout().flush()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => Code::Io.into(),
        }
    }
}

fn escaped_text(line: &str) -> String {
    line.chars()
        .map(|c| if is_unsafe(c) && c != '\n' { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}

/// Refuses to write data that is no text to a terminal.
pub(crate) fn refuse_terminal(what: &str) -> Result<(), Failure> {
    if io::stdout().is_terminal() {
        return Err(Failure::usage(
            "standard output",
            format_args!("{what} is not written to a terminal"),
            "name a file, use a pipe, or say --force",
        ));
    }
    Ok(())
}

/// A name as it is safe to print: without control characters, without those that turn the direction of text or cannot be
/// seen, and without bytes that are no UTF-8. No two names look the same.
pub(crate) fn name(bytes: impl AsRef<[u8]>) -> String {
    let mut out = String::new();
    for chunk in bytes.as_ref().utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_unsafe(c) || c == '\\' { out.extend(c.escape_default()) } else { out.push(c) }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

pub(crate) fn path_name(path: &Path) -> String {
    os_name(path.as_os_str())
}

pub(crate) fn os_name(text: &OsStr) -> String {
    name(text.as_bytes())
}

fn is_unsafe(c: char) -> bool {
    let invisible = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    c.is_control() || invisible
}

/// 1234567 as "1,234,567".
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_nothing_that_moves_a_terminal_and_stay_apart() {
        assert_eq!(name("a\x1b[2J\n\\\u{202e}é"), "a\\u{1b}[2J\\n\\\\\\u{202e}é");
        assert_eq!(name(b"a\xff"), "a\\xff");
        assert_ne!(name(b"a\xff"), name("a\\xff"));
        assert_eq!(name("\u{9b}\u{200b}\u{7f}"), "\\u{9b}\\u{200b}\\u{7f}");
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!([0, 999, 1_000, 278_584, 1_000_000].map(grouped), ["0", "999", "1,000", "278,584", "1,000,000"]);
    }
}
