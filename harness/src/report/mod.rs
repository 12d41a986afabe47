//! Tells the results of runs: one stream of results, several renderers.
mod counts;
mod json;
mod junit;
mod page;
mod renderer;
#[cfg(test)]
mod sample;
mod terminal;

pub use counts::Counts;
pub use json::VERSION as JSON_VERSION;
pub use page::STYLE;
pub use renderer::{Format, Renderer, colours, renderer};
pub use terminal::plain;
