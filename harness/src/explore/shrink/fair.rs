//! What a network owes its nodes, so that they can be blamed: a smaller scenario keeps as much of it as the first one had.
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::scenario::Scenario;
use crate::scenario::expectation::{Agreement, Expect};
use crate::scenario::resolved::{Act, Direction, Node};

/// What a scenario's network has, each true or false. Without it nodes rightly fail to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Promises {
    /// All nodes are linked by those that one of two dials.
    linked: bool,
    /// All nodes are linked by those that one of two whitelists.
    trusted: bool,
    /// Each node has more honest neighbours than others, or no others.
    honest: bool,
    /// Somebody honest has the blocks that all should have, or blocks are made.
    supplied: bool,
}

impl Promises {
    pub fn of(scenario: &Scenario) -> Self {
        let linked = neighbours(scenario, |node| [&node.whitelists[..], &node.dials[..]].concat(), true);
        let trusted = neighbours(scenario, |node| node.whitelists.clone(), false);
        let liars = liars(scenario);
        let is_honest = |around: &BTreeSet<&str>| {
            let lying = around.iter().filter(|party| liars.contains(**party)).count();
            lying == 0 || 2 * lying < around.len()
        };
        Self {
            linked: one_whole(scenario, &linked),
            trusted: one_whole(scenario, &trusted),
            honest: scenario.nodes.keys().all(|node| linked.get(node.as_str()).is_none_or(is_honest)),
            supplied: supply(scenario, &linked, &liars) >= demand(scenario),
        }
    }

    pub fn are_kept_by(&self, other: &Self) -> bool {
        let pairs = [
            (self.linked, other.linked),
            (self.trusted, other.trusted),
            (self.honest, other.honest),
            (self.supplied, other.supplied),
        ];
        pairs.iter().all(|(before, after)| !before || *after)
    }
}

/// Who is next to whom.
type Neighbours<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// By these addresses of nodes, and by the dials of peers where they count.
fn neighbours(scenario: &Scenario, of: impl Fn(&Node) -> Vec<Ipv4Addr>, dials: bool) -> Neighbours<'_> {
    let nodes = scenario.nodes.iter().map(|(name, node)| (node.ip, name.as_str()));
    let peers = scenario.peers.iter().map(|(name, peer)| (peer.ip, name.as_str()));
    let names: BTreeMap<Ipv4Addr, &str> = nodes.chain(peers).collect();
    let by_nodes = scenario.nodes.iter().flat_map(|(name, node)| {
        let others = of(node).into_iter().filter_map(|ip| names.get(&ip).copied());
        others.map(|other| (name.as_str(), other)).collect::<Vec<_>>()
    });
    let by_peers = scenario.peers.iter().filter(|_| dials);
    let by_peers = by_peers.flat_map(|(name, peer)| peer.dials.iter().map(|node| (name.as_str(), node.as_str())));
    let mut neighbours = Neighbours::new();
    for (one, two) in by_nodes.chain(by_peers) {
        neighbours.entry(one).or_default().insert(two);
        neighbours.entry(two).or_default().insert(one);
    }
    neighbours
}

/// Whether each node can be reached from each over nodes alone: scripted peers pass nothing on.
fn one_whole(scenario: &Scenario, neighbours: &Neighbours<'_>) -> bool {
    let mut open: Vec<&str> = scenario.nodes.keys().next().map(String::as_str).into_iter().collect();
    let mut reached: BTreeSet<&str> = open.iter().copied().collect();
    while let Some(node) = open.pop() {
        for next in neighbours.get(node).into_iter().flatten() {
            if scenario.nodes.contains_key(*next) && reached.insert(next) {
                open.push(next);
            }
        }
    }
    reached.len() == scenario.nodes.len()
}

/// Peers that don't do what honest ones do, at least at times.
fn liars(scenario: &Scenario) -> BTreeSet<String> {
    let from_the_start = scenario.peers.iter().filter(|(_, peer)| !peer.deviations.is_empty()).map(|(name, _)| name);
    // Who is directed does not depend on the seed.
    let steps = scenario.timeline(1);
    let directed = steps.iter().filter_map(|step| match &step.act {
        Act::Direct { direction: Direction::Connect | Direction::Disconnect | Direction::Move(_), .. } => None,
        Act::Direct { peers, .. } => Some(peers),
        Act::Fault { .. } => None,
    });
    from_the_start.chain(directed.flatten()).cloned().collect()
}

/// The greatest height that somebody honest among the nodes and their neighbours has at the start.
fn supply(scenario: &Scenario, neighbours: &Neighbours<'_>, liars: &BTreeSet<String>) -> u64 {
    if scenario.produce_every.is_some() {
        return u64::MAX;
    }
    let peers =
        scenario.peers.iter().filter(|(name, _)| neighbours.contains_key(name.as_str()) && !liars.contains(*name));
    let nodes = scenario.nodes.values().map(|node| node.chain.height);
    nodes.chain(peers.map(|(_, peer)| peer.chain.height)).max().unwrap_or(0)
}

/// The height that nodes are to agree on at least.
fn demand(scenario: &Scenario) -> u64 {
    let heights = scenario.expect.iter().map(|check| match check.what {
        Expect::Converge { on: Agreement::HeightAtLeast(height), .. } => height,
        _ => 0,
    });
    heights.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promises(nodes: &str, peers: &str, more: &str) -> [bool; 4] {
        let text = format!("title: x\nwhy: y\nruns_for: 1m\nnodes: {nodes}\npeers: {peers}\n{more}\n");
        let scenario = Scenario::parse("x", &text).unwrap_or_else(|error| panic!("{error}"));
        let Promises { linked, trusted, honest, supplied } = Promises::of(&scenario);
        [linked, trusted, honest, supplied]
    }

    #[test]
    fn what_a_network_has() {
        let all = "expect: [converge: {who: [nodes], on: {height_at_least: 50}, within: 10s}]";
        let two = "{a: {whitelists: [b]}, b: {chain: main@50}}";
        assert_eq!(promises(two, "{}", all), [true; 4]);
        assert_eq!(promises("{a: {dials: [b]}, b: {chain: main@50}}", "{}", all), [true, false, true, true]);
        assert_eq!(promises("{a: {}, b: {chain: main@50}}", "{}", all), [false, false, true, true]);
        assert!(!promises("{a: {dials: [p]}, b: {dials: [p]}}", "{p: {chain: main@50}}", all)[0]);
        assert_eq!(promises("{a: {dials: [p]}}", "{p: {chain: main@50}}", all), [true; 4]);
        assert_eq!(promises("{a: {}}", "{p: {chain: main@50}}", all), [true, true, true, false], "nobody dials it");
        let liar = "{p: {chain: main@50, dials: [a], deviations: [no_heights]}}";
        assert_eq!(promises("{a: {}}", liar, all), [true, true, false, false]);
        let liars = "{p: {count: 2, chain: main@50, dials: [a]}, q: {chain: main@9, dials: [a]}}";
        let tells = format!("timeline: [{{at: 1s, do: {{tell: {{peers: [q], height: 9}}}}}}]\n{all}");
        assert_eq!(promises("{a: {}}", liars, &tells), [true; 4]);
    }

    #[test]
    fn what_was_not_there_is_not_missed() {
        let all = Promises { linked: true, trusted: true, honest: true, supplied: true };
        let less = Promises { trusted: false, ..all };
        assert!(less.are_kept_by(&all) && less.are_kept_by(&less) && all.are_kept_by(&all));
        assert!(!all.are_kept_by(&less));
    }
}
