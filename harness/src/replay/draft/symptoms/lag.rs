//! Nodes that stay behind.
use std::collections::BTreeMap;

use super::{Scene, Symptom, WITHIN};
use crate::replay::draft::chains::Start;
use crate::scenario::text::span;

/// Behind by more than this is a node that needs to sync (phase-3, Component 1).
const THRESHOLD: u64 = 5;
/// Behind for so long at the end, and asked for by nobody: it doesn't catch up by itself.
const STUCK: i64 = 60_000_000;

impl Scene<'_> {
    pub(super) fn lag(&self) -> Vec<Symptom> {
        let mut by_target: BTreeMap<u64, Vec<(usize, u64, i64)>> = BTreeMap::new();
        for (index, host) in self.incident.hosts.iter().enumerate() {
            let (Some(party), Some((since, height))) = (self.cast.host(index), host.heights.last()) else { continue };
            let (lists, _) = self.cast.lists(party, host);
            // What the scenario's whitelisted parties serve, but for branches that lose against its own.
            let serving = lists.iter().filter(|other| self.faults.serves(**other));
            let loses = |other: usize, end: &Start| {
                self.fork_choice(party, host, other).is_some_and(|winner| winner.chain != end.chain)
            };
            let ends = serving.filter_map(|other| self.ends.get(*other).filter(|end| !loses(*other, end)));
            let target = ends.map(|end| end.height).max();
            let lasted = host.ends - since;
            if let Some(target) = target.filter(|target| height + THRESHOLD < *target && lasted >= STUCK) {
                by_target.entry(target).or_default().push((party, *height, lasted));
            }
        }
        by_target.into_iter().map(|(target, nodes)| self.behind(target, &nodes)).collect()
    }

    fn behind(&self, target: u64, nodes: &[(usize, u64, i64)]) -> Symptom {
        let who: Vec<&str> = nodes.iter().map(|(party, ..)| self.name(*party)).collect();
        let stays: Vec<String> =
            nodes.iter().map(|(party, height, _)| format!("{} at {height}", self.name(*party))).collect();
        let lasted = nodes.iter().map(|(.., lasted)| *lasted).min().unwrap_or_default();
        let never =
            |who: &&str| format!("never: {{see: {{on: {who}, log: appended, where: {{height: \">= {target}\"}}}}}}");
        Symptom {
            what: format!("while a masternode is at {target}, these stay behind: {}", stays.join(", ")),
            source: format!("their heights, for {} to the end", span(lasted)),
            reproduced: who.iter().map(never).collect(),
            cured: vec![format!(
                "converge: {{who: [{}], on: {{height_at_least: {target}}}, after: {}, within: {WITHIN}}}",
                who.join(", "),
                span(self.healed)
            )],
            mutant: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::replay::draft::testing::{Logs, section};

    #[test]
    fn who_is_behind_to_the_end_stays_behind() {
        let told = |height: u64| Logs::of(&["a", "b"]).lines("a", [1], &format!("Peer 10.0.0.9 has height {height}"));
        let yaml = told(106).draft();
        assert!(yaml.contains("while a masternode is at 106, these stay behind: a at 100, b at 100"), "{yaml}");
        let converge = "converge: {who: [a, b], on: {height_at_least: 106}, after: 0s, within: 5m}";
        assert_eq!(section(&yaml, "expect"), [converge]);
        let never = |who| format!("never: {{see: {{on: {who}, log: appended, where: {{height: \">= 106\"}}}}}}");
        assert_eq!(section(&yaml, "incident")[2..], [never("a"), never("b")], "{yaml}");
        // Five blocks are near enough, and one who was behind a moment ago may catch up.
        assert!(!told(105).draft().contains("stay behind"));
        let late = Logs::mesh(1, 1, &[]).line("a", 550, "Peer 10.0.0.2 has height 200");
        let moved = late.line("a", 560, "Status: Height=101, Active Masternodes=4").draft();
        assert!(!moved.contains("stay behind"), "{moved}");
    }

    #[test]
    fn nobody_is_behind_one_that_serves_nothing() {
        let silent = Logs::mesh(2, 1, &[(1, 3, 60..601), (2, 3, 60..601)]).line("a", 1, "Peer 10.0.0.3 has height 200");
        let yaml = silent.draft();
        assert!(yaml.contains("Nothing is seen to be wrong."), "{yaml}");
        assert_eq!(
            section(&yaml, "expect"),
            ["converge: {who: [a, b], on: {heights_within: 10}, after: 0s, within: 5m}"]
        );
    }
    #[test]
    fn nobody_is_behind_a_branch_that_loses() {
        let with = |other: u64| {
            Logs::of(&["a"])
                .line("a", 1, "Peer 10.0.0.2 has height 150")
                .line("a", 1, &format!("Peer 10.0.0.3 has height {other}"))
                .line("a", 300, "Fork detected at height 98: our aaaaaaaa vs 10.0.0.2 bbbbbbbb")
                .draft()
        };
        // Two masternodes hold its own branch, or it alone does: the other is as good, and longer.
        let yaml = with(100);
        assert!(!yaml.contains("stay behind"), "{yaml}");
        let yaml = with(90);
        assert!(yaml.contains("while a masternode is at 150, these stay behind: a at 100"), "{yaml}");
    }
}
