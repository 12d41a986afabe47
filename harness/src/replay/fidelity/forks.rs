//! Where forks began, and whether they ended.
use super::align::{Candidate, align};
use super::likeness::{FORK_WORDS, number};
use super::{Found, Kind, Missing, Tolerance};
use crate::replay::incident::{Event, Host};
use crate::replay::matching::Pair;
use crate::replay::told::Shown;

/// A fork that a host told of.
#[derive(Debug)]
struct Fork<'a> {
    /// The first height that differs, as far as it is told.
    height: u64,
    /// A reorganisation ended it.
    ended: bool,
    event: &'a Event,
}

/// For each fork: that the run has it at its height, and that it ends (or doesn't) in both.
pub fn compare(pair: &Pair<'_>, tolerance: &Tolerance) -> Found {
    let mut found = Found::default();
    let (mut shown, mut all) = (0, 0);
    for host in &pair.incident.hosts {
        let inside = |at: i64| pair.clamp(at) == at;
        let ours = forks(host, inside);
        let theirs = pair.node(host).map(|node| forks(node, |_| true)).unwrap_or_default();
        let mut candidates = Vec::new();
        for (left, our) in ours.iter().enumerate() {
            for (right, their) in theirs.iter().enumerate() {
                if our.height.abs_diff(their.height) <= tolerance.height {
                    let worth = if our.ended == their.ended { 2.0 } else { 1.0 };
                    candidates.push(Candidate { left, right, worth });
                }
            }
        }
        let chosen = align(candidates);
        found.possible += 2.0 * ours.len() as f64;
        found.reached += chosen.iter().map(|chosen| chosen.worth).sum::<f64>();
        all += ours.len();
        shown += chosen.len();
        for (left, our) in ours.iter().enumerate() {
            let instead = match chosen.iter().find(|chosen| chosen.left == left) {
                None => "no fork there",
                Some(same) if same.worth > 1.0 => continue,
                Some(_) if our.ended => "it doesn't end",
                Some(_) => "it ends",
            };
            let end = if our.ended { "that ended" } else { "without an end" };
            found.missing.push(Missing {
                part: Kind::Forks,
                host: host.name.clone(),
                what: format!("fork from height {} {end}", our.height),
                instead: instead.into(),
                count: our.event.count,
                place: Shown(our.event.place, &pair.incident.files).to_string(),
                at: our.event.first(),
            });
        }
    }
    found.words = format!("{shown} of {all} forks begin at the same height, {} end alike", {
        (found.reached - shown as f64).round()
    });
    found
}

/// The forks in order of time.
fn forks(host: &Host, inside: impl Fn(i64) -> bool) -> Vec<Fork<'_>> {
    let words = host.events.iter().filter(|event| FORK_WORDS.contains(&&*event.name));
    let mut told: Vec<(i64, &Event)> = words
        .flat_map(|event| {
            let last = Some(&event.last).filter(|last| event.times.last() < Some(*last));
            event.times.iter().chain(last).map(move |at| (*at, event))
        })
        .collect();
    told.retain(|(at, _)| inside(*at));
    told.sort_by_key(|(at, _)| *at);
    let mut forks: Vec<Fork<'_>> = Vec::new();
    for (_, event) in told {
        let height = match &*event.name {
            "fork_detected" => number(&event.fields, "height"),
            "ancestor_found" => number(&event.fields, "height").map(|ancestor| ancestor.saturating_add(1)),
            "reorg" => number(&event.fields, "ancestor").map(|ancestor| ancestor.saturating_add(1)),
            _ => None,
        };
        let ends = event.name == "reorg";
        match (forks.last_mut().filter(|fork| !fork.ended), height) {
            (Some(open), height) => {
                // What a search found is below of what was seen first.
                open.height = height.map_or(open.height, |height| height.min(open.height));
                open.ended = ends;
            }
            (None, Some(height)) => forks.push(Fork { height, ended: ends, event }),
            (None, None) => {}
        }
    }
    forks
}

#[cfg(test)]
mod tests {
    use super::super::build::{event, incident};
    use super::*;
    use crate::replay::Incident;
    use crate::replay::matching::Matching;

    fn fork(seen: u64, ancestor: u64, ended: bool) -> Incident {
        let found = event("ancestor_found").peer(2).at(20).field("height", ancestor);
        let mut build =
            incident().host("a").event(event("fork_detected").peer(2).at(10).field("height", seen)).event(found);
        if ended {
            build = build.event(event("reorg").at(30).field("ancestor", ancestor));
        }
        build.built()
    }

    fn compared(logs: &Incident, run: &Incident) -> Found {
        compare(&Pair::new(logs, run, &Matching::default()), &Tolerance::default())
    }

    #[test]
    fn the_beginning_and_the_end_count() {
        let found = compared(&fork(3724, 3700, true), &fork(3730, 3700, true));
        assert_eq!((found.reached, found.possible), (2.0, 2.0), "where it was seen first doesn't matter");
        let found = compared(&fork(3724, 3700, true), &fork(3724, 3700, false));
        assert_eq!((found.reached, &*found.missing[0].instead), (1.0, "it doesn't end"));
        assert_eq!(found.words, "1 of 1 forks begin at the same height, 0 end alike");
        let found = compared(&fork(3724, 3723, false), &fork(3724, 3600, false));
        assert_eq!((found.reached, &*found.missing[0].what), (0.0, "fork from height 3724 without an end"));
    }

    #[test]
    fn a_fork_that_comes_again_is_another() {
        let mut again = fork(50, 40, true);
        let detected = &mut again.hosts[0].events[0];
        detected.times.push(detected.last + 60_000_000);
        detected.last += 60_000_000;
        assert_eq!(forks(&again.hosts[0], |_| true).len(), 2);
    }
}
