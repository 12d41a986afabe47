//! Which words of a log tell which events: one table for all that read logs.
//!
//! A `template` is a line's words with a `placeholder` for each value; `patterns` are a table of such lines.
mod patterns;
mod placeholder;
mod template;

pub use patterns::{Found, Patterns};
pub use template::Values;
