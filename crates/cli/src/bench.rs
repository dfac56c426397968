//! `ossenc bench`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use clap::Args;
use ossenc::{Change, Context, Engine, Keystore, Layout, Object, Recipient, Secret, Shape};
use serde::Serialize;

use crate::app::App;
use crate::fail::Failure;
use crate::out::grouped;

const SIZES: [usize; 5] = [4 << 10, 16 << 10, 64 << 10, 1 << 20, 16 << 20];

const WHAT: &str = if cfg!(debug_assertions) {
    "an unoptimised build: the figures mean nothing"
} else {
    "the library alone, one thread, in memory; 1 MB = 1,000,000 bytes"
};

/// Measure how fast this machine seals and opens
///
/// The library alone: one thread, bodies in memory, no files, no peers beside it. `make bench` of the sources measures it
/// beside other libraries. A busy machine, or one whose clock changes, gives other figures the next time.
#[derive(Args)]
pub(crate) struct Bench {
    /// Milliseconds for each figure
    #[arg(long, value_name = "MS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    milliseconds: u64,
}

#[derive(Serialize)]
struct Report {
    cpu: String,
    instructions: String,
    threads: u32,
    what: &'static str,
    sizes: Vec<Speed>,
}

#[derive(Serialize)]
struct Speed {
    bytes: usize,
    seal_mb_per_s: u64,
    open_mb_per_s: u64,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}, {}; {}", self.cpu, self.instructions, self.what)?;
        writeln!(f, "  {:>12}  {:>12}  {:>12}", "body bytes", "seal MB/s", "open MB/s")?;
        for speed in &self.sizes {
            let (seal, open) = (grouped(speed.seal_mb_per_s), grouped(speed.open_mb_per_s));
            writeln!(f, "  {:>12}  {seal:>12}  {open:>12}", grouped(speed.bytes as u64))?;
        }
        Ok(())
    }
}

pub(crate) fn run(app: &App, args: &Bench) -> Result<(), Failure> {
    let object = object(&app.engine, app.now).map_err(|error| Failure::core("bench", error))?;
    let each = Duration::from_millis(args.milliseconds);
    let sizes = SIZES.into_iter().map(|bytes| measure(&object, bytes, each)).collect::<ossenc::Result<Vec<_>>>();
    app.out.report(&Report {
        cpu: cpu(),
        instructions: format!("{:?}", app.engine.isa()),
        threads: 1,
        what: WHAT,
        sizes: sizes.map_err(|error| Failure::core("bench", error))?,
    })
}

/// An object of a keystore that nobody keeps.
fn object(engine: &Engine, now: u64) -> ossenc::Result<Object> {
    let root_key = Secret::new(&[1; 32]);
    let image = Keystore::init(engine, "bench", &root_key)?;
    let keystore = Keystore::load(engine, &image, &root_key, 1)?;
    let image = keystore.apply(engine, &Change::Create { key_id: "bench" }, now)?;
    let keystore = Keystore::load(engine, &image, &root_key, 2)?;
    let recipient = Recipient::oss("bench");
    Ok(Object::create(engine, &keystore, &recipient, &Context::default(), Shape::Single, now)?.0)
}

fn measure(object: &Object, bytes: usize, each: Duration) -> ossenc::Result<Speed> {
    let mut plain = vec![0x5a; bytes];
    let mut body = vec![0; usize::try_from(ossenc::message::size::sealed_len(bytes as u64)?).expect("small")];
    let seal = timed(bytes, each, || object.seal(0, Layout::Inline, black_box(&plain), &mut body, &mut []).map(drop))?;
    let open = timed(bytes, each, || object.open_body(0, black_box(&body), &mut plain).map(drop))?;
    Ok(Speed { bytes, seal_mb_per_s: seal, open_mb_per_s: open })
}

/// Bytes a microsecond, after a first round that does not count.
fn timed(bytes: usize, each: Duration, mut work: impl FnMut() -> ossenc::Result<()>) -> ossenc::Result<u64> {
    work()?;
    let (begin, mut rounds) = (Instant::now(), 0u64);
    loop {
        work()?;
        rounds += 1;
        let elapsed = begin.elapsed();
        if elapsed >= each {
            return Ok((bytes as u128 * u128::from(rounds) / elapsed.as_micros().max(1)) as u64);
        }
    }
}

fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    named.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| crate::out::name(name.trim()))
}
