//! One run: what came of it, and its folder.
pub mod folder;
mod result;

pub use result::{Converged, ScenarioResult, repeat_command};
