//! Faults of simulated machines that leave the process alive: it stands still, or its clock is off.
use std::collections::BTreeMap;

use super::gate::Gate;
use super::sim_clock::SimClock;
use crate::fault::SimTime;

/// What a fault can touch of one node.
pub struct Handles {
    /// Stops its process.
    pub gate: Gate,
    /// Its wall clock.
    pub clock: SimClock,
    /// Pauses in force.
    pub pauses: u32,
}

/// All nodes' handles by name, and the pauses in force.
#[derive(Default)]
pub struct Machines {
    handles: BTreeMap<String, Handles>,
    /// What was suppressed on a pause's nodes before it began, by its number.
    suppressed: BTreeMap<u32, u64>,
}

impl Machines {
    /// One more.
    pub fn add(&mut self, name: &str, gate: Gate, clock: SimClock) {
        self.handles.insert(name.to_owned(), Handles { gate, clock, pauses: 0 });
    }

    /// These stand still from now on.
    pub fn pause(&mut self, id: u32, who: &[String]) {
        self.suppressed.insert(id, self.suppressed(who));
        for name in who {
            if let Some(handles) = self.handles.get_mut(name) {
                handles.pauses += 1;
                handles.gate.pause();
            }
        }
    }

    /// They go on: what the pause affected, in words, and whether nothing of it is left.
    pub fn resume(&mut self, id: u32, who: &[String]) -> (Option<String>, bool) {
        let during = self.suppressed(who) - self.suppressed.remove(&id).unwrap_or(0);
        let mut gone = true;
        for name in who {
            if let Some(handles) = self.handles.get_mut(name) {
                handles.pauses -= 1;
                if handles.pauses == 0 {
                    handles.gate.resume();
                    gone &= !handles.gate.is_paused();
                }
            }
        }
        ((during > 0).then(|| format!("{during} wake-ups had to wait")), gone)
    }

    /// Their clocks are off from now on.
    pub fn skew(&self, who: &[String], offset_ms: i64, drift_ppm: i64, now: SimTime) {
        self.clocks(who).for_each(|clock| clock.set_skew(offset_ms, drift_ppm, now));
    }

    /// Their clocks are set right: by how much one was off, in words, and whether all are right.
    pub fn set_right(&self, who: &[String], now: SimTime) -> (Option<String>, bool) {
        let off = |clock: &SimClock| clock.at(now) - SimClock::default().at(now);
        let bit = self.clocks(who).map(off).find(|off| *off != 0);
        self.skew(who, 0, 0, now);
        (bit.map(|off| format!("clock off by {off} ms")), self.clocks(who).all(|clock| off(clock) == 0))
    }

    fn suppressed(&self, who: &[String]) -> u64 {
        who.iter().filter_map(|name| self.handles.get(name)).map(|handles| handles.gate.suppressed()).sum()
    }

    fn clocks(&self, who: &[String]) -> impl Iterator<Item = &SimClock> {
        who.iter().filter_map(|name| self.handles.get(name)).map(|handles| &handles.clock)
    }
}
