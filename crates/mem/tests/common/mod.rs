//! Real forked processes, and system calls that fail on command.
#![allow(dead_code)] // each test binary uses some of it

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Forks and runs `f` in the child: `true` there must become success here. A child that hangs is killed by its alarm.
#[track_caller]
pub(crate) fn in_child(f: impl FnOnce() -> bool) {
    assert_eq!(child(f), 0, "the child's status");
}

/// The wait status of a child that ran `f`.
pub(crate) fn child(f: impl FnOnce() -> bool) -> i32 {
    // SAFETY: the child runs `f` and ends. Other threads' locks stay locked in it for ever, but those of the allocator,
    // which libc sees to: `f` must not print, and hangs until the alarm if it panics while another thread did.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork");
    if pid == 0 {
        // SAFETY: no preconditions.
        unsafe { libc::alarm(60) };
        let good = catch_unwind(AssertUnwindSafe(f)).unwrap_or(false);
        // SAFETY: ends the child without running the parent's exit handlers in it.
        unsafe { libc::_exit(if good { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: our child, and a place for its status.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    status
}

/// Makes a system call fail with `errno` from now on, in this process and its children: always, or if its third argument
/// is `third`. For forked children only: it cannot be undone.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) fn deny(call: libc::c_long, third: Option<u32>, errno: i32) {
    use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter};
    let load = |offset| sock_filter { code: (BPF_LD | BPF_W | BPF_ABS) as u16, jt: 0, jf: 0, k: offset };
    let equal = |k, jf| sock_filter { code: (BPF_JMP | BPF_JEQ | BPF_K) as u16, jt: 0, jf, k };
    let answer = |k| sock_filter { code: (BPF_RET | BPF_K) as u16, jt: 0, jf: 0, k };
    const NUMBER: u32 = 0; // offsets in struct seccomp_data
    const THIRD_ARGUMENT: u32 = 16 + 2 * 8;

    let mut filter = vec![load(NUMBER), equal(call as u32, if third.is_some() { 3 } else { 1 })];
    if let Some(third) = third {
        filter.extend([load(THIRD_ARGUMENT), equal(third, 1)]);
    }
    filter.extend([answer(libc::SECCOMP_RET_ERRNO | errno as u32), answer(libc::SECCOMP_RET_ALLOW)]);
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the program and its filter outlive the calls, which copy them.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program), 0);
    }
}

/// How many mappings this process has, and how many KiB of them are resident.
#[cfg(target_os = "linux")]
pub(crate) fn footprint() -> (usize, usize) {
    let mappings = std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    (mappings, line.split_whitespace().nth(1).unwrap().parse().unwrap())
}
