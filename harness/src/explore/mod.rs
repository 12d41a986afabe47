//! Looking for scenarios that nobody thought of: `generate` draws them.
pub mod generate;
