//! Kernels that refuse: no `MADV_WIPEONFORK`, no `MADV_DONTDUMP`, no `mlock`, no memory.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::{child, deny, in_child};
use ossenc_mem::{Error, Forked, Guarded, Lock, protection};

#[test]
fn this_kernel_has_it_all() {
    let plain = protection(Lock::Off).unwrap();
    assert!(plain.wiped_on_fork && plain.out_of_dumps && !plain.locked, "{plain:?}");
    let locked = protection(Lock::Required).unwrap();
    assert!(locked.wiped_on_fork && locked.out_of_dumps && locked.locked, "{locked:?}");
}

/// As the kernel itself tells it: not what was asked for, but what is in force.
#[test]
fn the_kernel_says_so_too() {
    let value = Guarded::new(Lock::Required, [1_u8; 64]).unwrap();
    let address = std::ptr::from_ref(value.get().unwrap()).addr();
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut inside = false;
    let mut neighbours = Vec::new();
    let mut flags = "";
    for line in smaps.lines() {
        let first = line.split_whitespace().next().unwrap();
        if let Some((from, to)) = first.split_once('-') {
            let from = usize::from_str_radix(from, 16).unwrap();
            let to = usize::from_str_radix(to, 16).unwrap();
            inside = (from..to).contains(&address);
            neighbours.push((inside, line.split_whitespace().nth(1).unwrap().to_owned()));
        } else if inside && first == "VmFlags:" {
            flags = line;
        }
    }
    for flag in [" wf", " dd", " lo"] {
        assert!(flags.contains(flag), "{flags}");
    }
    let at = neighbours.iter().position(|(inside, _)| *inside).unwrap();
    assert_eq!([&neighbours[at - 1].1, &neighbours[at + 1].1], ["---p", "---p"], "guard pages");
}

#[test]
fn without_wipe_on_fork_all_but_the_error_holds() {
    in_child(|| {
        deny(libc::SYS_madvise, Some(libc::MADV_WIPEONFORK as u32), libc::EINVAL);
        let holds = protection(Lock::Off).unwrap();
        assert!(!holds.wiped_on_fork && holds.out_of_dumps);

        let mut old = Some(Guarded::new(Lock::Off, [7_u64; 50]).unwrap());
        let mut large = Some(Guarded::new(Lock::Off, [7_u64; 5_000]).unwrap());
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        drop(Guarded::new(Lock::Off, [1_u64; 50]).unwrap());
                    }
                });
            }
            for _ in 0..100 {
                in_child(|| {
                    // Documented: not noticed. The copy is wiped when the child drops it, and the lock that some thread
                    // of the parent may hold is left alone.
                    let place: *const [u64; 50] = old.as_ref().unwrap().get().unwrap();
                    drop(old.take());
                    drop(large.take());
                    // SAFETY: the child's copy of a shared slab, which it never unmaps.
                    let wiped = unsafe { place.read_volatile() } == [0; 50];
                    let new = Guarded::new(Lock::Off, [8_u64; 50]).unwrap();
                    wiped && new.get() == Ok(&[8; 50])
                });
            }
            stop.store(true, Ordering::Relaxed);
        });
        old.unwrap().get() == Ok(&[7; 50]) && large.unwrap().get() == Ok(&[7; 5_000])
    });
}

#[test]
fn without_dontdump_it_says_so() {
    in_child(|| {
        deny(libc::SYS_madvise, Some(libc::MADV_DONTDUMP as u32), libc::EINVAL);
        let holds = protection(Lock::Off).unwrap();
        let value = Guarded::new(Lock::Off, 1).unwrap();
        in_child(|| value.get() == Err(Forked));
        holds.wiped_on_fork && !holds.out_of_dumps
    });
}

#[test]
fn a_lock_that_is_required_and_fails_is_an_error() {
    in_child(|| {
        deny(libc::SYS_mlock, None, libc::ENOMEM);
        protection(Lock::Required) == Err(Error::NotLocked)
            && matches!(Guarded::new(Lock::Required, [0_u8; 20_000]), Err(Error::NotLocked))
            && Guarded::new(Lock::Off, 1).unwrap().get() == Ok(&1)
    });
}

#[test]
fn no_memory_is_an_error_and_the_value_is_dropped_once() {
    use std::sync::atomic::AtomicUsize;
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Counts([u8; 900]);
    impl Drop for Counts {
        fn drop(&mut self) {
            DROPS.fetch_add(usize::from(self.0[899]), Ordering::Relaxed);
        }
    }
    let value = Counts([1; 900]);
    in_child(|| {
        deny(libc::SYS_mmap, None, libc::ENOMEM);
        matches!(Guarded::new(Lock::Off, value), Err(Error::NoMemory))
            && DROPS.load(Ordering::Relaxed) == 1
            && matches!(Guarded::<[u8; 32]>::filled(Lock::Off, |_| Ok::<(), Error>(())), Err(Error::NoMemory))
    });
    in_child(|| {
        deny(libc::SYS_mprotect, None, libc::ENOMEM);
        matches!(Guarded::new(Lock::Off, [1_u8; 900]), Err(Error::NoMemory))
    });
}

/// Without memory from the system to be had, what was dropped last must do: an empty slab is kept, and used again.
#[test]
fn an_empty_slab_is_kept() {
    in_child(|| {
        drop(Guarded::new(Lock::Off, [1_u8; 900]).unwrap());
        deny(libc::SYS_mmap, None, libc::ENOMEM);
        let again: Vec<_> = (0..10_u8).map(|i| Guarded::new(Lock::Off, [i; 900])).collect();
        again.iter().all(Result::is_ok)
    });
}

/// Running over the end of the pages is a fault, not the next slab's keys.
#[test]
fn guard_pages_stop_both_ends() {
    const LEN: usize = 100_000;
    let value = Guarded::new(Lock::Off, [1_u8; LEN]).unwrap();
    let start = std::ptr::from_ref(value.get().unwrap()).cast::<u8>();
    // SAFETY: it reads a number.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap();
    // The first of the value's pages begins with the slab's head, and the last one ends with padding. Farther off than
    // a byte beyond them may be anything, memory of another test too.
    let before = start.addr() - start.addr() % page - 1;
    let behind = (start.addr() + LEN).next_multiple_of(page);
    for (outside, inside) in [(before, before + 1), (behind, behind - 1)] {
        let reads = |address: usize| {
            child(|| {
                // SAFETY: none: outside, this is the fault.
                let _ = unsafe { start.with_addr(address).read_volatile() };
                true
            })
        };
        assert_eq!(libc::WTERMSIG(reads(inside)), 0, "{inside:x} of a value at {start:p}");
        assert_eq!(libc::WTERMSIG(reads(outside)), libc::SIGSEGV, "{outside:x} of a value at {start:p}");
    }
}
