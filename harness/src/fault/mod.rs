//! What can go wrong with a link: pure models, driven by virtual time.
pub mod flow;
pub mod link;
pub mod timeline;

/// Time since the start of the simulation.
pub type SimTime = std::time::Duration;
