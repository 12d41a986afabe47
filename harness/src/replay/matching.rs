//! Who and what of a run stands for whom and what of an incident.
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::Incident;
use super::clockwork::Clockwork;
use super::incident::Host;

/// How a run was made of an incident.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matching {
    /// The node for a host; a host that isn't named here has the node of its name, or else none.
    pub names: BTreeMap<String, String>,
    /// The run's address for one of the incident's; one that isn't named here is that of the host's node, where it is a host's, or else the same.
    pub addresses: BTreeMap<Ipv4Addr, Ipv4Addr>,
    /// When.
    pub clockwork: Clockwork,
}

/// An incident and a run of it, side by side.
#[derive(Debug)]
pub struct Pair<'a> {
    /// What the logs told.
    pub incident: &'a Incident,
    /// What the run showed.
    pub run: &'a Incident,
    matching: &'a Matching,
    addresses: BTreeMap<Ipv4Addr, Ipv4Addr>,
}

impl<'a> Pair<'a> {
    /// Sets them side by side.
    pub fn new(incident: &'a Incident, run: &'a Incident, matching: &'a Matching) -> Self {
        let mut pair = Self { incident, run, matching, addresses: BTreeMap::new() };
        let ips = incident.hosts.iter().filter_map(|host| Some((host.ip?, pair.node(host)?.ip?)));
        pair.addresses = ips.chain(matching.addresses.iter().map(|(from, to)| (*from, *to))).collect();
        pair
    }

    /// The node that stands for a host of the incident.
    pub fn node(&self, host: &Host) -> Option<&'a Host> {
        let name = self.matching.names.get(&host.name).unwrap_or(&host.name);
        self.run.hosts.iter().find(|node| node.name == *name)
    }

    /// The run's address for one of the incident's.
    pub fn address(&self, ip: Ipv4Addr) -> Ipv4Addr {
        self.addresses.get(&ip).copied().unwrap_or(ip)
    }

    /// Where a time of the incident lies in the run, in microseconds since its beginning.
    pub fn at(&self, time: i64) -> i64 {
        self.matching.clockwork.to_run(time.saturating_sub(self.incident.begins))
    }

    /// Where a time of the run lies in it, in microseconds since its beginning.
    pub fn run_at(&self, time: i64) -> i64 {
        time.saturating_sub(self.run.begins)
    }

    /// A time of the incident moved into what the run is to show.
    pub fn clamp(&self, time: i64) -> i64 {
        let (from, until) = self.matching.clockwork.span();
        let begins = self.incident.begins;
        time.clamp(begins.saturating_add(from), begins.saturating_add(until))
    }

    /// How often the run is to tell what the incident told `count` times between two of its times: see [`Clockwork::expected`].
    pub fn expected(&self, count: u64, first: i64, last: i64) -> f64 {
        let since = |time: i64| time.saturating_sub(self.incident.begins);
        self.matching.clockwork.expected(count, since(first), since(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(name: &str, ip: [u8; 4], begins: i64) -> Incident {
        let host = Host { name: name.into(), ip: Some(ip.into()), ..Host::default() };
        Incident { hosts: vec![host], begins, ends: begins + 100, ..Incident::default() }
    }

    #[test]
    fn renamed_hosts_bring_their_addresses_along() {
        let (logs, run) = (incident("LW-London", [1, 2, 3, 4], 5000), incident("a", [10, 0, 0, 1], 10));
        let mut matching = Matching { names: [("LW-London".into(), "a".into())].into(), ..Matching::default() };
        let other = [5, 6, 7, 8].into();
        let pair = Pair::new(&logs, &run, &matching);
        assert_eq!(pair.node(&logs.hosts[0]).map(|node| &*node.name), Some("a"));
        assert_eq!(pair.address([1, 2, 3, 4].into()), Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(pair.address(other), other);
        matching.addresses.insert(other, [10, 0, 0, 2].into());
        assert_eq!(Pair::new(&logs, &run, &matching).address(other), Ipv4Addr::new(10, 0, 0, 2));
    }

    #[test]
    fn times_count_from_each_beginning() {
        let (logs, run) = (incident("a", [1, 2, 3, 4], 5000), incident("a", [1, 2, 3, 4], 10));
        let matching = Matching { clockwork: Clockwork::new([(20, 0), (60, 20)]), ..Matching::default() };
        let pair = Pair::new(&logs, &run, &matching);
        assert_eq!([pair.at(5040), pair.run_at(20), pair.clamp(5000), pair.clamp(5999)], [10, 10, 5020, 5060]);
        assert_eq!(pair.expected(41, 5020, 5060), 21.0);
    }
}
