//! The chain on disk: what it survives, what it refuses, and the commands that look at it.
#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]
mod chain_command;
mod child;
mod damage;
mod full_disk;
mod kill;
mod refusal;
mod scratch;
