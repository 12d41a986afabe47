//! Who takes part: groups unfolded, addresses given out, and what a word like `all` stands for.
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::super::error::Problem;
use super::super::file::ScenarioFile;
use super::super::value::{KEYWORDS, Name, usable};
use super::super::vocabulary::allowed;
use super::super::yaml::{Place, Spanned};

/// Nodes and scripted peers.
const MOST_PARTIES: usize = 250;
/// Each is a host of the simulation, whose cost is cubic in them: beyond 50 it is slow.
const MOST_NODES: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Node,
    Peer,
}

/// What a key of the file takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nodes,
    Peers,
    Anyone,
}

impl Takes {
    fn fits(self, kind: Kind) -> bool {
        self == Takes::Anyone || (self == Takes::Nodes) == (kind == Kind::Node)
    }
}

/// All parties.
pub(super) struct Cast {
    pub nodes: Vec<String>,
    pub peers: Vec<String>,
    pub ips: BTreeMap<String, Ipv4Addr>,
    masternodes: Vec<String>,
    /// Members by the name in the file, of single parties too.
    groups: BTreeMap<String, (Kind, Vec<String>)>,
}

/// One entry of `nodes` or `peers`.
struct Entry<'a> {
    name: &'a Name,
    kind: Kind,
    count: Option<&'a Spanned<u16>>,
    ip: Option<&'a Spanned<Ipv4Addr>>,
}

impl Cast {
    pub fn unfold(file: &ScenarioFile, problems: &mut Vec<Problem>) -> Self {
        let nodes = file.nodes.value.iter().map(|(name, node)| Entry {
            name,
            kind: Kind::Node,
            count: node.count.as_ref(),
            ip: node.ip.as_ref(),
        });
        let peers = file.peers.iter().map(|(name, peer)| Entry {
            name,
            kind: Kind::Peer,
            count: peer.count.as_ref(),
            ip: peer.ip.as_ref(),
        });
        let entries: Vec<_> = nodes.chain(peers).collect();
        let mut cast =
            Self { nodes: vec![], peers: vec![], ips: BTreeMap::new(), masternodes: vec![], groups: BTreeMap::new() };
        if file.nodes.value.is_empty() {
            let problem = Problem::new(file.nodes.place.clone(), "a scenario without a node");
            problems.push(problem.help("`nodes` names at least one node under test"));
        }
        for entry in &entries {
            cast.add(entry, problems);
        }
        cast.check_numbers(&file.nodes.place, problems);
        cast.give_addresses(&entries, problems);
        for (name, node) in &file.nodes.value {
            if node.masternode {
                cast.masternodes.extend(cast.members(&name.text));
            }
        }
        cast
    }

    /// The parties that one name of the file stands for.
    pub fn members(&self, group: &str) -> Vec<String> {
        self.groups.get(group).map(|(_, members)| members.clone()).unwrap_or_default()
    }

    fn add(&mut self, entry: &Entry<'_>, problems: &mut Vec<Problem>) {
        let (name, place) = (&entry.name.text, &entry.name.place);
        let mut wrong = |title: String, help: &str| problems.push(Problem::new(place.clone(), title).help(help));
        if KEYWORDS.contains(&name.as_str()) {
            return wrong(format!("`{name}` is a word with a meaning, not a name"), "take another name");
        }
        let count = entry.count.map_or(1, |count| usize::from(count.value));
        if count == 0 {
            return wrong(format!("`{name}` is a group of nobody"), "`count` is at least 1");
        }
        let members: Vec<_> = match entry.count {
            None => vec![name.clone()],
            Some(_) => (1..=count.min(MOST_PARTIES + 1)).map(|index| format!("{name}{index}")).collect(),
        };
        if self.nodes.len() + self.peers.len() > MOST_PARTIES {
            return;
        }
        for member in std::iter::once(name).chain(&members) {
            let taken = self.groups.contains_key(member) || self.is_party(member);
            if taken {
                return wrong(format!("`{member}` is named twice"), "nodes, peers and groups have different names");
            }
        }
        self.groups.insert(name.clone(), (entry.kind, members.clone()));
        match entry.kind {
            Kind::Node => self.nodes.extend(members),
            Kind::Peer => self.peers.extend(members),
        }
    }

    fn is_party(&self, name: &str) -> bool {
        self.nodes.iter().chain(&self.peers).any(|party| party == name)
    }

    fn check_numbers(&self, place: &Place, problems: &mut Vec<Problem>) {
        let parties = self.nodes.len() + self.peers.len();
        let mut wrong = |title, help: &str| problems.push(Problem::new(place.clone(), title).help(help));
        if parties > MOST_PARTIES {
            wrong(format!("more than {MOST_PARTIES} nodes and peers"), "a simulation carries 250 of both together");
        } else if self.nodes.len() > MOST_NODES {
            let title = format!("{} nodes are more than {MOST_NODES}", self.nodes.len());
            wrong(title, "a simulation runs 200 real nodes; scripted peers are cheaper");
        }
    }

    fn give_addresses(&mut self, entries: &[Entry<'_>], problems: &mut Vec<Problem>) {
        let mut taken = BTreeSet::new();
        for entry in entries {
            let Some(Spanned { value: first, place }) = entry.ip else {
                continue;
            };
            for (index, member) in self.members(&entry.name.text).into_iter().enumerate() {
                let bits = u32::try_from(index).ok().and_then(|index| first.to_bits().checked_add(index));
                let ip = bits.map(Ipv4Addr::from_bits).filter(|ip| usable(*ip));
                let problem = match ip {
                    None => Some(format!("`{member}` gets no usable address from {first}")),
                    Some(ip) if !taken.insert(ip) => Some(format!("address {ip} is given twice")),
                    Some(ip) => {
                        self.ips.insert(member, ip);
                        None
                    }
                };
                if let Some(title) = problem {
                    problems
                        .push(Problem::new(place.clone(), title).help("each node and peer has one unicast address"));
                    break;
                }
            }
        }
        let first = Ipv4Addr::new(10, 0, 0, 1).to_bits();
        let mut free = (first..).map(Ipv4Addr::from_bits).filter(|ip| usable(*ip) && !taken.contains(ip));
        for party in self.nodes.iter().chain(&self.peers) {
            if !self.ips.contains_key(party) {
                self.ips.extend(free.next().map(|ip| (party.clone(), ip)));
            }
        }
    }

    /// Members of a word, or why it is none.
    pub fn look_up(&self, word: &str, takes: Takes) -> Result<Vec<String>, (String, String)> {
        let fitting = |kind, names: &[String]| {
            if takes.fits(kind) { names.to_vec() } else { vec![] }
        };
        let (nodes, peers) = (fitting(Kind::Node, &self.nodes), fitting(Kind::Peer, &self.peers));
        let members = match word {
            "all" => [nodes, peers].concat(),
            "nodes" => nodes,
            "peers" => peers,
            "masternodes" => fitting(Kind::Node, &self.masternodes),
            "minority" | "majority" => {
                let help = "it is drawn from the seed: only faults of the timeline may name it";
                return Err((format!("`{word}` has no meaning here"), help.into()));
            }
            "others" => {
                let help = "it is everybody not named on the other side: only links and cuts have two sides";
                return Err((format!("`{word}` has no meaning here"), help.into()));
            }
            name => return self.look_up_name(name, takes),
        };
        if members.is_empty() {
            return Err((format!("`{word}` is nobody here"), self.names_for(word, takes)));
        }
        Ok(members)
    }

    fn look_up_name(&self, name: &str, takes: Takes) -> Result<Vec<String>, (String, String)> {
        let kind = if self.nodes.iter().any(|node| node == name) { Kind::Node } else { Kind::Peer };
        let (kind, members) = match self.groups.get(name) {
            Some((kind, members)) => (*kind, members.clone()),
            None if self.is_party(name) => (kind, vec![name.to_owned()]),
            None => {
                return Err((format!("no node or peer `{name}`"), self.names_for(name, takes)));
            }
        };
        match (kind, takes.fits(kind)) {
            (_, true) => Ok(members),
            (Kind::Peer, false) => {
                Err((format!("`{name}` is a scripted peer, not a node"), self.names_for(name, takes)))
            }
            (Kind::Node, false) => {
                Err((format!("`{name}` is a node, not a scripted peer"), self.names_for(name, takes)))
            }
        }
    }

    pub fn names_for(&self, word: &str, takes: Takes) -> String {
        let groups = self.groups.iter().filter(|(_, (kind, _))| takes.fits(*kind)).map(|(name, _)| name.as_str());
        let nodes = self.nodes.iter().filter(|_| takes != Takes::Peers);
        let peers = self.peers.iter().filter(|_| takes != Takes::Nodes);
        let names: BTreeSet<_> = groups.chain(nodes.chain(peers).map(String::as_str)).collect();
        allowed(word, names)
    }
}
