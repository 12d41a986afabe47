//! Which party is on which chain: forks that the logs show, and the heights at which everybody begins.
mod claim;
mod colour;
mod conflict;
#[cfg(test)]
mod tests;

use super::Unknowns;
use super::cast::Cast;
use crate::history::Field;
use crate::replay::incident::{Event, Incident};
use crate::replay::told::Shown;
use claim::{Claim, claims};
use colour::colours;
use conflict::{Conflict, conflict};

/// Where a party begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// 0: `main`, others: forks.
    pub chain: usize,
    /// Its height.
    pub height: u64,
    /// Why.
    pub source: String,
}

/// A fork of `main`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The last block in common.
    pub ancestor: u64,
    /// Lines that show it.
    pub sources: Vec<String>,
    /// A line tells the ancestor; otherwise it is the highest possible.
    pub told: bool,
    /// Somebody is on it.
    pub used: bool,
}

/// Chains, and who begins where.
#[derive(Debug)]
pub struct Chains {
    /// Forks of `main`; chain 1 is the first.
    pub forks: Vec<Fork>,
    /// By party.
    pub starts: Vec<Start>,
    /// Pairs of parties on different chains, where one tells of it, and which event says so: (host, party, event).
    pub conflicts: Vec<(usize, usize, usize)>,
}

impl Chains {
    /// Reads them from what the logs show.
    pub fn of(incident: &Incident, cast: &Cast, unknowns: &mut Unknowns) -> Self {
        let claims = claims(incident, cast);
        let mut conflicts = Vec::new();
        let mut shown = Vec::new();
        for (index, host) in incident.hosts.iter().enumerate() {
            let Some(party) = cast.host(index) else { continue };
            for (at, event) in host.events.iter().enumerate() {
                if let Some((other, agree, told)) = conflict(host, event, cast) {
                    let source = Shown(event.place, &incident.files).to_string();
                    conflicts.push(Conflict { parties: (party, other), agree, told, source });
                    shown.push((index, other, at));
                }
            }
        }
        for (one, claim) in claims.iter().enumerate() {
            let against =
                |other: &&Claim| other.height == claim.height && other.hash != claim.hash && other.party != claim.party;
            for other in claims[one + 1..].iter().filter(against) {
                let source = Shown(claim.place, &incident.files).to_string();
                let agree = claim.height.saturating_sub(1);
                conflicts.push(Conflict { parties: (claim.party, other.party), agree, told: false, source });
                shown.extend([(claim, other), (other, claim)].into_iter().filter_map(|(mine, theirs)| {
                    let host = mine.own.then(|| cast.parties[mine.party].host)??;
                    Some((host, theirs.party, mine.event))
                }));
            }
        }
        let colours = colours(incident, cast, &conflicts, &claims);
        let forks = forks(&colours, &conflicts, unknowns);
        let highest = incident.hosts.iter().flat_map(|host| host.heights.iter().map(|(_, height)| *height)).max();
        let starts = (0..cast.parties.len()).map(|party| {
            let (height, source) = height(incident, cast, party).unwrap_or_else(|| {
                let (height, name) = (highest.unwrap_or_default(), &cast.parties[party].name);
                unknowns
                    .add(format!("the height of {name}: no line tells it; default: the highest of a log, {height}"));
                (height, "unknown".to_owned())
            });
            Start { chain: colours[party], height, source }
        });
        let starts = starts.collect();
        Self { forks, starts, conflicts: shown }
    }

    /// The chain that somebody is on at a height: below its beginning a fork is `main`.
    pub fn on(&self, chain: usize, height: u64) -> usize {
        let fork = chain.checked_sub(1).and_then(|fork| self.forks.get(fork));
        fork.filter(|fork| height > fork.ancestor).map_or(0, |_| chain)
    }

    /// The same with the height, as scenarios have it.
    pub fn place(&self, chain: usize, height: u64) -> String {
        format!("{}@{height}", Self::name(self.on(chain, height)))
    }

    /// Makes forks such as a scenario may have: somebody is on each, and on `main` as far as they have it in common.
    pub fn fit(&mut self, places: &[(usize, u64)]) {
        let on: Vec<(usize, u64)> = places.iter().map(|(chain, height)| (self.on(*chain, *height), *height)).collect();
        let main = on.iter().filter(|(chain, _)| *chain == 0).map(|(_, height)| *height).max().unwrap_or_default();
        for (fork, chain) in self.forks.iter_mut().zip(1..) {
            fork.ancestor = fork.ancestor.min(main);
            fork.used = on.iter().any(|(other, _)| *other == chain);
        }
    }

    /// A chain's name.
    pub fn name(chain: usize) -> String {
        if chain == 0 { "main".to_owned() } else { format!("fork-{chain}") }
    }
}

fn forks(colours: &[usize], conflicts: &[Conflict], unknowns: &mut Unknowns) -> Vec<Fork> {
    let count = colours.iter().max().copied().unwrap_or_default();
    let mut forks = Vec::new();
    for chain in 1..=count {
        let about = |c: &&Conflict| {
            colours[c.parties.0] != colours[c.parties.1]
                && (colours[c.parties.0] == chain || colours[c.parties.1] == chain)
        };
        let mine: Vec<&Conflict> = conflicts.iter().filter(about).collect();
        let told = mine.iter().filter(|c| c.told).map(|c| c.agree).min();
        let lowest = mine.iter().min_by_key(|c| c.agree);
        let (possible, source) = lowest.map_or((0, "?"), |c| (c.agree, &c.source));
        if told.is_none() {
            let name = Chains::name(chain);
            unknowns.add(format!("where {name} begins: not after {possible}, says {source}; default: there"));
        }
        let mut sources: Vec<String> = mine.iter().map(|c| c.source.clone()).collect();
        sources.dedup();
        forks.push(Fork { ancestor: told.unwrap_or(possible), sources, told: told.is_some(), used: false });
    }
    forks
}

/// The height at which a party begins, and the line or reason.
fn height(incident: &Incident, cast: &Cast, party: usize) -> Option<(u64, String)> {
    let ip = cast.parties[party].ip;
    if let Some(index) = cast.parties[party].host {
        let host = incident.hosts.get(index)?;
        if let Some((_, height)) = host.heights.first() {
            return Some((*height, format!("the log of {}", host.name)));
        }
        let requested = host.events.iter().find(|event| event.name == "requested");
        if let Some(Field::Number(start)) = requested.and_then(|event| event.fields.get("start")) {
            return Some((start.saturating_sub(1), "its first request".to_owned()));
        }
    }
    let tellers = incident.hosts.iter().filter_map(|host| Some((host, host.peers.get(&ip)?)));
    let told = tellers.filter_map(|(host, peer)| Some((*peer.heights.first()?, host))).min_by_key(|((at, _), _)| *at);
    if let Some(((_, height), host)) = told {
        return Some((height, format!("told to {}", host.name)));
    }
    let about = |event: &&Event| event.peer == Some(ip) && matches!(event.name.as_str(), "requested" | "received");
    let ends = incident.hosts.iter().flat_map(|host| host.events.iter().filter(about));
    let ends = ends.filter_map(|event| match event.fields.get("end") {
        Some(Field::Number(end)) => Some(*end),
        _ => None,
    });
    ends.max().map(|end| (end, "it was asked for blocks up to there".to_owned()))
}
