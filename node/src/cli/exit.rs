//! How the command ends.
use std::fmt::Display;

use crate::config::ConfigError;
use crate::runtime::RunError;
use crate::store::redb::OpenError;

/// A bad configuration, argument or chain.
pub(super) const BAD_INPUT: u8 = 3;

/// The environment: an unreadable file, a taken address, a damaged chain that can't be repaired.
const ENVIRONMENT: u8 = 4;

/// Why the command did not do what it should.
#[derive(Debug)]
pub(super) struct Failure {
    pub code: u8,
    pub report: String,
}

impl Failure {
    pub fn bad_input(report: impl Display) -> Self {
        Self { code: BAD_INPUT, report: report.to_string() }
    }

    pub fn environment(report: impl Display) -> Self {
        Self { code: ENVIRONMENT, report: report.to_string() }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Unreadable { .. } => Self::environment(error),
            _ => Self::bad_input(error),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Damaged(_)
            | OpenError::Format { .. }
            | OpenError::Genesis { .. }
            | OpenError::Checkpoint { .. } => Self::bad_input(error),
            _ => Self::environment(error),
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::environment(error)
    }
}
