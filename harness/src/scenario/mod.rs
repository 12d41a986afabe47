//! Scenario files and what they mean: `file` is the YAML's shape and manual, `resolved` what a run needs.
pub mod expectation;
pub mod file;
pub mod resolved;
mod timeline;
pub mod value;
pub mod vocabulary;
mod yaml;

pub use resolved::Scenario;
pub use yaml::{Place, Spanned};
