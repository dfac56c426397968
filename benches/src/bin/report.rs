//! Makes the table, summary.csv and the charts of what `speed` measured. usage: `report SAMPLES OUTPUT`, two folders

use std::error::Error;
use std::fs;
use std::path::Path;

use ossenc_benches::report::chart::CHARTS;
use ossenc_benches::report::samples::Samples;
use ossenc_benches::report::{about, goals, table};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [samples, output] = &arguments[..] else { return Err("usage: report SAMPLES OUTPUT".into()) };
    let output = Path::new(output);
    let samples = Samples::read(Path::new(samples))?;
    fs::create_dir_all(output)?;
    fs::write(output.join("summary.csv"), samples.csv())?;
    for chart in CHARTS {
        if let Some(svg) = chart.draw(&samples) {
            fs::write(output.join(chart.file).with_extension("svg"), svg)?;
        }
    }
    let text = about::about() + &table::table(&samples) + &goals::goals(&samples);
    fs::write(output.join("summary.txt"), &text)?;
    print!("{text}");
    Ok(())
}
