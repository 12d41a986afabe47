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

    /// What a link is without faults. It is remembered before the first fault, for a network tells only how it is now.
    pub fn base(&mut self, from: IpAddr, to: IpAddr) -> LinkParams {
        let base = self.base.entry((from, to));
        base.or_insert_with(|| self.links.get(from, to, SimTime::ZERO)).clone()
    }

    /// Fault number `id` begins: `shape`, or nothing passes.
    pub fn begin(&mut self, id: u32, pairs: &[(String, String)], shape: Option<&LinkShape>, now: SimTime) {
        let pairs: Vec<_> =
            pairs.iter().filter_map(|(from, to)| Some((*self.ips.get(from)?, *self.ips.get(to)?))).collect();
        for (from, to) in &pairs {
            self.base(*from, *to);
        }
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
        let mut params = self.base[&pair].clone();
        for fault in self.in_force.values().filter(|fault| fault.pairs.contains(&pair)) {
            match &fault.shape {
                Some(shape) => reshape(&mut params, shape, self.time_scale),
                None => params.cut = true,
            }
        }
        params
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::Duration;

    use super::*;

    /// A network that knows only how it is now.
    #[derive(Clone, Default)]
    struct Now(Rc<RefCell<BTreeMap<(IpAddr, IpAddr), LinkParams>>>);

    impl Links for Now {
        fn set(&self, from: IpAddr, to: IpAddr, params: LinkParams, _: SimTime) {
            self.0.borrow_mut().insert((from, to), params);
        }

        fn get(&self, from: IpAddr, to: IpAddr, _: SimTime) -> LinkParams {
            self.0.borrow().get(&(from, to)).cloned().unwrap_or_default()
        }

        fn stats(&self, _: IpAddr, _: IpAddr) -> LinkStats {
            LinkStats::default()
        }
    }

    #[test]
    fn faults_add_up_and_leave_the_link_as_it_was() {
        let [a, b] = [1, 2].map(|n| IpAddr::from([10, 0, 0, n]));
        let net = Now::default();
        let mut faults = LinkFaults::new(net.clone(), [("a".to_owned(), a), ("b".to_owned(), b)].into(), 10);
        let pairs = [("a".to_owned(), "b".to_owned())];
        let shape =
            LinkShape { latency: Some(crate::scenario::value::Span(Duration::from_secs(1))), ..LinkShape::default() };
        let now = SimTime::ZERO;
        let seen = || {
            let LinkParams { cut, latency, .. } = net.get(a, b, now);
            (cut, latency.as_millis())
        };
        faults.begin(1, &pairs, None, now);
        faults.begin(2, &pairs, Some(&shape), now);
        assert_eq!(seen(), (true, 100), "ten times as fast");
        assert_eq!(faults.end(1, now), (None, true));
        assert_eq!(seen(), (false, 100));
        assert_eq!(faults.end(2, now), (None, true));
        assert_eq!((seen(), net.get(b, a, now)), ((false, 1), LinkParams::default()));
    }
}
