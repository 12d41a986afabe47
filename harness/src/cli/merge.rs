//! `lockstep merge`.
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::run::{self, Format};
use super::{CliError, Exit};
use crate::report;

#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// What `run --shard I/N --format json` printed, in any order; what `merge --format json` printed, too.
    #[arg(value_name = "RESULTS", required = true)]
    files: Vec<PathBuf>,
    /// What is printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Tells the results of all files as one run would have told them, and which shards are missing.
pub(super) fn merge(args: &MergeArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let results = report::merge(&args.files)?;
    let mut renderer = args.format.renderer(out, results.runs.len());
    for run in &results.runs {
        renderer.ended(run)?;
    }
    renderer.finished(&results)?;
    let missing: Vec<String> = results.shards.missing().map(|shard| shard.to_string()).collect();
    if missing.is_empty() {
        return Ok(run::exit(&results));
    }
    let (here, all) = (results.runs.len(), results.shards.runs);
    writeln!(std::io::stderr(), "only {here} of {all} runs: there are no results of shards {}", missing.join(", "))?;
    Ok(match run::exit(&results) {
        Exit::Expected => Exit::Undecided,
        exit => exit,
    })
}
