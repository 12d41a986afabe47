//! The core: no I/O, no clock, no async, no randomness of its own.
mod event;
mod input;
mod output;

pub use event::Event;
pub use input::{ConnId, Direction, Input, Now};
pub use output::Output;
