//! Regular peers that are asked for blocks: they are only where they have announced some (D-16).
use super::Faults;
use super::evidence::{Evidence, range};
use crate::replay::draft::Step;

/// What a message takes (the default link).
const TRAVEL: i64 = 10_000;

impl Faults {
    pub(super) fn announcements(&mut self, evidence: Evidence<'_>) {
        for host in &evidence.incident.hosts {
            for event in host.events.iter().filter(|event| event.name == "requested") {
                let regular = |party: &usize| evidence.is_scripted(*party) && !evidence.cast.parties[*party].masternode;
                let party = event.peer.and_then(|ip| evidence.cast.at(ip)).filter(regular);
                let (Some(party), Some((_, end))) = (party, range(event)) else { continue };
                self.steps.push(Step {
                    at: evidence.clock.at(event.first() - TRAVEL),
                    action: format!("{{announce: {{peers: [{}], height: {end}}}}}", evidence.name(party)),
                    comment: format!("{}: it is asked, so it had announced", evidence.source(event.place)),
                    lasts: None,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::replay::draft::testing::Logs;

    #[test]
    fn a_regular_peer_that_is_asked_had_announced() {
        let logs = Logs::mesh(1, 2, &[])
            .line("a", 1, "Added 10.0.0.2 to whitelist: config")
            .line("a", 100, "Requesting blocks 101-110 from 10.0.0.2")
            .line("a", 100, "Requesting blocks 101-120 from 10.0.0.3");
        assert_eq!(logs.section("timeline"), ["{at: 99.99s, do: {announce: {peers: [p-10-0-0-3], height: 120}}}"]);
    }
}
