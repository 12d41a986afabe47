//! Tells the results of runs: one stream of results, several renderers.
pub mod chart;
mod counts;
mod json;
mod junit;
mod live;
mod look;
mod merge;
pub mod page;
mod renderer;
mod results;
mod run_page;
#[cfg(test)]
mod sample;
mod terminal;

pub use counts::Counts;
pub use json::VERSION as JSON_VERSION;
pub use live::Live;
pub use look::{Colour, Look};
pub use merge::{MergeError, merge};
pub use renderer::{Format, Renderer, renderer};
pub use results::{Results, Shards};
pub use run_page::{FILE as RUN_PAGE, PageError, html as run_page};
pub use terminal::plain;
