//! Who has other blocks than whom.
use crate::history::Field;
use crate::replay::draft::cast::Cast;
use crate::replay::incident::{Event, Host};

/// A line that says that two parties have different blocks.
pub(super) struct Conflict {
    pub parties: (usize, usize),
    /// The greatest height at which they may agree.
    pub agree: u64,
    pub told: bool,
    pub source: String,
}

/// With whom an event says that the host is in conflict, up to where they may agree, and whether that is told.
pub(super) fn conflict(host: &Host, event: &Event, cast: &Cast) -> Option<(usize, u64, bool)> {
    let number = |name: &str| match event.fields.get(name) {
        Some(Field::Number(number)) => Some(*number),
        _ => None,
    };
    let reason = event.fields.get("reason").map(Field::to_string).unwrap_or_default();
    let (agree, told) = match event.name.as_str() {
        // Two hashes of one height: where nobody is named they tell who is meant.
        "fork_detected" if event.fields.contains_key("ours") && event.peer.is_none() => (None, false),
        "fork_detected" if event.fields.contains_key("ours") => {
            (number("height").map(|height| height.saturating_sub(1)), false)
        }
        // A block whose parent isn't ours.
        "fork_detected" => (number("height").map(|height| height.saturating_sub(2)), false),
        "block_rejected" if reason.contains("previous_hash") => {
            (number("height").map(|height| height.saturating_sub(2)), false)
        }
        "request_failed" if reason.contains("nothing that links") => {
            (number("start").map(|start| start.saturating_sub(2)), false)
        }
        "ancestor_found" => (number("height"), true),
        "reorg" => (number("ancestor"), true),
        _ => (None, false),
    };
    let whom = event.peer.and_then(|ip| cast.at(ip)).or_else(|| sender(host, event, cast));
    Some((whom?, agree?, told))
}

/// The one that was asked for blocks, or sent some, last before an event that names nobody.
pub(super) fn sender(host: &Host, event: &Event, cast: &Cast) -> Option<usize> {
    let before =
        |other: &&Event| matches!(other.name.as_str(), "requested" | "received") && other.first() <= event.first();
    let last = |other: &&Event| other.times.iter().copied().filter(|at| *at <= event.first()).max();
    let other = host.events.iter().filter(before).max_by_key(last)?;
    cast.at(other.peer?)
}
