//! What is tested, and where it runs.
pub mod fabric;
pub mod gate;
pub mod sim_clock;
pub mod sim_net;
mod log_capture;
pub mod sim;
mod sim_fault;
mod sim_store;
