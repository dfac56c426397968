//! The samples of all passes, and the time that an undisturbed step takes.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

use serde_json::Value;

use super::rank;

/// One cell: an implementation, at an operation and size.
#[derive(Clone, Debug)]
pub struct Cell {
    /// What was done.
    pub op: String,
    /// Bytes of plaintext.
    pub size: usize,
    /// By whom.
    pub name: String,
    /// Nanoseconds of one step, as nine in ten samples of all passes were not faster.
    pub ns: f64,
}

impl Cell {
    /// 10^9 bytes of plaintext in a second.
    #[must_use]
    pub fn gb_per_s(&self) -> f64 {
        self.size as f64 / self.ns
    }
}

/// All cells, sorted by operation, size and implementation.
#[derive(Clone, Debug)]
pub struct Samples(Vec<Cell>);

impl Samples {
    /// Reads what the passes left in `dir`.
    ///
    /// # Errors
    /// If it is not what criterion leaves.
    pub fn read(dir: &Path) -> Result<Samples, Box<dyn Error>> {
        let mut pooled: BTreeMap<[String; 3], Vec<f64>> = BTreeMap::new();
        for pass in children(dir)? {
            for op in children(&dir.join(&pass))? {
                for name in children(&dir.join(&pass).join(&op))? {
                    for size in children(&dir.join(&pass).join(&op).join(&name))? {
                        let path = dir.join(&pass).join(&op).join(&name).join(&size).join("new/sample.json");
                        pooled.entry([op.clone(), size, name.clone()]).or_default().extend(read_sample(&path)?);
                    }
                }
            }
        }
        let cell = |([op, size, name], mut samples): ([String; 3], Vec<f64>)| {
            Ok(Cell { op, size: size.parse()?, name, ns: undisturbed(&mut samples) })
        };
        let mut cells = pooled.into_iter().map(cell).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
        cells.sort_by(|a, b| (&a.op, a.size, rank(&a.name)).cmp(&(&b.op, b.size, rank(&b.name))));
        Ok(Samples(cells))
    }

    /// All of them.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.0
    }

    /// The cells of one operation.
    pub fn of(&self, op: &str) -> impl Iterator<Item = &Cell> {
        self.0.iter().filter(move |cell| cell.op == op)
    }

    /// Nanoseconds of one cell.
    #[must_use]
    pub fn ns(&self, op: &str, size: usize, name: &str) -> Option<f64> {
        self.of(op).find(|cell| cell.size == size && cell.name == name).map(|cell| cell.ns)
    }

    /// summary.csv.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut csv = String::from("op,size,impl,ns,gb_per_s\n");
        for cell in &self.0 {
            writeln!(csv, "{},{},{},{:.1},{:.3}", cell.op, cell.size, cell.name, cell.ns, cell.gb_per_s())
                .expect("memory");
        }
        csv
    }
}

/// Names of the folders in a folder, without those of criterion's own reports.
fn children(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = vec![];
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() && name != "report" {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn read_sample(path: &Path) -> Result<Vec<f64>, Box<dyn Error>> {
    let sample: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
    let numbers = |field: &str| -> Vec<f64> {
        sample[field].as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
    };
    Ok(numbers("times").iter().zip(numbers("iters")).map(|(time, steps)| time / steps).collect())
}

/// The first decile. Whatever else runs on a machine, and beside it on the same host, makes steps slower and never faster,
/// and vector code by other factors than scalar code; the least of all samples would hang on a single reading of the clock.
fn undisturbed(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 10).copied().unwrap_or(f64::NAN)
}
