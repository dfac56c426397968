//! What protected memory costs, next to a box: `cargo run --release -p ossenc-mem --example cost`

use std::hint::black_box;
use std::thread;
use std::time::Instant;

use ossenc_mem::{Guarded, Lock};

type State = [u64; 50];
type Schedule = [u64; 88];

fn main() {
    println!("one call, the best of 7 runs");
    let guarded = Guarded::new(Lock::Off, [1; 50]).unwrap();
    let boxed: Box<State> = Box::new([1; 50]);
    line("get and read a word", || black_box(&guarded).get().unwrap()[7]);
    line("  box", || black_box(&boxed)[7]);
    line("400 bytes, made and dropped", || Guarded::<State>::make(Lock::Off, || [black_box(1); 50]).unwrap());
    line("  box, not wiped", || Box::<State>::new([black_box(1); 50]));
    line("704 bytes, made and dropped", || Guarded::<Schedule>::make(Lock::Off, || [black_box(1); 88]).unwrap());
    line("  moved in", || Guarded::<Schedule>::new(Lock::Off, [black_box(1); 88]).unwrap());
    line("  box, not wiped", || Box::<Schedule>::new([black_box(1); 88]));
    line("704 bytes, locked", || Guarded::<Schedule>::make(Lock::Required, || [black_box(1); 88]).unwrap());
    line("16 KiB, a mapping of its own", || Guarded::<[u64; 2048]>::make(Lock::Off, || [black_box(1); 2048]).unwrap());
    for threads in [1, 2, 4, 8, 16] {
        let start = Instant::now();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    for _ in 0..1_000_000 {
                        drop(black_box(Guarded::<State>::make(Lock::Off, || [black_box(1); 50]).unwrap()));
                    }
                });
            }
        });
        let rate = f64::from(threads) / start.elapsed().as_secs_f64();
        println!("{threads:3} threads make and drop 400 bytes: {rate:6.1} million a second together");
    }
    let before = resident();
    let values: Vec<_> = (0..100_000)
        .map(|i: u64| (Guarded::new(Lock::Off, [i; 88]).unwrap(), Guarded::new(Lock::Off, [i; 5]).unwrap()))
        .collect();
    println!("100,000 values of 704 bytes and as many of 40: {:.1} MB resident", resident() - before);
    drop(values);
    println!("  after they were dropped: {:.1} MB", resident() - before);
}

fn line<R>(name: &str, mut call: impl FnMut() -> R) {
    const CALLS: u32 = 200_000;
    let best = (0..7)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..CALLS {
                black_box(call());
            }
            start.elapsed() / CALLS.div_ceil(1_000)
        })
        .min();
    println!("{:8.2} ns  {name}", best.unwrap().as_nanos() as f64 / 1e3);
}

/// Resident megabytes of this process; 0 where that cannot be told.
fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: f64 = pages.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0.0);
    pages * 4096.0 / 1e6
}
