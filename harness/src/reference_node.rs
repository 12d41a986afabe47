//! The reference node's command, built with the harness, which starts it as a subject.
use std::process::ExitCode;

fn main() -> ExitCode {
    node::cli::main()
}
