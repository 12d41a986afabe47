//! `lockstep list`.
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{CliError, Exit, complain};
use crate::scenario::{Scenario, find};

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Scenario files, or folders of them.
    #[arg(value_name = "PATH", default_value = "scenarios")]
    paths: Vec<PathBuf>,
}

/// One line a scenario. A wrong file does not hide the others.
pub(super) fn list(args: &ListArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let mut rows = vec![["NAME".to_owned(), "REQUIREMENTS".to_owned(), "TITLE".to_owned()]];
    let mut exit = Exit::Expected;
    for file in find(&args.paths)? {
        match Scenario::load(&file.path, &file.root) {
            Ok(scenario) => rows.push([scenario.name, scenario.requirements.join(" "), scenario.title]),
            Err(error) => {
                let error = CliError::from(error);
                complain(&error);
                exit = exit.max(error.exit());
            }
        }
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (names, requirements) = (width(0), width(1));
    for [name, ids, title] in &rows {
        writeln!(out, "{name:names$}  {ids:requirements$}  {title}")?;
    }
    Ok(exit)
}
