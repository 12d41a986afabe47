//! What was seen during a run, in order.
mod observation;

pub use observation::{Field, Fields, Observation, What};
