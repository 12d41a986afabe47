//! Everything but the scenarios themselves, in one binary.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]
mod bad_scenarios;
mod cli;
mod scenario;
mod sim_net;
