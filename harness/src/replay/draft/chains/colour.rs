//! Which of the chains is whose.
use std::collections::{BTreeMap, BTreeSet};

use super::claim::Claim;
use super::conflict::Conflict;
use crate::history::Field;
use crate::replay::draft::cast::Cast;
use crate::replay::incident::Incident;

/// A chain for each party: none of two in conflict has the same, and as many as possible have 0.
pub(super) fn colours(incident: &Incident, cast: &Cast, conflicts: &[Conflict], claims: &[Claim]) -> Vec<usize> {
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
