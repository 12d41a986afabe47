//! A fork that nobody leaves.
use super::{Scene, Symptom, WITHIN};
use crate::replay::draft::chains::{Chains, Start};
use crate::replay::draft::text::span;
use crate::replay::incident::Host;

impl Scene<'_> {
    pub(super) fn fork(&self, index: usize, party: usize, host: &Host) -> Option<Symptom> {
        let (_, other, event) = *self.chains.conflicts.iter().find(|(host, ..)| *host == index)?;
        let event = host.events.get(event)?;
        let healed = host.events.iter().any(|event| event.name == "reorg");
        let (mine, theirs) = (self.chains.starts.get(party)?, self.chains.starts.get(other)?);
        if healed || mine.chain == theirs.chain {
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
            let end = self.ends.get(other)?;
            let by = span(self.healed + 300_000_000);
            format!("tip: {{who: [{node}], is: {}@{}, by: {by}}}", Chains::name(end.chain), end.height)
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
    fn weight(&self, start: &Start) -> (usize, u64) {
        let starts = self.chains.starts.iter().zip(&self.cast.parties);
        let on = starts.filter(|(other, party)| party.masternode && other.chain == start.chain);
        (on.count(), start.height)
    }
}
