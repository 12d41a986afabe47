//! Peers that are silent, dropped, and there again at once, and silent again: they live, and are slow.
use super::Faults;
use super::evidence::Evidence;
use crate::replay::draft::Unknowns;
use crate::replay::incident::{Connection, Silence};

/// Seconds: longer than a dropped node waits for blocks (120 s) and pongs (some 160 s), and shorter than one with the cure does (300 s, 340 s): D-4.
const SLOW: u64 = 200;

impl Faults {
    pub(super) fn lateness(&mut self, evidence: Evidence<'_>, unknowns: &mut Unknowns) {
        for host in &evidence.incident.hosts {
            for (party, _, peer) in evidence.scripted(host) {
                let back =
                    |silence: &&Silence| peer.connections.iter().any(|connection| begins_within(connection, silence));
                let Some(silence) = peer.silences.iter().find(back).filter(|_| !self.late.contains(&party)) else {
                    continue;
                };
                let name = evidence.name(party);
                unknowns.add(format!(
                    "when {name} would have answered: its connections were dropped before; default: after {SLOW} s"
                ));
                let source =
                    format!("{}: it takes connections, and doesn't answer in time", evidence.source(silence.place));
                let late = format!("{{delayed_answers: {SLOW}s}}, {{misses_pongs_of: 7}}");
                self.deviate(evidence, party, silence.from, &late, source);
                self.healed = self.healed.max(silence.from);
                if let Some(until) = silence.until {
                    self.back_to_habits(evidence, party, until);
                }
                self.late.insert(party);
            }
        }
    }
}

fn begins_within(connection: &Connection, silence: &Silence) -> bool {
    connection.from.is_some_and(|at| at > silence.from && silence.until.is_none_or(|until| at < until))
}

#[cfg(test)]
mod tests {
    use crate::replay::draft::testing::{Logs, section, unknowns};

    #[test]
    fn who_is_silent_and_connects_all_the_same_is_late() {
        let silent = Logs::mesh(2, 1, &[(1, 3, 60..400), (2, 3, 60..400)]);
        let logs = silent
            .line("a", 180, "[Outbound] WHITELIST VIOLATION: Masternode 10.0.0.3 unresponsive after 3 missed pongs")
            .line("a", 190, "Connected to peer: 10.0.0.3");
        let yaml = logs.draft();
        let deviate = |at, how| format!("{{at: {at}s, do: {{deviate: {{peers: [p-10-0-0-3], deviations: [{how}]}}}}}}");
        let late = "{delayed_answers: 200s}, {misses_pongs_of: 7}";
        assert_eq!(section(&yaml, "timeline"), [deviate(50, late), deviate(400, "")], "{yaml}");
        let unknown = "when p-10-0-0-3 would have answered: its connections were dropped before; default: after 200 s";
        assert!(unknowns(&yaml).contains(&unknown), "{yaml}");
    }
}
