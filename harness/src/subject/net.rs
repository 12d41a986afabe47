//! What all connections of a simulated network share: its links, its hosts, and what happened.
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::change::Change;
use crate::fault::SimTime;
use crate::fault::link::{Link, LinkParams, Passage};
use crate::fault::timeline::Timeline;
use crate::history::{WATCHED, What, busiest_link};

/// Nothing arrives sooner: hosts of a simulation take turns, and what takes no time could arrive before it was sent.
pub const MIN_LATENCY: Duration = Duration::from_millis(1);

/// Whether a host answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// The process runs, or hasn't been started yet.
    Up,
    /// The process is gone, the machine answers for it: its connections end, dials are refused.
    Killed,
    /// Silence.
    Off,
}

/// Something that happened to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionEvent {
    /// When.
    pub at: SimTime,
    /// Who dialled.
    pub from: IpAddr,
    /// Who was dialled.
    pub to: IpAddr,
    /// What.
    pub change: Change,
}

/// Links, hosts and events of one network.
#[derive(Debug)]
pub struct Net {
    seed: u64,
    default: LinkParams,
    pub(super) links: Vec<Link>,
    /// How much was asked over each of them.
    questions: Vec<Questions>,
    link_index: BTreeMap<(IpAddr, IpAddr), usize>,
    hosts: BTreeMap<IpAddr, Host>,
    pub(super) events: Vec<ConnectionEvent>,
}

#[derive(Debug)]
struct Host {
    power: Timeline<Power>,
    starts: u32,
}

/// Questions over one link, in minutes that follow each other.
#[derive(Debug, Default)]
struct Questions {
    minute: u64,
    count: u64,
    most: u64,
}

impl Questions {
    fn asked(&mut self, t: SimTime) {
        let minute = t.as_secs() / 60;
        if minute != self.minute {
            (self.minute, self.count) = (minute, 0);
        }
        self.count += 1;
        self.most = self.most.max(self.count);
    }
}

impl Default for Host {
    fn default() -> Self {
        Self { power: Timeline::new(Power::Up), starts: 0 }
    }
}

impl Net {
    /// A network in which every link is as `default`, until changed. All randomness comes from `seed`.
    pub fn new(seed: u64, default: LinkParams) -> Self {
        Self {
            seed,
            default,
            links: Vec::new(),
            questions: Vec::new(),
            link_index: BTreeMap::new(),
            hosts: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    /// The number of the directed link `from` -> `to`.
    pub(super) fn link_number(&mut self, from: IpAddr, to: IpAddr) -> usize {
        *self.link_index.entry((from, to)).or_insert_with(|| {
            self.links.push(Link::new(self.seed, from, to, self.default.clone()));
            self.questions.push(Questions::default());
            self.links.len() - 1
        })
    }

    /// The directed link `from` -> `to`.
    pub fn link(&mut self, from: IpAddr, to: IpAddr) -> &mut Link {
        let number = self.link_number(from, to);
        &mut self.links[number]
    }

    /// Whether the host at `ip` answers at `t`.
    pub fn power(&self, ip: IpAddr, t: SimTime) -> Power {
        self.hosts.get(&ip).map_or(Power::Up, |host| *host.power.at(t))
    }

    /// How often the host at `ip` was started again.
    pub fn starts(&self, ip: IpAddr) -> u32 {
        self.hosts.get(&ip).map_or(0, |host| host.starts)
    }

    /// The process at `ip` ends, or with `power_loss` the whole machine.
    pub fn host_down(&mut self, ip: IpAddr, power_loss: bool, now: SimTime) {
        let power = if power_loss { Power::Off } else { Power::Killed };
        self.hosts.entry(ip).or_default().power.set(now, power);
    }

    /// The machine at `ip` answers again.
    pub fn host_up(&mut self, ip: IpAddr, now: SimTime) {
        let host = self.hosts.entry(ip).or_default();
        host.power.set(now, Power::Up);
        host.starts += 1;
    }

    /// Bytes that all links were given, how often a connection was opened, messages that were written, the most questions that one node asked
    /// one other party in a minute, and that oracles looked.
    pub fn totals(&self, connections: u64, messages: u64, is_node: impl Fn(IpAddr) -> bool) -> What {
        let bytes = self.links.iter().map(|link| link.stats().bytes).sum();
        let totals = [("network_bytes", bytes), ("network_connections", connections), ("network_messages", messages)];
        let totals = totals.map(|(name, total): (&str, u64)| (name.to_owned(), total as f64));
        let from_nodes = self.link_index.iter().filter(|((from, _), _)| is_node(*from));
        let busiest = from_nodes.max_by_key(|(_, number)| self.questions[**number].most);
        let busiest = busiest.map(|((from, to), number)| (busiest_link(from, to), self.questions[*number].most as f64));
        What::Metrics(totals.into_iter().chain(busiest).chain([(WATCHED.to_owned(), 1.0)]).collect())
    }

    /// A question leaves over the directed link of this number.
    pub(super) fn asked(&mut self, link: usize, t: SimTime) {
        self.questions[link].asked(t);
    }

    /// What happened to a connection.
    pub fn happened(&mut self, at: SimTime, from: IpAddr, to: IpAddr, change: Change) {
        self.events.push(ConnectionEvent { at, from, to, change });
    }

    /// A SYN at `t`: how long it takes, unless it is lost.
    pub fn syn(&mut self, from: IpAddr, to: IpAddr, t: SimTime) -> Option<Duration> {
        self.link(from, to).send(t).map(time)
    }

    /// The answer to a SYN that arrives at `t`: how long it takes, unless there is none.
    pub fn syn_ack(&mut self, from: IpAddr, to: IpAddr, t: SimTime) -> Option<Duration> {
        if self.power(to, t) == Power::Off {
            return None;
        }
        self.link(to, from).send(t).map(time)
    }

    /// How long the ACK takes that opens a connection for who was dialled; it isn't lost.
    pub fn ack(&mut self, from: IpAddr, to: IpAddr, t: SimTime) -> Duration {
        self.link(from, to).at(t).latency.max(MIN_LATENCY)
    }
}

/// How long it takes in a simulation.
pub(super) fn time(passage: Passage) -> Duration {
    passage.takes.max(MIN_LATENCY)
}
