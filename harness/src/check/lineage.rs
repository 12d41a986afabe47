//! Which tips build on which, from all nodes' changes together: where one node takes many blocks at once, another may have
//! shown those between.
use std::collections::{BTreeMap, BTreeSet};

use crate::history::History;

use super::chains::changes;

/// Tips and their relatives.
#[derive(Debug, Default)]
pub struct Lineage<'a> {
    tips: BTreeMap<&'a str, Relatives<'a>>,
}

/// What was seen of a tip's chain.
#[derive(Debug, Default)]
struct Relatives<'a> {
    height: u64,
    /// Tips below it on the same chain.
    below: BTreeSet<&'a str>,
    /// Tips that a node gave up for it, with the last block in common.
    replaced: BTreeSet<(&'a str, u64)>,
}

impl<'a> Lineage<'a> {
    /// Reads all nodes' changes.
    pub fn new(history: &'a History, nodes: impl IntoIterator<Item = &'a str>) -> Self {
        let mut lineage = Self::default();
        for node in nodes {
            // This node's chain as far as it was shown.
            let mut shown: BTreeMap<u64, &str> = BTreeMap::new();
            for change in changes(history, node) {
                if change.old.is_none() {
                    shown.clear();
                }
                let before = shown.values().next_back().copied();
                let _undone = shown.split_off(&change.ancestor.saturating_add(1));
                let tip = lineage
                    .tips
                    .entry(change.tip)
                    .or_insert_with(|| Relatives { height: change.height, ..Relatives::default() });
                let mut under = shown.range(..change.height);
                tip.below.extend(under.next_back().map(|(_, parent)| *parent));
                tip.replaced.extend(before.map(|before| (before, change.ancestor)));
                shown.insert(change.height, change.tip);
            }
        }
        lineage
    }

    /// For each tip, whether the block of this height on the chain of `place` is below it or is itself; `place` tells that
    /// chain's hashes by height, as far as they are known. `None`: what was seen doesn't tell.
    pub fn hold(&self, height: u64, place: impl Fn(u64) -> Option<String>) -> BTreeMap<&'a str, Option<bool>> {
        let asked = Asked { lineage: self, height, place };
        let mut holds: BTreeMap<&str, Option<bool>> = BTreeMap::new();
        for (tip, relatives) in &self.tips {
            holds.insert(tip, asked.by_itself(tip, relatives));
        }
        // From the lower to the higher most is told at once; what a higher one tells of a lower needs another turn.
        let mut by_height: Vec<_> = self.tips.iter().collect();
        by_height.sort_by_key(|(_, relatives)| relatives.height);
        loop {
            let before = holds.clone();
            for (tip, relatives) in &by_height {
                if holds.get(*tip).copied().flatten().is_none() {
                    let answer = asked.by_relatives(relatives, &holds);
                    holds.insert(tip, answer);
                }
            }
            if holds == before {
                return holds;
            }
        }
    }
}

/// A block that is looked for.
struct Asked<'l, 'a, F> {
    lineage: &'l Lineage<'a>,
    height: u64,
    place: F,
}

impl<F: Fn(u64) -> Option<String>> Asked<'_, '_, F> {
    /// Whether a tip is on the block's chain.
    fn on_chain(&self, tip: &str, height: u64) -> Option<bool> {
        (self.place)(height).map(|known| known == tip)
    }

    fn by_itself(&self, tip: &str, relatives: &Relatives<'_>) -> Option<bool> {
        if relatives.height < self.height {
            return Some(false);
        }
        let on_chain = self.on_chain(tip, relatives.height);
        on_chain.filter(|on_chain| *on_chain || relatives.height == self.height)
    }

    fn by_relatives(&self, relatives: &Relatives<'_>, holds: &BTreeMap<&str, Option<bool>>) -> Option<bool> {
        let known = |tip: &str| holds.get(tip).copied().flatten();
        let height = |tip: &str| self.lineage.tips.get(tip).map(|relatives| relatives.height);
        let below = relatives.below.iter().find_map(|parent| {
            let parent_height = height(parent)?;
            if parent_height >= self.height {
                return known(parent);
            }
            // A chain that left the block's chain below it never holds it.
            let on_chain = self.on_chain(parent, parent_height);
            on_chain.filter(|on_chain| !on_chain)
        });
        below.or_else(|| {
            relatives.replaced.iter().find_map(|(before, ancestor)| {
                if *ancestor >= self.height {
                    return known(before);
                }
                // The two part at `ancestor`; where the one went on along the block's chain, the other didn't.
                let before_height = height(before)?;
                let went_on = known(before) == Some(true) || self.on_chain(before, before_height) == Some(true);
                (went_on && *ancestor < before_height).then_some(false)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::build::history;

    #[test]
    fn lineage_joins_what_several_nodes_showed() {
        let history = history()
            // a makes blocks on main@100, b takes three at once, c is on another fork, d came from nowhere.
            .chain("a", 100, 100, "main100")
            .chain("b", 90, 90, "main90")
            .chain("c", 90, 90, "main90")
            .chain("d", 120, 120, "d120")
            .chain("a", 100, 101, "p101")
            .chain("a", 101, 102, "p102")
            .chain("b", 90, 102, "p102")
            .chain("c", 90, 91, "c91")
            .chain("c", 91, 101, "c101")
            // e leaves main below 100, where it had shown nothing, and comes back to another block above it.
            .chain("e", 99, 99, "main99")
            .chain("e", 50, 103, "e103")
            .chain("e", 102, 104, "e104")
            .chain("e", 103, 105, "e105")
            .ended();
        let lineage = Lineage::new(&history, ["a", "b", "c", "d", "e"]);
        let place = |height: u64| (height <= 100).then(|| format!("main{height}"));
        let holds = lineage.hold(100, place);
        assert_eq!(holds["main90"], Some(false));
        assert_eq!(holds["main100"], Some(true));
        assert_eq!(holds["p102"], Some(true));
        assert_eq!(holds["c91"], Some(false));
        assert_eq!(holds["c101"], Some(false), "left main below 100");
        assert_eq!(holds["e103"], Some(false), "left main below 100");
        assert_eq!(holds["e105"], Some(false));
        assert_eq!(holds["d120"], None);
    }
}
