//! The search for scenarios that fail, and what is done with those that are found.
pub mod shrink;
