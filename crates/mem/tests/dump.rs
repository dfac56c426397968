//! Core dumps hold no planted pattern: those that a debugger takes, and those that the kernel writes.
//!
//! The test starts itself again as the victim, which plants patterns that this process computes, too.
#![cfg(target_os = "linux")]

#[path = "common/victim.rs"]
mod victim;

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;

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

    victim::ready();
    assert!(large.get().is_ok());
    // SAFETY: no preconditions. Nothing was dropped yet.
    unsafe { libc::abort() };
}

fn count(dump: &[u8], planted: Planted) -> usize {
    let mut pattern = [0; LEN];
    write(planted, &mut pattern);
    victim::count(dump, &pattern)
}

fn check(dump: &[u8]) {
    let [guarded, large, dropped, boxed, made, moved, cleared] =
        [InPlace, Large, Dropped, Boxed, Made, Moved, MovedAndCleared].map(|planted| count(dump, planted));
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
    let mut victim = victim::start(folder.path());
    let dump = victim::gcore(&victim, folder.path());
    victim.kill().unwrap();
    victim.wait().unwrap();
    match dump {
        Ok(dump) => check(&dump),
        Err(why) => println!("SKIPPED: {why}"),
    }
}

#[test]
fn the_kernel_s_dump_holds_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut victim = victim::start(folder.path());
    victim.stdin.take().unwrap().write_all(b"x").unwrap();
    let status = victim.wait().unwrap();
    assert_eq!(status.signal(), Some(libc::SIGABRT));
    let cores: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    match &cores[..] {
        [core] if status.core_dumped() => check(&std::fs::read(core).unwrap()),
        _ => println!("SKIPPED: no core in the folder (see ulimit -c and /proc/sys/kernel/core_pattern)"),
    }
}
