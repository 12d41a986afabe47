//! Hosts that started again: killed from their last line before.
use super::Faults;
use super::evidence::Evidence;
use super::silence::{Loss, TOGETHER};

/// It takes at least so long.
const SHORTEST: i64 = 1_000_000;

/// A time in which a host was down.
pub(super) struct Restart {
    party: usize,
    from: i64,
    until: i64,
}

/// Others need so long to find a host that is back: they dial each minute at last (Phase 2).
const FOUND: i64 = 2 * TOGETHER;

/// Whether a host's restarts, one or one after the other, are why somebody was not heard until `end`: it began and ended with one.
pub(super) fn explain(restarts: &[Restart], loss: &Loss, end: i64) -> bool {
    [loss.node, loss.other].into_iter().any(|party| {
        let mut own = restarts.iter().filter(|restart| restart.party == party);
        let begins = own.clone().any(|down| (down.from - TOGETHER..=down.until).contains(&loss.from));
        begins && own.any(|down| (down.from..=down.until + FOUND).contains(&end))
    })
}

impl Faults {
    pub(super) fn restarts(&mut self, evidence: Evidence<'_>) -> Vec<Restart> {
        let mut restarts: Vec<Restart> = Vec::new();
        for (party, host) in evidence.hosts() {
            let starts = host.events.iter().filter(|event| matches!(event.name.as_str(), "started" | "daemon_started"));
            for (at, event) in starts.flat_map(|event| event.times.iter().map(move |at| (*at, event))) {
                // The banner comes before the height: one start.
                let again = restarts.iter().any(|known| known.party == party && i64::abs(at - known.until) < TOGETHER);
                if at - host.begins < TOGETHER || again {
                    continue;
                }
                let gap = host.gaps.iter().find(|(_, until)| i64::abs(at - until) < TOGETHER);
                let from = gap.map_or(at - SHORTEST, |(from, _)| *from);
                restarts.push(Restart { party, from, until: at });
                let action = |lasts: &str| format!("{{kill: {{who: [{}], for: {lasts}}}}}", evidence.name(party));
                let source = format!("{}: it starts again", evidence.source(event.place));
                self.lasting(evidence, (from, at), action, source);
            }
        }
        restarts
    }
}

#[cfg(test)]
mod tests {
    use crate::replay::draft::testing::Logs;

    #[test]
    fn a_host_that_starts_again_was_killed_after_its_last_line() {
        let logs = Logs::mesh(2, 0, &[(2, 1, 110..300)]).quiet("a", 110..250).line("a", 250, "Daemon v1.0.0 ()").line(
            "a",
            252,
            "Started at height 100 abcdef",
        );
        let yaml = logs.draft();
        // The banner and the height are one start, and explain why it was not heard.
        let timeline = crate::replay::draft::testing::section(&yaml, "timeline");
        assert_eq!(timeline, ["{at: 100s, do: {kill: {who: [a], for: 150s}}}"], "{yaml}");
        assert!(yaml.contains(": it starts again\n"), "{yaml}");
    }

    #[test]
    fn one_after_the_other_they_are_why_it_was_not_heard() {
        let started = "Started at height 100 abcdef";
        let logs = Logs::mesh(2, 0, &[(2, 1, 110..500)]).quiet("a", 110..250).quiet("a", 270..450);
        let timeline = logs.lines("a", [250, 450], started).section("timeline");
        let kill = |at: &str, lasts: &str| format!("{{at: {at}, do: {{kill: {{who: [a], for: {lasts}}}}}}}");
        assert_eq!(timeline, [kill("100s", "150s"), kill("260s", "190s")]);
    }

    #[test]
    fn a_restart_amid_a_longer_silence_is_not_its_cause() {
        let logs =
            Logs::mesh(3, 0, &[(1, 2, 60..500)]).quiet("a", 210..250).line("a", 250, "Started at height 100 abcdef");
        let wanted = [
            "{at: 50s, do: {cut: {between: [a], and: [b], for: 450s}}}",
            "{at: 200s, do: {kill: {who: [a], for: 50s}}}",
        ];
        assert_eq!(logs.section("timeline"), wanted);
    }

    #[test]
    fn the_start_with_which_a_log_begins_is_none() {
        let logs = Logs::mesh(2, 0, &[]).line("a", 1, "Started at height 100 abcdef");
        assert!(logs.section("timeline").is_empty());
    }
}
