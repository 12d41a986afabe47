//! Scripted peers: whitelisted ones, fewer than the honest ones on every list, and any number of regular ones.
//!
//! What the whitelisted ones do is narrowed by what else is drawn. Where nodes begin on forks their votes must be the same for all, or
//! nothing says who wins (wire protocol, Fork choice): they are [`Manner::Quiet`]. Where blocks are made none of them keeps others
//! waiting, because a node doesn't make blocks while it waits for a range (D-14). At most two keep others waiting at all, one on a long way: each costs
//! every node `hedge_after`, in turn. One that holds a fork is honest otherwise, and too few of them hold one to outvote two nodes
//! less than all.
use super::chains::{Chains, Place};
use super::deviation::{self, Manner, Scope};
use super::dice::Dice;
use super::topology::{Shape, Topology};

/// Regular liars, at most.
const MOST_REGULAR: u64 = 8;
/// Nodes and peers of a scenario are at most 250.
const MOST_WHITELISTED: u64 = 40;
/// Whitelisted ones that keep others waiting; one where the way is so long that it takes rounds.
const MOST_SLOW: u64 = 2;
/// Blocks of a round: three ranges at once (D-2).
const ROUND: u64 = 1_500;

/// A scripted peer.
#[derive(Debug, Clone)]
pub struct Liar {
    pub name: String,
    pub whitelisted: bool,
    pub place: Place,
    pub dials: Vec<String>,
    /// Seconds until it dials again; 0: never.
    pub redials: u64,
    pub deviations: Vec<String>,
    /// What it may do later.
    pub scope: Scope,
}

/// What whitelisted liars may do, and what a liar's place may be.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    pub forked: bool,
    pub produces: bool,
}

/// All of them.
#[derive(Default)]
pub struct Liars {
    pub list: Vec<Liar>,
    /// Whitelisted ones that keep others waiting.
    pub slow: u64,
}

impl Liars {
    /// Whitelists its liars in `topology`, and lets nodes dial regular ones.
    pub fn whitelisted(&mut self, dice: &mut Dice, stage: Stage, topology: &mut Topology, chains: &mut Chains) {
        // A ring's lists are short, and D-17 promises nothing about them.
        if topology.is_ring() {
            return;
        }
        let honest = topology.masternodes() as u64;
        // A masternode's list has one masternode less than there are.
        let count = dice.within(1..=(honest - 2).min(MOST_WHITELISTED));
        let holders = if stage.forked { 0 } else { (honest - 3) / 2 };
        let mut on_fork = 0;
        let slow = if chains.top > ROUND { 1 } else { MOST_SLOW };
        for number in 1..=count {
            let fork = if on_fork < holders && dice.percent(30) { chains.lie(dice) } else { None };
            let is_fork = fork.is_some();
            let place = match fork {
                Some(fork) => fork,
                None if stage.forked => dice.one_of(&topology.nodes).place.clone(),
                None => Place::main(chains.top.saturating_sub(*dice.one_of(&[0, 0, 0, 5, 100]))),
            };
            on_fork += u64::from(is_fork);
            let worst = match stage {
                Stage { forked: true, .. } => Manner::Quiet,
                Stage { produces: true, .. } => Manner::Quick,
                _ if self.slow >= slow => Manner::Quick,
                _ => Manner::Slow,
            };
            let scope = Scope { worst, gives_blocks: !stage.forked && !stage.produces, height: place.height };
            let (deviations, manner) = match is_fork {
                true => (Vec::new(), Manner::Quiet),
                false => deviation::draw(dice, scope),
            };
            self.slow += u64::from(manner == Manner::Slow);
            // Later it may do what needs no more patience than what it does now.
            let scope =
                Scope { worst: if is_fork { Manner::Quiet } else { manner.max(worst.min(Manner::Quick)) }, ..scope };
            let both_dial = dice.percent(30);
            let dials = if both_dial { vec!["masternodes".to_owned()] } else { Vec::new() };
            let redials = if both_dial { dice.within(5..=30) } else { 0 };
            let name = format!("w{number}");
            self.list.push(Liar { name, whitelisted: true, place, dials, redials, deviations, scope });
        }
        let names: Vec<String> = (1..=count).map(|number| format!("w{number}")).collect();
        for node in &mut topology.nodes {
            let some = match topology.shape {
                Shape::Partial if !node.masternode => {
                    let fewer = dice.within(0..=node.whitelists.len() as u64 - 1) as usize;
                    dice.some(&names, fewer)
                }
                _ => names.clone(),
            };
            node.whitelists.extend(some);
        }
    }

    pub fn regular(&mut self, dice: &mut Dice, stage: Stage, topology: &mut Topology, chains: &mut Chains) {
        let nodes: Vec<String> = topology.nodes.iter().map(|node| node.name.clone()).collect();
        for number in 1..=dice.within(1..=MOST_REGULAR) {
            let name = format!("l{number}");
            // Nodes that hear of a fork while a ring's masternodes are cut off may keep it.
            let forks = dice.percent(40) && !topology.is_ring();
            let fork = if forks { chains.regular_lie(dice) } else { None };
            let place = fork.unwrap_or_else(|| Place::main(chains.top.saturating_sub(*dice.one_of(&[0, 0, 10, 500]))));
            let scope = Scope { worst: Manner::Slow, gives_blocks: !stage.produces, height: place.height };
            let (deviations, _) =
                if dice.percent(85) { deviation::draw(dice, scope) } else { (Vec::new(), Manner::Quiet) };
            let (dials, redials) = match dice.within(0..=2) {
                0 => (Vec::new(), 0),
                _ => {
                    let some = dice.within(1..=nodes.len() as u64) as usize;
                    (dice.some(&nodes, some), dice.within(5..=60))
                }
            };
            if dials.is_empty() || dice.percent(20) {
                let some = dice.within(1..=nodes.len() as u64) as usize;
                let dialling = dice.some(&nodes, some);
                for node in topology.nodes.iter_mut().filter(|node| dialling.contains(&node.name)) {
                    node.dials.push(name.clone());
                }
            }
            self.list.push(Liar { name, whitelisted: false, place, dials, redials, deviations, scope });
        }
    }
}
