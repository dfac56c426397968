//! `ossenc clean`.

use std::path::PathBuf;

use clap::Args;
use ossenc_kms::sealed_file::remove_leftovers;
use serde::Serialize;

use crate::app::App;
use crate::fail::Failure;

/// Remove what killed writers left behind in folders: temporary files, named .ossenc-….tmp
///
/// Those of writers at work are locked, and stay. Folders below are not entered.
#[derive(Args)]
pub(crate) struct Clean {
    /// Folders
    #[arg(required = true)]
    folders: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    removed: usize,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} temporary files removed", self.removed)
    }
}

pub(crate) fn run(app: &App, args: &Clean) -> Result<(), Failure> {
    let mut removed = 0;
    for folder in &args.folders {
        removed += remove_leftovers(folder).map_err(|error| Failure::io(folder, "clean it", &error))?;
    }
    app.out.report(&Report { removed })
}
