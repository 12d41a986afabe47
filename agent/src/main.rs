//! See the library.
use std::process::{Command, ExitCode};

use agent::{Talk, hold, serve};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(path) = words.next() else {
        eprintln!("usage: lockstep-agent SOCKET [PROGRAM WORD..]");
        return ExitCode::from(2);
    };
    let talk = Talk::connect(path.as_ref());
    let done = match words.next() {
        None => talk.and_then(|talk| serve(&talk)),
        Some(program) => talk.and_then(|talk| hold(&talk, Command::new(program).args(words))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
