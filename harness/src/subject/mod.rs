//! What is tested, and where it runs.
pub mod change;
pub mod fabric;
pub mod gate;
mod log_capture;
pub mod process;
pub mod sim;
pub mod sim_clock;
mod sim_fault;
pub mod sim_net;
mod sim_store;
