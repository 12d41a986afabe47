//! Whether the set-up did what it is for: else the case tells nothing about the node.
use std::collections::BTreeSet;

use crate::history::{Field, History, Observation, What};
use crate::peer::Chains;
use crate::scenario::Scenario;
use crate::scenario::stage::SUBJECT;

/// What is missing when the case begins; empty where it can begin.
pub fn missing(case: &Scenario, chains: &Chains, setup: &History) -> Vec<String> {
    let seen = setup.observations();
    let ended = seen.iter().filter(|seen| seen.source == SUBJECT).find_map(|seen| match &seen.what {
        What::Process { by_itself: Some(how), .. } => Some(format!("it ended: {how}")),
        _ => None,
    });
    if ended.is_some() {
        return ended.into_iter().collect();
    }
    let mut missing = Vec::new();
    let start = &case.nodes[SUBJECT].chain;
    if let Some(wanted) = chains.hash(start) {
        let wanted = (start.height, wanted.to_string());
        let told = seen.iter().rev().find_map(told);
        match told {
            Some((height, hash)) if height == wanted.0 && hash.as_ref().is_none_or(|hash| *hash == wanted.1) => {}
            Some((height, _)) => missing.push(format!("it tells height {height}, not {}", describe(case))),
            None => missing.push("it tells no height".to_owned()),
        }
    }
    let connected = connected(setup);
    for name in case.on_stage() {
        let ip = case.peers[name].ip.to_string();
        if !connected.contains(&ip) && !connected.contains(name) {
            missing.push(format!("{name} is not connected"));
        }
    }
    missing
}

/// The height that the node told last, where the case begins at a lower one.
pub fn stands_beyond(case: &Scenario, setup: &History) -> Option<u64> {
    let (height, _) = setup.observations().iter().rev().find_map(told)?;
    (height > case.nodes[SUBJECT].chain.height).then_some(height)
}

fn describe(case: &Scenario) -> String {
    let start = &case.nodes[SUBJECT].chain;
    format!("{} of {}", start.height, start.chain)
}

/// A height that the node told, and its hash where it told that too.
fn told(seen: &Observation) -> Option<(u64, Option<String>)> {
    match &seen.what {
        What::Chain { height, tip, .. } => Some((*height, Some(tip.clone()))),
        What::Wire { sent: false, message, fields, .. } if message == "Ping" || message == "Pong" => {
            match fields.get("height") {
                Some(Field::Number(height)) => Some((*height, None)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Addresses of peers with an open connection; where nobody sees the network, names of peers that heard anything.
fn connected(setup: &History) -> BTreeSet<String> {
    let mut open = BTreeSet::new();
    let mut heard = BTreeSet::new();
    let mut visible = false;
    for seen in setup.observations() {
        match &seen.what {
            What::Connection { fate, peer } if seen.source == SUBJECT => {
                visible = true;
                match fate.as_str() {
                    "opened" => {
                        open.insert(peer.clone());
                    }
                    "dialled" | "refused" => {}
                    _ => {
                        open.remove(peer);
                    }
                }
            }
            What::Wire { sent: false, .. } => {
                heard.insert(seen.source.clone());
            }
            _ => {}
        }
    }
    if visible { open } else { heard }
}
