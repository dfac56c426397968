//! Core dumps hold no planted pattern: those that a debugger takes, and those that the kernel writes.
//!
//! The test starts itself again as the victim, which plants patterns that this process computes, too.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ossenc_mem::{Error, Guarded, Lock};

const LEN: usize = 704;

/// What was planted, and where.
#[derive(Clone, Copy)]
enum Planted {
    /// In protected memory, in place. Must not be found.
    Guarded = 1,
    /// In a large value of its own. Must not be found.
    Large,
    /// In protected memory, then dropped. Must not be found.
    Dropped,
    /// In a box. Must be found, or the dump proves nothing.
    Boxed,
    /// Returned by value to where it will live: what the stack keeps is told, and not promised.
    Made,
    /// Returned by value, then moved in: likewise.
    Moved,
    /// The same, and the stack is cleared up: vector registers of the copying are in the dump still.
    MovedAndCleared,
}
use Planted::{Boxed, Dropped, Guarded as InPlace, Large, Made, Moved, MovedAndCleared};

/// Word by word, so that no register or spilled word counts as a copy.
fn write(planted: Planted, bytes: &mut [u8]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(planted as u64);
    for word in bytes.chunks_exact_mut(8) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        word.copy_from_slice(&(state ^ state >> 29).to_le_bytes());
    }
}

struct Bytes<const N: usize>([u8; N]);

impl<const N: usize> Default for Bytes<N> {
    fn default() -> Bytes<N> {
        Bytes([0; N])
    }
}

fn plant<const N: usize>(planted: Planted, lock: Lock) -> Guarded<Bytes<N>> {
    Guarded::filled(lock, |bytes: &mut Bytes<N>| {
        write(planted, &mut bytes.0);
        Ok::<(), Error>(())
    })
    .unwrap()
}

#[inline(never)]
fn make(planted: Planted) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    write(planted, &mut bytes);
    bytes
}

#[inline(never)]
fn make_and_move(planted: Planted) -> Guarded<[u8; LEN]> {
    Guarded::new(Lock::Off, make(planted)).unwrap()
}

#[inline(never)]
fn make_in_place(planted: Planted) -> Guarded<[u8; LEN]> {
    Guarded::make(Lock::Off, || make(planted)).unwrap()
}

/// Makes a value in a thread that then waits for ever: nothing else overwrites what is left on its stack.
fn on_a_stack_of_its_own(make: fn() -> Guarded<[u8; LEN]>) {
    let (made, ready) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let value = make();
        made.send(value.get().is_ok()).unwrap();
        loop {
            std::thread::park();
        }
    });
    assert!(ready.recv().unwrap());
}

/// Not a test: what the tests below start, in a process of its own.
#[test]
#[ignore = "the victim of the other tests"]
fn victim() {
    let guarded: Vec<_> = (0..100).map(|_| plant::<LEN>(InPlace, Lock::Off)).collect();
    let locked = plant::<LEN>(InPlace, Lock::Required);
    let large = plant::<100_000>(Large, Lock::Off);
    drop(plant::<LEN>(Dropped, Lock::Off));
    drop(plant::<100_000>(Dropped, Lock::Off));
    let mut boxed = Box::new([0; LEN]);
    write(Boxed, &mut boxed[..]);
    on_a_stack_of_its_own(|| make_in_place(Made));
    on_a_stack_of_its_own(|| make_and_move(Moved));
    on_a_stack_of_its_own(|| {
        let value = make_and_move(MovedAndCleared);
        zeroize::zeroize_stack::<8_192>();
        value
    });
    let mut expected = [0; LEN];
    write(Boxed, &mut expected);
    assert!(guarded[99].get().is_ok() && locked.get().is_ok() && *boxed == expected);

    println!("ready");
    std::io::stdout().flush().unwrap();
    std::io::stdin().read_exact(&mut [0]).unwrap();
    assert!(large.get().is_ok());
    // SAFETY: no preconditions. Nothing was dropped yet.
    unsafe { libc::abort() };
}

fn start(folder: &Path) -> Child {
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

/// A sanitizer's victim would make terabytes of core: past a limit there is none.
fn limited(command: &mut Command) -> &mut Command {
    let limit = libc::rlimit { rlim_cur: 1 << 30, rlim_max: 1 << 30 };
    // SAFETY: `setrlimit` may be called between fork and exec. It fails if the hard limit is lower: then that one holds.
    unsafe {
        command.pre_exec(move || {
            libc::setrlimit(libc::RLIMIT_CORE, &raw const limit);
            libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit);
            Ok(())
        })
    }
}

/// In how many places of a dump any 16 bytes of a pattern are.
fn count(dump: &[u8], planted: Planted) -> usize {
    let mut pattern = [0; LEN];
    write(planted, &mut pattern);
    let pieces: std::collections::HashSet<[u8; 16]> = pattern.windows(16).map(|w| w.try_into().unwrap()).collect();
    let mut first = [false; 1 << 16];
    for piece in &pieces {
        first[usize::from(piece[0]) | usize::from(piece[1]) << 8] = true;
    }
    let is_piece = |w: &&[u8]| first[usize::from(w[0]) | usize::from(w[1]) << 8] && pieces.contains(*w);
    dump.windows(16).filter(is_piece).count()
}

fn check(core: &Path) {
    let dump = std::fs::read(core).unwrap();
    let [guarded, large, dropped, boxed, made, moved, cleared] =
        [InPlace, Large, Dropped, Boxed, Made, Moved, MovedAndCleared].map(|planted| count(&dump, planted));
    println!(
        "{} MiB of core; 16-byte pieces: {boxed} boxed, {made} made, {moved} moved, {cleared} cleared",
        dump.len() >> 20
    );
    assert!(boxed >= LEN - 15, "the dump holds what is not protected, and so proves something");
    assert_eq!((guarded, large, dropped), (0, 0, 0), "in place, large, dropped");
}

#[test]
fn a_debugger_s_dump_holds_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut victim = start(folder.path());
    let mut gcore = Command::new("gcore");
    gcore.args(["-o", "core", &victim.id().to_string()]).current_dir(&folder);
    let gcore = limited(&mut gcore).output();
    let core = folder.path().join(format!("core.{}", victim.id()));
    victim.kill().unwrap();
    victim.wait().unwrap();
    match gcore {
        Ok(output) if output.status.success() && core.exists() => check(&core),
        other => println!("SKIPPED: gcore made no core (is gdb installed, may it trace?): {other:?}"),
    }
}

#[test]
fn the_kernel_s_dump_holds_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut victim = start(folder.path());
    victim.stdin.take().unwrap().write_all(b"x").unwrap();
    let status = victim.wait().unwrap();
    assert_eq!(status.signal(), Some(libc::SIGABRT));
    let cores: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    match &cores[..] {
        [core] if status.core_dumped() => check(core),
        _ => println!("SKIPPED: no core in the folder (see ulimit -c and /proc/sys/kernel/core_pattern)"),
    }
}
