//! From the logs of an incident to a scenario, and how much of the incident a run of it shows.
//!
//! `read` makes [`Told`]s of bytes, `fold` one [`Incident`] of those, or of a run's history; `draft` writes a scenario from
//! an incident, and `fidelity` sets two of them side by side.
pub mod arms;
mod clocks;
pub mod clockwork;
pub mod draft;
pub mod fidelity;
pub mod fold;
mod host;
pub mod incident;
pub mod matching;
mod peer;
pub mod read;
pub mod render;
pub mod report;
pub mod told;
pub mod track;

pub use clockwork::Clockwork;
pub use fidelity::{Fidelity, Tolerance, fidelity};
pub use incident::Incident;
pub use matching::Matching;
pub use report::Report;
pub use told::Told;
