//! The reference node's command.
use std::process::ExitCode;

fn main() -> ExitCode {
    node::cli::main()
}
