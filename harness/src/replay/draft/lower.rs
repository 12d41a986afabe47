//! Heights that are too great to build are all lowered by the same number: only their differences matter.
use super::Unknowns;
use crate::history::{Field, Fields};
use crate::replay::incident::Incident;

/// Chains above this take long to build.
const HIGHEST: u64 = 50_000;
/// What lies below the lowest height: as deep as a search goes (phase-3, Component 3), and some.
const BELOW: u64 = 12_000;
/// Fields that are heights.
const HEIGHTS: [&str; 11] = [
    "height",
    "start",
    "end",
    "our",
    "consensus",
    "tip",
    "ancestor",
    "old_height",
    "new_height",
    "target",
    "theirs_height",
];

/// The incident with heights that can be built.
pub(super) fn lowered(incident: &Incident, unknowns: &mut Unknowns) -> Incident {
    let mut incident = incident.clone();
    let all = || {
        let peers = |host: &crate::replay::incident::Host| {
            host.peers.values().flat_map(|peer| peer.heights.iter().map(|(_, height)| *height)).collect::<Vec<_>>()
        };
        incident.hosts.iter().flat_map(move |host| host.heights.iter().map(|(_, height)| *height).chain(peers(host)))
    };
    let Some(highest) = all().max().filter(|highest| *highest > HIGHEST) else { return incident };
    // What somebody claims from far above all others doesn't count.
    let lowest = all().min().unwrap_or_default();
    let by = lowest.saturating_sub(BELOW) / 1_000 * 1_000;
    if by == 0 {
        return incident;
    }
    unknowns.add(format!("all heights are lowered by {by}: chains up to {highest} take long to build"));
    for host in &mut incident.hosts {
        host.heights.iter_mut().for_each(|(_, height)| *height = height.saturating_sub(by));
        for peer in host.peers.values_mut() {
            peer.heights.iter_mut().for_each(|(_, height)| *height = height.saturating_sub(by));
        }
        host.events.iter_mut().for_each(|event| lower(&mut event.fields, by));
    }
    incident
}

fn lower(fields: &mut Fields, by: u64) {
    for name in HEIGHTS {
        if let Some(Field::Number(height)) = fields.get_mut(name) {
            *height = height.saturating_sub(by);
        }
    }
}
