//! Connections that scripted peers closed, one by one or as a habit.
use std::collections::BTreeMap;

use super::Faults;
use super::evidence::Evidence;
use super::habit::Habit;
use super::silence::TOGETHER;
use crate::replay::draft::text::span;
use crate::replay::draft::{Step, Unknowns};
use crate::replay::incident::Connection;

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
