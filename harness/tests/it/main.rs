//! Everything but the scenarios themselves, in one binary.
#![allow(clippy::unwrap_used, reason = "tests: a panic with its place is what we want")]
mod bad_scenarios;
mod cli;
mod scenario;
