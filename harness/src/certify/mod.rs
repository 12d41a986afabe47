//! The conformance catalogue: its cases, what comes of each, and the statement about a node.
//!
//! `case` and `trial` say what is tried, `runner` tries it, `precondition` and `judgement` judge, `statement` keeps it, `folder` and
//! `render` write it, and `verify` judges it again.
mod case;
pub mod folder;
mod judgement;
mod precondition;
pub mod render;
mod runner;
mod sensitivity;
pub mod statement;
mod trial;
mod verify;
mod waiver;

pub use case::{CaseError, Suite};
pub use folder::StatementError;
pub use judgement::{Judgement, judge};
pub use runner::{Told, lasts, run};
pub use sensitivity::sensitivity;
pub use statement::Statement;
pub use trial::{Subject, Trial, TrialError};
pub use verify::{Verified, verify};
pub use waiver::{Waiver, Waivers};
