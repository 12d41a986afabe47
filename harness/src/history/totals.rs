//! What a run's end tells of the whole of it, in numbers.
use std::net::IpAddr;
use std::time::Duration;

use super::{History, What};

const QUESTIONS: &str = "network_questions_a_minute";

/// Whether an oracle stood beside each node.
pub const WATCHED: &str = "oracle_watched";

/// In a run in real time: by how many seconds of the scenario the harness itself was late at most, when it wanted to look again.
pub const LATE: &str = "harness_late_seconds";

/// The total's name for the most questions in a minute that left `from` for `to`.
pub fn busiest_link(from: &IpAddr, to: &IpAddr) -> String {
    format!("{QUESTIONS}{{from=\"{from}\",to=\"{to}\"}}")
}

/// The most questions that one node asked one other party in a minute: who, whom, how many; `None` where nobody counted.
pub fn busiest(history: &History) -> Option<(&str, &str, f64)> {
    totals(history).find_map(|(name, count)| {
        let link = name.strip_prefix(QUESTIONS)?.strip_prefix("{from=\"")?.strip_suffix("\"}")?;
        link.split_once("\",to=\"").map(|(from, to)| (from, to, count))
    })
}

/// See [`LATE`]; zero where time is simulated.
pub fn late(history: &History) -> Duration {
    let seconds = totals(history).find_map(|(name, seconds)| (name == LATE).then_some(seconds));
    Duration::try_from_secs_f64(seconds.unwrap_or(0.0)).unwrap_or_default()
}

/// See [`WATCHED`].
pub fn watched(history: &History) -> bool {
    totals(history).any(|(name, _)| name == WATCHED)
}

fn totals(history: &History) -> impl Iterator<Item = (&str, f64)> {
    let all = history.observations().iter().rev().filter(|seen| seen.source == "harness");
    let totals = all.filter_map(|seen| if let What::Metrics(totals) = &seen.what { Some(totals) } else { None });
    totals.flat_map(|totals| totals.iter().map(|(name, total)| (name.as_str(), *total)))
}
