//! A fork that nobody leaves.
use super::{Scene, Symptom, WITHIN};
use crate::replay::draft::chains::Start;
use crate::replay::draft::text::span;
use crate::replay::incident::Host;

impl Scene<'_> {
    pub(super) fn fork(&self, index: usize, party: usize, host: &Host) -> Option<Symptom> {
        let on = |end: &Start| self.chains.on(end.chain, end.height);
        let mine = self.ends.get(party)?;
        let apart = |other: &usize| self.ends.get(*other).is_some_and(|theirs| on(theirs) != on(mine));
        let mut conflicts = self.chains.conflicts.iter().filter(|(host, ..)| *host == index);
        let (_, other, event) = *conflicts.find(|(_, other, _)| apart(other))?;
        let (event, theirs) = (host.events.get(event)?, self.ends.get(other)?);
        if host.events.iter().any(|event| event.name == "reorg") {
            return None;
        }
        let (node, peer) = (self.name(party), self.name(other));
        let what = format!("{node} stays on another chain than {peer}");
        let both = self.cast.parties[other].host.is_some();
        if !both && self.weight(mine) >= self.weight(theirs) {
            // The peer ought to come over, and it is no node.
            return Some(Symptom {
                what,
                source: self.source(event.place),
                reproduced: Vec::new(),
                cured: Vec::new(),
                mutant: None,
            });
        }
        let cured = if both {
            format!("converge: {{who: [{node}, {peer}], on: tips, after: {}, within: {WITHIN}}}", span(self.healed))
        } else {
            let (end, by) = (self.chains.place(theirs.chain, theirs.height), span(self.healed + 300_000_000));
            format!("tip: {{who: [{node}], is: {end}, by: {by}}}")
        };
        Some(Symptom {
            what,
            source: self.source(event.place),
            reproduced: vec![format!("reorgs: {{who: [{node}], at_most: 0}}")],
            cured: vec![cured],
            mutant: Some("forks_skipped"),
        })
    }

    /// What decides between two chains: how many masternodes are on it, then its length (wire protocol, Fork choice).
    fn weight(&self, end: &Start) -> (usize, u64) {
        let on = |end: &Start| self.chains.on(end.chain, end.height);
        let ends = self.ends.iter().zip(&self.cast.parties);
        (ends.filter(|(other, party)| party.masternode && on(other) == on(end)).count(), end.height)
    }
}

#[cfg(test)]
mod tests {
    use crate::replay::draft::testing::{Logs, section};

    const FORK: &str = "Fork detected at height 98: our aaaaaaaa vs 10.0.0.2 bbbbbbbb";

    #[test]
    fn two_nodes_have_to_agree() {
        let yaml = Logs::mesh(2, 0, &[]).line("a", 300, FORK).draft();
        assert_eq!(section(&yaml, "expect"), ["converge: {who: [a, b], on: tips, after: 0s, within: 5m}"], "{yaml}");
        let incident = section(&yaml, "incident");
        assert_eq!(incident[1..], ["mutant: forks_skipped", "reproduced:", "reorgs: {who: [a], at_most: 0}"], "{yaml}");
    }

    #[test]
    fn a_node_has_to_come_over_to_a_peer_with_more_for_its_chain() {
        let told = |height: u64| {
            let told = format!("Peer 10.0.0.2 has height {height}");
            Logs::mesh(1, 1, &[])
                .line("a", 10, "Peer 10.0.0.2 has height 99")
                .line("a", 310, &told)
                .line("a", 300, FORK)
        };
        let yaml = told(120).draft();
        // Five minutes after the peer was last seen to move.
        assert_eq!(section(&yaml, "expect")[0], "tip: {who: [a], is: fork-1@120, by: 610s}", "{yaml}");
        // The other way round the peer has to, and it is no node.
        let yaml = told(99).draft();
        assert!(yaml.contains("a stays on another chain than p-10-0-0-2") && !yaml.contains("incident:"), "{yaml}");
    }

    #[test]
    fn a_fork_that_was_left_is_none() {
        let reorg = "Reorganised from 100 aaaaaaaa to 100 bbbbbbbb (ancestor 97)";
        let yaml = Logs::mesh(2, 0, &[]).line("a", 300, FORK).line("a", 310, reorg).draft();
        assert!(!yaml.contains("stays on another chain"), "{yaml}");
    }

    #[test]
    fn where_a_vote_is_the_reason_there_is_no_defect() {
        let vote = "Peer 10.0.0.2 NOT on consensus chain (1/4 peers agree at height 100)";
        let yaml = Logs::mesh(2, 0, &[]).line("a", 300, FORK).line("a", 301, vote).draft();
        assert!(yaml.contains("stays on another chain") && !yaml.contains("mutant:"), "{yaml}");
    }
}
