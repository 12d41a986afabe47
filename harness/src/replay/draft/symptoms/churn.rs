//! Connections that end as soon as they are there.
use std::net::Ipv4Addr;

use super::{Scene, Symptom};
use crate::replay::draft::faults::short;
use crate::replay::incident::Host;

/// So many connections that end at once are churn.
const CHURN: usize = 5;
/// Ten minutes of dials to one masternode at most, by its back-off: 2 4 8 16 32 60 60 … s (Phase 2), and its first.
const DIALS: u64 = 15;

impl Scene<'_> {
    pub(super) fn churn(&self, party: usize, host: &Host) -> Option<Symptom> {
        let brief = |ip: &Ipv4Addr| {
            let connections = host.peers.get(ip).into_iter().flat_map(|peer| &peer.connections);
            connections.filter(|connection| short(connection).is_some()).collect::<Vec<_>>()
        };
        let ip = host.peers.keys().copied().max_by_key(|ip| (brief(ip).len(), std::cmp::Reverse(*ip)))?;
        let brief = brief(&ip);
        let (last, count) = (brief.last()?, brief.len());
        if count < CHURN {
            return None;
        }
        let (node, peer) = (self.name(party), self.name(self.cast.at(ip)?));
        let dialled = format!("{{see: {{on: {node}, connection: dialled, where: {{peer: {peer}}}}}}}");
        Some(Symptom {
            what: format!("connections of {node} with {peer} end as soon as they are there: {count} times"),
            source: self.source(last.place),
            reproduced: vec![format!("count: {{seen: {dialled}, at_least: {}}}", DIALS + 1)],
            cured: vec![format!("rate: {{seen: {dialled}, per: 10m, at_most: {DIALS}}}")],
            mutant: Some("redials_for_ever"),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::replay::draft::testing::{Logs, section};

    #[test]
    fn five_short_connections_are_churn() {
        let churn = |times| {
            let (from, until) = ((0..times).map(|at| 10 + at * 20), (0..times).map(|at| 12 + at * 20));
            let logs = Logs::of(&["a"]).lines("a", from, "Connected to peer: 10.0.0.2");
            logs.lines("a", until, "Connection to 10.0.0.2 closed by peer (EOF)").draft()
        };
        let yaml = churn(5);
        assert!(yaml.contains("connections of a with p-10-0-0-2 end as soon as they are there: 5 times"), "{yaml}");
        let dialled = "{see: {on: a, connection: dialled, where: {peer: p-10-0-0-2}}}";
        assert_eq!(section(&yaml, "expect"), [format!("rate: {{seen: {dialled}, per: 10m, at_most: 15}}")]);
        let incident = section(&yaml, "incident");
        assert_eq!(incident[1], "mutant: redials_for_ever");
        assert_eq!(incident[3], format!("count: {{seen: {dialled}, at_least: 16}}"));
        assert!(!churn(4).contains("rate:"));
    }
}
