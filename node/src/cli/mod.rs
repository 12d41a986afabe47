//! The reference node's command.
mod chain;
mod exit;
mod log;
mod run;
mod run_flags;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Lockstep's reference masternode.
#[derive(Debug, Parser)]
#[command(name = "masternode", version, arg_required_else_help = true)]
struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Run the node until SIGINT or SIGTERM
    Run(run_flags::RunFlags),
    /// Look at the chain on disk, or move it; no node may be running on it
    #[command(subcommand)]
    Chain(chain::Action),
}

/// Reads the command line and does what it says; errors go to stderr.
///
/// Exit codes: 0 done, or stopped as asked; 3 a bad configuration, argument or chain; 4 the environment (an unreadable
/// file, a taken address or folder, a damaged chain that can't be repaired); 130 a second signal.
pub fn main() -> ExitCode {
    let result = match Command::try_parse() {
        Ok(Command { action: Action::Run(flags) }) => run::run(flags),
        Ok(Command { action: Action::Chain(action) }) => chain::run(action),
        Err(error) => {
            // Help and version are such errors, too, and go to stdout.
            let _ = error.print();
            return if error.use_stderr() { exit::BAD_INPUT.into() } else { ExitCode::SUCCESS };
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("masternode: {}", failure.report);
            failure.code.into()
        }
    }
}
