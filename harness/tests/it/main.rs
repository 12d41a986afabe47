//! Everything but the scenarios themselves, in one binary.
mod bad_scenarios;
