//! Everything but the scenarios themselves, in one binary.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]
mod arrows;
mod bad_scenarios;
mod certify;
mod cli;
mod cli_run;
mod explore;
mod export;
mod guides;
mod incidents;
mod log_contract;
mod merge;
mod on_disk;
mod processes;
mod production_lines;
#[path = "../production_log/mod.rs"]
mod production_log;
mod readme;
mod replay;
mod scenario;
mod shrink;
mod sim_net;
