//! Tests of the harness through its public parts.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]
mod sim_net;
