//! The network that holds all nodes' addresses.
use std::net::Ipv4Addr;

use serde::Serialize;

use super::super::artefacts::ExportError;
use crate::scenario::Scenario;

/// The largest network: no engine gives out more.
const SHORTEST_PREFIX: u32 = 8;
/// The smallest one. No address of a scenario ends with 0 or 255, so none is the network's own.
const LONGEST_PREFIX: u32 = 24;

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Subnet {
    pub subnet: String,
    /// The engine's address: one that nobody of the scenario has.
    pub gateway: Ipv4Addr,
}

impl Subnet {
    pub fn of(scenario: &Scenario) -> Result<Self, ExportError> {
        let taken: Vec<Ipv4Addr> =
            scenario.nodes.values().map(|node| node.ip).chain(scenario.peers.values().map(|peer| peer.ip)).collect();
        let nodes = || scenario.nodes.values().map(|node| node.ip.to_bits());
        let first = nodes().next().unwrap_or_default();
        let differ = nodes().fold(0, |bits, ip| bits | (ip ^ first));
        let prefix = differ.leading_zeros().min(LONGEST_PREFIX);
        if prefix < SHORTEST_PREFIX {
            let reason =
                "addresses of nodes are too far apart for one network of an engine: they share fewer than 8 bits";
            return Err(ExportError::Scenario(format!("{}: {reason}", scenario.name)));
        }
        let mask = u32::MAX << (32 - prefix);
        let highest = first | !mask;
        let free = (1..256).map(|below| Ipv4Addr::from_bits(highest - below)).find(|ip| !taken.contains(ip));
        let Some(gateway) = free else {
            return Err(ExportError::Scenario(format!("{}: no address is left for the engine", scenario.name)));
        };
        Ok(Self { subnet: format!("{}/{prefix}", Ipv4Addr::from_bits(first & mask)), gateway })
    }
}
