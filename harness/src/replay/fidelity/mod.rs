//! How much of an incident a run of it shows: a score with its parts, and what isn't shown.
//!
//! Everything is compared on the run's clock, so that a squeezed hour weighs what it takes in the run. What lies outside of the
//! clockwork's knots is not compared.
mod align;
#[cfg(test)]
pub(super) mod build;
mod connections;
mod events;
mod forks;
mod heights;
mod likeness;
mod part;
mod tolerance;

use std::collections::BTreeMap;

use serde::Serialize;

use super::Incident;
use super::matching::{Matching, Pair};

pub use part::{Kind, Part};
pub use tolerance::Tolerance;

/// How much of an incident a run shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fidelity {
    /// From 0 to 100; `None`: nothing could be compared.
    pub score: Option<f64>,
    /// What it is made of.
    pub parts: Vec<Part>,
    /// What the run doesn't show, in order of time.
    pub missing: Vec<Missing>,
    /// What the run shows beyond the incident: by node and event, how often. It costs nothing.
    pub extra: BTreeMap<String, BTreeMap<String, u64>>,
    /// Events that the reference node has no word for: by name, how often. They are not part of the score.
    pub not_comparable: BTreeMap<String, u64>,
}

/// Something that the run doesn't show; alike things are one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Which part of the score lacks it.
    pub part: Kind,
    /// Whose log tells of it.
    pub host: String,
    /// The first of them in words.
    pub what: String,
    /// What the run shows instead.
    pub instead: String,
    /// How many lines tell of them.
    pub count: u64,
    /// The first line, `node-b.log:812`.
    pub place: String,
    /// When, in microseconds since 1970 on the incident's clock.
    pub at: i64,
}

/// What one part found.
#[derive(Debug, Default)]
struct Found {
    reached: f64,
    possible: f64,
    words: String,
    missing: Vec<Missing>,
}

/// Compares a run with the incident that it is to show.
pub fn fidelity(incident: &Incident, run: &Incident, matching: &Matching, tolerance: &Tolerance) -> Fidelity {
    let pair = Pair::new(incident, run, matching);
    let events = events::compare(&pair, tolerance);
    let found = [
        (Kind::Heights, heights::compare(&pair, tolerance)),
        (Kind::Events, events.events),
        (Kind::Repetition, events.repetition),
        (Kind::Connections, connections::compare(&pair)),
        (Kind::Forks, forks::compare(&pair, tolerance)),
    ];
    let mut missing = Vec::new();
    let mut parts = Vec::new();
    for (kind, found) in found {
        missing.extend(found.missing);
        parts.push(Part::new(kind, found.reached, found.possible, found.words));
    }
    missing.sort_by_key(|missing| missing.at);
    Fidelity { score: part::score(&parts), parts, missing, extra: events.extra, not_comparable: events.not_comparable }
}

impl Fidelity {
    /// The score as a whole number in words: rounded down, so that only all is 100.
    pub fn words(&self) -> String {
        self.score.map_or("no score".into(), |score| format!("{} of 100", score.floor()))
    }
}

#[cfg(test)]
mod tests {
    use rand::seq::IndexedRandom;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::build::{event, incident, sample, seconds};
    use super::*;

    fn compared(incident: &Incident, run: &Incident) -> Fidelity {
        fidelity(incident, run, &Matching::default(), &Tolerance::default())
    }

    /// The parts that `change` lowers when it is done to a run that showed all.
    fn lowered(change: impl FnOnce(&mut Incident)) -> Vec<Kind> {
        let incident = sample();
        let mut run = incident.clone();
        change(&mut run);
        let fidelity = compared(&incident, &run);
        let low = fidelity.parts.iter().filter(|part| part.reached < part.possible);
        let low: Vec<Kind> = low.map(|part| part.kind).collect();
        assert_eq!(fidelity.score < Some(100.0), !low.is_empty(), "{fidelity:?}");
        low
    }

    #[test]
    fn an_incident_shows_itself() {
        let fidelity = compared(&sample(), &sample());
        assert_eq!((fidelity.score, fidelity.words()), (Some(100.0), "100 of 100".into()));
        assert!(fidelity.parts.iter().all(|part| part.possible > 0.0 && part.reached == part.possible), "{fidelity:?}");
        assert_eq!((fidelity.missing.len(), fidelity.extra.len()), (0, 0));
        assert_eq!(fidelity.not_comparable, [("status".into(), 2)].into());
        assert_eq!(lowered(|_| {}), []);
    }

    #[test]
    fn each_difference_lowers_its_own_part() {
        let requests = |run: &mut Incident| run.hosts[0].events.iter().position(|e| e.name == "requested").unwrap();
        assert_eq!(lowered(|run| run.hosts[0].heights[1].1 += 50), [Kind::Heights]);
        assert_eq!(lowered(|run| run.hosts[0].heights[1].1 += 1), [], "one block is nothing");
        assert_eq!(lowered(|run| run.hosts[0].events.retain(|event| event.name != "behind")), [Kind::Events]);
        assert_eq!(
            lowered(|run| {
                let at = requests(run);
                run.hosts[0].events[at].count = 3
            }),
            [Kind::Repetition]
        );
        let other_peer = |run: &mut Incident| run.hosts[0].events[0].peer = Some([9, 9, 9, 9].into());
        assert_eq!(lowered(other_peer), [Kind::Events]);
        let other_height = |run: &mut Incident| {
            run.hosts[0].events[0].fields.insert("our".into(), crate::history::Field::Number(7));
        };
        assert_eq!(lowered(other_height), [Kind::Events]);
        let eof =
            |run: &mut Incident| run.hosts[0].peers.values_mut().next().unwrap().connections[0].why = "reset".into();
        assert_eq!(lowered(eof), [Kind::Connections]);
        let fork = |run: &mut Incident| {
            let fork = run.hosts[0].events.iter_mut().find(|event| event.name == "fork_detected").unwrap();
            fork.fields.insert("height".into(), crate::history::Field::Number(3000));
        };
        assert_eq!(lowered(fork), [Kind::Forks]);
    }

    #[test]
    fn time_and_order_are_those_of_the_events() {
        let shift = |by: i64| {
            move |run: &mut Incident| {
                let in_sync = run.hosts[0].events.last_mut().unwrap();
                in_sync.times.iter_mut().for_each(|time| *time += seconds(by));
                in_sync.last += seconds(by);
            }
        };
        assert_eq!(lowered(shift(14)), []);
        assert_eq!(lowered(shift(16)), [Kind::Events]);
        let one =
            incident().host("a").event(event("received").peer(2).at(40)).event(event("request_failed").peer(2).at(45));
        let swapped =
            incident().host("a").event(event("request_failed").peer(2).at(40)).event(event("received").peer(2).at(45));
        let fidelity = compared(&one.built(), &swapped.built());
        assert_eq!(fidelity.score, Some(50.0));
        assert_eq!(fidelity.missing[0].instead, "in another order");
    }

    #[test]
    fn nothing_to_compare_is_no_score() {
        let quiet = incident().host("a").event(event("status").at(3)).built();
        let fidelity = compared(&quiet, &quiet);
        assert_eq!((fidelity.score, fidelity.words()), (None, "no score".into()));
        assert!(fidelity.parts.iter().all(|part| part.words == "nothing to compare"), "{fidelity:?}");
        assert_eq!(fidelity.not_comparable.len(), 1);
    }

    #[test]
    fn a_host_without_a_node_shows_nothing() {
        let incident = sample();
        let mut run = sample();
        run.hosts.clear();
        assert_eq!(compared(&incident, &run).score, Some(0.0));
        run = sample();
        run.hosts[0].name = "n1".into();
        let matching = Matching { names: [("node-a".into(), "n1".into())].into(), ..Matching::default() };
        assert_eq!(fidelity(&incident, &run, &matching, &Tolerance::default()).score, Some(100.0));
    }

    #[test]
    fn repetitions_of_one_event_stand_for_each_other() {
        let often = incident().host("a").event(event("requested").peer(2).at(10).times(40, 15)).built();
        let seldom = incident().host("a").event(event("requested").peer(2).at(10).times(20, 15)).built();
        let fidelity = compared(&often, &seldom);
        let repetition = fidelity.parts.iter().find(|part| part.kind == Kind::Repetition).unwrap();
        assert_eq!((repetition.reached, repetition.possible), (0.5, 1.0));
        let fidelity = compared(&seldom, &often);
        assert_eq!(fidelity.extra, [("a".into(), [("requested".into(), 20)].into())].into());
    }

    const NAMES: [&str; 6] = ["requested", "received", "behind", "pong_missed", "fork_detected", "reorg"];

    fn random(rng: &mut ChaCha8Rng) -> Incident {
        let mut built = incident();
        for host in ["a", "b"] {
            built = built.host(host);
            for _ in 0..rng.random_range(0..12) {
                let mut event =
                    event(NAMES.choose(rng).unwrap()).at(rng.random_range(0..60)).times(rng.random_range(1..9), 5);
                if rng.random() {
                    event = event.peer(rng.random_range(1..3));
                }
                built = built.event(event.field("start", rng.random_range(1..4)));
            }
        }
        built.built()
    }

    #[test]
    fn any_incident_shows_itself() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for _ in 0..200 {
            let incident = random(&mut rng);
            let empty = incident.hosts.iter().all(|host| host.events.is_empty());
            assert_eq!(compared(&incident, &incident).score, (!empty).then_some(100.0));
        }
    }

    #[test]
    fn a_run_gains_nothing_by_showing_less() {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        for _ in 0..200 {
            let (incident, mut run) = (random(&mut rng), random(&mut rng));
            // What events are worth; forks are judged by what they come to.
            let worth = |run: &Incident| {
                let fidelity = compared(&incident, run);
                let parts = fidelity.parts.iter().filter(|part| matches!(part.kind, Kind::Events | Kind::Repetition));
                part::score(&parts.cloned().collect::<Vec<_>>()).unwrap_or(0.0)
            };
            let mut before = worth(&run);
            while let Some(host) = run.hosts.iter().position(|host| !host.events.is_empty()) {
                let gone = rng.random_range(0..run.hosts[host].events.len());
                run.hosts[host].events.remove(gone);
                let after = worth(&run);
                assert!(after <= before + 1e-9, "{before} to {after}");
                before = after;
            }
            assert_eq!(before, 0.0);
        }
    }

    #[test]
    fn an_incident_gains_nothing_by_losing_an_event() {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        for _ in 0..200 {
            let incident = random(&mut rng);
            let mut run = incident.clone();
            let mut before = compared(&incident, &run).score;
            while let Some(host) = run.hosts.iter().position(|host| !host.events.is_empty()) {
                let gone = rng.random_range(0..run.hosts[host].events.len());
                run.hosts[host].events.remove(gone);
                let after = compared(&incident, &run).score;
                assert!(after <= before.map(|before| before + 1e-9), "{before:?} to {after:?}");
                before = after;
            }
        }
    }
}
