//! Tells the results of runs: one stream of results, several renderers.
mod counts;
mod json;
mod junit;
mod merge;
mod page;
mod renderer;
mod results;
#[cfg(test)]
mod sample;
mod terminal;

pub use counts::Counts;
pub use json::VERSION as JSON_VERSION;
pub use merge::{MergeError, merge};
pub use page::STYLE;
pub use renderer::{Format, Renderer, colours, renderer};
pub use results::{Results, Shards};
pub use terminal::plain;
