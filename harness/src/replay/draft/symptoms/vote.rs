//! A whitelisted peer's chain that a vote rejects.
use super::{Scene, Symptom};
use crate::replay::incident::{Event, Host};

impl Scene<'_> {
    pub(super) fn vote(&self, party: usize, host: &Host) -> Option<Symptom> {
        let about = |event: &Event| {
            event.peer.and_then(|ip| self.cast.at(ip)).filter(|other| self.cast.parties[*other].masternode)
        };
        let event = host.events.iter().find(|event| event.name == "off_consensus" && about(event).is_some())?;
        let (node, peer) = (self.name(party), self.name(about(event)?));
        let seen = format!("{{on: {node}, log: off_consensus, where: {{ip: {peer}}}}}");
        Some(Symptom {
            what: format!("{node} rejects the chain of {peer}, a masternode, by a vote"),
            source: self.source(event.place),
            reproduced: vec![format!("count: {{seen: {{see: {seen}}}, at_least: 1}}")],
            cured: vec![format!("never: {{see: {seen}}}")],
            mutant: None,
        })
    }
}
