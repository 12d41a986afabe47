//! Where log lines go.
use tracing_subscriber::EnvFilter;

use super::exit::Failure;
use crate::config::Log;

/// Writes log lines to stdout from now on, as text or as one JSON object a line.
pub(super) fn start(log: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::builder()
        .parse(&log.level)
        .map_err(|error| Failure::bad_input(format_args!("log level `{}`: {error}", log.level)))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    let started = if log.json {
        lines.json().with_current_span(false).with_span_list(false).try_init()
    } else {
        lines.try_init()
    };
    started.map_err(Failure::environment)
}
