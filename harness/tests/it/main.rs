//! Everything but the scenarios themselves, in one binary.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]
mod arrows;
mod bad_scenarios;
mod cli;
mod on_disk;
mod scenario;
mod sim_net;
