//! Counters of each master key, and their text for Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::provider::Verb;
use crate::{OpError, What};

/// Further keys are counted together.
const KEYS_MAX: usize = 4_096;
/// Upper bounds of the histogram's buckets, in milliseconds.
const BOUNDS_MS: [u64; 10] = [1, 2, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000];

#[derive(Debug, Default)]
pub(crate) struct Stats(RwLock<BTreeMap<String, BTreeMap<String, Arc<Counters>>>>);

#[derive(Debug, Default)]
pub(crate) struct Counters {
    wraps: AtomicU64,
    unwraps: AtomicU64,
    pub(crate) hits: AtomicU64,
    pub(crate) misses: AtomicU64,
    calls: [AtomicU64; 4],
    /// Wraps and unwraps that failed: rare, so a lock will do.
    failed: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    call_failures: Mutex<BTreeMap<&'static str, u64>>,
    times: [AtomicU64; BOUNDS_MS.len() + 1],
    time_ns: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

impl Counters {
    pub(crate) fn ended(&self, what: What, outcome: &Result<(), OpError>) {
        let (name, well) = match what {
            What::Wrap => ("wraps", &self.wraps),
            What::Unwrap => ("unwraps", &self.unwraps),
        };
        match outcome {
            Ok(()) => count(well),
            Err(error) => bump(&self.failed, (name, error.label())),
        }
    }

    pub(crate) fn called(&self, verb: Verb) {
        count(&self.calls[verb_index(verb)]);
    }

    pub(crate) fn answered(&self, took_ns: u64, failure: Option<&OpError>) {
        let bucket = BOUNDS_MS.iter().position(|ms| took_ns <= ms * 1_000_000).unwrap_or(BOUNDS_MS.len());
        count(&self.times[bucket]);
        self.time_ns.fetch_add(took_ns, Relaxed);
        if let Some(error) = failure {
            bump(&self.call_failures, error.label());
        }
    }
}

fn bump<K: Ord>(map: &Mutex<BTreeMap<K, u64>>, key: K) {
    *map.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
}

const VERBS: [&str; 4] = ["generate", "unwrap", "load_bucket_key", "store_bucket_key"];

fn verb_index(verb: Verb) -> usize {
    match verb {
        Verb::Generate => 0,
        Verb::Unwrap => 1,
        Verb::LoadBucketKey => 2,
        Verb::StoreBucketKey => 3,
    }
}

impl Stats {
    pub(crate) fn of(&self, provider: &str, key_id: &str) -> Arc<Counters> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counters) = known.get(provider).and_then(|keys| keys.get(key_id)) {
            return Arc::clone(counters);
        }
        drop(known);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_full = all.values().map(BTreeMap::len).sum::<usize>() >= KEYS_MAX;
        let (provider, key_id) = if is_full { ("", "") } else { (provider, key_id) };
        Arc::clone(all.entry(provider.into()).or_default().entry(key_id.into()).or_default())
    }

    /// The counters as Prometheus text, version 0.0.4.
    pub(crate) fn text(&self, entries: usize) -> String {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<(String, &Counters)> = all
            .iter()
            .flat_map(|(provider, keys)| keys.iter().map(move |(id, counters)| (labels(provider, id), &**counters)))
            .collect();
        let mut text = Text(String::new());
        text.header("ossenc_cache_entries", "gauge", "Keys that are kept.");
        text.line("ossenc_cache_entries", "", entries as u64);
        for (what, help) in [("wraps", "Data keys wrapped."), ("unwraps", "Data keys unwrapped.")] {
            let name = format!("ossenc_{what}_total");
            text.header(&name, "counter", help);
            for (labels, counters) in &keys {
                let well = if what == "wraps" { &counters.wraps } else { &counters.unwraps };
                text.line(&name, &format!("{labels},outcome=\"ok\""), well.load(Relaxed));
                let failed = counters.failed.lock().unwrap_or_else(PoisonError::into_inner);
                for ((_, outcome), n) in failed.iter().filter(|((which, _), _)| *which == what) {
                    text.line(&name, &format!("{labels},outcome=\"{outcome}\""), *n);
                }
            }
        }
        text.header("ossenc_cache_hits_total", "counter", "Keys that were found.");
        keys.iter().for_each(|(labels, c)| text.line("ossenc_cache_hits_total", labels, c.hits.load(Relaxed)));
        text.header("ossenc_cache_misses_total", "counter", "Keys that had to be asked or waited for.");
        keys.iter().for_each(|(labels, c)| text.line("ossenc_cache_misses_total", labels, c.misses.load(Relaxed)));
        text.header("ossenc_kms_calls_total", "counter", "Calls that were asked for.");
        for (labels, counters) in &keys {
            for (verb, n) in VERBS.iter().zip(&counters.calls) {
                text.line("ossenc_kms_calls_total", &format!("{labels},verb=\"{verb}\""), n.load(Relaxed));
            }
        }
        text.header("ossenc_kms_failures_total", "counter", "Calls that failed.");
        for (labels, counters) in &keys {
            for (status, n) in &*counters.call_failures.lock().unwrap_or_else(PoisonError::into_inner) {
                text.line("ossenc_kms_failures_total", &format!("{labels},status=\"{status}\""), *n);
            }
        }
        text.header("ossenc_kms_call_seconds", "histogram", "From the ask to its answer.");
        keys.iter().for_each(|(labels, counters)| text.histogram(labels, counters));
        text.0
    }
}

fn labels(provider: &str, key_id: &str) -> String {
    let escaped = key_id.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("provider=\"{provider}\",key_id=\"{escaped}\"")
}

struct Text(String);

impl Text {
    fn header(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: u64) {
        let _ = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}")
        };
    }

    fn histogram(&mut self, labels: &str, counters: &Counters) {
        let mut sum = 0;
        for (i, n) in counters.times.iter().enumerate() {
            sum += n.load(Relaxed);
            let bound = BOUNDS_MS.get(i).map_or("+Inf".into(), |ms| (*ms as f64 / 1_000.0).to_string());
            self.line("ossenc_kms_call_seconds_bucket", &format!("{labels},le=\"{bound}\""), sum);
        }
        let seconds = counters.time_ns.load(Relaxed) as f64 / 1e9;
        let _ = writeln!(self.0, "ossenc_kms_call_seconds_sum{{{labels}}} {seconds}");
        self.line("ossenc_kms_call_seconds_count", labels, sum);
    }
}
