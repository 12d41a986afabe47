//! The process's own metrics.
use prometheus::process_collector::ProcessCollector;
use prometheus::{Registry, TextEncoder};

/// What the system knows of this process: `process_cpu_seconds_total`, `process_resident_memory_bytes`,
/// `process_open_fds`, `process_start_time_seconds` and more.
///
/// Apart from the node's metrics: several nodes may share a process, and a simulation repeats itself.
#[derive(Debug, Clone)]
pub(super) struct ProcessMetrics(Registry);

impl ProcessMetrics {
    pub fn new() -> Self {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self())).expect("the registry is empty");
        Self(registry)
    }

    /// In Prometheus' text format.
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.0.gather()).unwrap_or_default()
    }
}
