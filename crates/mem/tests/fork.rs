//! What a forked child sees, in real forked processes.
#![cfg(target_os = "linux")]

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use common::in_child;
use ossenc_mem::{Forked, Guarded, GuardedBytes, Lock, protection};

type Key = [u64; 50];

#[test]
fn a_child_gets_an_error_and_the_parent_keeps_its_value() {
    let mut key = Guarded::new(Lock::Off, [7; 50]).unwrap();
    let unit = Guarded::new(Lock::Off, ()).unwrap();
    let large = Guarded::<[u8; 32]>::make(Lock::Off, || [9; 32]).unwrap();
    let larger = Guarded::new(Lock::Off, [5_u8; 100_000]).unwrap();
    assert!(key.protection().wiped_on_fork, "this kernel wipes");
    in_child(|| {
        key.get() == Err(Forked)
            && key.get_mut() == Err(Forked)
            && unit.get() == Err(Forked)
            && large.get() == Err(Forked)
            && larger.get() == Err(Forked)
            && !key.protection().wiped_on_fork
    });
    assert_eq!(key.get(), Ok(&[7; 50]));
    key.get_mut().unwrap()[0] = 8;
    assert_eq!(key.get().unwrap()[..2], [8, 7]);
    assert_eq!(larger.get(), Ok(&[5; 100_000]));
}

/// The error is not all: the bytes are gone.
#[test]
fn a_child_finds_zeros_where_the_value_was() {
    let key = Guarded::new(Lock::Off, [0xdead_beef_u64; 50]).unwrap();
    let place: *const Key = key.get().unwrap();
    // SAFETY: still mapped in the child, and nobody writes there.
    in_child(|| unsafe { place.read_volatile() } == [0; 50]);
    // SAFETY: `key` is alive.
    assert_eq!(unsafe { place.read_volatile() }, [0xdead_beef; 50]);
}

#[test]
fn a_child_has_none_of_its_parent_s_bytes() {
    let mut bytes = GuardedBytes::zeroed(Lock::Off, 5_000).unwrap();
    bytes.get_mut().unwrap().fill(0xa5);
    let place = bytes.get().unwrap().as_ptr();
    let mut bytes = Some(bytes);
    in_child(|| {
        let mut bytes = bytes.take().unwrap();
        let gone = bytes.get() == Err(Forked) && bytes.get_mut() == Err(Forked) && !bytes.protection().wiped_on_fork;
        // SAFETY: still mapped in the child, and nobody writes there.
        let wiped = (0..5_000).all(|i| unsafe { place.add(i).read_volatile() } == 0);
        drop(bytes);
        gone && wiped
    });
    assert_eq!(bytes.unwrap().get(), Ok(&[0xa5; 5_000][..]));
}

#[test]
fn a_child_makes_values_of_its_own_and_drops_old_ones() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Counts(#[allow(dead_code)] Box<u32>);
    impl Drop for Counts {
        fn drop(&mut self) {
            DROPS.fetch_add(1, Ordering::Relaxed);
        }
    }

    let old: Vec<_> = (0..1_000).map(|i| Guarded::new(Lock::Off, Counts(Box::new(i))).unwrap()).collect();
    let mut old = Some(old);
    in_child(|| {
        let new: Vec<_> = (0..1_000).map(|i| Guarded::new(Lock::Off, [i; 50]).unwrap()).collect();
        // The old values' own drop must not run: their boxes are null here.
        drop(old.take());
        let after: Vec<_> = (0..1_000).map(|i| Guarded::new(Lock::Off, [i; 50]).unwrap()).collect();
        let good = |values: &[Guarded<Key>]| (0..1_000).all(|i| values[i as usize].get() == Ok(&[i; 50]));
        good(&new) && good(&after) && DROPS.load(Ordering::Relaxed) == 0 && protection(Lock::Off).unwrap().wiped_on_fork
    });
    assert!(old.iter().flatten().all(|value| value.get().is_ok()));
    drop(old);
    assert_eq!(DROPS.load(Ordering::Relaxed), 1_000);
}

#[test]
fn a_child_of_a_child_likewise() {
    let first = Guarded::new(Lock::Off, [1_u64; 50]).unwrap();
    in_child(|| {
        let second = Guarded::new(Lock::Off, [2_u64; 50]).unwrap();
        in_child(|| {
            let third = Guarded::new(Lock::Off, [3_u64; 50]).unwrap();
            in_child(|| first.get().is_err() && second.get().is_err() && third.get().is_err());
            first.get().is_err() && second.get().is_err() && third.get() == Ok(&[3; 50])
        });
        first.get().is_err() && second.get() == Ok(&[2; 50])
    });
    assert_eq!(first.get(), Ok(&[1; 50]));
}

/// Most of these forks catch some thread in the middle of making or dropping a value, often with a lock held: without
/// the fresh start in the child, it would wait for ever.
#[test]
fn forks_while_eight_threads_make_and_drop() {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for seed in 0..8_u64 {
            let stop = &stop;
            scope.spawn(move || {
                let mut held = Vec::new();
                let mut i = seed;
                while !stop.load(Ordering::Relaxed) {
                    i = i.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    if held.len() < 300 && i >> 63 == 0 {
                        held.push((i, Guarded::new(Lock::Off, [i; 50]).unwrap()));
                    } else if !held.is_empty() {
                        let (expected, value) = held.swap_remove((i >> 33) as usize % held.len());
                        assert_eq!(value.get(), Ok(&[expected; 50]));
                    }
                }
            });
        }
        for _ in 0..100 {
            let old = Guarded::new(Lock::Off, [4_u64; 50]).unwrap();
            in_child(|| {
                let threads: Vec<_> = (0..2)
                    .map(|t| {
                        thread::spawn(move || {
                            let new: Vec<_> = (0..200).map(|i| Guarded::new(Lock::Off, [t + i; 50]).unwrap()).collect();
                            new.iter().enumerate().all(|(i, new)| new.get() == Ok(&[t + i as u64; 50]))
                        })
                    })
                    .collect();
                let good = threads.into_iter().all(|thread| thread.join().unwrap());
                let forked = old.get() == Err(Forked);
                drop(old);
                good && forked
            });
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// A value that is being made when its process forks is the parent's.
#[test]
fn a_fork_inside_the_making_leaves_an_error_in_the_child() {
    let mut child = -1;
    let made = Guarded::make(Lock::Off, || {
        // SAFETY: the child only looks at the value, and ends.
        child = unsafe { libc::fork() };
        [6_u8; 32]
    })
    .unwrap();
    if child == 0 {
        // SAFETY: ends the child without running the parent's exit handlers in it.
        unsafe { libc::_exit(i32::from(made.get() != Err(Forked))) };
    }
    let mut status = 0;
    // SAFETY: our child, and a place for its status.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!((status, made.get()), (0, Ok(&[6; 32])));
}
