//! Everything that is not a scenario: one binary.
mod cli;
mod scenario;
mod sim_net;
