//! Connections that scripted peers closed, one by one or as a habit.
use std::collections::BTreeMap;

use super::Faults;
use super::evidence::Evidence;
use super::habit::Habit;
use super::silence::TOGETHER;
use crate::replay::draft::{Step, Unknowns};
use crate::replay::incident::Connection;
use crate::scenario::text::span;

/// A connection that lasts no longer is churn.
const SHORT: i64 = 10_000_000;
/// So many of them make a habit.
const CHURN: usize = 3;
/// One close is seen by several hosts, within this time.
const ONE_CLOSE: i64 = 5_000_000;
/// Steps that disconnect a peer, at most; further ones are said to be left out.
const MOST: usize = 200;

/// A connection that the other side ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HangUp {
    at: i64,
    /// How long it had lasted, where that was a moment.
    short: Option<i64>,
    source: String,
    /// Who tells of it.
    node: usize,
}

/// By who hung up.
pub(super) type HangUps = BTreeMap<usize, Vec<HangUp>>;

/// How long a connection lasted that ended as soon as it was there.
pub fn short(connection: &Connection) -> Option<i64> {
    Some(connection.until? - connection.from?).filter(|lasted| *lasted <= SHORT)
}

impl Faults {
    /// What the other side ended; where that was soon each time, it is a habit.
    pub(super) fn hang_ups(&mut self, evidence: Evidence<'_>) -> HangUps {
        let mut all = HangUps::new();
        for (node, host) in evidence.hosts() {
            for (ip, peer) in &host.peers {
                let Some(party) = evidence.cast.at(*ip) else { continue };
                for connection in peer.connections.iter().filter(|connection| by_other(connection)) {
                    let Some(at) = connection.until else { continue };
                    let source = evidence.source(connection.place);
                    all.entry(party).or_default().push(HangUp { at, short: short(connection), source, node });
                }
            }
        }
        for (party, list) in &mut all {
            list.sort();
            if evidence.is_scripted(*party) {
                list.dedup_by(|later, earlier| later.node != earlier.node && later.at - earlier.at < ONE_CLOSE);
                if let Some(habit) = churn(list) {
                    self.habits.entry(*party).or_default().push(habit);
                    list.retain(|hang_up| hang_up.short.is_none());
                }
            }
        }
        all
    }

    /// The single ones, once all else is known that may explain them.
    pub(super) fn disconnects(&mut self, evidence: Evidence<'_>, hang_ups: HangUps, unknowns: &mut Unknowns) {
        let (peers, nodes): (HangUps, HangUps) =
            hang_ups.into_iter().partition(|(party, _)| evidence.is_scripted(*party));
        for (party, list) in nodes {
            for HangUp { at, source, node, .. } in list {
                let at = evidence.clock.at(at);
                if self.steps.iter().all(|step| (step.at - at).abs() > TOGETHER) {
                    let (name, other) = (evidence.name(node), evidence.name(party));
                    unknowns.add(format!(
                        "why {other} closed its connection with {name} ({source}): its log doesn't say; not modelled"
                    ));
                }
            }
        }
        for (party, list) in peers {
            let name = evidence.name(party);
            if let Some(more) = list.len().checked_sub(MOST).filter(|more| *more > 0) {
                unknowns.add(format!("{more} of {} times that {name} hangs up are left out", list.len()));
            }
            for HangUp { at, source, .. } in list.into_iter().take(MOST) {
                self.healed = self.healed.max(at);
                self.steps.push(Step {
                    at: evidence.clock.at(at),
                    action: format!("{{disconnect: {{peers: [{name}]}}}}"),
                    comment: source,
                    lasts: None,
                });
            }
        }
    }
}

fn churn(list: &[HangUp]) -> Option<Habit> {
    let short: Vec<(&HangUp, i64)> = list.iter().filter_map(|hang_up| Some((hang_up, hang_up.short?))).collect();
    let ((first, _), (last, _)) = (short.first()?, short.last()?);
    let mut lasted: Vec<i64> = short.iter().map(|(_, lasted)| *lasted).collect();
    lasted.sort_unstable();
    let median = *lasted.get(lasted.len() / 2).filter(|_| lasted.len() >= CHURN)?;
    let (first, last, count) = (&first.source, &last.source, short.len());
    let source = format!("{first} to {last}: {count} connections end as soon as they are there");
    Some(Habit { deviation: format!("{{closes_after: {}}}", span(median)), source })
}

fn by_other(connection: &Connection) -> bool {
    let why = connection.why.to_lowercase();
    ["eof", "closed by peer", "reset", "ended", "gracefully"].iter().any(|word| why.contains(word))
}

#[cfg(test)]
mod tests {
    use crate::replay::draft::testing::{Logs, section, unknowns};

    const EOF: &str = "Connection to 10.0.0.3 closed by peer (EOF)";
    const CONNECTED: &str = "Connected to peer: 10.0.0.3";

    #[test]
    fn who_hangs_up_is_disconnected() {
        for reason in [
            EOF,
            "Connection to 10.0.0.3 ended: Connection reset by peer (os error 104)",
            "Peer 10.0.0.3:7000 disconnected (EOF)",
        ] {
            // Seen by two.
            let yaml = Logs::mesh(2, 1, &[]).line("a", 100, reason).line("b", 101, reason).draft();
            assert_eq!(
                section(&yaml, "timeline"),
                ["{at: 100s, do: {disconnect: {peers: [p-10-0-0-3]}}}"],
                "{reason}: {yaml}"
            );
        }
        let own = "Disconnecting 10.0.0.3 due to timeout";
        assert!(Logs::mesh(2, 1, &[]).line("a", 100, own).section("timeline").is_empty());
    }

    #[test]
    fn who_hangs_up_at_once_again_and_again_has_the_habit() {
        let logs = Logs::of(&["a"]).lines("a", (10..40).step_by(3), CONNECTED).lines("a", (11..40).step_by(3), EOF);
        let yaml = logs.line("a", 300, CONNECTED).line("a", 400, EOF).draft();
        assert_eq!(section(&yaml, "peers").last().unwrap(), "deviations: [{closes_after: 1s}]", "{yaml}");
        assert!(yaml.contains("# a.log:4 to a.log:22: 10 connections end as soon as they are there"), "{yaml}");
        // One that lasted is none of them.
        assert_eq!(section(&yaml, "timeline"), ["{at: 400s, do: {disconnect: {peers: [p-10-0-0-3]}}}"], "{yaml}");
    }

    #[test]
    fn who_is_heard_again_has_its_habit_again() {
        let logs = Logs::mesh(2, 1, &[(1, 3, 60..200), (2, 3, 60..200)]);
        let short = |logs: Logs, at| logs.line("a", at, EOF).line("a", at + 1, CONNECTED).line("a", at + 2, EOF);
        let timeline = [300, 310, 320].into_iter().fold(logs, short).section("timeline");
        assert!(timeline[1].contains("deviations: [{closes_after: 1s}]"), "{timeline:?}");
    }

    #[test]
    fn why_a_node_hung_up_its_own_log_should_say() {
        let yaml = Logs::mesh(3, 0, &[]).line("a", 300, EOF).draft();
        let unknown = "why c closed its connection with a (a.log:127): its log doesn't say; not modelled";
        assert!(unknowns(&yaml).contains(&unknown) && section(&yaml, "timeline").is_empty(), "{yaml}");
    }

    #[test]
    fn what_is_too_much_is_left_out_and_said() {
        let at = |index: i64| index * 40;
        let logs = (0..210)
            .fold(Logs::of(&["a"]), |logs, index| logs.line("a", at(index), CONNECTED).line("a", at(index) + 20, EOF));
        let yaml = logs.draft();
        assert_eq!(section(&yaml, "timeline").len(), 200);
        assert!(unknowns(&yaml).contains(&"10 of 210 times that p-10-0-0-3 hangs up are left out"), "{yaml}");
    }
}
