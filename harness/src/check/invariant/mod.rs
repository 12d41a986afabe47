//! What holds in every run.
mod alive;
mod buffers;
mod chain;
mod closes;
mod memory;
mod near_median;
mod oracle;
mod questions;
mod ranges;

use crate::history::{History, What};

use super::judge::View;
use super::requests::{Request, requests};
use super::verdict::Outcome;

pub(super) use alive::judge as alive;
pub(super) use memory::judge as memory;

/// Bytes in one node's buffers, where the scenario names no other limit.
const BUFFERS: u64 = 64 << 20;

/// All invariants with their names.
pub(super) fn judge(view: &View<'_>, history: &History) -> Vec<(String, Outcome)> {
    let requests = requests(history);
    let mut outcomes = vec![
        ("chains stay linked and valid", chain::linked(view.nodes, history)),
        ("no reorganisation beyond the depth limit", chain::depth(view.nodes, history)),
        ("no range wider than 500 is asked", ranges::width(view.nodes, &requests, history)),
        ("no range is asked of one peer twice at once", ranges::twice(view.nodes, &requests, history)),
        ("no node closes a connection because of sync", closes::judge(view.nodes, &requests, history)),
        ("no node ends by itself", alive::judge(view.nodes, history)),
        ("buffers stay bounded", buffers::judge(view.nodes, view.buffered_at_most.unwrap_or(BUFFERS), history)),
    ];
    if let Some(outcome) = questions::judge(history) {
        outcomes.push(("no node asks without end", outcome));
    }
    if let Some(outcome) = oracle::judge(history) {
        outcomes.push(("what nodes do follows from what they were told", outcome));
    }
    if let Some(near) = view.near_median {
        let outcome = near_median::judge(view.masternodes, near, history);
        outcomes.push(("masternodes stay near their median", outcome));
    }
    let named = outcomes.into_iter();
    named.map(|(name, outcome)| (name.to_owned(), outcome)).collect()
}

/// A node whose requests can't be known: neither its log nor a message of it was seen.
fn silent<'a>(nodes: impl IntoIterator<Item = &'a String>, history: &History) -> Option<&'a String> {
    nodes.into_iter().find(|node| {
        !history.observations().iter().any(|seen| match &seen.what {
            What::Log { .. } => seen.source == **node,
            What::Wire { node: sender, sent, .. } => !sent && sender == *node,
            _ => false,
        })
    })
}

/// Passes unless a node was silent or the history breaks off.
fn unless_silent<'a>(
    nodes: impl IntoIterator<Item = &'a String>,
    history: &History,
    expected: &str,
    actual: String,
) -> Outcome {
    if let Some(node) = silent(nodes, history) {
        return Outcome::inconclusive(expected, format!("neither a log line nor a message of {node} was seen"));
    }
    if history.end().is_none() {
        return Outcome::inconclusive(expected, "the history breaks off");
    }
    Outcome::pass(expected, actual)
}

/// `a asks m for 1-500`.
fn words(request: &Request<'_>, history: &History) -> String {
    let peer = history.meta().name_of(&request.peer).unwrap_or(&request.peer);
    format!("{} asks {peer} for {}-{}", request.node, request.start, request.end)
}
