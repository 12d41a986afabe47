//! What is tested, and where it runs.
pub mod fabric;
pub mod gate;
pub mod sim_clock;
pub mod sim_net;
