//! What processes can't give a scenario.
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::Options;
use super::privilege::Ability;
use super::readdress;
use crate::scenario::Scenario;
use crate::scenario::resolved::{Act, Fault};

/// What `scenario` needs and this backend can't give, each with the reason.
pub fn unsupported(scenario: &Scenario, seed: u64, options: &Options) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut lacks = |reason: String| {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    };
    options.program.lacks(scenario, options.time_scale).into_iter().for_each(&mut lacks);
    if scenario.nodes.values().any(|node| !node.disk.is_zero()) {
        lacks("`disk`: a real disk is as fast as it is".into());
    }
    let no_link = match &options.ability {
        Ability::Namespaces | Ability::Containers(_) => None,
        Ability::Loopback(why) => Some(why),
    };
    if matches!(options.ability, Ability::Containers(_)) && options.program.has_helpers() {
        lacks("`helpers`: in a container there is only the image's own program".into());
    }
    if let Some(why) = no_link.filter(|_| !scenario.links.is_empty()) {
        lacks(format!("`links`: processes on loopback addresses have no shaped links ({why})"));
    }
    if let Some(why) = no_link.filter(|_| options.program.names_hosts()) {
        lacks(format!("`hosts`: names of its own need a network namespace ({why})"));
    }
    if no_link.is_some() && addresses(scenario).len() > readdress::ROOM {
        lacks(format!("more than {} addresses: loopback has no room for them", readdress::ROOM));
    }
    for step in scenario.timeline(seed) {
        let Act::Fault { fault, .. } = &step.act else { continue };
        match (fault, no_link) {
            (Fault::Skew { .. }, _) if options.program.clock_file().is_some() => {}
            (Fault::Skew { .. }, _) => lacks("`skew`: processes share the machine's clock".into()),
            (Fault::Cut(_) | Fault::Link(..) | Fault::PowerLoss(_), Some(why)) => {
                lacks(format!("`{fault}`: needs a network namespace for each node ({why})"));
            }
            _ => {}
        }
    }
    reasons
}

/// All addresses that nodes and peers have or know.
pub(super) fn addresses(scenario: &Scenario) -> BTreeSet<Ipv4Addr> {
    let nodes = scenario.nodes.values().flat_map(|node| {
        let known = node.whitelists.iter().chain(&node.blacklists).chain(&node.dials);
        known.copied().chain([node.ip])
    });
    nodes.chain(scenario.peers.values().map(|peer| peer.ip)).collect()
}
