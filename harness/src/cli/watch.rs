//! `lockstep watch`: runs a scenario again whenever its file is saved.
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;

use super::run::{self, RunArgs};
use super::{CliError, Exit, complain};
use crate::scenario::find;

/// Between two looks at the files.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    #[command(flatten)]
    run: RunArgs,
}

impl WatchArgs {
    /// Whether it runs processes.
    pub(super) fn is_real(&self) -> bool {
        self.run.backend == run::On::Process
    }
}

/// Runs all, then those that change, until somebody says stop. A file with a mistake is told, and waited for.
pub(super) fn watch(args: &WatchArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let mut known = saved(&args.run)?;
    let mut changed: Vec<PathBuf> = args.run.paths.clone();
    loop {
        let now = RunArgs { paths: std::mem::take(&mut changed), ..args.run.clone() };
        if let Err(error) = run::run(&now, out) {
            complain(&error);
        }
        writeln!(out, "\nwaiting for a change of {} files; Ctrl-C ends", known.len())?;
        out.flush()?;
        while changed.is_empty() {
            std::thread::sleep(LOOK);
            // A folder that is being rewritten may be gone for a moment.
            let Ok(there) = saved(&args.run) else { continue };
            let touched = there.iter().filter(|(path, at)| known.get(*path) != Some(at));
            changed = touched.map(|(path, _)| path.clone()).collect();
            known = there;
        }
    }
}

/// The files that are watched, with when they were saved.
fn saved(args: &RunArgs) -> Result<BTreeMap<PathBuf, SystemTime>, CliError> {
    let files = find(&args.paths)?
        .into_iter()
        .filter(|file| args.filter.as_ref().is_none_or(|text| file.name().contains(text)));
    Ok(files.filter_map(|file| Some((file.path.clone(), file.path.metadata().ok()?.modified().ok()?))).collect())
}
