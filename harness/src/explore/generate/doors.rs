//! Who gets in: slots, blacklists, and peers that are listed twice.
use super::dice::Dice;
use super::liars::Liars;
use super::topology::Topology;

/// Slots for more than 75 regular peers or 125 in all.
const MANY: (u64, u64) = (1000, 300);
/// More peers of one node may need them.
const FEW: usize = 60;

/// Scripted peers that dial and say nothing: more than the 128 whose handshake a node waits for.
const CROWD: u64 = 140;

/// Of all nodes.
#[derive(Debug, Default)]
pub struct Doors {
    /// In all, and those of them for whitelisted peers, where they aren't the defaults.
    slots: Option<(u64, u64)>,
    /// Nobody connects them.
    pub blacklisted: Vec<String>,
    /// Whom a crowd of strangers dials, again and again, without a word.
    pub crowded: Option<String>,
}

impl Doors {
    /// `drawn` says whether they may differ from what is usual.
    pub fn draw(dice: &mut Dice, drawn: bool, topology: &mut Topology, liars: &Liars) -> Self {
        let slots = (topology.nodes.len() + liars.list.len() > FEW).then_some(MANY);
        let mut doors = Self { slots, ..Self::default() };
        if !drawn {
            return doors;
        }
        let whitelisted: Vec<String> =
            topology.nodes.iter().filter(|node| node.masternode).map(|node| node.name.clone()).collect();
        for node in &mut topology.nodes {
            // A whitelist may name who is on it with a port, too.
            let others: Vec<String> = whitelisted.iter().filter(|name| **name != node.name).cloned().collect();
            let on_it = |name: &String| node.whitelists.iter().any(|entry| entry == name || entry == "masternodes");
            let others: Vec<String> = others.into_iter().filter(on_it).collect();
            if dice.percent(20) {
                node.whitelists_again = dice.some(&others, 1);
            }
        }
        // All blacklist the same ones: whose vote counts is the same for all.
        let names: Vec<String> = liars.list.iter().map(|liar| liar.name.clone()).collect();
        if dice.percent(25) {
            doors.blacklisted = dice.some(&names, 1);
        }
        // Where everybody that matters is whitelisted, few slots are left for all others.
        let room = dice.within(1..=3);
        if slots.is_none() && dice.percent(30) && topology.nodes.iter().all(|node| node.masternode) {
            let reserved = (topology.nodes.len() + liars.list.iter().filter(|liar| liar.whitelisted).count()) as u64;
            doors.slots = Some((reserved + room, reserved));
        }
        if slots.is_none() && dice.percent(4) {
            doors.crowded = Some(dice.one_of(&topology.nodes).name.clone());
        }
        doors
    }

    /// The crowd's line among the scenario's peers.
    pub fn crowd(&self) -> Option<String> {
        let node = self.crowded.as_ref()?;
        Some(format!(
            "crowd: {{count: {CROWD}, chain: main@0, dials: [{node}], redials: 5s, deviations: [{{bad_handshake: silent}}]}}"
        ))
    }

    /// Their part of the node's `config`.
    pub fn text(&self) -> Option<String> {
        let (most, reserved) = self.slots?;
        Some(format!("network: {{max_connections: {most}, reserved_masternode_slots: {reserved}}}"))
    }
}
