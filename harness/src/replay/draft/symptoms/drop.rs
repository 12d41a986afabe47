//! A whitelisted peer that was dropped for missed pongs, although it came back soon enough.
use super::{Scene, Symptom};
use crate::history::Field;
use crate::replay::incident::{Event, Host};

/// A silence that a whitelisted peer may keep without being dropped: six pings of which each has 180 s (D-4), with room.
const TOLERATED: i64 = 300_000_000;

impl Scene<'_> {
    pub(super) fn drop(&self, party: usize, host: &Host) -> Option<Symptom> {
        let timeout = |event: &Event| event.fields.get("reason") == Some(&Field::Text("timeout".to_owned()));
        let dropped = |event: &&Event| match event.name.as_str() {
            "disconnected" => timeout(event),
            name => matches!(name, "peer_unresponsive" | "masternode_unresponsive"),
        };
        for event in host.events.iter().filter(dropped) {
            let Some((peer, other)) = event.peer.and_then(|ip| Some((host.peers.get(&ip)?, self.cast.at(ip)?))) else {
                continue;
            };
            let around = peer.silences.iter().find(|silence| {
                silence.from <= event.first() && silence.until.is_none_or(|until| until >= event.first())
            });
            let long = !self.faults.late.contains(&other)
                && around.is_none_or(|silence| silence.until.unwrap_or(self.incident.ends) - silence.from > TOLERATED);
            if long || !self.cast.parties[other].masternode {
                continue;
            }
            let (node, peer) = (self.name(party), self.name(other));
            return Some(Symptom {
                what: format!("{node} drops {peer} for missed pongs"),
                source: self.source(event.place),
                reproduced: vec![format!(
                    "count: {{seen: {{see: {{on: {node}, connection: closed_by_node, where: {{peer: {peer}}}}}}}, at_least: 1}}"
                )],
                cured: vec![format!(
                    "never: {{see: {{on: {node}, log: masternode_unresponsive, where: {{ip: {peer}}}}}}}"
                )],
                mutant: Some("no_relaxed_timeout"),
            });
        }
        None
    }
}
