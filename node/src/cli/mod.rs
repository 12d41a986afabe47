//! The reference node's command.
mod chain;
mod exit;
mod http_get;
mod init;
mod log;
mod run;
mod run_flags;
mod status;
mod status_table;

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
    /// Write a configuration with every key, its default, its range and what it does
    Init(init::InitFlags),
    /// Ask a running node how it stands
    Status(status::StatusFlags),
}

/// Reads the command line and does what it says; errors go to stderr.
///
/// Exit codes: 0 done, or stopped as asked; 1 not healthy or not ready; 3 a bad configuration, argument or chain; 4 the environment
/// (an unreadable file, a taken address or folder, a damaged chain that can't be repaired); 130 a second signal.
pub fn main() -> ExitCode {
    let result = match Command::try_parse() {
        Ok(Command { action: Action::Run(flags) }) => run::run(flags),
        Ok(Command { action: Action::Chain(action) }) => chain::run(action),
        Ok(Command { action: Action::Init(flags) }) => init::init(&flags),
        Ok(Command { action: Action::Status(flags) }) => status::status(flags),
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
