//! Scenario files and what they mean: `file` is the YAML's shape and manual, `resolved` what a run needs.
mod error;
pub mod expectation;
pub mod file;
mod find;
pub mod incident;
mod load;
pub mod plain;
pub mod requirement;
mod resolve;
pub mod resolved;
pub mod stage;
pub mod text;
mod timeline;
mod tree;
pub mod value;
pub mod vocabulary;
mod words;
mod yaml;

pub use error::{LoadError, Problem, ScenarioError};
pub use find::{Found, find};
pub use incident::{Incident, NoSetting, Setting};
pub use load::{document, document_text};
pub use resolved::Scenario;
pub use tree::{Path, Tree};
pub use yaml::{Place, Spanned, to_text};
