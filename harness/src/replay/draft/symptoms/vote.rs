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

#[cfg(test)]
mod tests {
    use crate::replay::draft::testing::{Logs, section};

    #[test]
    fn a_masternode_that_is_outvoted_is_a_symptom() {
        let vote = |peer| format!("Peer {peer} NOT on consensus chain (1/4 peers agree at height 100)");
        let logs = Logs::of(&["a"])
            .line("a", 1, "Added 10.0.0.2 to whitelist: config")
            .line("a", 2, &vote("10.0.0.3"))
            .line("a", 3, &vote("10.0.0.2"));
        let yaml = logs.draft();
        let seen = "{see: {on: a, log: off_consensus, where: {ip: p-10-0-0-2}}}";
        assert!(yaml.contains("# a.log:5: a rejects the chain of p-10-0-0-2, a masternode, by a vote"), "{yaml}");
        assert_eq!(section(&yaml, "expect"), [format!("never: {seen}")], "{yaml}");
        assert_eq!(section(&yaml, "incident").last().unwrap(), &format!("count: {{seen: {seen}, at_least: 1}}"));
    }
}
