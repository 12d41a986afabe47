//! Chains stay linked and valid, and are not rolled back too far.
use std::collections::BTreeSet;

use crate::check::chains::{Change, per_node};
use crate::check::verdict::Outcome;
use crate::history::History;

/// Deepest reorganisation, in blocks (phase-3, Component 3).
const DEEPEST: u64 = 10_000;

/// What was added was valid by the harness's own check, and began where the old chain was kept.
pub fn linked(nodes: &BTreeSet<String>, history: &History) -> Outcome {
    per_change(nodes, history, "each block extends the one before and is valid", |change| {
        if let Some(reason) = change.broken {
            return Some(reason.to_owned());
        }
        let old = change.old?;
        let gap = change.ancestor > old || change.ancestor > change.height;
        gap.then(|| {
            let Change { ancestor, height, .. } = change;
            format!("from {old} to {height}, although {ancestor} is said to be kept")
        })
    })
}

/// No reorganisation undoes more than 10,000 blocks.
pub fn depth(nodes: &BTreeSet<String>, history: &History) -> Outcome {
    per_change(nodes, history, "at most 10000 blocks undone", |change| {
        let undone = change.undone();
        (undone > DEEPEST).then(|| format!("{undone} blocks undone"))
    })
}

fn per_change(
    nodes: &BTreeSet<String>,
    history: &History,
    expected: &str,
    breach: impl Fn(&Change<'_>) -> Option<String>,
) -> Outcome {
    per_node(nodes, history, expected, |node, changes| {
        changes.iter().find_map(|change| Some((format!("{node}: {}", breach(change)?), *change)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict::{Fail, Inconclusive, Pass};
    use crate::history::build::history;

    fn nodes() -> BTreeSet<String> {
        ["a".into()].into()
    }

    #[test]
    fn chains_are_linked_and_valid() {
        let judge = |history| linked(&nodes(), &history).verdict;
        let grows = || history().chain("a", 9, 9, "x").chain("a", 9, 12, "y").chain("a", 10, 11, "z");
        assert_eq!(judge(grows().ended()), Pass);
        assert_eq!(judge(grows().broken("a", 11, 12, "q", Some("merkle root")).ended()), Fail);
        assert_eq!(judge(grows().chain("a", 12, 13, "q").ended()), Fail, "a hole");
        assert_eq!(judge(grows().chain("a", 11, 10, "q").ended()), Fail);
        assert_eq!(judge(grows().done()), Inconclusive);
        assert_eq!(judge(history().chain("b", 1, 1, "x").ended()), Inconclusive);
    }

    #[test]
    fn reorganisations_are_shallow() {
        let judge = |history| depth(&nodes(), &history).verdict;
        let high = || history().chain("a", 20_000, 20_000, "x");
        assert_eq!(judge(high().chain("a", 10_000, 20_001, "y").ended()), Pass);
        assert_eq!(judge(high().chain("a", 9_999, 20_001, "y").ended()), Fail);
        assert_eq!(judge(high().done()), Inconclusive);
    }
}
