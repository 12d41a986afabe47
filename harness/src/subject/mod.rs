//! What is tested, and where it runs.
mod agenda;
pub mod change;
mod connection;
pub mod container;
mod exposition;
pub mod fabric;
pub mod gate;
pub mod home;
mod link_fault;
mod log_capture;
mod net;
pub mod node_config;
pub mod owner;
pub mod process;
pub mod profile;
pub mod queue;
pub mod sim;
pub mod sim_clock;
mod sim_fault;
pub mod sim_net;
mod sim_store;
mod stage;
pub mod template;
mod watched;

use std::time::Duration;

use crate::fault::SimTime;

/// Is told the scenario's time now and then while it runs: for who waits for it.
pub type Tell<'a> = &'a dyn Fn(SimTime);

/// A link that the scenario says nothing of, one way.
const LATENCY: Duration = Duration::from_millis(10);
