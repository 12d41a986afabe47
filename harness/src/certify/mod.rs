//! The conformance catalogue: its cases, what comes of each, and the statement about a node.
mod case;
mod judgement;
mod precondition;
mod runner;
pub mod statement;
mod trial;
mod waiver;

pub use case::{CaseError, Suite};
pub use judgement::{Judgement, judge};
pub use runner::{Told, run};
pub use statement::Statement;
pub use trial::{Subject, Trial, TrialError};
pub use waiver::{Waiver, Waivers};
