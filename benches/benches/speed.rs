//! Every implementation at every operation and size, by criterion.
//!
//! All of them run several times over, in passes, and within a pass neighbours in the table are neighbours in time, so
//! that a machine's moods hit all alike. Each pass leaves its samples below `$OSSENC_BENCH_DIR/pass-N`; the program `report`
//! makes a table of them. `run.sh` does all of this. Arguments are criterion's own: `-- gcm_seal/` runs one operation.

use std::path::PathBuf;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput};
use ossenc_benches::buffer::Buffer;
use ossenc_benches::clock::Clock;
use ossenc_benches::peers::{Peer, Visit, others, ours};
use ossenc_benches::{bound, messages, objects, steps};

type Group<'c> = BenchmarkGroup<'c, WallTime>;

const KIB: usize = 1_024;
const MIB: usize = 1_024 * KIB;
const GCM_SIZES: [usize; 5] = [KIB, 4 * KIB, 16 * KIB, 64 * KIB, MIB];
const FRESH_SIZES: [usize; 3] = [32, KIB, 4 * KIB];
const MESSAGE_SIZES: [usize; 4] = [4 * KIB, MIB, 8 * MIB, 64 * MIB];
const OBJECT_SIZE: usize = 4 * KIB;
/// From here on a step takes so long that fewer samples must do.
const LONG: usize = 8 * MIB;
/// Such long steps are measured in one of so many passes.
const LONG_EVERY: usize = 4;

fn main() {
    #[cfg(feature = "openssl")]
    if ossenc_benches::worker::is_worker() {
        return;
    }
    let dir = std::env::var_os("OSSENC_BENCH_DIR").map_or("target/bench/samples".into(), PathBuf::from);
    let passes = std::env::var("OSSENC_BENCH_PASSES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_usize);
    for pass in 1..=passes {
        eprintln!("pass {pass} of {passes}");
        let mut criterion = Criterion::default()
            .without_plots()
            .output_directory(&dir.join(format!("pass-{pass:02}")))
            .nresamples(1_001)
            .warm_up_time(Duration::from_millis(6))
            .configure_from_args();
        gcm(&mut criterion);
        fresh_seal(&mut criterion);
        for size in MESSAGE_SIZES {
            if size < LONG || pass % LONG_EVERY == 1 {
                whole_messages(&mut criterion, size);
            }
        }
        whole_objects(&mut criterion);
    }
}

fn measure(group: &mut Group<'_>, name: &str, size: usize, step: impl FnMut()) {
    measure_by(Clock::Thread, group, name, size, step);
}

fn measure_by(clock: Clock, group: &mut Group<'_>, name: &str, size: usize, mut step: impl FnMut()) {
    set(group, size).bench_function(BenchmarkId::new(name, size), |b| {
        b.iter_custom(|steps| clock.time(steps, &mut step));
    });
}

/// Sets how a step over `size` bytes is sampled: shortly, so that few samples hold an interruption.
fn set<'g, 'c>(group: &'g mut Group<'c>, size: usize) -> &'g mut Group<'c> {
    group
        .throughput(Throughput::Bytes(size as u64))
        .sampling_mode(SamplingMode::Flat)
        .sample_size(if size < LONG { 20 } else { 10 })
        .measurement_time(Duration::from_millis(if size < LONG { 16 } else { 100 }))
}

/// Makes a step of a peer, and measures it.
struct Measure<'g, 'c, F> {
    group: &'g mut Group<'c>,
    size: usize,
    make: F,
}

/// What to measure of a peer.
trait Make {
    fn step<P: Peer>(&self, peer: P, size: usize) -> impl FnMut();
}

impl<F: Make> Visit for Measure<'_, '_, F> {
    fn visit<P: Peer>(&mut self, peer: P) {
        measure(self.group, peer.name(), self.size, self.make.step(peer, self.size));
    }
}

struct Seal;

impl Make for Seal {
    fn step<P: Peer>(&self, peer: P, size: usize) -> impl FnMut() {
        steps::seal(peer, size)
    }
}

struct Open;

impl Make for Open {
    fn step<P: Peer>(&self, peer: P, size: usize) -> impl FnMut() {
        steps::open(peer, size)
    }
}

struct FreshSeal;

impl Make for FreshSeal {
    fn step<P: Peer>(&self, peer: P, size: usize) -> impl FnMut() {
        steps::fresh_seal(peer, size)
    }
}

/// The bounds are measured between sealing and opening of the same size, for ratios to them.
fn gcm(criterion: &mut Criterion) {
    #[cfg(all(feature = "openssl", target_arch = "x86_64"))]
    let mut worker = ossenc_benches::worker::Worker::start();
    for size in GCM_SIZES {
        let mut seal = criterion.benchmark_group("gcm_seal");
        visit_all(&mut seal, size, &Seal);
        #[cfg(all(feature = "openssl", target_arch = "x86_64"))]
        capped_openssl(&mut seal, "gcm_seal", size, &mut worker);
        seal.finish();
        bounds(criterion, size);
        let mut open = criterion.benchmark_group("gcm_open");
        visit_all(&mut open, size, &Open);
        #[cfg(all(feature = "openssl", target_arch = "x86_64"))]
        capped_openssl(&mut open, "gcm_open", size, &mut worker);
    }
}

#[cfg(all(feature = "openssl", target_arch = "x86_64"))]
fn capped_openssl(group: &mut Group<'_>, op: &str, size: usize, worker: &mut ossenc_benches::worker::Worker) {
    set(group, size).bench_function(BenchmarkId::new("openssl-aesni", size), |b| {
        b.iter_custom(|steps| worker.time(op, size, steps));
    });
}

fn fresh_seal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fresh_seal");
    for size in FRESH_SIZES {
        visit_all(&mut group, size, &FreshSeal);
    }
}

fn visit_all(group: &mut Group<'_>, size: usize, make: &impl Make) {
    let mut visitor = Measure { group, size, make };
    ours(&mut visitor);
    others(&mut visitor);
}

impl<F: Make> Make for &F {
    fn step<P: Peer>(&self, peer: P, size: usize) -> impl FnMut() {
        (**self).step(peer, size)
    }
}

fn whole_messages(criterion: &mut Criterion, size: usize) {
    let mut plain = Buffer::new(size);
    let mut sealed = Buffer::new(messages::room(size));
    let mut all = messages::all();
    all.retain(|messages| messages.takes(size));
    let mut group = criterion.benchmark_group("message_seal");
    for messages in &mut all {
        measure_by(messages.clock(), &mut group, messages.name(), size, || {
            messages.seal(&plain, &mut sealed);
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("message_open");
    for messages in &mut all {
        let len = messages.seal(&plain, &mut sealed);
        measure_by(messages.clock(), &mut group, messages.name(), size, || messages.open(&sealed[..len], &mut plain));
    }
    group.finish();
    if size >= LONG {
        bounds(criterion, size);
        let mut group = criterion.benchmark_group("bound");
        measure_by(Clock::Wall, &mut group, "copy-2-threads", size, bound::copy_by_two(size));
    }
}

fn bounds(criterion: &mut Criterion, size: usize) {
    let mut group = criterion.benchmark_group("bound");
    for (name, step) in bound::counter_modes(size) {
        measure(&mut group, name, size, step);
    }
    measure(&mut group, "copy", size, bound::copy(size));
}

fn whole_objects(criterion: &mut Criterion) {
    let mut plain = Buffer::new(OBJECT_SIZE);
    let mut all = objects::all(OBJECT_SIZE);
    let mut group = criterion.benchmark_group("object_seal");
    for objects in &mut all {
        measure(&mut group, objects.name(), OBJECT_SIZE, || objects.seal(&plain));
    }
    group.finish();
    let mut group = criterion.benchmark_group("object_open");
    for objects in &mut all {
        objects.seal(&plain);
        measure(&mut group, objects.name(), OBJECT_SIZE, || objects.open(&mut plain));
    }
    group.finish();
    let mut group = criterion.benchmark_group("object_rewrap");
    for objects in all.iter_mut().filter(|objects| objects.wraps()) {
        measure(&mut group, objects.name(), OBJECT_SIZE, || objects.rewrap());
    }
}
