//! A whitelisted peer that was dropped for missed pongs, although it came back soon enough.
use super::{Scene, Symptom};
use crate::history::Field;
use crate::replay::incident::{Event, Host};

/// A silence that a whitelisted peer may keep without being dropped: six pings of which each has 180 s (D-4), with room.
const TOLERATED: i64 = 300_000_000;

impl Scene<'_> {
    pub(super) fn drop(&self, party: usize, host: &Host) -> Option<Symptom> {
        let timeout = |event: &Event| {
            let reason = event.fields.get("reason").map(Field::to_string).unwrap_or_default();
            reason == "timeout" || reason.contains("timed out")
        };
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

#[cfg(test)]
mod tests {
    use crate::replay::draft::testing::{Logs, section};

    #[test]
    fn a_masternode_that_came_back_soon_was_dropped_too_early() {
        for dropped in ["Disconnecting 10.0.0.3 due to timeout", "Connection to 10.0.0.3 ended: ping timed out"] {
            let yaml = Logs::mesh(2, 1, &[(1, 3, 60..300)])
                .line("a", 1, "Added 10.0.0.3 to whitelist: config")
                // Of whom this tells is nobody's business.
                .line("a", 2, "Disconnecting 127.0.0.1 due to timeout")
                .line("a", 180, dropped)
                .draft();
            assert!(yaml.contains("a drops p-10-0-0-3 for missed pongs"), "{yaml}");
            let never = "never: {see: {on: a, log: masternode_unresponsive, where: {ip: p-10-0-0-3}}}";
            assert_eq!(section(&yaml, "expect"), [never], "{yaml}");
            let closed = "{see: {on: a, connection: closed_by_node, where: {peer: p-10-0-0-3}}}";
            let count = format!("count: {{seen: {closed}, at_least: 1}}");
            assert_eq!(section(&yaml, "incident")[1..], ["mutant: no_relaxed_timeout", "reproduced:", count.as_str()]);
        }
    }

    #[test]
    fn one_that_did_not_or_is_no_masternode_was_not() {
        let regular = Logs::mesh(2, 1, &[(2, 3, 60..300)]).line("a", 1, "Added 10.0.0.2 to whitelist: config").line(
            "b",
            180,
            "Disconnecting 10.0.0.3 due to timeout",
        );
        for logs in [
            regular,
            Logs::mesh(2, 1, &[(1, 3, 60..500), (2, 3, 60..500)])
                .line("a", 180, "Disconnecting 10.0.0.3 due to timeout")
                .quiet("a", 190..500)
                .quiet("b", 190..200),
        ] {
            let yaml = logs.draft();
            assert!(!yaml.contains("for missed pongs"), "{yaml}");
        }
    }
}
