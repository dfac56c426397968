//! The ratios that the project set itself, for a CPU with AVX-512 and VAES, each from within one run.

use std::fmt::Write;

use super::samples::Samples;
use super::size_name;

/// `name` shall be at least `ratio` times as fast as `other`.
struct Goal {
    op: &'static str,
    sizes: &'static [(usize, f64)],
    name: &'static str,
    other: Other,
}

/// Who is compared with.
enum Other {
    One(&'static str),
    /// The fastest of several.
    Best(&'static [&'static str]),
    /// An implementation at another operation.
    At(&'static str, &'static str),
}

const KIB: usize = 1_024;
const MIB: usize = 1_024 * KIB;
const GCM: &[(usize, f64)] = &[(KIB, 2.15), (4 * KIB, 1.45), (16 * KIB, 1.18), (64 * KIB, 1.13), (MIB, 1.10)];
const PEERS: &[&str] = &["aws-lc-rs", "ring", "graviola", "openssl", "aes-gcm"];

const fn from_16_kib(ratio: f64) -> [(usize, f64); 3] {
    [(16 * KIB, ratio), (64 * KIB, ratio), (MIB, ratio)]
}

const GOALS: &[Goal] = &[
    Goal { op: "gcm_seal", sizes: GCM, name: "ossenc", other: Other::One("aws-lc-rs") },
    Goal { op: "gcm_open", sizes: GCM, name: "ossenc", other: Other::One("aws-lc-rs") },
    Goal {
        op: "fresh_seal",
        sizes: &[(32, 1.0), (KIB, 1.2), (4 * KIB, 1.3)],
        name: "ossenc",
        other: Other::One("aws-lc-rs"),
    },
    Goal {
        op: "gcm_seal",
        sizes: &[(64 * KIB, 0.81), (MIB, 0.81)],
        name: "ossenc",
        other: Other::At("bound", "ctr-bound"),
    },
    Goal { op: "gcm_seal", sizes: &from_16_kib(1.2), name: "ossenc-256", other: Other::One("ring") },
    Goal { op: "gcm_open", sizes: &from_16_kib(1.2), name: "ossenc-256", other: Other::One("ring") },
    Goal { op: "gcm_seal", sizes: &from_16_kib(1.08), name: "ossenc-128", other: Other::One("openssl-aesni") },
    Goal { op: "gcm_open", sizes: &from_16_kib(1.08), name: "ossenc-128", other: Other::One("openssl-aesni") },
    Goal { op: "message_seal", sizes: &[(MIB, 1.18)], name: "ossenc", other: Other::Best(PEERS) },
    Goal { op: "message_seal", sizes: &[(MIB, 1.6)], name: "ossenc", other: Other::One("fast-floe") },
    Goal {
        op: "message_seal",
        sizes: &[(MIB, 1.03)],
        name: "ossenc-kernel",
        other: Other::One("ossenc-kernel-chunkwise"),
    },
    Goal {
        op: "message_seal",
        sizes: &[(8 * MIB, 1.8), (64 * MIB, 1.8)],
        name: "ossenc-segment-2-threads",
        other: Other::One("ossenc-segment-1-thread"),
    },
    Goal { op: "object_seal", sizes: &[(4 * KIB, 1.0 / 1.5)], name: "ossenc", other: Other::One("aws-lc-rs") },
    Goal { op: "object_open", sizes: &[(4 * KIB, 1.0 / 1.5)], name: "ossenc", other: Other::One("aws-lc-rs") },
    Goal {
        op: "object_rewrap",
        sizes: &[(4 * KIB, 0.5)],
        name: "ossenc",
        other: Other::At("object_seal", "aws-lc-rs"),
    },
];

/// Rewraps of local envelopes a second, on one core.
const REWRAPS: f64 = 200_000.0;

/// A line for each goal that was measured.
#[must_use]
pub fn goals(samples: &Samples) -> String {
    let mut out = String::from("\nGoals (for a CPU with AVX-512 and VAES): ratio of speeds, at least\n");
    for goal in GOALS {
        for (size, at_least) in goal.sizes {
            let Some((other, ratio)) = goal.measure(samples, *size) else { continue };
            let verdict = if ratio >= *at_least { "" } else { "  BELOW" };
            let what = format!("{} of {} by {} against {other}", goal.op, size_name(*size), goal.name);
            writeln!(out, "{what:72}{ratio:6.2}{at_least:6.2}{verdict}").expect("memory");
        }
    }
    if let Some(ns) = samples.ns("object_rewrap", 4 * KIB, "ossenc") {
        let (rate, verdict) = (1e9 / ns, if 1e9 / ns >= REWRAPS { "" } else { "  BELOW" });
        writeln!(out, "{:72}{rate:8.0}{REWRAPS:8.0}{verdict}", "rewraps a second and core by ossenc").expect("memory");
    }
    out
}

impl Goal {
    /// Against whom, and how many times faster.
    fn measure(&self, samples: &Samples, size: usize) -> Option<(String, f64)> {
        let (other, ns) = match self.other {
            Other::One(other) => (other.to_owned(), samples.ns(self.op, size, other)?),
            Other::At(op, other) => (format!("{op}'s {other}"), samples.ns(op, size, other)?),
            Other::Best(others) => others
                .iter()
                .filter_map(|other| Some((format!("the best, {other}"), samples.ns(self.op, size, other)?)))
                .min_by(|a, b| a.1.total_cmp(&b.1))?,
        };
        Some((other, ns / samples.ns(self.op, size, self.name)?))
    }
}
