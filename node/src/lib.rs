//! Lockstep's reference masternode.
//!
//! `protocol` is the core: a value without I/O, clock, async or randomness of its own. `runtime` drives it over any
//! `Network`; `telemetry` turns its events into log lines and metrics.
pub mod chain;
pub mod cli;
pub mod config;
pub mod http;
pub mod protocol;
pub mod runtime;
pub mod store;
pub mod telemetry;
pub mod wire;
