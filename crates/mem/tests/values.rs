//! Values of all sizes and alignments, by many threads, over millions of cycles: each in its place, each wiped, none lost.
//!
//! AddressSanitizer and ThreadSanitizer find nothing:
//!
//!     T="--target x86_64-unknown-linux-gnu -p ossenc-mem --no-fail-fast" S="--skip leave_nothing --skip fit_and_go_back"
//!     ASAN_OPTIONS=handle_segv=0 RUSTFLAGS=-Zsanitizer=address cargo +nightly test $T --tests -- $S \
//!         --skip holds_no_key --skip a_lock_that_is_required --skip the_kernel_says_so_too
//!     RUSTFLAGS=-Zsanitizer=thread cargo +nightly test -Zbuild-std $T --test values --test fork -- $S --skip eight_threads
//!
//! What is skipped they cannot do: both add memory of their own to what is counted; AddressSanitizer makes `mlock` do
//! nothing and a dump terabytes long; ThreadSanitizer does not follow threads that start in a forked child of several.

#[cfg(target_os = "linux")]
mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use ossenc_mem::{Error, Guarded, GuardedBytes, Lock};

#[test]
fn bytes_of_any_length() {
    for len in [0, 1, 32, 4_096, 100_000] {
        let mut bytes = GuardedBytes::zeroed(Lock::Off, len).unwrap();
        assert_eq!(bytes.get(), Ok(&vec![0; len][..]));
        bytes.get_mut().unwrap().fill(0xa5);
        assert_eq!(bytes.get(), Ok(&vec![0xa5; len][..]));
        assert_eq!(bytes.protection(), ossenc_mem::protection(Lock::Off).unwrap());
    }
    assert_eq!(GuardedBytes::zeroed(Lock::Off, usize::MAX).err(), Some(Error::NoMemory));
    assert_eq!(GuardedBytes::zeroed(Lock::Off, isize::MAX as usize).err(), Some(Error::NoMemory));
}

#[test]
fn sizes_and_alignments() {
    #[repr(align(64))]
    struct Line([u8; 640]);
    #[repr(align(4096))]
    struct Page([u8; 4096]);

    fn check<T>(value: T, bytes: impl Fn(&T) -> &[u8]) {
        let expected = bytes(&value).to_vec();
        let values: Vec<_> = (0..3).map(|_| Guarded::make(Lock::Off, || copy(&value)).unwrap()).collect();
        for guarded in &values {
            let inside = guarded.get().unwrap();
            assert_eq!(std::ptr::from_ref(inside).addr() % align_of::<T>(), 0);
            assert_eq!(bytes(inside), expected);
        }
    }
    /// For this test's types, all plain bytes.
    fn copy<T>(value: &T) -> T {
        // SAFETY: only called with arrays of bytes.
        unsafe { std::ptr::read(value) }
    }
    fn sized<const N: usize>() {
        check([0xa5_u8; N], |bytes| bytes);
    }
    sized::<0>();
    sized::<1>();
    sized::<47>();
    sized::<48>();
    sized::<49>();
    sized::<700>();
    sized::<3_000>();
    sized::<8_176>();
    sized::<8_177>();
    sized::<65_536>();
    sized::<100_000>();
    check(Line([1; 640]), |line| &line.0);
    check(Page([1; 4096]), |page| &page.0);
}

#[test]
fn neighbours_keep_apart() {
    let mut values: Vec<_> = (0..5_000_u64).map(|i| Guarded::new(Lock::Off, [i; 87]).unwrap()).collect();
    for value in &mut values {
        for word in value.get_mut().unwrap() {
            *word = !*word;
        }
    }
    for (i, value) in values.iter().enumerate() {
        assert_eq!(value.get(), Ok(&[!(i as u64); 87]));
    }
}

/// Looks at a place after its value is gone, before anybody else gets it. The second value keeps the slab mapped.
#[test]
fn a_dropped_value_is_wiped() {
    type Odd = [u32; 1501]; // a size that no other test here uses: its slots are this test's own
    let stays = Guarded::new(Lock::Off, [1; 1501]).unwrap();
    let goes = Guarded::new(Lock::Off, [0xdead_beef; 1501]).unwrap();
    let place: *const Odd = goes.get().unwrap();
    // SAFETY: in a slab that stays mapped, and of a size that nobody else asks for.
    let look = || unsafe { place.read_volatile() };
    assert_eq!(look(), [0xdead_beef; 1501]);
    drop(goes);
    assert_eq!(look(), [0; 1501]);

    // So is what a making left behind that failed, or panicked.
    let mut seen = std::ptr::null();
    let failed = Guarded::<Wide>::filled(Lock::Off, |wide| {
        wide.0.fill(0xdead_beef);
        seen = &raw const wide.0;
        Err(Error::NoMemory)
    });
    assert!(failed.is_err() && seen == place && look() == [0; 1501]);
    let panicked = std::panic::catch_unwind(|| {
        Guarded::<Wide>::filled(Lock::Off, |wide| {
            wide.0.fill(0xdead_beef);
            if wide.0[0] != 0 { panic!("on purpose") } else { Ok::<(), Error>(()) }
        })
    });
    assert!(panicked.is_err() && look() == [0; 1501]);
    drop(stays);
}

struct Wide([u32; 1501]);

impl Default for Wide {
    fn default() -> Wide {
        Wide([0; 1501])
    }
}

#[test]
fn a_value_is_dropped_once_and_its_place_given_back_even_if_that_panics() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Panics([u8; 6_500]);
    impl Drop for Panics {
        fn drop(&mut self) {
            DROPS.fetch_add(1, Ordering::Relaxed);
            assert!(self.0[0] != 1, "on purpose");
        }
    }
    let keeps = Guarded::new(Lock::Off, Panics([0; 6_500])).unwrap();
    let value = Guarded::new(Lock::Off, Panics([1; 6_500])).unwrap();
    let place = &raw const value.get().unwrap().0;
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(value))).is_err());
    assert_eq!(DROPS.load(Ordering::Relaxed), 1);
    let next = Guarded::new(Lock::Off, Panics([0; 6_500])).unwrap();
    assert_eq!(&raw const next.get().unwrap().0, place);
    drop((keeps, next));
    assert_eq!(DROPS.load(Ordering::Relaxed), 3);
}

#[test]
fn sixteen_threads_make_pass_on_and_drop() {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..16).map(|_| mpsc::channel::<(u64, Guarded<[u64; 50]>)>()).unzip();
    thread::scope(|scope| {
        for (t, receiver) in receivers.into_iter().enumerate() {
            let next = senders[(t + 1) % 16].clone();
            scope.spawn(move || {
                for i in 0..5_000 {
                    let seed = (t as u64) << 32 | i;
                    let value = Guarded::new(Lock::Off, [seed; 50]).unwrap();
                    if i % 2 == 0 {
                        drop(next.send((seed, value)));
                    } else {
                        assert_eq!(value.get(), Ok(&[seed; 50]));
                    }
                    for (seed, value) in receiver.try_iter() {
                        assert_eq!(value.get(), Ok(&[seed; 50]));
                    }
                }
                drop(next);
                for (seed, value) in receiver {
                    assert_eq!(value.get(), Ok(&[seed; 50]));
                }
            });
        }
        drop(senders);
    });
}

/// In a child, where no other test's values are counted.
#[cfg(target_os = "linux")]
#[test]
fn a_million_cycles_leave_nothing_behind() {
    common::in_child(|| {
        let mut held = std::collections::VecDeque::with_capacity(1_000);
        let cycle = |held: &mut std::collections::VecDeque<Guarded<[u64; 50]>>, count: u64| {
            for i in 0..count {
                held.push_back(Guarded::new(Lock::Off, [i; 50]).unwrap());
                if held.len() == 1_000 {
                    held.drain(..if i % 3 == 0 { 900 } else { 1 });
                }
            }
        };
        cycle(&mut held, 10_000);
        let before = common::footprint();
        cycle(&mut held, 1_000_000);
        let after = common::footprint();
        for _ in 0..3_000 {
            drop(Guarded::new(Lock::Off, [1_u8; 50_000]).unwrap());
        }
        let large = common::footprint();
        let same = |a: (usize, usize), b: (usize, usize)| a.0.abs_diff(b.0) <= 4 && a.1.abs_diff(b.1) <= 512;
        same(before, after) && same(before, large)
    });
}

/// 100,000 values of each of two sizes are far below the limit that open objects have, and go back when dropped.
#[cfg(target_os = "linux")]
#[test]
fn a_hundred_thousand_fit_and_go_back() {
    common::in_child(|| {
        drop(Guarded::new(Lock::Off, 1).unwrap());
        let before = common::footprint();
        let values: Vec<_> = (0..100_000)
            .map(|_| (Guarded::new(Lock::Off, [1_u8; 700]).unwrap(), Guarded::new(Lock::Off, [1_u8; 40]).unwrap()))
            .collect();
        let full = common::footprint();
        drop(values);
        let after = common::footprint();
        full.1 - before.1 < 90_000 && full.0 - before.0 < 1_000 && after.0 - before.0 < 10 && after.1 - before.1 < 3_000
    });
}

/// Sends and shares exactly what a box would; the other half is a compile-fail test of the crate's documentation.
#[test]
fn send_and_sync_as_a_box() {
    fn sends<T: Send>() {}
    fn shares<T: Sync>() {}
    sends::<Guarded<std::cell::Cell<u32>>>();
    shares::<Guarded<u32>>();
    assert_eq!(size_of::<Option<Guarded<[u8; 700]>>>(), size_of::<usize>());
    assert_eq!(format!("{:?}", Guarded::new(Lock::Off, 4_711).unwrap()), "Guarded { .. }");
}
