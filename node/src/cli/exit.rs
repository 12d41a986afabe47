//! How the command ends.
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;

use crate::config::ConfigError;
use crate::runtime::RunError;
use crate::store::redb::OpenError;

/// A bad configuration, argument or chain.
pub(super) const BAD_INPUT: u8 = 3;

/// The environment: an unreadable file, a taken address, a damaged chain that can't be repaired.
const ENVIRONMENT: u8 = 4;

/// A health check says no.
const UNHEALTHY: u8 = 1;

/// A second signal, before the node had stopped.
const INTERRUPTED: u8 = 130;

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

    pub fn unhealthy(report: impl Display) -> Self {
        Self { code: UNHEALTHY, report: report.to_string() }
    }

    pub fn interrupted() -> Self {
        Self { code: INTERRUPTED, report: "ended at once by a second signal".to_owned() }
    }

    /// An address that can't be bound, and what to do about it; `setting` names where it comes from.
    pub fn listen(what: &str, at: SocketAddr, error: &io::Error, setting: &str) -> Self {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => "another program listens there: stop it, or choose another port",
            io::ErrorKind::AddrNotAvailable => "no interface of this machine has that address: choose another",
            io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: choose a higher one",
            _ => "choose another address",
        };
        Self::environment(format_args!("cannot listen on {at} for {what}: {error}\n{advice} with {setting}"))
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
        let RunError::Listen { at, source } = error;
        Self::listen("peers", at, &source, "--listen or [network] listen")
    }
}
