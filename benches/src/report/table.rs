//! The table: GB/s, and how many times faster the library is.

use std::fmt::Write;

use super::samples::{Cell, Samples};
use super::{rank, size_name};

/// Operations in the table's order, their heading, and whether their unit is nanoseconds rather than GB/s.
const OPS: [(&str, &str, bool); 9] = [
    ("gcm_seal", "AES-256-GCM seal in place, GB/s", false),
    ("gcm_open", "AES-256-GCM open in place, GB/s", false),
    ("fresh_seal", "fresh key, then seal, ns", true),
    ("message_seal", "whole message seal, buffer to buffer, GB/s", false),
    ("message_open", "whole message open, buffer to buffer, GB/s", false),
    ("object_seal", "object: fresh data key, wrap, body, ns", true),
    ("object_open", "object: unwrap, open, ns", true),
    ("object_rewrap", "object: rewrap, ns", true),
    ("bound", "bounds, GB/s", false),
];

/// Every operation: a row for each implementation, a column for each size. In brackets: its time divided by that of `ossenc`.
#[must_use]
pub fn table(samples: &Samples) -> String {
    OPS.iter().map(|(op, title, nanoseconds)| section(samples, op, title, *nanoseconds)).collect()
}

fn section(samples: &Samples, op: &str, title: &str, nanoseconds: bool) -> String {
    let cells: Vec<&Cell> = samples.of(op).collect();
    let mut sizes: Vec<usize> = cells.iter().map(|cell| cell.size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut names: Vec<&str> = cells.iter().map(|cell| &cell.name[..]).collect();
    names.sort_unstable_by_key(|name| (rank(name), *name));
    names.dedup();
    if names.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{title}\n{:24}", "");
    for size in &sizes {
        write!(out, "{:>17}", size_name(*size)).expect("memory");
    }
    for name in names {
        write!(out, "\n{name:24}").expect("memory");
        for size in &sizes {
            let cell = cells.iter().find(|cell| cell.size == *size && cell.name == name);
            let ours = samples.ns(op, *size, "ossenc");
            write!(out, "{:>17}", cell.map(|cell| entry(cell, ours, nanoseconds)).unwrap_or_default()).expect("memory");
        }
    }
    out + "\n"
}

fn entry(cell: &Cell, ours: Option<f64>, nanoseconds: bool) -> String {
    let value = if nanoseconds { format!("{:.0}", cell.ns) } else { format!("{:.2}", cell.gb_per_s()) };
    match ours {
        Some(ours) if cell.name != "ossenc" => format!("{value} ({:.2}x)", cell.ns / ours),
        _ => format!("{value}        "),
    }
}
