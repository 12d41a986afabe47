//! What people and monitors see of a node.
#[cfg(test)]
pub(crate) mod capture;
mod log_line;
mod metrics;
#[cfg(test)]
mod tests;

pub use log_line::write as log_line;
pub use metrics::Metrics;

use crate::protocol::Event;

/// Turns events into log lines (through `tracing`, target `node`) and metrics.
#[derive(Debug, Default)]
pub struct Telemetry {
    metrics: Metrics,
}

impl Telemetry {
    /// All metrics at their start.
    pub fn new() -> Self {
        Self::default()
    }

    /// Logs `event` and counts it.
    pub fn record(&self, event: &Event) {
        log_line::write(event);
        self.metrics.update(event);
    }

    /// The metrics so far.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}
