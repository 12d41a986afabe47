//! Links between nodes: what they are like when, and which of them are alike.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::left_out::between_nodes;
use super::Timed;
use super::chaos::{Chaos, shaped};
use super::name::Names;
use crate::scenario::Scenario;
use crate::scenario::file::LinkShape;
use crate::scenario::resolved::{Act, Fault, Step};

/// Directed links from each of some to each of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    pub from: Vec<String>,
    pub to: Vec<String>,
    /// And back.
    pub both_ways: bool,
}

type Pair = (String, String);

/// Links that always have a shape, and those that have it for a time. Two chaos on one link would not add up, so a link whose shape changes
/// has one after the other, each with all that holds then.
pub fn links(scenario: &Scenario, steps: &[Step], names: &Names) -> (Vec<Chaos>, Vec<Timed>) {
    let faults: Vec<_> = steps
        .iter()
        .filter_map(|step| match &step.act {
            Act::Fault { fault: Fault::Link(pairs, shape), lasts } => {
                let pairs: BTreeSet<Pair> = between_nodes(scenario, pairs).into_iter().collect();
                Some((step.at, step.at + *lasts, pairs, shape))
            }
            _ => None,
        })
        .collect();
    let mut always: Vec<(LinkShape, Vec<Pair>)> = Vec::new();
    let mut timed: Vec<((Duration, Duration, LinkShape), Vec<Pair>)> = Vec::new();
    for from in scenario.nodes.keys() {
        for to in scenario.nodes.keys().filter(|to| *to != from) {
            let pair = (from.clone(), to.clone());
            let of_pair: Vec<_> = faults.iter().filter(|(_, _, pairs, _)| pairs.contains(&pair)).collect();
            let base = base(scenario, &pair);
            if of_pair.is_empty() {
                add(&mut always, base, pair);
                continue;
            }
            let mut changes: BTreeSet<Duration> = [Duration::ZERO, scenario.runs_for].into();
            changes.extend(of_pair.iter().flat_map(|(begin, end, ..)| [*begin, *end]));
            for (begin, end) in changes.iter().zip(changes.iter().skip(1)) {
                let in_force = of_pair.iter().filter(|(from, until, ..)| from <= begin && end <= until);
                let shape = in_force.fold(base.clone(), |shape, (.., fault)| over(&shape, fault));
                add(&mut timed, (*begin, *end, shape), pair.clone());
            }
        }
    }
    let chaos = |shape: &LinkShape, pairs: &[Pair]| -> Vec<Chaos> {
        ends(pairs).iter().filter_map(|ends| shaped(ends, shape, names)).map(Chaos::network).collect()
    };
    let always = always.iter().flat_map(|(shape, pairs)| chaos(shape, pairs)).collect();
    let timed = timed.iter().flat_map(|((at, end, shape), pairs)| {
        chaos(shape, pairs).into_iter().map(|chaos| Timed { at: *at, lasts: *end - *at, chaos })
    });
    (always, timed.collect())
}

fn add<K: PartialEq>(groups: &mut Vec<(K, Vec<Pair>)>, key: K, pair: Pair) {
    match groups.iter_mut().find(|(known, _)| *known == key) {
        Some((_, pairs)) => pairs.push(pair),
        None => groups.push((key, vec![pair])),
    }
}

/// What the scenario says of a link; later entries win.
fn base(scenario: &Scenario, (from, to): &Pair) -> LinkShape {
    let of_pair = scenario.links.iter().filter(|link| link.from.contains(from) && link.to.contains(to));
    of_pair.fold(LinkShape::default(), |shape, link| over(&shape, &link.shape))
}

/// What `shape` leaves out stays.
fn over(under: &LinkShape, shape: &LinkShape) -> LinkShape {
    LinkShape {
        latency: shape.latency.or(under.latency),
        jitter: shape.jitter.or(under.jitter),
        loss: shape.loss.or(under.loss),
        duplicate: shape.duplicate.or(under.duplicate),
        reorder: shape.reorder.or(under.reorder),
        rate: shape.rate.or(under.rate),
    }
}

/// The same pairs as few sides. A party may be on both sides: it has no link to itself.
pub fn ends(pairs: &[Pair]) -> Vec<Ends> {
    let mut reached: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for (from, to) in pairs {
        reached.entry(from).or_default().insert(to);
    }
    let grouped = |with_itself: bool| {
        let mut groups: BTreeMap<BTreeSet<&String>, BTreeSet<&String>> = BTreeMap::new();
        for (from, to) in &reached {
            let mut to = to.clone();
            if with_itself {
                to.insert(from);
            }
            groups.entry(to).or_default().insert(from);
        }
        groups
    };
    // Between all, each reaches all but itself.
    let (plain, mesh) = (sides(grouped(false)), sides(grouped(true)));
    if mesh.len() < plain.len() { mesh } else { plain }
}

/// Sides that reach the same, the one and the other way.
fn sides<'a>(mut groups: BTreeMap<BTreeSet<&'a String>, BTreeSet<&'a String>>) -> Vec<Ends> {
    let mut all = Vec::new();
    while let Some((to, from)) = groups.pop_last() {
        let both_ways = to != from && groups.get(&from) == Some(&to);
        if both_ways {
            groups.remove(&from);
        }
        let names = |side: BTreeSet<&String>| side.into_iter().cloned().collect();
        all.push(Ends { from: names(from), to: names(to), both_ways });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<Pair> {
        text.split(' ').map(|pair| (pair[..1].to_owned(), pair[1..].to_owned())).collect()
    }

    fn told(text: &str) -> Vec<String> {
        let arrow = |ends: &Ends| if ends.both_ways { "<->" } else { "->" };
        ends(&pairs(text))
            .iter()
            .map(|ends| format!("{} {} {}", ends.from.concat(), arrow(ends), ends.to.concat()))
            .collect()
    }

    #[test]
    fn pairs_are_few_sides() {
        assert_eq!(told("ab"), ["a -> b"]);
        assert_eq!(told("ab ba"), ["a <-> b"]);
        assert_eq!(told("ab ac ba bc ca cb"), ["abc -> abc"]);
        assert_eq!(told("ac ad bc bd ca cb da db"), ["ab <-> cd"]);
        assert_eq!(told("ac bc"), ["ab -> c"]);
        assert_eq!(told("ab bc"), ["b -> c", "a -> b"]);
    }

    #[test]
    fn sides_are_exactly_the_pairs() {
        for seed in 0..2_000_u32 {
            let all: Vec<Pair> = pairs("ab ac ad ba bc bd ca cb cd da db dc");
            let some: BTreeSet<Pair> = all
                .into_iter()
                .enumerate()
                .filter(|(n, _)| (seed.wrapping_mul(2_654_435_761) >> n) & 1 == 1)
                .map(|(_, pair)| pair)
                .collect();
            let mut again = BTreeSet::new();
            for Ends { from, to, both_ways } in ends(&some.iter().cloned().collect::<Vec<_>>()) {
                for (from, to) in
                    from.iter().flat_map(|from| to.iter().map(move |to| (from, to))).filter(|(a, b)| a != b)
                {
                    assert!(again.insert((from.clone(), to.clone())), "twice");
                    assert!(!both_ways || again.insert((to.clone(), from.clone())), "twice");
                }
            }
            assert_eq!(again, some);
        }
    }
}
