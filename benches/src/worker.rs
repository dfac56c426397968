//! OpenSSL without its wide vectors. It reads `OPENSSL_ia32cap` once, when it is loaded, so a process of its own runs it: the
//! benchmark starts itself a second time, asks for a number of steps and gets the nanoseconds that they took.

use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::clock::Clock;
use crate::peers::OpenSsl;
use crate::steps;

const VARIABLE: &str = "OPENSSL_ia32cap";
/// Of CPUID leaf 7: VAES and VPCLMULQDQ are not there. What remains is AES-NI and PCLMULQDQ.
const CAP: &str = ":~0x60000000000";
const ARGUMENT: &str = "--openssl-worker";

/// The other process.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts this program again, capped.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start() -> Worker {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .arg(ARGUMENT)
            .env(VARIABLE, CAP)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let requests = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Worker { child, requests, answers }
    }

    /// Has `steps` steps of `op` done, and says how long they took.
    ///
    /// # Panics
    /// If the other process ended.
    pub fn time(&mut self, op: &str, size: usize, steps: u64) -> Duration {
        writeln!(self.requests, "{op} {size} {steps}").expect("it listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("it answers");
        Duration::from_nanos(answer.trim().parse().expect("nanoseconds"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The other process's whole life, if this is that one.
///
/// # Panics
/// If a request is malformed.
#[must_use]
pub fn is_worker() -> bool {
    if !std::env::args().any(|argument| argument == ARGUMENT) {
        return false;
    }
    let mut current: Option<(String, Box<dyn FnMut()>)> = None;
    for line in stdin().lock().lines().map_while(Result::ok) {
        let (what, count) = line.rsplit_once(' ').expect("op, size, count");
        let (op, size) = what.split_once(' ').expect("op, size");
        let step = match &mut current {
            Some((running, step)) if running == what => step,
            place => &mut place.insert((what.to_owned(), step(op, size.parse().expect("a size")))).1,
        };
        let time = Clock::Thread.time(count.parse().expect("a count"), step);
        println!("{}", time.as_nanos());
        stdout().flush().expect("it reads");
    }
    true
}

fn step(op: &str, size: usize) -> Box<dyn FnMut()> {
    match op {
        "gcm_seal" => Box::new(steps::seal(OpenSsl, size)),
        "gcm_open" => Box::new(steps::open(OpenSsl, size)),
        _ => unreachable!("the worker does gcm_seal and gcm_open"),
    }
}
