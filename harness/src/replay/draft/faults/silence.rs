//! Times in which hosts heard nothing of others: explained by hosts that stood still, by peers that were gone, and by cut links.
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::Faults;
use super::evidence::Evidence;
use super::partition::{Links, cuts, link, sides};
use super::restart::{Restart, explain};
use crate::replay::draft::Unknowns;
use crate::scenario::text::span;

/// Losses that begin and end within this time of each other have one cause.
pub(super) const TOGETHER: i64 = 60_000_000;
/// A node that lives pings each 30 s (Phase 1): a gap in its log that is longer tells that it stood still.
const STILL: i64 = 45_000_000;
/// Lines that are named as the source of one cause.
const MOST_SOURCES: usize = 6;

/// A time in which a host heard nothing of another party.
#[derive(Debug, Clone)]
pub(super) struct Loss {
    pub node: usize,
    pub other: usize,
    pub from: i64,
    pub until: Option<i64>,
    source: String,
}

impl Loss {
    fn is_about(&self, party: usize) -> bool {
        self.node == party || self.other == party
    }

    /// Whether both have one cause.
    fn is_with(&self, other: &Self) -> bool {
        let end = match (self.until, other.until) {
            (Some(one), Some(other)) => (one - other).abs() <= TOGETHER,
            (one, other) => one == other,
        };
        end && (self.from - other.from).abs() <= TOGETHER
    }
}

/// Losses of one time.
struct Outage {
    losses: Vec<Loss>,
    from: i64,
    until: Option<i64>,
    /// [`Self::until`], or the incident's end.
    ends: i64,
}

impl Outage {
    fn of(losses: Vec<Loss>, ends: i64) -> Self {
        let from = losses.iter().map(|loss| loss.from).min().unwrap_or_default();
        let until = losses.iter().filter_map(|loss| loss.until).max();
        Self { losses, from, until, ends: until.unwrap_or(ends) }
    }

    fn links(&self) -> Links {
        self.losses.iter().map(|loss| link(loss.node, loss.other)).collect()
    }

    fn parties(&self) -> BTreeSet<usize> {
        self.losses.iter().flat_map(|loss| [loss.node, loss.other]).collect()
    }

    /// The lines that tell of some of the losses.
    fn sources(&self, of: impl Fn(&Loss) -> bool) -> String {
        let all: BTreeSet<&str> = self.losses.iter().filter(|loss| of(loss)).map(|loss| &*loss.source).collect();
        all.into_iter().take(MOST_SOURCES).collect::<Vec<_>>().join(", ")
    }
}

impl Faults {
    pub(super) fn silences(&mut self, evidence: Evidence<'_>, restarts: &[Restart], unknowns: &mut Unknowns) {
        let ends = evidence.incident.ends;
        let mut losses = losses(evidence);
        losses.retain(|loss| !self.late.contains(&loss.other) && !explain(restarts, loss, loss.until.unwrap_or(ends)));
        let known = known(evidence);
        while let Some(first) = losses.first().cloned() {
            let (outage, rest) = losses.into_iter().partition(|loss: &Loss| loss.is_with(&first));
            losses = rest;
            self.outage(evidence, &known, Outage::of(outage, ends), unknowns);
        }
    }

    /// One cause, or as few as possible.
    fn outage(&mut self, evidence: Evidence<'_>, known: &Links, mut outage: Outage, unknowns: &mut Unknowns) {
        // What explains all of it goes before two sides that lost each other, and those before what explains a part.
        for all in [true, false] {
            for party in outage.parties() {
                let whole = outage.losses.iter().all(|loss| loss.is_about(party)) || still(evidence, &outage, party);
                if (whole || !all) && self.alone(evidence, known, &outage, party, unknowns) {
                    outage.losses.retain(|loss| !loss.is_about(party));
                }
            }
            if outage.losses.is_empty() {
                return;
            }
            // Those that are silent to the end are more likely to be gone, each by itself.
            if (outage.until.is_some() || !all)
                && let Some((one, other)) = sides(&outage.links(), known)
            {
                let source = format!("{}: two sides lose each other", outage.sources(|_| true));
                return self.cut(evidence, &outage, (one, other), source);
            }
        }
        for (one, other) in cuts(&outage.links()) {
            let across = |a: usize, b: usize| one.contains(&a) && other.contains(&b);
            let source = outage.sources(|loss| across(loss.node, loss.other) || across(loss.other, loss.node));
            self.cut(evidence, &outage, (one, other), source);
        }
    }

    /// Whether a party is lost to all that know it, and it alone may be the cause: then it is.
    fn alone(
        &mut self,
        evidence: Evidence<'_>,
        known: &Links,
        outage: &Outage,
        party: usize,
        unknowns: &mut Unknowns,
    ) -> bool {
        let mine: Links = known.iter().copied().filter(|(a, b)| *a == party || *b == party).collect();
        let lost = outage.links();
        if mine.is_empty() || !mine.is_subset(&lost) {
            return false;
        }
        let (name, source) = (evidence.name(party), outage.sources(|loss| loss.is_about(party)));
        let time = (outage.from, outage.ends);
        if still(evidence, outage, party) {
            let action = |lasts: &str| format!("{{pause: {{who: [{name}], for: {lasts}}}}}");
            self.lasting(evidence, time, action, format!("{source}: all lose {name}, and its own log has a gap"));
        } else if evidence.is_scripted(party) && (mine.len() > 1 || lost.len() == 1) {
            self.mute(evidence, party, (outage.from, outage.until), format!("{source}: it is silent"));
            if mine.len() == 1 {
                let at = span(evidence.clock.at(outage.from));
                unknowns.add(format!("whether {name} or the link to it was down at {at}: default: {name}"));
            }
        } else if !evidence.is_scripted(party) && mine.len() > 1 {
            let action = |lasts: &str| format!("{{cut: {{between: [{name}], and: [others], for: {lasts}}}}}");
            self.lasting(evidence, time, action, format!("{source}: {name} hears nobody"));
        } else {
            return false;
        }
        true
    }

    fn cut(&mut self, evidence: Evidence<'_>, outage: &Outage, (one, other): (Vec<usize>, Vec<usize>), source: String) {
        let (one, other) = (evidence.cast.names(one), evidence.cast.names(other));
        let action = |lasts: &str| format!("{{cut: {{between: [{one}], and: [{other}], for: {lasts}}}}}");
        self.lasting(evidence, (outage.from, outage.ends), action, source);
    }
}

/// Whether a party's own log says nothing either: it stood still, or had no power.
fn still(evidence: Evidence<'_>, outage: &Outage, party: usize) -> bool {
    let host = evidence.cast.parties[party].host.and_then(|index| evidence.incident.hosts.get(index));
    let covers = |(from, until): &(i64, i64)| {
        until - from > STILL && *from <= outage.from + TOGETHER && *until >= outage.ends - TOGETHER
    };
    host.is_some_and(|host| host.gaps.iter().any(covers))
}

fn losses(evidence: Evidence<'_>) -> Vec<Loss> {
    let mut losses = Vec::new();
    for (node, host) in evidence.hosts() {
        for (ip, peer) in &host.peers {
            let Some(other) = evidence.cast.at(*ip).filter(|party| *party != node) else { continue };
            losses.extend(peer.silences.iter().map(|silence| Loss {
                node,
                other,
                from: silence.from,
                until: silence.until,
                source: evidence.source(silence.place),
            }));
        }
    }
    losses.sort_by_key(|loss| (loss.from, loss.node, loss.other));
    losses
}

/// Who has to do with whom, lost or not.
fn known(evidence: Evidence<'_>) -> Links {
    let mut known = Links::new();
    for (node, host) in evidence.hosts() {
        let met = host.peers.iter().filter(|(_, peer)| !peer.connections.is_empty() || !peer.silences.is_empty());
        known.extend(
            met.filter_map(|(ip, _)| evidence.cast.at(*ip))
                .filter(|other| *other != node)
                .map(|other| link(node, other)),
        );
    }
    known
}
