//! What was told, in order and in time, and how often.
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::align::{Candidate, align};
use super::likeness::{alike, words};
use super::tolerance::Windows;
use super::{Found, Kind, Missing, Tolerance};
use crate::replay::incident::{Event, Host};
use crate::replay::matching::Pair;
use crate::replay::told::Shown;
use crate::report::chart::minutes;
use crate::scenario::vocabulary::LOG_EVENTS;

/// Told of connections, which are compared by themselves.
const CONNECTION_WORDS: [&str; 3] = ["connected", "disconnected", "reconnecting"];
/// The run's events that an event may be laid beside: the nearest in time. It bounds memory where thousands are alike.
const MOST_CANDIDATES: usize = 64;
/// Told this often it is a repetition.
const REPEATED: f64 = 1.5;

/// What the comparison of events gives.
#[derive(Debug, Default)]
pub struct Compared {
    pub events: Found,
    pub repetition: Found,
    pub extra: BTreeMap<String, BTreeMap<String, u64>>,
    pub not_comparable: BTreeMap<String, u64>,
}

/// An event of the incident, or one of the run, with when it was first told on the run's clock and how often (the incident's:
/// how often it is to be told).
#[derive(Debug, Clone, Copy)]
struct Told<'a> {
    event: &'a Event,
    at: i64,
    often: f64,
}

/// The events about one party; what two parties' messages led to may come in either order.
#[derive(Debug, Default)]
struct Party<'a> {
    ours: Vec<Told<'a>>,
    theirs: Vec<Told<'a>>,
}

/// Compares the events of all hosts.
pub fn compare(pair: &Pair<'_>, tolerance: &Tolerance) -> Compared {
    let mut compared = Compared::default();
    let hosts = pair.incident.hosts.iter().map(|host| (host, parties(pair, host, &mut compared))).collect::<Vec<_>>();
    let told = || hosts.iter().flat_map(|(_, parties)| parties.values()).flat_map(|party| &party.ours);
    compared.events.possible = told().count() as f64;
    compared.repetition.possible = told().filter(|told| told.often >= REPEATED).count() as f64;
    // What a pair adds to the score, so that the best pairs are those that give the highest one.
    let each = f64::from(Kind::Events.weight()) / compared.events.possible.max(1.0);
    let repeated = f64::from(Kind::Repetition.weight()) / compared.repetition.possible.max(1.0);
    let windows = Windows::new(pair, tolerance);
    for (host, parties) in hosts {
        let mut missing: BTreeMap<(&str, Option<Ipv4Addr>), Missing> = BTreeMap::new();
        for party in parties.values() {
            let candidates = party.candidates(&windows, |ratio| each + ratio.map_or(0.0, |ratio| ratio * repeated));
            let chosen = align(candidates);
            let beside: BTreeMap<usize, usize> = chosen.iter().map(|pair| (pair.left, pair.right)).collect();
            let mut extra = party.theirs.iter().map(|told| told.event.count).collect::<Vec<_>>();
            for (left, our) in party.ours.iter().enumerate() {
                match beside.get(&left).and_then(|right| party.theirs.get(*right).zip(extra.get_mut(*right))) {
                    Some((their, extra)) => {
                        *extra = extra.saturating_sub(our.often.ceil() as u64);
                        compared.events.reached += 1.0;
                        compared.repetition.reached += ratio(our, their).unwrap_or(0.0);
                    }
                    None => {
                        let known = missing.entry((&our.event.name, our.event.peer));
                        known.and_modify(|known| known.count += our.event.count).or_insert_with(|| Missing {
                            part: Kind::Events,
                            host: host.name.clone(),
                            what: words(our.event),
                            instead: party.instead(our, &windows),
                            count: our.event.count,
                            place: Shown(our.event.place, &pair.incident.files).to_string(),
                            at: our.event.first(),
                        });
                    }
                }
            }
            for (their, extra) in party.theirs.iter().zip(extra).filter(|(_, extra)| *extra > 0) {
                let node = pair.node(host).map_or(&host.name, |node| &node.name);
                *compared.extra.entry(node.clone()).or_default().entry(their.event.name.clone()).or_default() += extra;
            }
        }
        compared.events.missing.extend(missing.into_values());
    }
    let Found { reached, possible, words, .. } = &mut compared.events;
    *words = format!("{reached} of {possible} events, in order and in time");
    let Found { reached, possible, words, .. } = &mut compared.repetition;
    *words = format!("{possible} repeated, told {} % as often", (100.0 * *reached / possible.max(1.0)).floor());
    compared
}

/// Whether the reference node has a word for it.
fn is_word(event: &Event) -> bool {
    LOG_EVENTS.iter().any(|(known, _)| *known == event.name)
}

/// The comparable events of a host and of its node, each in order of time.
fn parties<'a>(pair: &Pair<'a>, host: &'a Host, compared: &mut Compared) -> BTreeMap<Option<Ipv4Addr>, Party<'a>> {
    // Where the logs never say whom it is about, it is any peer's.
    let named: BTreeSet<&str> = host.events.iter().filter(|e| e.peer.is_some()).map(|e| &*e.name).collect();
    let party = |event: &Event| event.peer.filter(|_| named.contains(&*event.name));
    let mut parties: BTreeMap<Option<Ipv4Addr>, Party<'_>> = BTreeMap::new();
    for event in host.events.iter().filter(|event| !CONNECTION_WORDS.contains(&&*event.name)) {
        if !is_word(event) {
            *compared.not_comparable.entry(event.name.clone()).or_default() += event.count;
            continue;
        }
        let often = pair.expected(event.count, event.first(), event.last);
        if often > 0.0 {
            let told = Told { event, at: pair.at(pair.clamp(event.first())), often };
            parties.entry(party(event).map(|ip| pair.address(ip))).or_default().ours.push(told);
        }
    }
    let theirs = pair.node(host).map(|node| node.events.iter()).unwrap_or_default();
    for event in theirs.filter(|event| is_word(event) && !CONNECTION_WORDS.contains(&&*event.name)) {
        let told = Told { event, at: pair.run_at(event.first()), often: event.count as f64 };
        parties.entry(party(event)).or_default().theirs.push(told);
    }
    for party in parties.values_mut() {
        party.ours.sort_by_key(|told| told.at);
        party.theirs.sort_by_key(|told| told.at);
    }
    parties
}

impl Party<'_> {
    fn candidates(&self, windows: &Windows, worth: impl Fn(Option<f64>) -> f64) -> Vec<Candidate> {
        let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (right, told) in self.theirs.iter().enumerate() {
            by_name.entry(&told.event.name).or_default().push(right);
        }
        let mut candidates = Vec::new();
        for (left, our) in self.ours.iter().enumerate() {
            let same = by_name.get(&*our.event.name).map(Vec::as_slice).unwrap_or_default();
            let (from, until) = windows.around(our.at);
            let time = |right: &usize| self.theirs.get(*right).map_or(i64::MAX, |told| told.at);
            let first = same.partition_point(|right| time(right) < from);
            let near = same.iter().skip(first).take_while(|right| time(right) <= until);
            let near = near.filter_map(|right| Some((*right, self.theirs.get(*right)?)));
            let mut near: Vec<_> = near.filter(|(_, their)| alike(our.event, their.event, windows.height)).collect();
            if near.len() > MOST_CANDIDATES {
                near.sort_by_key(|(right, their)| (their.at.abs_diff(our.at), right.abs_diff(left)));
                near.truncate(MOST_CANDIDATES);
            }
            let pairs = near.iter().map(|(right, their)| (*right, worth(ratio(our, their))));
            candidates.extend(pairs.map(|(right, worth)| Candidate { left, right, worth }));
        }
        candidates
    }

    /// What the run has in place of an event that it doesn't show.
    fn instead(&self, our: &Told<'_>, windows: &Windows) -> String {
        let same: Vec<&Told<'_>> = self.theirs.iter().filter(|their| their.event.name == our.event.name).collect();
        let alike = same.iter().filter(|their| alike(our.event, their.event, windows.height));
        match (alike.min_by_key(|their| their.at.abs_diff(our.at)), same.first()) {
            (Some(their), _) => match their.at.saturating_sub(our.at) {
                by if by > windows.width(our.at) => format!("{} later", minutes(by)),
                by if by < -windows.width(our.at) => format!("{} earlier", minutes(by.saturating_neg())),
                _ => "in another order".into(),
            },
            (None, Some(their)) => words(their.event),
            (None, None) => "nothing like it".into(),
        }
    }
}

/// How near the numbers of a repeated event are; `None`: it isn't one.
fn ratio(our: &Told<'_>, their: &Told<'_>) -> Option<f64> {
    (our.often >= REPEATED).then(|| our.often.min(their.often) / our.often.max(their.often))
}

#[cfg(test)]
mod tests {
    use super::super::build::{Build, event, incident, seconds};
    use super::*;
    use crate::replay::clockwork::Clockwork;
    use crate::replay::matching::Matching;

    fn compared(logs: Build, run: Build, tolerance: &Tolerance) -> Compared {
        compare(&Pair::new(&logs.built(), &run.built(), &Matching::default()), tolerance)
    }

    fn a() -> Build {
        incident().host("a")
    }

    #[test]
    fn what_is_missing_says_what_is_there_instead() {
        let logs = a()
            .event(event("requested").peer(2).at(10).field("start", 2626).field("end", 3737))
            .event(event("received").peer(3).at(20))
            .event(event("banned").peer(3).at(30));
        let run = a()
            .event(event("requested").peer(2).at(10).field("start", 3600).field("end", 3737))
            .event(event("received").peer(3).at(50));
        let missing = compared(logs, run, &Tolerance::default()).events.missing;
        let lines: Vec<String> = missing.iter().map(|m| format!("{} | {} | {}", m.what, m.instead, m.place)).collect();
        assert_eq!(
            lines,
            [
                "banned, 10.0.0.3 | nothing like it | a.log:30",
                "received, 10.0.0.3 | 0:30 later | a.log:20",
                "requested 2626-3737, 10.0.0.2 | requested 3600-3737, 10.0.0.2 | a.log:10",
            ]
        );
    }

    #[test]
    fn time_is_wider_the_longer_nothing_was_done() {
        let of = |at: i64| a().event(event("banned").peer(2).at(at));
        let reached = |changes: Vec<i64>| {
            let changes = changes.into_iter().map(|at| super::super::build::BEGINS + seconds(at)).collect();
            compared(of(600), of(640), &Tolerance { changes, ..Tolerance::default() }).events.reached
        };
        assert_eq!([reached(vec![]), reached(vec![400, 900]), reached(vec![100])], [1.0, 0.0, 1.0]);
    }

    #[test]
    fn parties_come_in_either_order() {
        let of = |first: u8, then: u8| {
            a().event(event("banned").peer(first).at(10)).event(event("banned").peer(then).at(11))
        };
        assert_eq!(compared(of(2, 3), of(3, 2), &Tolerance::default()).events.reached, 2.0);
    }

    #[test]
    fn where_the_logs_name_no_peer_any_will_do() {
        let (logs, run) = (a().event(event("fork_detected").at(10)), a().event(event("fork_detected").peer(7).at(10)));
        assert_eq!(compared(logs, run, &Tolerance::default()).events.reached, 1.0);
    }

    #[test]
    fn what_lies_outside_of_the_knots_is_not_compared() {
        let logs =
            a().event(event("banned").peer(2).at(10)).event(event("received").peer(2).at(50).times(5, 10)).built();
        let run = a().event(event("received").peer(2).at(10).times(3, 10)).built();
        let clockwork = Clockwork::new([(seconds(60), seconds(10)), (seconds(80), seconds(30))]);
        let matching = Matching { clockwork, ..Matching::default() };
        let compared = compare(&Pair::new(&logs, &run, &matching), &Tolerance::default());
        assert_eq!((compared.events.reached, compared.events.possible), (1.0, 1.0));
        assert_eq!(compared.repetition.reached, 1.0);
    }
}
