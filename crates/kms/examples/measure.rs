//! Measures what fleets cost: rewrapping envelopes in memory, and opening small sealed files beside a plain read of the same
//! files. `make bench-files`, or: cargo run --release -p ossenc-kms --example measure -- [FILES] [BYTES] [FOLDER]
//!
//! The files are made below FOLDER (a temporary one), and removed. Reads are measured warm, from the page cache, and cold,
//! after the kernel was asked to forget the files; plain and sealed take turns, and the median of the passes counts.

use std::error::Error;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use ossenc::{Change, Engine, Expect, Keystore, Method, Object, Recipient, Secret, Shape};
use ossenc_kms::fleet::{KeyRewrapper, Location, Place, Rewrapper};
use ossenc_kms::sealed_file::{Create, SealedFile, create};

const NOW: u64 = 1_800_000_000;
const EXPECT: Expect<'_> = Expect { methods: &[Method::SseOss], key_ids: &["oss"] };
const ENVELOPES: usize = 20_000;
const BATCH: usize = 200;
const PASSES: usize = 5;
const PER_FOLDER: usize = 1_000;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

struct Store {
    engine: Engine,
    keystore: Keystore,
}

impl Store {
    fn new() -> ossenc::Result<Store> {
        let (engine, root_key) = (Engine::new()?, Secret::new(&[7; 32]));
        let empty = Keystore::load(&engine, &Keystore::init(&engine, "root", &root_key)?, &root_key, 1)?;
        let store = Store { keystore: empty, engine };
        store.after(&Change::Create { key_id: "oss" })
    }

    fn after(self, change: &Change<'_>) -> ossenc::Result<Store> {
        let image = self.keystore.apply(&self.engine, change, NOW)?;
        let keystore = Keystore::load(&self.engine, &image, &Secret::new(&[7; 32]), 0)?;
        Ok(Store { keystore, ..self })
    }

    fn create(&self, place: &Place) -> ossenc::Result<(Object, Vec<u8>)> {
        place.with(|context| {
            Object::create(&self.engine, &self.keystore, &Recipient::oss("oss"), context, Shape::Single, NOW)
        })
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: usize| arguments.get(i).map_or(Ok(default), |text| text.parse());
    let (files, bytes) = (number(0, 100_000)?, number(1, 4_096)?);
    let folder = match arguments.get(2) {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    rewraps()?;
    reads(folder.path(), files, bytes)
}

/// One core, in memory: parsing, unwrapping under the old version, wrapping under the new one. The first decile of many
/// short times counts, as in `benches`: what it takes while nothing else disturbs it.
fn rewraps() -> Result<()> {
    let store = Store::new()?;
    let location = |i: usize| Location::at(Place::new("acme", "bucket-17", format!("object/{i}")));
    let all = (0..ENVELOPES).map(|i| Ok((store.create(&location(i).place)?.1, location(i))));
    let all = all.collect::<ossenc::Result<Vec<_>>>()?;
    let store = store.after(&Change::Stage { key_id: "oss" })?;
    let store = store.after(&Change::Promote { key_id: "oss", version: None })?;
    let rewrapper = KeyRewrapper::rotation(&store.engine, &store.keystore, EXPECT, NOW);
    let mut times = Vec::new();
    for batch in (0..PASSES).flat_map(|_| all.chunks(BATCH)) {
        let begin = Instant::now();
        for (envelope, location) in batch {
            black_box(rewrapper.rewrap(envelope, location)?);
        }
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    let rate = BATCH as f64 / times[times.len() / 10].as_secs_f64();
    println!("rewrap in memory, one core: {rate:.0} envelopes a second (goal: at least 200,000)");
    Ok(())
}

fn reads(folder: &Path, files: usize, bytes: usize) -> Result<()> {
    let store = Store::new()?;
    let paths: Vec<PathBuf> = (0..files).map(|i| folder.join(format!("{}/{i}", i / PER_FOLDER))).collect();
    for first in paths.iter().step_by(PER_FOLDER) {
        fs::create_dir(first.parent().expect("below the folder"))?;
    }
    // Each is synced, so many at once.
    spread(&paths, 16, |path| {
        let (object, envelope) = store.create(&place(path))?;
        create(path, &object, &envelope, &vec![0x5a; bytes][..], &Create::default())?;
        Ok(())
    })?;
    let plain = |path: &Path| {
        black_box(fs::read(path)?);
        Ok(())
    };
    let opened = |path: &Path| {
        let file = SealedFile::open(path)?;
        let object = place(path)
            .with(|context| Object::open(&store.engine, &store.keystore, file.envelope(), context, &EXPECT, NOW))?;
        let mut out = Vec::with_capacity(bytes);
        file.body(&object)?.reader().read_to_end(&mut out)?;
        if out.len() == bytes { Ok(()) } else { Err("a file of another length".into()) }
    };
    println!("{files} files of {bytes} bytes:");
    let cores = thread::available_parallelism()?.get();
    for threads in [1, cores] {
        for cold in [false, true] {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            for _ in 0..PASSES {
                a.push(timed(&paths, threads, cold, plain)?);
                b.push(timed(&paths, threads, cold, opened)?);
            }
            let (a, b) = (median(a).as_secs_f64(), median(b).as_secs_f64());
            let cache = if cold { "cold" } else { "warm" };
            println!("  {cache}, {threads} threads: read in {a:.3} s, opened in {b:.3} s: {:.2} times", b / a);
        }
    }
    Ok(())
}

fn place(path: &Path) -> Place {
    Place::new("acme", "bucket-17", path.file_name().expect("a name").as_encoded_bytes())
}

fn timed(paths: &[PathBuf], threads: usize, cold: bool, work: impl Fn(&Path) -> Result<()> + Sync) -> Result<Duration> {
    if cold {
        spread(paths, threads, |path| {
            Ok(rustix::fs::fadvise(File::open(path)?, 0, None, rustix::fs::Advice::DontNeed)?)
        })?;
    }
    let begin = Instant::now();
    spread(paths, threads, work)?;
    Ok(begin.elapsed())
}

fn spread(paths: &[PathBuf], threads: usize, work: impl Fn(&Path) -> Result<()> + Sync) -> Result<()> {
    let work = &work;
    thread::scope(|scope| {
        let share = paths.len().div_ceil(threads).max(1);
        let all: Vec<_> = paths
            .chunks(share)
            .map(|paths| scope.spawn(move || paths.iter().try_for_each(|path| work(path))))
            .collect();
        all.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
    })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
