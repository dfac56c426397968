//! Commands that go through files one by one: each has a report or a failure, and a folder a summary.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use ossenc_kms::fleet::Place;
use serde::Serialize;

use crate::app::App;
use crate::fail::{Code, Failure};
use crate::files::{Operands, unfit};
use crate::interrupt::{Interrupt, files_bar};
use crate::place::PlaceOptions;

/// What came of one file.
pub(crate) trait FileReport: Serialize + Display {
    /// The exit code that it asks for; `None` if all is well.
    fn code(&self) -> Option<Code>;
    /// Whether there is something to be done about the file: of thousands, only those are shown.
    fn asks_for_action(&self) -> bool;
}

#[derive(Serialize)]
struct Summary {
    files: usize,
    failed: usize,
    #[serde(skip)]
    done: &'static str,
}

impl Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}, {} failed", self.files - self.failed, self.done, self.failed)
    }
}

/// Does `work` with files that were named, or with all of one folder; `done` is its past participle. A file that fails
/// does not keep the others from their turn.
pub(crate) fn each_file<R: FileReport>(
    app: &App,
    paths: &[PathBuf],
    place: &PlaceOptions,
    done: &'static str,
    mut work: impl FnMut(&Path, &Place) -> Result<R, Failure>,
) -> Result<(), Failure> {
    let operands = Operands::new(paths, None)?;
    let in_folder = operands.is_folder();
    let interrupt = Interrupt::watch()?;
    let bar = files_bar(app.out, operands.count(app.out.is_chatty() && in_folder)?);
    let (mut codes, mut files) = (Vec::new(), 0);
    for found in operands.items()? {
        interrupt.check()?;
        let outcome = match unfit(&found) {
            Some(Ok(_)) => continue,
            Some(Err(failure)) => Err(failure),
            None if in_folder => work(&found.path, &place.of_member(&found.name)),
            None => place.of_file(&found.path).and_then(|place| work(&found.path, &place)),
        };
        files += 1;
        bar.inc(1);
        codes.extend(match &outcome {
            Ok(report) => report.code(),
            Err(failure) => Some(failure.code()),
        });
        bar.suspend(|| match outcome {
            Ok(report) if in_folder && !report.asks_for_action() => Ok(()),
            Ok(report) => app.out.report(&report),
            Err(failure) => {
                app.out.failure(&failure);
                Ok(())
            }
        })?;
    }
    bar.finish_and_clear();
    if in_folder {
        app.out.report(&Summary { files, failed: codes.len(), done })?;
    }
    Failure::told(&codes)
}
