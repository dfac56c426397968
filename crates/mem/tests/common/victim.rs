//! A process that plants patterns, its core dumps, and the search for the patterns in them. The process is the test
//! itself, started again: it runs its ignored test `victim`, which says that it is ready, and waits for a byte or its
//! end.
#![allow(dead_code)] // each test binary uses some of it

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Most bytes of a dump: a sanitizer's victim would make terabytes, so past this limit there is none.
const DUMP_MAX: libc::rlim_t = 1 << 30;

pub(crate) fn start(folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "victim", "--ignored", "--nocapture"]).current_dir(folder);
    command.env("MALLOC_ARENA_MAX", "1"); // else 64 MiB of dump for each thread
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    limited(&mut command);
    let mut child = command.spawn().unwrap();
    let stdout = BufReader::new(child.stdout.as_mut().unwrap());
    assert!(stdout.lines().any(|line| line.unwrap().ends_with("ready")), "the victim got ready");
    child
}

/// In the victim: everything is planted. Returns when the test says so.
pub(crate) fn ready() {
    println!("ready");
    std::io::stdout().flush().unwrap();
    std::io::stdin().read_exact(&mut [0]).unwrap();
}

fn limited(command: &mut Command) -> &mut Command {
    let limit = libc::rlimit { rlim_cur: DUMP_MAX, rlim_max: DUMP_MAX };
    // SAFETY: `setrlimit` may be called between fork and exec. It fails if the hard limit is lower: then that one
    // holds.
    unsafe {
        command.pre_exec(move || {
            libc::setrlimit(libc::RLIMIT_CORE, &raw const limit);
            libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit);
            Ok(())
        })
    }
}

/// The dump that a debugger takes of the victim, or why there is none.
pub(crate) fn gcore(victim: &Child, folder: &Path) -> Result<Vec<u8>, String> {
    let mut gcore = Command::new("gcore");
    gcore.args(["-o", "core", &victim.id().to_string()]).current_dir(folder);
    let made = limited(&mut gcore).output();
    match (std::fs::read(folder.join(format!("core.{}", victim.id()))), made) {
        (Ok(core), Ok(output)) if output.status.success() => Ok(core),
        (_, made) => Err(format!("gcore made no core (is gdb installed, may it trace?): {made:?}")),
    }
}

/// What lies in the victim's mappings that are left out of dumps; nothing if it may not be read.
pub(crate) fn left_out(victim: &Child) -> Vec<u8> {
    let smaps = std::fs::read_to_string(format!("/proc/{}/smaps", victim.id())).unwrap_or_default();
    let Ok(mut memory) = std::fs::File::open(format!("/proc/{}/mem", victim.id())) else { return Vec::new() };
    let mut found = Vec::new();
    let mut range = (0, 0);
    for line in smaps.lines() {
        let first = line.split_whitespace().next().unwrap_or_default();
        if let Some((from, to)) = first.split_once('-') {
            range = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        } else if first == "VmFlags:" && line.contains(" dd") && line.contains(" wf") {
            let mut bytes = vec![0; (range.1 - range.0) as usize];
            if memory.seek(SeekFrom::Start(range.0)).is_ok() && memory.read_exact(&mut bytes).is_ok() {
                found.append(&mut bytes);
            }
        }
    }
    found
}

/// In how many places of a dump any 16 bytes of a pattern are.
pub(crate) fn count(dump: &[u8], pattern: &[u8]) -> usize {
    let pieces: std::collections::HashSet<[u8; 16]> = pattern.windows(16).map(|w| w.try_into().unwrap()).collect();
    let mut first = [false; 1 << 16];
    for piece in &pieces {
        first[usize::from(piece[0]) | usize::from(piece[1]) << 8] = true;
    }
    let is_piece = |w: &&[u8]| first[usize::from(w[0]) | usize::from(w[1]) << 8] && pieces.contains(*w);
    dump.windows(16).filter(is_piece).count()
}
