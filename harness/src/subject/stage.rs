//! What a simulation does about each turn of a scenario's timeline, whoever runs it.
use super::agenda::Turn;
use super::link_fault::{LinkFaults, Links};
use super::sim_fault::Machines;
use crate::fault::SimTime;
use crate::history::What;
use crate::scenario::resolved::{Direction, Fault};

/// A simulation's parts that a timeline moves.
pub trait Stage {
    /// Its network.
    type Network: Links;

    /// What can go wrong.
    fn faults(&mut self) -> (&mut LinkFaults<Self::Network>, &mut Machines);

    /// Takes an observation.
    fn seen(&mut self, now: SimTime, source: &str, what: What);

    /// A node's process ends, or with `power_loss` its whole machine.
    fn down(&mut self, name: &str, power_loss: bool, now: SimTime);

    /// It starts again.
    fn up(&mut self, name: &str, now: SimTime);

    /// Whether a node's process runs.
    fn runs(&mut self, name: &str) -> bool;

    /// Nodes whose pause is over go on.
    fn resumed(&mut self, _who: &[String]) {}

    /// A scripted peer is told something.
    fn direct(&mut self, peer: &str, direction: &Direction);
}

/// Takes one turn: step `id` of the timeline.
pub fn take(stage: &mut impl Stage, id: u32, turn: Turn, now: SimTime) {
    match turn {
        Turn::Begin(fault, what) => {
            stage.seen(now, "harness", What::FaultBegan { id, what });
            begin(stage, id, &fault, now);
        }
        Turn::End(fault) => {
            let (bit, gone) = end(stage, id, &fault, now);
            stage.seen(now, "harness", What::FaultEnded { id, bit, gone });
            if let Fault::Pause(who) = &fault {
                stage.resumed(who);
            }
        }
        Turn::Direct(peers, direction) => peers.iter().for_each(|peer| stage.direct(peer, &direction)),
    }
}

fn begin(stage: &mut impl Stage, id: u32, fault: &Fault, now: SimTime) {
    let (links, machines) = stage.faults();
    match fault {
        Fault::Cut(pairs) => links.begin(id, pairs, None, now),
        Fault::Link(pairs, shape) => links.begin(id, pairs, Some(shape), now),
        Fault::Pause(who) => machines.pause(id, who),
        Fault::Skew { who, offset_ms, drift_ppm } => machines.skew(who, *offset_ms, *drift_ppm, now),
        Fault::Kill(who) | Fault::PowerLoss(who) => {
            for name in who {
                stage.down(name, matches!(fault, Fault::PowerLoss(_)), now);
                stage.seen(now, name, What::Process { up: false, by_itself: None });
            }
        }
    }
}

/// What it affected, in words, and whether nothing of it is left.
fn end(stage: &mut impl Stage, id: u32, fault: &Fault, now: SimTime) -> (Option<String>, bool) {
    let (links, machines) = stage.faults();
    match fault {
        Fault::Cut(_) | Fault::Link(..) => links.end(id, now),
        Fault::Pause(who) => machines.resume(id, who),
        Fault::Skew { who, .. } => machines.set_right(who, now),
        Fault::Kill(who) | Fault::PowerLoss(who) => {
            let down: Vec<&str> = who.iter().filter(|name| !stage.runs(name)).map(String::as_str).collect();
            let bit = (!down.is_empty()).then(|| format!("not running: {}", down.join(", ")));
            for name in who {
                stage.up(name, now);
                stage.seen(now, name, What::Process { up: true, by_itself: None });
            }
            (bit, who.iter().all(|name| stage.runs(name)))
        }
    }
}
