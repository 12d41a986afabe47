//! Faults in a simulation: each begins, leaves evidence that it bit, ends, and is gone.
use std::collections::BTreeMap;
use std::net::IpAddr;

use super::fabric::Fabric;
use super::gate::Gate;
use super::sim_clock::SimClock;
use crate::fault::SimTime;
use crate::fault::link::{LinkParams, LinkStats};
use crate::scenario::file::LinkShape;
use crate::scenario::resolved::Fault;

/// Changes a link as `shape` says; what it leaves out stays.
pub fn reshape(params: &mut LinkParams, shape: &LinkShape) {
    if let Some(latency) = &shape.latency {
        params.latency = latency.0;
    }
    if let Some(jitter) = &shape.jitter {
        params.jitter = jitter.0;
    }
    if let Some(loss) = &shape.loss {
        params.loss = loss.0;
    }
    if let Some(duplicate) = &shape.duplicate {
        params.duplicate = duplicate.0;
    }
    if let Some(reorder) = &shape.reorder {
        params.reorder = reorder.0;
    }
    if let Some(rate) = &shape.rate {
        params.rate = Some(rate.0);
    }
}

/// What a fault can touch of one node.
pub struct Handles {
    /// Stops its process.
    pub gate: Gate,
    /// Its wall clock.
    pub clock: SimClock,
    /// Pauses in force.
    pub pauses: u32,
}

/// Directed links and what they are like; `None`: cut.
type LinkFault = (Vec<(IpAddr, IpAddr)>, Option<LinkShape>);

/// All faults in force, and the links without them.
pub struct Faults {
    fabric: Fabric,
    ips: BTreeMap<String, IpAddr>,
    base: BTreeMap<(IpAddr, IpAddr), LinkParams>,
    /// Link faults in force by step.
    links: BTreeMap<u32, LinkFault>,
    /// What was counted when a fault began.
    before: BTreeMap<u32, Vec<LinkStats>>,
    suppressed: BTreeMap<u32, u64>,
}

/// What the simulation itself has to do about a fault.
pub enum Deed {
    /// Nothing more.
    Done,
    /// End the processes of these nodes (`true`: without a word).
    Down(Vec<String>, bool),
    /// Start them again.
    Up(Vec<String>),
}

impl Faults {
    /// No faults.
    pub fn new(fabric: Fabric, ips: BTreeMap<String, IpAddr>) -> Self {
        let (links, before, suppressed) = Default::default();
        Self { fabric, ips, base: BTreeMap::new(), links, before, suppressed }
    }

    /// Sets a link's normal state.
    pub fn set_base(&mut self, from: IpAddr, to: IpAddr, params: LinkParams, now: SimTime) {
        self.fabric.set_link(from, to, params.clone(), now);
        self.base.insert((from, to), params);
    }

    /// What a link is without faults.
    pub fn base(&self, from: IpAddr, to: IpAddr) -> LinkParams {
        self.base.get(&(from, to)).cloned().unwrap_or_else(|| self.fabric.link(from, to, SimTime::ZERO))
    }

    /// A fault begins.
    pub fn begin(&mut self, id: u32, fault: &Fault, nodes: &mut BTreeMap<String, Handles>, now: SimTime) -> Deed {
        match fault {
            Fault::Cut(pairs) => self.change_links(id, pairs, None, now),
            Fault::Link(pairs, shape) => self.change_links(id, pairs, Some(shape.clone()), now),
            Fault::Pause(who) => {
                let mut suppressed = 0;
                for name in who {
                    if let Some(handles) = nodes.get_mut(name) {
                        suppressed += handles.gate.suppressed();
                        handles.pauses += 1;
                        handles.gate.pause();
                    }
                }
                self.suppressed.insert(id, suppressed);
            }
            Fault::Kill(who) => return Deed::Down(who.clone(), false),
            Fault::PowerLoss(who) => return Deed::Down(who.clone(), true),
            Fault::Skew { who, offset_ms, drift_ppm } => {
                for name in who {
                    if let Some(handles) = nodes.get(name) {
                        handles.clock.set_skew(*offset_ms, *drift_ppm, now);
                    }
                }
            }
        }
        Deed::Done
    }

    /// A fault ends.
    pub fn end(&mut self, id: u32, fault: &Fault, nodes: &mut BTreeMap<String, Handles>, now: SimTime) -> Deed {
        match fault {
            Fault::Cut(pairs) | Fault::Link(pairs, _) => {
                self.links.remove(&id);
                self.refresh(&self.addresses(pairs), now);
            }
            Fault::Pause(who) => {
                for name in who {
                    if let Some(handles) = nodes.get_mut(name) {
                        handles.pauses -= 1;
                        if handles.pauses == 0 {
                            handles.gate.resume();
                        }
                    }
                }
            }
            Fault::Kill(who) | Fault::PowerLoss(who) => return Deed::Up(who.clone()),
            Fault::Skew { who, .. } => {
                for name in who {
                    if let Some(handles) = nodes.get(name) {
                        handles.clock.set_skew(0, 0, now);
                    }
                }
            }
        }
        Deed::Done
    }

    /// Whether a fault affected anything, in words; asked just before it ends. Ended processes are the caller's to see.
    pub fn bit(&self, id: u32, fault: &Fault, nodes: &BTreeMap<String, Handles>, now: SimTime) -> Option<String> {
        match fault {
            Fault::Cut(pairs) => {
                let held = self.counted(id, pairs, |stats| stats.lost_to_cut);
                (held > 0).then(|| format!("{held} segments did not pass"))
            }
            Fault::Link(pairs, shape) => {
                let sent = self.counted(id, pairs, |stats| stats.sent);
                let lost = self.counted(id, pairs, |stats| stats.lost_at_random);
                let others = [
                    (shape.duplicate.is_some(), self.counted(id, pairs, |stats| stats.duplicated), "duplicated"),
                    (shape.reorder.is_some(), self.counted(id, pairs, |stats| stats.reordered), "overtaken"),
                    (shape.rate.is_some(), self.counted(id, pairs, |stats| stats.shaped), "held for bandwidth"),
                    (shape.loss.is_some(), lost, "lost"),
                    (shape.latency.is_some() || shape.jitter.is_some(), sent, "under other latency"),
                ];
                let seen: Vec<String> = others
                    .iter()
                    .filter(|(asked, n, _)| *asked && *n > 0)
                    .map(|(_, n, what)| format!("{n} {what}"))
                    .collect();
                (!seen.is_empty()).then(|| format!("segments: {}", seen.join(", ")))
            }
            Fault::Pause(who) => {
                let suppressed: u64 =
                    who.iter().filter_map(|name| nodes.get(name)).map(|handles| handles.gate.suppressed()).sum();
                let during = suppressed - self.suppressed.get(&id).copied().unwrap_or(0);
                (during > 0).then(|| format!("{during} wake-ups had to wait"))
            }
            Fault::Skew { who, .. } => {
                let plain = SimClock::default().at(now);
                let off = who
                    .iter()
                    .filter_map(|name| nodes.get(name))
                    .map(|handles| handles.clock.at(now) - plain)
                    .find(|off| *off != 0);
                off.map(|off| format!("clock off by {off} ms"))
            }
            Fault::Kill(_) | Fault::PowerLoss(_) => None,
        }
    }

    /// Whether nothing of a fault is left; asked after it ended.
    pub fn gone(&self, fault: &Fault, nodes: &BTreeMap<String, Handles>, now: SimTime) -> bool {
        match fault {
            Fault::Cut(pairs) | Fault::Link(pairs, _) => {
                self.addresses(pairs).iter().all(|pair| self.fabric.link(pair.0, pair.1, now) == self.expected(*pair))
            }
            Fault::Pause(who) => who
                .iter()
                .filter_map(|name| nodes.get(name))
                .all(|handles| handles.pauses > 0 || !handles.gate.is_paused()),
            Fault::Skew { who, .. } => {
                let plain = SimClock::default().at(now);
                who.iter().filter_map(|name| nodes.get(name)).all(|handles| handles.clock.at(now) == plain)
            }
            Fault::Kill(_) | Fault::PowerLoss(_) => true,
        }
    }

    fn change_links(&mut self, id: u32, pairs: &[(String, String)], shape: Option<LinkShape>, now: SimTime) {
        let pairs = self.addresses(pairs);
        self.before.insert(id, pairs.iter().map(|(from, to)| self.fabric.stats(*from, *to)).collect());
        self.links.insert(id, (pairs.clone(), shape));
        self.refresh(&pairs, now);
    }

    fn refresh(&self, pairs: &[(IpAddr, IpAddr)], now: SimTime) {
        for pair in pairs {
            self.fabric.set_link(pair.0, pair.1, self.expected(*pair), now);
        }
    }

    /// A link's state under the faults in force.
    fn expected(&self, pair: (IpAddr, IpAddr)) -> LinkParams {
        let mut params = self.base(pair.0, pair.1);
        for (_, shape) in self.links.values().filter(|(pairs, _)| pairs.contains(&pair)) {
            match shape {
                Some(shape) => reshape(&mut params, shape),
                None => params.cut = true,
            }
        }
        params
    }

    fn counted(&self, id: u32, pairs: &[(String, String)], of: impl Fn(&LinkStats) -> u64) -> u64 {
        let before = self.before.get(&id).map_or(&[][..], Vec::as_slice);
        let pairs = self.addresses(pairs);
        let now: u64 = pairs.iter().map(|(from, to)| of(&self.fabric.stats(*from, *to))).sum();
        now - before.iter().map(of).sum::<u64>()
    }

    fn addresses(&self, pairs: &[(String, String)]) -> Vec<(IpAddr, IpAddr)> {
        pairs.iter().filter_map(|(from, to)| Some((*self.ips.get(from)?, *self.ips.get(to)?))).collect()
    }
}
