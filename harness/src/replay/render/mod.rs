//! What replay tells: in a terminal, as a page, as JSON.
mod chart;
mod html;
mod json;
#[cfg(test)]
mod sample;
mod series;
mod sparkline;
mod terminal;

pub use html::html;
pub use json::{VERSION, json};
pub use terminal::terminal;

use jiff::Timestamp;

use super::fidelity::Missing;

/// A time of the incident in words, after jiff's pattern; a time beyond all calendars as its number.
fn clock(at: i64, pattern: &str) -> String {
    match Timestamp::from_microsecond(at) {
        Ok(at) => at.strftime(pattern).to_string(),
        Err(_) => at.to_string(),
    }
}

/// How many lines, where it isn't one.
fn lines(missing: &Missing) -> String {
    match missing.count {
        1 => String::new(),
        count => format!(" ({count} lines)"),
    }
}

/// Numbers of things by name in one line: `3 appended, 12 ping_sent`.
fn counted<'a>(counts: impl IntoIterator<Item = (&'a String, &'a u64)>) -> String {
    counts.into_iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}
