//! Heights of scripted peers as they changed.
use super::cast::Cast;
use super::chains::{Chains, Start};
use super::faults::Faults;
use super::{Clock, Step};
use crate::replay::incident::Incident;

/// Of one peer, about.
const MOST: usize = 50;

/// Makes steps of them; returns where each party ends.
pub(super) fn moves(
    incident: &Incident,
    cast: &Cast,
    chains: &mut Chains,
    clock: &Clock,
    faults: &mut Faults,
) -> Vec<Start> {
    let mut ends = chains.starts.clone();
    let mut places: Vec<(usize, u64)> = ends.iter().map(|start| (start.chain, start.height)).collect();
    for (end, party) in ends.iter_mut().zip(&cast.parties).filter(|(_, party)| party.host.is_none()) {
        let tellers = incident.hosts.iter().filter_map(|host| host.peers.get(&party.ip));
        let mut told: Vec<(i64, u64)> = tellers.flat_map(|peer| peer.heights.iter().copied()).collect();
        told.sort_unstable();
        told.dedup_by_key(|(_, height)| *height);
        let (every, last) = (told.len().div_ceil(MOST).max(1), told.len().saturating_sub(1));
        let kept = told.iter().enumerate().skip(1).filter(|(at, _)| at % every == 0 || *at == last);
        for (_, (at, height)) in kept {
            end.height = *height;
            places.push((end.chain, *height));
            faults.steps.push(Step {
                at: clock.at(*at),
                action: format!("{{move: {{peers: [{}], chain: {}}}}}", party.name, chains.place(end.chain, *height)),
                comment: "it tells this height".to_owned(),
                lasts: None,
            });
            faults.healed = faults.healed.max(*at);
        }
    }
    chains.fit(&places);
    ends.iter_mut().for_each(|end| end.chain = chains.on(end.chain, end.height));
    faults.steps.sort_by_key(|step| step.at);
    ends
}
