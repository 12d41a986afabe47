//! Who takes part in a scenario: hosts with a log are nodes, the others are scripted peers.
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::Unknowns;
use crate::replay::incident::{Host, Incident};
use crate::replay::told::Shown;
use crate::scenario::value::KEYWORDS;

/// Scripted peers, at most: those of which most is told.
const MOST_PEERS: usize = 100;
/// Nodes, at most.
const MOST_NODES: usize = 60;

/// A party of the scenario.
#[derive(Debug, Clone)]
pub struct Party {
    /// Its name in the scenario.
    pub name: String,
    /// Its address there.
    pub ip: Ipv4Addr,
    /// Which host of the incident it is; `None`: a scripted peer.
    pub host: Option<usize>,
    /// Others call it a masternode.
    pub masternode: bool,
    /// The lines that say so, or say how it is known.
    pub sources: Vec<String>,
}

/// All of them, nodes first.
#[derive(Debug)]
pub struct Cast {
    /// Nodes, then peers.
    pub parties: Vec<Party>,
    /// Nobody says who is whitelisted.
    pub whitelist_unknown: bool,
}

impl Cast {
    /// Reads who takes part from what the logs show.
    pub fn of(incident: &Incident, unknowns: &mut Unknowns) -> Self {
        let mut named = BTreeSet::new();
        let taken: BTreeSet<Ipv4Addr> =
            incident.hosts.iter().flat_map(|host| host.peers.keys().copied().chain(host.ip)).collect();
        let mut free = (1..=u8::MAX).map(|last| Ipv4Addr::new(10, 99, 0, last)).filter(|ip| !taken.contains(ip));
        let mut parties: Vec<Party> = Vec::new();
        for (index, host) in incident.hosts.iter().enumerate().take(MOST_NODES) {
            let name = unique(&plain(&host.name), &mut named);
            let ip = host.ip.or_else(|| free.next()).unwrap_or(Ipv4Addr::new(10, 99, 1, 1));
            if host.ip.is_none() {
                let help = "`--map IP=NAME` tells it";
                unknowns.add(format!("the address of {}: no log shows it; default {ip} ({help})", host.name));
            }
            parties.push(Party { name, ip, host: Some(index), masternode: false, sources: Vec::new() });
        }
        if incident.hosts.len() > MOST_NODES {
            unknowns.add(format!(
                "{} hosts are not modelled: a scenario has {MOST_NODES}",
                incident.hosts.len() - MOST_NODES
            ));
        }
        parties.extend(others(incident, &parties, &mut named, unknowns));
        let mut cast = Self { parties, whitelist_unknown: true };
        for host in &incident.hosts {
            for (ip, peer) in &host.peers {
                let Some(place) = peer.whitelisted else { continue };
                cast.whitelist_unknown = false;
                let source = Shown(place, &incident.files).to_string();
                if let Some(party) = cast.parties.iter_mut().find(|party| party.ip == *ip) {
                    party.masternode = true;
                    party.sources.push(source);
                }
            }
        }
        if cast.whitelist_unknown {
            unknowns.add(
                "who is whitelisted: no line says it; default: everybody by everybody, as by one list of masternodes",
            );
            cast.parties.iter_mut().for_each(|party| party.masternode = true);
        }
        cast
    }

    /// The party at an address.
    pub fn at(&self, ip: Ipv4Addr) -> Option<usize> {
        self.parties.iter().position(|party| party.ip == ip)
    }

    /// The party that is a host of the incident.
    pub fn host(&self, index: usize) -> Option<usize> {
        self.parties.iter().position(|party| party.host == Some(index))
    }

    /// Indices of nodes.
    pub fn nodes(&self) -> impl Iterator<Item = usize> {
        (0..self.parties.len()).filter(|index| self.parties[*index].host.is_some())
    }

    /// Names, for a list in YAML.
    pub fn names(&self, parties: impl IntoIterator<Item = usize>) -> String {
        let names: Vec<&str> = parties.into_iter().map(|index| self.parties[index].name.as_str()).collect();
        names.join(", ")
    }

    /// Names of nodes by those of hosts, and addresses by addresses, for comparing a run.
    pub fn nodes_by_host(&self, incident: &Incident) -> BTreeMap<String, String> {
        let named = |party: &Party| Some((incident.hosts.get(party.host?)?.name.clone(), party.name.clone()));
        self.parties.iter().filter_map(named).collect()
    }

    /// Whom a node whitelists, and whom else it dials.
    pub fn lists(&self, index: usize, host: &Host) -> (Vec<usize>, Vec<usize>) {
        let known = |ip: &Ipv4Addr| self.at(*ip).filter(|other| *other != index);
        if self.whitelist_unknown {
            return ((0..self.parties.len()).filter(|other| *other != index).collect(), Vec::new());
        }
        let peers = || host.peers.iter().filter_map(|(ip, peer)| Some((known(ip)?, peer)));
        let whitelisted = peers().filter(|(_, peer)| peer.whitelisted.is_some()).map(|(other, _)| other).collect();
        let dialled = peers().filter(|(_, peer)| peer.whitelisted.is_none() && (peer.dialled || !peer.dials));
        (whitelisted, dialled.map(|(other, _)| other).collect())
    }

    /// Nodes that a scripted peer dials: those that tell of it as inbound alone.
    pub fn dials(&self, index: usize, incident: &Incident) -> Vec<usize> {
        let ip = self.parties[index].ip;
        let dialled_by = |host: &Host| {
            host.peers.get(&ip).is_some_and(|peer| peer.dials && !peer.dialled && peer.whitelisted.is_none())
        };
        let hosts = incident.hosts.iter().enumerate().filter(|(_, host)| dialled_by(host));
        hosts.filter_map(|(host, _)| self.host(host)).collect()
    }
}

/// Addresses without a log, those with the most events first where there are too many.
fn others(incident: &Incident, nodes: &[Party], named: &mut BTreeSet<String>, unknowns: &mut Unknowns) -> Vec<Party> {
    let mut weight: BTreeMap<Ipv4Addr, u64> = BTreeMap::new();
    for host in &incident.hosts {
        for (ip, peer) in &host.peers {
            let connected = peer.connections.len() + peer.heights.len() + peer.silences.len();
            *weight.entry(*ip).or_default() += connected as u64 + 1;
        }
        for event in &host.events {
            if let Some(weight) = event.peer.and_then(|ip| weight.get_mut(&ip)) {
                *weight += event.count;
            }
        }
    }
    let known = |ip: &Ipv4Addr| nodes.iter().any(|node| node.ip == *ip);
    let mut ranked: Vec<(Ipv4Addr, u64)> = weight.into_iter().filter(|(ip, _)| !known(ip)).collect();
    ranked.sort_by_key(|(ip, weight)| (std::cmp::Reverse(*weight), *ip));
    if ranked.len() > MOST_PEERS {
        unknowns.add(format!(
            "{} of {} peers are not modelled: those of which least is told",
            ranked.len() - MOST_PEERS,
            ranked.len()
        ));
        ranked.truncate(MOST_PEERS);
    }
    ranked.sort();
    let party = |(ip, _): (Ipv4Addr, u64)| Party {
        name: unique(&format!("p-{}", ip.to_string().replace('.', "-")), named),
        ip,
        host: None,
        masternode: false,
        sources: Vec::new(),
    };
    ranked.into_iter().map(party).collect()
}

/// A name as scenarios have them.
fn plain(name: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(fits).collect();
    let name = if name.starts_with(|c: char| c.is_ascii_lowercase()) { name } else { format!("n{name}") };
    name.chars().take(28).collect()
}

fn unique(name: &str, named: &mut BTreeSet<String>) -> String {
    let free = |name: &String| !named.contains(name) && !KEYWORDS.contains(&name.as_str());
    let mut candidates = std::iter::once(name.to_owned()).chain((2..).map(|number| format!("{name}-{number}")));
    let name = candidates.find(free).unwrap_or_default();
    named.insert(name.clone());
    name
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Logs, section, unknowns};

    #[test]
    fn hosts_are_nodes_and_others_are_peers() {
        let yaml = Logs::mesh(2, 1, &[]).draft();
        let nodes = section(&yaml, "nodes");
        assert_eq!(nodes[..3], ["a:", "ip: 10.0.0.1", "chain: main@100"], "{yaml}");
        assert_eq!(section(&yaml, "peers"), ["p-10-0-0-3:", "ip: 10.0.0.3", "chain: main@100"]);
        assert!(nodes.contains(&"whitelists: [a, p-10-0-0-3]".to_owned()), "{yaml}");
        assert!(unknowns(&yaml)[0].starts_with("who is whitelisted: no line says it"), "{yaml}");
    }

    #[test]
    fn names_are_such_as_scenarios_have_and_differ() {
        let long = "an-operator-s-very-long-host-name";
        let logs = Logs::of(&["LW-Ohio", "lw-ohio", "7", "all", "mn.5", long]);
        let nodes = logs.section("nodes");
        let names: Vec<&str> = nodes.iter().filter_map(|line| line.strip_suffix(':')).collect();
        assert_eq!(names, ["n7", "lw-ohio", "all-2", &long[..28], "lw-ohio-2", "mn-5"]);
    }

    #[test]
    fn an_address_that_no_log_shows_is_a_free_one() {
        let logs = Logs::default().line("a", 0, "Peer 10.99.0.1 has height 7").line("a", 9, "Stopped");
        let yaml = logs.draft();
        assert_eq!(section(&yaml, "nodes")[1], "ip: 10.99.0.2");
        assert_eq!(
            unknowns(&yaml)[0],
            "the address of a: no log shows it; default 10.99.0.2 (`--map IP=NAME` tells it)"
        );
    }

    #[test]
    fn lines_say_who_is_whitelisted_and_who_dials() {
        let logs = Logs::of(&["a", "b"])
            .line("a", 1, "Marked 10.0.0.2 as whitelisted masternode with enhanced protection")
            .line("a", 2, "Connected to peer: 10.0.0.8")
            .line("a", 3, "New peer connection from: 10.0.0.9:51234");
        let yaml = logs.draft();
        let wanted = ["a:", "ip: 10.0.0.1", "chain: main@100", "whitelists: [b]", "dials: [p-10-0-0-8]"];
        let nodes = section(&yaml, "nodes");
        assert_eq!(nodes[..5], wanted, "{yaml}");
        assert_eq!(nodes[5..], ["b:", "ip: 10.0.0.2", "chain: main@100", "masternode: true"], "{yaml}");
        assert!(yaml.contains("    # a.log:3\n    masternode: true"), "{yaml}");
        assert_eq!(
            section(&yaml, "peers")[3..],
            ["p-10-0-0-9:", "ip: 10.0.0.9", "chain: main@100", "dials: [a]", "redials: 5s"]
        );
    }

    #[test]
    fn of_too_many_peers_those_are_there_of_which_most_is_told() {
        let logs = (0..=100).fold(Logs::of(&["a"]), |logs, peer| {
            logs.lines(
                "a",
                [1, 2][..usize::from(peer != 50) + 1].to_vec(),
                &format!("Connecting to 10.1.0.{}", peer + 1),
            )
        });
        let yaml = logs.draft();
        assert!(!yaml.contains("10.1.0.51\n") && yaml.contains("ip: 10.1.0.101\n"), "{yaml}");
        assert!(unknowns(&yaml).contains(&"1 of 101 peers are not modelled: those of which least is told"), "{yaml}");
    }
}
