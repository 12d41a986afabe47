//! `lockstep clean`: what runs that were killed left on the engine.
use std::io::{Write, stdin};

use clap::Args;

use super::{CliError, Exit};
use crate::run::container::{Engine, Owner, reap};

/// Remove containers and volumes that runs left behind.
#[derive(Debug, Args)]
pub(super) struct CleanArgs {
    /// Those of runs that still go on, too.
    #[arg(long)]
    all: bool,
    /// Only those of this process (PID-TICKS).
    #[arg(long, hide = true, requires = "when_its_input_ends")]
    owner: Option<Owner>,
    /// Wait for that first.
    #[arg(long, hide = true, requires = "owner")]
    when_its_input_ends: bool,
}

pub(super) fn clean(args: &CleanArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let removed = match args.owner {
        Some(owner) => reap(stdin(), owner)?,
        None => {
            let (engine, swept) = Engine::connect_and_sweep()?;
            swept + if args.all { engine.sweep(|_| true)? } else { 0 }
        }
    };
    writeln!(out, "removed: {removed}")?;
    Ok(Exit::Expected)
}
