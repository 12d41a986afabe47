//! How a command ends: exit codes are API.
use std::process::{ExitCode, Termination};

/// Exit codes of `lockstep`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// All as expected.
    Expected = 0,
    /// A failure, or an unexpected pass.
    Failed = 1,
    /// Inconclusive, or only unsupported; results without all shards; an export that leaves out what it must not.
    Undecided = 2,
    /// A bad scenario, file content or argument.
    Content = 3,
    /// The environment (no permission, missing or unreadable path) or an error of the harness itself.
    Environment = 4,
    /// Interrupted.
    Interrupted = 130,
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}
