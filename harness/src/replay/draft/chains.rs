//! Which party is on which chain: forks that the logs show, and the heights at which everybody begins.
use std::collections::{BTreeMap, BTreeSet};

use super::Unknowns;
use super::cast::Cast;
use crate::history::Field;
use crate::replay::incident::{Event, Host, Incident};
use crate::replay::told::{Place, Shown};

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

/// A line that says that two parties have different blocks.
struct Conflict {
    parties: (usize, usize),
    /// The greatest height at which they may agree.
    agree: u64,
    told: bool,
    source: String,
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
        let mut starts: Vec<Start> = (0..cast.parties.len())
            .map(|party| {
                let (height, source) = height(incident, cast, party)
                    .unwrap_or_else(|| (highest.unwrap_or_default(), "unknown".to_owned()));
                if source == "unknown" {
                    let name = &cast.parties[party].name;
                    unknowns
                        .add(format!("the height of {name}: no line tells it; default: the highest of all, {height}"));
                }
                Start { chain: colours[party], height, source }
            })
            .collect();
        for start in &mut starts {
            // Below its beginning a fork is `main`.
            if start.chain > 0 && start.height <= forks[start.chain - 1].ancestor {
                start.chain = 0;
            }
        }
        Self { forks, starts, conflicts: shown }
    }

    /// A chain's name.
    pub fn name(chain: usize) -> String {
        if chain == 0 { "main".to_owned() } else { format!("fork-{chain}") }
    }
}

/// A party says, or is said, to have this block.
struct Claim {
    party: usize,
    height: u64,
    hash: String,
    /// It says so itself, by this event of its log.
    own: bool,
    event: usize,
    place: Place,
}

/// Hashes at heights: those that lines of forks and of skipped blocks tell.
fn claims(incident: &Incident, cast: &Cast) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    let mut unnamed = Vec::new();
    for (index, host) in incident.hosts.iter().enumerate() {
        let Some(party) = cast.host(index) else { continue };
        for (at, event) in host.events.iter().enumerate() {
            let Some(Field::Number(height)) = event.fields.get("height") else { continue };
            let (fields, height) = match event.name.as_str() {
                "fork_detected" => (["ours", "theirs"], *height),
                // The parent that the block should have, and the one that it has.
                "block_rejected" => (["expected", "got"], height.saturating_sub(1)),
                _ => continue,
            };
            let hash = |field: &str| Some(event.fields.get(field)?.to_string().chars().take(8).collect::<String>());
            let (Some(ours), Some(theirs)) = (hash(fields[0]), hash(fields[1])) else { continue };
            let claim = |party, hash, own| Claim { party, height, hash, own, event: at, place: event.place };
            claims.push(claim(party, ours, true));
            let sender = (fields[0] == "expected").then(|| sender(host, event, cast)).flatten();
            match event.peer.and_then(|ip| cast.at(ip)).or(sender) {
                Some(other) => claims.push(claim(other, theirs, false)),
                None => unnamed.push((index, claim(party, theirs, false))),
            }
        }
    }
    // A hash that no host with a log has: somebody's of whom nothing else is known.
    for (index, claim) in unnamed {
        if claims.iter().any(|known| known.height == claim.height && known.hash == claim.hash) {
            continue;
        }
        let silent = |party: &usize| claims.iter().all(|known| known.party != *party);
        let peers = incident.hosts[index].peers.keys().filter_map(|ip| cast.at(*ip));
        if let Some(party) = peers.filter(|party| *party != claim.party).find(silent) {
            claims.push(Claim { party, ..claim });
        }
    }
    claims
}

/// With whom an event says that the host is in conflict, up to where they may agree, and whether that is told.
fn conflict(host: &Host, event: &Event, cast: &Cast) -> Option<(usize, u64, bool)> {
    let number = |name: &str| match event.fields.get(name) {
        Some(Field::Number(number)) => Some(*number),
        _ => None,
    };
    let reason = event.fields.get("reason").map(Field::to_string).unwrap_or_default();
    let (agree, told) = match event.name.as_str() {
        // Two hashes of one height: where nobody is named they tell who is meant.
        "fork_detected" if event.fields.contains_key("ours") && event.peer.is_none() => (None, false),
        "fork_detected" if event.fields.contains_key("ours") => {
            (number("height").map(|height| height.saturating_sub(1)), false)
        }
        // A block whose parent isn't ours.
        "fork_detected" => (number("height").map(|height| height.saturating_sub(2)), false),
        "block_rejected" if reason.contains("previous_hash") => {
            (number("height").map(|height| height.saturating_sub(2)), false)
        }
        "request_failed" if reason.contains("nothing that links") => {
            (number("start").map(|start| start.saturating_sub(2)), false)
        }
        "ancestor_found" => (number("height"), true),
        "reorg" => (number("ancestor"), true),
        _ => (None, false),
    };
    let whom = event.peer.and_then(|ip| cast.at(ip)).or_else(|| sender(host, event, cast));
    Some((whom?, agree?, told))
}

/// The one that was asked for blocks, or sent some, last before an event that names nobody.
fn sender(host: &Host, event: &Event, cast: &Cast) -> Option<usize> {
    let before =
        |other: &&Event| matches!(other.name.as_str(), "requested" | "received") && other.first() <= event.first();
    let last = |other: &&Event| other.times.iter().copied().filter(|at| *at <= event.first()).max();
    let other = host.events.iter().filter(before).max_by_key(last)?;
    cast.at(other.peer?)
}

/// A chain for each party: none of two in conflict has the same, and as many as possible have 0.
fn colours(incident: &Incident, cast: &Cast, conflicts: &[Conflict], claims: &[Claim]) -> Vec<usize> {
    let mut group: Vec<usize> = (0..cast.parties.len()).collect();
    let in_conflict = |a: usize, b: usize| conflicts.iter().any(|c| c.parties == (a, b) || c.parties == (b, a));
    let mut join = |a: usize, b: usize| {
        let (from, to) = (group[a].max(group[b]), group[a].min(group[b]));
        group.iter_mut().filter(|member| **member == from).for_each(|member| *member = to);
    };
    // Those that have the same hash at one height.
    let mut holders: BTreeMap<(u64, &str), usize> = BTreeMap::new();
    for claim in claims {
        let first = *holders.entry((claim.height, &claim.hash)).or_insert(claim.party);
        if !in_conflict(first, claim.party) {
            join(first, claim.party);
        }
    }
    // Those whose blocks a host took.
    for (index, host) in incident.hosts.iter().enumerate() {
        let Some(party) = cast.host(index) else { continue };
        for event in host.events.iter().filter(|event| event.name == "received") {
            let (Some(other), Some(Field::Number(end))) =
                (event.peer.and_then(|ip| cast.at(ip)), event.fields.get("end"))
            else {
                continue;
            };
            let took = host.heights.iter().any(|(at, height)| *at >= event.first() && height >= end);
            if took && !in_conflict(party, other) {
                join(party, other);
            }
        }
    }
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    group.iter().enumerate().for_each(|(party, group)| members.entry(*group).or_default().push(party));
    let quarrels =
        |group: &[usize]| group.iter().any(|a| conflicts.iter().any(|c| c.parties.0 == *a || c.parties.1 == *a));
    let mut order: Vec<&Vec<usize>> = members.values().filter(|group| quarrels(group)).collect();
    order.sort_by_key(|group| (std::cmp::Reverse(group.len()), group[0]));
    let mut colours = vec![0; cast.parties.len()];
    let mut done: BTreeSet<usize> = BTreeSet::new();
    for group in order {
        let against = |other: &usize| group.iter().any(|member| in_conflict(*member, *other));
        let taken: BTreeSet<usize> = done.iter().filter(|other| against(other)).map(|other| colours[*other]).collect();
        let colour = (0..).find(|colour| !taken.contains(colour)).unwrap_or_default();
        for member in group {
            colours[*member] = colour;
            done.insert(*member);
        }
    }
    colours
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
        let possible = mine.iter().map(|c| c.agree).min().unwrap_or_default();
        if told.is_none() {
            let name = Chains::name(chain);
            unknowns.add(format!(
                "where {name} begins: not after {possible}, says {}; default: there",
                mine.first().map_or("?", |c| &c.source)
            ));
        }
        let mut sources: Vec<String> = mine.iter().map(|c| c.source.clone()).collect();
        sources.dedup();
        forks.push(Fork { ancestor: told.unwrap_or(possible), sources, told: told.is_some() });
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
