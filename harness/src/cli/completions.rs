//! `lockstep completions`.
use std::io::Write;

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::{CliError, Exit};

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script that a shell reads: `source <(lockstep completions bash)`.
pub(super) fn completions(args: &CompletionsArgs, of: &mut Command, out: &mut dyn Write) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    generate(args.shell, of, "lockstep", &mut script);
    out.write_all(&script)?;
    Ok(Exit::Expected)
}
