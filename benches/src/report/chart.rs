//! Charts: horizontal bars in a panel for each size, drawn as SVG by hand.

use std::fmt::Write;

use super::samples::{Cell, Samples};
use super::{about, size_name};

/// One picture.
#[derive(Clone, Copy, Debug)]
pub struct Chart {
    /// File name, without `.svg`.
    pub file: &'static str,
    /// The operation.
    op: &'static str,
    title: &'static str,
    /// Whether bars are nanoseconds rather than GB/s.
    nanoseconds: bool,
    /// Implementations that are left out.
    without: &'static [&'static str],
}

/// Ways of calling the library, for the table alone.
const VARIANTS: &[&str] =
    &["ossenc-kernel-chunkwise", "ossenc-segment-chunkwise", "ossenc-segment-1-thread", "ossenc-segment-2-threads"];

/// All pictures.
pub const CHARTS: [Chart; 6] = [
    Chart {
        file: "gcm_seal",
        op: "gcm_seal",
        title: "AES-256-GCM, sealing in place: GB/s",
        nanoseconds: false,
        without: &["openssl-aesni"],
    },
    Chart {
        file: "gcm_open",
        op: "gcm_open",
        title: "AES-256-GCM, opening in place: GB/s",
        nanoseconds: false,
        without: &["openssl-aesni"],
    },
    Chart {
        file: "fresh_seal",
        op: "fresh_seal",
        title: "AES-256-GCM, a fresh key and one seal: nanoseconds (less is better)",
        nanoseconds: true,
        without: &[],
    },
    Chart {
        file: "message_seal",
        op: "message_seal",
        title: "Sealing whole messages, buffer to buffer: GB/s",
        nanoseconds: false,
        without: VARIANTS,
    },
    Chart {
        file: "message_open",
        op: "message_open",
        title: "Opening whole messages, buffer to buffer: GB/s",
        nanoseconds: false,
        without: VARIANTS,
    },
    Chart {
        file: "object",
        op: "object_seal",
        title: "A 4 KiB object with a fresh, wrapped data key: nanoseconds (less is better)",
        nanoseconds: true,
        without: &[],
    },
];

const PANEL: usize = 190;
const NAMES: usize = 132;
const ROW: usize = 19;
const TOP: usize = 72;

impl Chart {
    /// The picture, if there is anything to show.
    #[must_use]
    pub fn draw(&self, samples: &Samples) -> Option<String> {
        let cells: Vec<&Cell> = samples.of(self.op).filter(|cell| !self.without.contains(&&cell.name[..])).collect();
        let mut sizes: Vec<usize> = cells.iter().map(|cell| cell.size).collect();
        sizes.dedup();
        let mut names: Vec<&str> = cells.iter().map(|cell| &cell.name[..]).collect();
        names.sort_by_key(|name| (super::rank(name), *name));
        names.dedup();
        if names.is_empty() {
            return None;
        }
        let (width, height) = (NAMES + sizes.len() * PANEL + 16, TOP + names.len() * ROW + 14);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\" font-size=\"11\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        );
        text(&mut svg, (12, 20), "start", "font-size=\"14\" font-weight=\"bold\"", self.title);
        text(&mut svg, (12, 38), "start", "fill=\"#555\"", &about::cpu());
        for (row, name) in names.iter().enumerate() {
            let weight = if *name == "ossenc" { "font-weight=\"bold\"" } else { "" };
            text(&mut svg, (NAMES - 8, TOP + row * ROW + 13), "end", weight, name);
        }
        for (i, size) in sizes.iter().enumerate() {
            let panel: Vec<&Cell> = cells.iter().copied().filter(|cell| cell.size == *size).collect();
            self.panel(&mut svg, NAMES + i * PANEL, *size, &names, &panel);
        }
        Some(svg + "</svg>\n")
    }

    fn value(&self, cell: &Cell) -> f64 {
        if self.nanoseconds { cell.ns } else { cell.gb_per_s() }
    }

    fn panel(&self, svg: &mut String, x: usize, size: usize, names: &[&str], cells: &[&Cell]) {
        text(svg, (x, TOP - 10), "start", "font-weight=\"bold\"", &size_name(size));
        let most = cells.iter().map(|cell| self.value(cell)).fold(f64::MIN_POSITIVE, f64::max);
        for (row, name) in names.iter().enumerate() {
            let Some(cell) = cells.iter().find(|cell| cell.name == *name) else { continue };
            let y = TOP + row * ROW;
            let value = self.value(cell);
            let length = value / most * (PANEL - 58) as f64;
            let color = if name.starts_with("ossenc") { "#1f6fb2" } else { "#b8bec6" };
            writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{}\" width=\"{length:.1}\" height=\"{}\" fill=\"{color}\"/>",
                y + 2,
                ROW - 5
            )
            .expect("memory");
            let label = if self.nanoseconds { format!("{value:.0}") } else { format!("{value:.1}") };
            text(svg, (x + length as usize + 5, y + 13), "start", "fill=\"#333\"", &label);
        }
    }
}

fn text(svg: &mut String, (x, y): (usize, usize), anchor: &str, more: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" {more}>{text}</text>").expect("memory");
}
