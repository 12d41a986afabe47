//! Nodes' chains over time: each node's changes, and all nodes' states instant by instant.
use std::collections::BTreeMap;
use std::time::Duration;

use crate::history::{History, Observation, What};

use super::verdict::Outcome;

/// A change of one node's chain.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// What was seen.
    pub seen: &'a Observation,
    /// The height before; `None` for what the node started with.
    pub old: Option<u64>,
    /// The last block kept.
    pub ancestor: u64,
    /// The new height.
    pub height: u64,
    /// The new tip.
    pub tip: &'a str,
    /// The harness's own objection to what was added.
    pub broken: Option<&'a str>,
}

impl Change<'_> {
    /// Blocks that were rolled back.
    pub fn undone(&self) -> u64 {
        self.old.map_or(0, |old| old.saturating_sub(self.ancestor))
    }
}

/// All changes of a node's chain. What it tells right after its process started again (`ancestor` = `height`) is a
/// start, not a change: a power loss may have taken blocks that were never durable.
pub fn changes<'a>(history: &'a History, node: &str) -> Vec<Change<'a>> {
    let (mut old, mut started) = (None, true);
    let mut changes = Vec::new();
    for seen in history.observations().iter().filter(|o| o.source == node) {
        match &seen.what {
            What::Process { up, .. } => started |= *up,
            What::Chain { ancestor, height, tip, broken } => {
                if started && ancestor == height {
                    old = None;
                }
                started = false;
                changes.push(Change {
                    seen,
                    old,
                    ancestor: *ancestor,
                    height: *height,
                    tip,
                    broken: broken.as_deref(),
                });
                old = Some(*height);
            }
            _ => {}
        }
    }
    changes
}

/// Fails with the first node's breach; passes where all nodes' chains were seen to the end.
pub fn per_node<'a, 'n>(
    who: impl IntoIterator<Item = &'n String>,
    history: &'a History,
    expected: impl Into<String>,
    breach: impl Fn(&str, &[Change<'a>]) -> Option<(String, Change<'a>)>,
) -> Outcome {
    let mut unseen = None;
    let mut seen = 0;
    for node in who {
        let changes = changes(history, node);
        if let Some((actual, change)) = breach(node, &changes) {
            return Outcome::fail(expected, actual).seen(Some(change.seen));
        }
        if changes.is_empty() {
            unseen = Some(node);
        }
        seen += changes.len();
    }
    match unseen {
        Some(node) => Outcome::inconclusive(expected, format!("{node} never showed its chain")),
        None if history.end().is_none() => Outcome::inconclusive(expected, "the history breaks off"),
        None => Outcome::pass(expected, format!("so in all {seen} states that were seen")),
    }
}

/// A node at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State<'a> {
    /// Its height.
    pub height: u64,
    /// Its tip.
    pub tip: &'a str,
    /// Since when its process runs; `None`: it doesn't.
    pub up_since: Option<Duration>,
}

/// Calls `each` for every instant at which a chain or process of `who` changed, with the states after all changes of that
/// instant. A node is missing until it first told its chain.
pub fn instants<'a, F>(history: &'a History, who: &[String], mut each: F)
where
    F: FnMut(Duration, &BTreeMap<&'a str, State<'a>>),
{
    let mut states: BTreeMap<&str, State<'_>> = BTreeMap::new();
    let mut up: BTreeMap<&str, Option<Duration>> = BTreeMap::new();
    let mut changed_at = None;
    for seen in history.observations() {
        if !who.contains(&seen.source) {
            continue;
        }
        let source = seen.source.as_str();
        let relevant = matches!(seen.what, What::Process { .. } | What::Chain { .. });
        if relevant && changed_at.is_some_and(|at| at < seen.at) {
            each(changed_at.unwrap_or_default(), &states);
        }
        match &seen.what {
            What::Process { up: runs, .. } => {
                up.insert(source, runs.then_some(seen.at));
                if let Some(state) = states.get_mut(source) {
                    state.up_since = up[source];
                }
            }
            What::Chain { height, tip, .. } => {
                let up_since = *up.entry(source).or_insert(Some(seen.at));
                let state = State { height: *height, tip, up_since };
                states.insert(source, state);
            }
            _ => continue,
        }
        changed_at = Some(seen.at);
    }
    if let Some(at) = changed_at {
        each(at, &states);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::build::history;

    #[test]
    fn a_restart_is_no_reorganisation() {
        let history = history()
            .chain("a", 100, 100, "x100")
            .chain("a", 100, 103, "x103")
            .process("a", false)
            .process("a", true)
            .chain("a", 102, 102, "x102")
            .chain("a", 90, 104, "y104")
            .process("a", true)
            .chain("a", 100, 105, "z105")
            .ended();
        let undone: Vec<u64> = changes(&history, "a").iter().map(Change::undone).collect();
        assert_eq!(undone, [0, 0, 0, 12, 4]);
    }

    #[test]
    fn instants_show_states_after_all_changes_of_the_instant() {
        let history = history()
            .process("a", true)
            .chain("a", 5, 5, "x5")
            .chain("b", 5, 5, "x5")
            .at(1_000)
            .chain("a", 5, 6, "x6")
            .chain("b", 5, 6, "x6")
            .at(2_000)
            .process("b", false)
            .log("a", "in_sync", "")
            .ended();
        let mut seen = Vec::new();
        instants(&history, &["a".into(), "b".into()], |at, states| {
            let heights: Vec<u64> = states.values().map(|state| state.height).collect();
            let up = states.values().filter(|state| state.up_since.is_some()).count();
            seen.push((at.as_millis(), heights, up));
        });
        assert_eq!(seen, [(0, vec![5, 5], 2), (1_000, vec![6, 6], 2), (2_000, vec![6, 6], 1)]);
    }
}
