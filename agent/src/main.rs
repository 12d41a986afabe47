//! See the library.
use std::process::ExitCode;

use agent::{Talk, serve};

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: lockstep-agent SOCKET");
        return ExitCode::from(2);
    };
    match Talk::connect(path.as_ref()).and_then(|talk| serve(&talk)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
