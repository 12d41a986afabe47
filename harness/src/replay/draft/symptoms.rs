//! What was wrong, as checks: that it shows where the cure is off (`reproduced`), and that it doesn't where it is on (`cured`).
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::cast::Cast;
use super::chains::{Chains, Start};
use super::faults::{Faults, SHORT};
use super::text::span;
use crate::history::Field;
use crate::replay::incident::{Event, Host, Incident};
use crate::replay::told::Shown;

/// Behind by more than this is a node that needs to sync (phase-3, Component 1).
const THRESHOLD: u64 = 5;
/// Behind for so long at the end, and asked for by nobody: it doesn't catch up by itself.
const STUCK: i64 = 60_000_000;
/// The same range asked of the same peer so often is a loop (D-15: at most 3 times in 5 minutes).
const LOOP: usize = 4;
/// So many connections that end at once are churn.
const CHURN: usize = 5;
/// Ten minutes of dials to one masternode at most, by its back-off: 2 4 8 16 32 60 60 … s (Phase 2), and its first.
const DIALS: u64 = 15;
/// A silence that a whitelisted peer may keep without being dropped: six pings of which each has 180 s (D-4), with room.
const TOLERATED: i64 = 300_000_000;
/// Time in which nodes have to be as they should: forks within 5 minutes, which is the longest of the text's success criteria.
const WITHIN: &str = "5m";

/// One thing that was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symptom {
    /// In words, with names of the scenario.
    pub what: String,
    /// The line that shows it.
    pub source: String,
    /// Expectations as YAML that hold where it shows.
    pub reproduced: Vec<String>,
    /// Expectations as YAML that hold where it doesn't.
    pub cured: Vec<String>,
    /// A defect that brings it back where no setting does.
    pub mutant: Option<&'static str>,
}

/// What symptoms are read from.
pub struct Scene<'a> {
    pub incident: &'a Incident,
    pub cast: &'a Cast,
    pub chains: &'a Chains,
    pub faults: &'a Faults,
    /// Where each party ends, by what the scenario makes it do.
    pub ends: &'a [Start],
    /// From when on nodes may be expected to recover, in the scenario's time.
    pub healed: i64,
}

impl Scene<'_> {
    /// All of them, by kind: those that say most come first.
    pub fn symptoms(&self) -> Vec<Symptom> {
        let mut kinds: [Vec<Symptom>; 5] = Default::default();
        for (index, host) in self.incident.hosts.iter().enumerate() {
            let Some(party) = self.cast.host(index) else { continue };
            let outvoted = self.outvoted(party, host);
            let mut forked = self.forked(index, party, host);
            if let (Some(_), Some(forked)) = (&outvoted, &mut forked) {
                // The vote is the reason, and has a switch.
                forked.mutant = None;
            }
            kinds[0].extend(self.loops(party, host));
            kinds[1].extend(self.churn(party, host));
            kinds[2].extend(self.dropped(party, host));
            kinds[3].extend(outvoted);
            kinds[4].extend(forked);
        }
        kinds.into_iter().flatten().chain(self.stuck()).collect()
    }

    fn name(&self, party: usize) -> &str {
        &self.cast.parties[party].name
    }

    fn source(&self, event: &Event) -> String {
        Shown(event.place, &self.incident.files).to_string()
    }

    /// The same range asked of the same peer again and again.
    fn loops(&self, party: usize, host: &Host) -> Option<Symptom> {
        let often = |event: &Event| event.times.windows(LOOP).any(|times| times[LOOP - 1] - times[0] <= 300_000_000);
        let looped = |event: &&Event| event.name == "requested" && event.peer.is_some() && often(event);
        let event = host.events.iter().filter(looped).max_by_key(|event| event.count)?;
        let (Some(Field::Number(start)), Some(Field::Number(end))) =
            (event.fields.get("start"), event.fields.get("end"))
        else {
            return None;
        };
        let (node, peer) = (self.name(party), self.name(self.cast.at(event.peer?)?));
        // More than the cure allows in this time, where it was more.
        let spans = u64::try_from((event.last - event.first()) / 300_000_000).unwrap_or_default() + 1;
        let at_least = (spans * (LOOP as u64 - 1) + 1).min(event.count);
        Some(Symptom {
            what: format!("{node} asks {peer} for {start}-{end} again and again: {} times", event.count),
            source: self.source(event),
            reproduced: vec![format!(
                "count: {{seen: {{see: {{on: {node}, log: requested, where: {{ip: {peer}, start: {start}, end: {end}}}}}}}, at_least: {at_least}}}"
            )],
            cured: vec![format!(
                "rate: {{seen: {{see: {{on: {node}, log: requested}}}}, per: 5m, at_most: {}, each: [start, end, ip]}}",
                LOOP - 1
            )],
            mutant: Some("same_range_for_ever"),
        })
    }

    /// Connections that end as soon as they are there.
    fn churn(&self, party: usize, host: &Host) -> Option<Symptom> {
        let short = |ip: &Ipv4Addr| {
            let connections = host.peers.get(ip).into_iter().flat_map(|peer| &peer.connections);
            let brief = |from: i64, until: i64| until - from <= SHORT;
            connections.filter(|c| matches!((c.from, c.until), (Some(from), Some(until)) if brief(from, until))).count()
        };
        let ip = host.peers.keys().copied().max_by_key(|ip| (short(ip), std::cmp::Reverse(*ip)))?;
        let count = short(&ip);
        if count < CHURN {
            return None;
        }
        let connection = host.peers.get(&ip)?.connections.last()?;
        let (node, peer) = (self.name(party), self.name(self.cast.at(ip)?));
        let dialled = format!("{{see: {{on: {node}, connection: dialled, where: {{peer: {peer}}}}}}}");
        Some(Symptom {
            what: format!("connections of {node} with {peer} end as soon as they are there: {count} times"),
            source: Shown(connection.place, &self.incident.files).to_string(),
            reproduced: vec![format!("count: {{seen: {dialled}, at_least: {}}}", DIALS + 1)],
            cured: vec![format!("rate: {{seen: {dialled}, per: 10m, at_most: {DIALS}}}")],
            mutant: Some("redials_for_ever"),
        })
    }

    /// A whitelisted peer that was dropped for missed pongs, although it came back soon enough.
    fn dropped(&self, party: usize, host: &Host) -> Option<Symptom> {
        let timeout = |event: &Event| {
            let reason = event.fields.get("reason").map(Field::to_string).unwrap_or_default();
            reason == "timeout" || reason.contains("timed out")
        };
        let dropped = |event: &&Event| match event.name.as_str() {
            "disconnected" => timeout(event),
            name => matches!(name, "peer_unresponsive" | "masternode_unresponsive"),
        };
        for event in host.events.iter().filter(dropped) {
            let ip = event.peer?;
            let other = self.cast.at(ip)?;
            let silences = &host.peers.get(&ip)?.silences;
            let around = silences.iter().find(|silence| {
                silence.from <= event.first() && silence.until.is_none_or(|until| until >= event.first())
            });
            let long = !self.faults.busy.contains(&other)
                && around.is_none_or(|silence| silence.until.unwrap_or(self.incident.ends) - silence.from > TOLERATED);
            if long || !self.cast.parties[other].masternode {
                continue;
            }
            let (node, peer) = (self.name(party), self.name(other));
            return Some(Symptom {
                what: format!("{node} drops {peer} for missed pongs"),
                source: self.source(event),
                reproduced: vec![format!(
                    "count: {{seen: {{see: {{on: {node}, connection: closed_by_node, where: {{peer: {peer}}}}}}}, at_least: 1}}"
                )],
                cured: vec![format!(
                    "never: {{see: {{on: {node}, log: masternode_unresponsive, where: {{ip: {peer}}}}}}}"
                )],
                mutant: Some("no_relaxed_timeout"),
            });
        }
        None
    }

    /// A whitelisted peer's chain that a vote rejects.
    fn outvoted(&self, party: usize, host: &Host) -> Option<Symptom> {
        let about = |event: &Event| {
            event.peer.and_then(|ip| self.cast.at(ip)).filter(|other| self.cast.parties[*other].masternode)
        };
        let event = host.events.iter().find(|event| event.name == "off_consensus" && about(event).is_some())?;
        let (node, peer) = (self.name(party), self.name(about(event)?));
        let seen = format!("{{on: {node}, log: off_consensus, where: {{ip: {peer}}}}}");
        Some(Symptom {
            what: format!("{node} rejects the chain of {peer}, a masternode, by a vote"),
            source: self.source(event),
            reproduced: vec![format!("count: {{seen: {{see: {seen}}}, at_least: 1}}")],
            cured: vec![format!("never: {{see: {seen}}}")],
            mutant: None,
        })
    }

    /// A fork that nobody leaves; against a scripted peer any, since the node alone has to end where the fork choice says.
    fn forked(&self, index: usize, party: usize, host: &Host) -> Option<Symptom> {
        let (_, other, event) = *self.chains.conflicts.iter().find(|(host, ..)| *host == index)?;
        let event = host.events.get(event)?;
        let left = host.events.iter().any(|event| event.name == "reorg");
        let (mine, theirs) = (self.chains.starts.get(party)?, self.chains.starts.get(other)?);
        if mine.chain == theirs.chain {
            return None;
        }
        let (node, peer) = (self.name(party), self.name(other));
        let stays = format!("reorgs: {{who: [{node}], at_most: 0}}");
        let mut forked = Symptom {
            what: format!("{node} stays on another chain than {peer}"),
            source: self.source(event),
            reproduced: Vec::new(),
            cured: Vec::new(),
            mutant: None,
        };
        if self.cast.parties[other].host.is_some() {
            let after = span(self.healed);
            forked
                .cured
                .push(format!("converge: {{who: [{node}, {peer}], on: tips, after: {after}, within: {WITHIN}}}"));
            forked.reproduced.push(stays);
            forked.mutant = Some("forks_skipped");
            return (!left).then_some(forked);
        }
        let Some(end) = self.fork_choice(party, host, other) else { return (!left).then_some(forked) };
        let by = span(self.healed + 300_000_000);
        forked.cured.push(format!("tip: {{who: [{node}], is: {}@{}, by: {by}}}", Chains::name(end.chain), end.height));
        match (end.chain == mine.chain, left) {
            (true, false) => {}
            (true, true) => {
                forked.what = format!("{node} leaves its chain, which wins against that of {peer}");
                forked.reproduced.push(format!("count: {{seen: {{see: {{on: {node}, log: reorg}}}}, at_least: 1}}"));
            }
            (false, false) => {
                forked.reproduced.push(stays);
                forked.mutant = Some("forks_skipped");
            }
            (false, true) => forked.what = format!("{node} comes over to the chain of {peer}"),
        }
        Some(forked)
    }

    /// Nodes that stay behind, together where they have the same target.
    fn stuck(&self) -> Vec<Symptom> {
        let mut by_target: BTreeMap<u64, Vec<(usize, u64, i64)>> = BTreeMap::new();
        for (index, host) in self.incident.hosts.iter().enumerate() {
            let (Some(party), Some((since, height))) = (self.cast.host(index), host.heights.last()) else { continue };
            let (lists, _) = self.cast.lists(party, host);
            // What the scenario's whitelisted parties serve, but for branches that lose against its own.
            let serving = lists.iter().filter(|other| self.faults.serves(**other));
            let loses = |other: usize, end: &Start| {
                self.fork_choice(party, host, other).is_some_and(|winner| winner.chain != end.chain)
            };
            let ends = serving.filter_map(|other| self.ends.get(*other).filter(|end| !loses(*other, end)));
            let target = ends.map(|end| end.height).max();
            let lasted = host.ends - since;
            if let Some(target) = target.filter(|target| height + THRESHOLD < *target && lasted >= STUCK) {
                by_target.entry(target).or_default().push((party, *height, lasted));
            }
        }
        by_target.into_iter().map(|(target, nodes)| self.behind(target, &nodes)).collect()
    }

    fn behind(&self, target: u64, nodes: &[(usize, u64, i64)]) -> Symptom {
        let who: Vec<&str> = nodes.iter().map(|(party, ..)| self.name(*party)).collect();
        let stays: Vec<String> =
            nodes.iter().map(|(party, height, _)| format!("{} at {height}", self.name(*party))).collect();
        let lasted = nodes.iter().map(|(.., lasted)| *lasted).min().unwrap_or_default();
        let never =
            |who: &&str| format!("never: {{see: {{on: {who}, log: appended, where: {{height: \">= {target}\"}}}}}}");
        Symptom {
            what: format!("while a masternode is at {target}, these stay behind: {}", stays.join(", ")),
            source: format!("their heights, for {} to the end", span(lasted)),
            reproduced: who.iter().map(never).collect(),
            cured: vec![format!(
                "converge: {{who: [{}], on: {{height_at_least: {target}}}, after: {}, within: {WITHIN}}}",
                who.join(", "),
                span(self.healed)
            )],
            mutant: None,
        }
    }
}
