//! `lockstep report`: the page of a run again, from its folder.
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{CliError, Exit};
use crate::report::{RUN_PAGE, run_page};
use crate::run::folder;

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Folders of runs, as `lockstep run` writes them; their report.html is written again.
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
}

/// Writes the pages.
pub(super) fn report(args: &ReportArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    for dir in &args.folders {
        let (result, history, source) = folder::read(dir)?;
        let path = folder::add(dir, RUN_PAGE, &run_page(&result, &history, &source)?)?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(Exit::Expected)
}
