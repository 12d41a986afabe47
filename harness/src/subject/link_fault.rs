//! Faults of links, in any network: what each link is like under all that are in force, and whether they bit.
use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::fault::SimTime;
use crate::fault::link::{LinkParams, LinkStats};
use crate::scenario::Scenario;
use crate::scenario::file::LinkShape;

/// A network whose directed links can be changed.
pub trait Links {
    /// Changes the link from now on.
    fn set(&self, from: IpAddr, to: IpAddr, params: LinkParams, now: SimTime);

    /// What the link is like now.
    fn get(&self, from: IpAddr, to: IpAddr, now: SimTime) -> LinkParams;

    /// What happened on it so far.
    fn stats(&self, from: IpAddr, to: IpAddr) -> LinkStats;
}

/// Changes a link as `shape` says; what it leaves out stays. A network of which a second is `time_scale` seconds of the scenario (D-29)
/// has to be so much faster.
fn reshape(params: &mut LinkParams, shape: &LinkShape, time_scale: u32) {
    if let Some(latency) = &shape.latency {
        params.latency = latency.0 / time_scale;
    }
    if let Some(jitter) = &shape.jitter {
        params.jitter = jitter.0 / time_scale;
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
        params.rate = Some(rate.0.saturating_mul(time_scale.into()));
    }
}

/// Gives each link its normal state in `scenario`.
pub fn set_links<L: Links>(scenario: &Scenario, faults: &mut LinkFaults<L>) {
    for link in &scenario.links {
        for from in &link.from {
            for to in link.to.iter().filter(|to| *to != from) {
                let (from, to) = (faults.ips[from], faults.ips[to]);
                let mut params = faults.base(from, to);
                reshape(&mut params, &link.shape, faults.time_scale);
                faults.set_base(from, to, params, SimTime::ZERO);
            }
        }
    }
}

/// A fault in force.
struct InForce {
    pairs: Vec<(IpAddr, IpAddr)>,
    /// `None`: cut.
    shape: Option<LinkShape>,
    /// What was counted when it began.
    before: Vec<LinkStats>,
}

/// All faults of links in force, and the links without them.
pub struct LinkFaults<L> {
    links: L,
    ips: BTreeMap<String, IpAddr>,
    base: BTreeMap<(IpAddr, IpAddr), LinkParams>,
    in_force: BTreeMap<u32, InForce>,
    time_scale: u32,
}

impl<L: Links> LinkFaults<L> {
    /// No faults, between parties with these addresses.
    pub fn new(links: L, ips: BTreeMap<String, IpAddr>, time_scale: u32) -> Self {
        Self { links, ips, base: BTreeMap::new(), in_force: BTreeMap::new(), time_scale }
    }

    /// Sets a link's normal state.
    pub fn set_base(&mut self, from: IpAddr, to: IpAddr, params: LinkParams, now: SimTime) {
        self.links.set(from, to, params.clone(), now);
        self.base.insert((from, to), params);
    }

    /// What a link is without faults.
    pub fn base(&self, from: IpAddr, to: IpAddr) -> LinkParams {
        self.base.get(&(from, to)).cloned().unwrap_or_else(|| self.links.get(from, to, SimTime::ZERO))
    }

    /// Fault number `id` begins: `shape`, or nothing passes.
    pub fn begin(&mut self, id: u32, pairs: &[(String, String)], shape: Option<&LinkShape>, now: SimTime) {
        let pairs: Vec<_> =
            pairs.iter().filter_map(|(from, to)| Some((*self.ips.get(from)?, *self.ips.get(to)?))).collect();
        let before = pairs.iter().map(|(from, to)| self.links.stats(*from, *to)).collect();
        self.in_force.insert(id, InForce { pairs: pairs.clone(), shape: shape.cloned(), before });
        self.refresh(&pairs, now);
    }

    /// It ends: what it affected, in words, and whether nothing of it is left.
    pub fn end(&mut self, id: u32, now: SimTime) -> (Option<String>, bool) {
        let Some(fault) = self.in_force.remove(&id) else { return (None, false) };
        let bit = self.bit(&fault);
        self.refresh(&fault.pairs, now);
        let gone = fault.pairs.iter().all(|pair| self.links.get(pair.0, pair.1, now) == self.expected(*pair));
        (bit, gone)
    }

    fn bit(&self, fault: &InForce) -> Option<String> {
        let counted = |of: fn(&LinkStats) -> u64| {
            let now: u64 = fault.pairs.iter().map(|(from, to)| of(&self.links.stats(*from, *to))).sum();
            now - fault.before.iter().map(of).sum::<u64>()
        };
        let Some(shape) = &fault.shape else {
            let held = counted(|stats| stats.lost_to_cut);
            return (held > 0).then(|| format!("{held} segments did not pass"));
        };
        let others = [
            (shape.duplicate.is_some(), counted(|stats| stats.duplicated), "duplicated"),
            (shape.reorder.is_some(), counted(|stats| stats.reordered), "overtaken"),
            (shape.rate.is_some(), counted(|stats| stats.shaped), "held for bandwidth"),
            (shape.loss.is_some(), counted(|stats| stats.lost_at_random), "lost"),
            (shape.latency.is_some() || shape.jitter.is_some(), counted(|stats| stats.sent), "under other latency"),
        ];
        let seen: Vec<String> =
            others.iter().filter(|(asked, n, _)| *asked && *n > 0).map(|(_, n, what)| format!("{n} {what}")).collect();
        (!seen.is_empty()).then(|| format!("segments: {}", seen.join(", ")))
    }

    fn refresh(&self, pairs: &[(IpAddr, IpAddr)], now: SimTime) {
        for pair in pairs {
            self.links.set(pair.0, pair.1, self.expected(*pair), now);
        }
    }

    /// A link's state under the faults in force.
    fn expected(&self, pair: (IpAddr, IpAddr)) -> LinkParams {
        let mut params = self.base(pair.0, pair.1);
        for fault in self.in_force.values().filter(|fault| fault.pairs.contains(&pair)) {
            match &fault.shape {
                Some(shape) => reshape(&mut params, shape, self.time_scale),
                None => params.cut = true,
            }
        }
        params
    }
}
