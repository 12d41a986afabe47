//! A fork that nobody leaves; against a scripted peer any, since the node alone has to end where the fork choice says.
use super::{Scene, Symptom, WITHIN};
use crate::replay::incident::Host;
use crate::scenario::text::span;

impl Scene<'_> {
    pub(super) fn fork(&self, index: usize, party: usize, host: &Host) -> Option<Symptom> {
        let mine = self.ends.get(party)?;
        let apart = |other: &usize| self.ends.get(*other).is_some_and(|theirs| theirs.chain != mine.chain);
        let mut conflicts = self.chains.conflicts.iter().filter(|(host, ..)| *host == index);
        let (_, other, event) = *conflicts.find(|(_, other, _)| apart(other))?;
        let event = host.events.get(event)?;
        let left = host.events.iter().any(|event| event.name == "reorg");
        let (node, peer) = (self.name(party), self.name(other));
        let stays = format!("reorgs: {{who: [{node}], at_most: 0}}");
        let mut fork = Symptom {
            what: format!("{node} stays on another chain than {peer}"),
            source: self.source(event.place),
            reproduced: Vec::new(),
            cured: Vec::new(),
            mutant: None,
        };
        if self.cast.parties[other].host.is_some() {
            let after = span(self.healed);
            fork.cured.push(format!("converge: {{who: [{node}, {peer}], on: tips, after: {after}, within: {WITHIN}}}"));
            fork.reproduced.push(stays);
            fork.mutant = Some("forks_skipped");
            return (!left).then_some(fork);
        }
        let Some(end) = self.fork_choice(party, host, other) else { return (!left).then_some(fork) };
        let (place, by) = (self.chains.place(end.chain, end.height), span(self.healed + 300_000_000));
        fork.cured.push(format!("tip: {{who: [{node}], is: {place}, by: {by}}}"));
        match (end.chain == mine.chain, left) {
            (true, false) => {}
            (true, true) => {
                fork.what = format!("{node} leaves its chain, which wins against that of {peer}");
                fork.reproduced.push(format!("count: {{seen: {{see: {{on: {node}, log: reorg}}}}, at_least: 1}}"));
            }
            (false, false) => {
                fork.reproduced.push(stays);
                fork.mutant = Some("forks_skipped");
            }
            (false, true) => fork.what = format!("{node} comes over to the chain of {peer}"),
        }
        Some(fork)
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
        // The other way round it stays where it is, as it did.
        let yaml = told(99).draft();
        assert_eq!(section(&yaml, "expect")[0], "tip: {who: [a], is: main@100, by: 5m}", "{yaml}");
        assert!(yaml.contains("a stays on another chain than p-10-0-0-2") && !yaml.contains("incident:"), "{yaml}");
    }

    #[test]
    fn a_fork_between_nodes_that_was_left_is_none() {
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
