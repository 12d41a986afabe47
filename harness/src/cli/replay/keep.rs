//! A scenario that is kept as a regression, and the logs that it comes from.
use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use super::{CliError, ReplayArgs};
use crate::explore::shrink::keep::{KeepError, write_new};
use crate::replay::read::Reading;
use crate::scenario::Scenario;

/// Bytes of logs that are kept with a scenario, at most: they go where sources are.
const MOST: u64 = 16 << 20;

/// Where everything goes.
pub struct Keep {
    scenario: PathBuf,
    /// From where to where.
    logs: Vec<(PathBuf, PathBuf)>,
}

impl Keep {
    /// Sees to it that there is room for all of it before anything is run.
    pub fn new(args: &ReplayArgs, name: &str, reading: &Reading) -> Result<Self, CliError> {
        let scenario = args.scenarios.join("regressions").join(format!("{name}.yaml"));
        let folder = args.keep_logs.as_ref().map(|dir| dir.join(name));
        if let Some(path) = [Some(&scenario), folder.as_ref()].into_iter().flatten().find(|path| path.exists()) {
            return Err(KeepError::There(path.clone()).into());
        }
        let logs = folder.map_or(Ok(Vec::new()), |folder| copies(&folder, reading))?;
        Ok(Self { scenario, logs })
    }

    /// Writes it.
    pub fn write(self, scenario: &Scenario, yaml: &str) -> Result<(), CliError> {
        if scenario.incident.is_none() {
            let reason = "nothing of what was wrong shows in a run of the nodes as they were: there is nothing to keep";
            return Err(CliError::Argument(format!(
                "{reason}\n`-o FILE` writes the scenario all the same, to be worked on"
            )));
        }
        for (from, to) in &self.logs {
            folder_of(to)?;
            fs::copy(from, to).map_err(|error| cannot_write(to, &error))?;
        }
        write_new(&self.scenario, yaml)?;
        writeln!(io::stderr(), "kept as {}: `cargo test -p harness` runs it from now on", self.scenario.display())?;
        Ok(())
    }
}

/// Where in a folder each log goes: it is called there as in the scenario.
fn copies(folder: &Path, reading: &Reading) -> Result<Vec<(PathBuf, PathBuf)>, CliError> {
    let (mut copies, mut bytes) = (Vec::new(), 0_u64);
    for file in &reading.files {
        let inside: PathBuf =
            Path::new(&file.name).components().filter(|part| matches!(part, Component::Normal(_))).collect();
        let to = folder.join(inside);
        let log = fs::metadata(&file.path).ok().filter(fs::Metadata::is_file);
        let Some(log) = log.filter(|_| copies.iter().all(|(_, other)| *other != to)) else {
            return Err(CliError::Argument(format!("{} can't be kept under a name of its own", file.path.display())));
        };
        bytes = bytes.saturating_add(log.len());
        copies.push((file.path.clone(), to));
    }
    if bytes > MOST {
        let (size, most) = (bytes.div_ceil(1 << 20), MOST >> 20);
        return Err(CliError::Argument(format!(
            "the logs have {size} MiB, and {most} MiB are kept at most: pack them (.gz, .zst), or do without --keep-logs"
        )));
    }
    Ok(copies)
}

fn folder_of(path: &Path) -> Result<(), CliError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> CliError {
    CliError::Harness(format!("cannot write {}: {error}", path.display()))
}
