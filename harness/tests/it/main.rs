//! Tests of the harness through its public parts.
mod sim_net;
