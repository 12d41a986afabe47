//! What becomes of each packet: the link model, packet by packet. Knows the time only as it is told.
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::net::Ipv4Addr;

use agent::{MTU, Tun};

use super::connections::Connections;
use super::packet::{CLASSES, Header, Packet, Pool};
use crate::fault::SimTime;
use crate::fault::link::{Link, LinkParams};

/// Bytes that wait for a link's bandwidth: one second's worth, as much as routers of slow lines hold, but at least some
/// 20 full packets, without which TCP hardly moves, and at most what a receive window of a megabyte can put there.
const QUEUE: std::ops::RangeInclusive<u64> = 32 << 10..=1 << 20;
/// Packets taken from one device before it is another's turn.
const BATCH: usize = 64;

/// All packets on their way.
#[derive(Debug)]
pub struct Forwarder {
    seed: u64,
    default: LinkParams,
    pub(super) tuns: Vec<Tun>,
    /// Behind which device an address is.
    addresses: BTreeMap<Ipv4Addr, usize>,
    unshaped: BTreeSet<Ipv4Addr>,
    silent: BTreeSet<Ipv4Addr>,
    ways: Vec<Way>,
    way_index: BTreeMap<(Ipv4Addr, Ipv4Addr), usize>,
    agenda: BinaryHeap<Reverse<Due>>,
    /// Of the next entry of the agenda: what is due at the same time happens in the order of its making.
    next_number: u64,
    pool: Pool,
    /// What happened to connections.
    pub connections: Connections,
}

/// A directed link, and what waits for its bandwidth.
#[derive(Debug)]
struct Way {
    from: Ipv4Addr,
    to: Ipv4Addr,
    link: Link,
    /// What is leaving, whether twice, and when it has left.
    leaving: Option<(Packet, bool, SimTime)>,
    waiting: VecDeque<Packet>,
    waiting_bytes: u64,
    /// The latest arrival of each class: nothing overtakes in a flow, unless it is told to.
    arrived: [SimTime; CLASSES],
}

/// Something to be done.
#[derive(Debug)]
struct Due {
    at: SimTime,
    number: u64,
    way: usize,
    /// What arrives; `None`: the next one has left.
    packet: Option<Packet>,
}

impl Forwarder {
    /// Nothing on its way.
    pub fn new(seed: u64, tuns: Vec<(Vec<Ipv4Addr>, Tun)>, default: LinkParams, unshaped: Vec<Ipv4Addr>) -> Self {
        let addresses = tuns.iter().enumerate().flat_map(|(i, (ips, _))| ips.iter().map(move |ip| (*ip, i))).collect();
        Self {
            seed,
            default,
            tuns: tuns.into_iter().map(|(_, tun)| tun).collect(),
            addresses,
            unshaped: unshaped.into_iter().collect(),
            silent: BTreeSet::new(),
            ways: Vec::new(),
            way_index: BTreeMap::new(),
            agenda: BinaryHeap::new(),
            next_number: 0,
            pool: Pool::default(),
            connections: Connections::default(),
        }
    }

    /// Behind which device `ip` is.
    pub fn device(&self, ip: Ipv4Addr) -> Option<usize> {
        self.addresses.get(&ip).copied()
    }

    /// The directed link `from` -> `to`.
    pub fn link(&mut self, from: Ipv4Addr, to: Ipv4Addr) -> &mut Link {
        let way = self.way(from, to);
        &mut self.ways[way].link
    }

    /// Changes a directed link from `now` on. What waits for bandwidth goes on at the new rate.
    pub fn set(&mut self, from: Ipv4Addr, to: Ipv4Addr, params: LinkParams, now: SimTime) {
        let way = self.way(from, to);
        let link = &mut self.ways[way].link;
        let other_rate = link.at(now).rate != params.rate;
        link.set(now, params);
        if other_rate {
            self.left(way, now);
        }
    }

    /// `ip` loses its power at `now`, or has it again.
    pub fn silence(&mut self, ip: Ipv4Addr, silent: bool, now: SimTime) {
        if !silent {
            self.silent.remove(&ip);
        } else if self.silent.insert(ip) {
            self.connections.lose_power(ip, now);
        }
    }

    /// Bytes that all links were given.
    pub fn bytes(&self) -> u64 {
        self.ways.iter().map(|way| way.link.stats().bytes).sum()
    }

    /// When there is something to do.
    pub fn next(&self) -> Option<SimTime> {
        self.agenda.peek().map(|Reverse(due)| due.at)
    }

    /// Does what is due by `now`.
    pub fn run(&mut self, now: SimTime) {
        while self.next().is_some_and(|at| at <= now)
            && let Some(Reverse(Due { at, way, packet, .. })) = self.agenda.pop()
        {
            match packet {
                Some(packet) => self.arrive(way, packet),
                // Unless the rate has changed since.
                None if self.ways[way].leaving.as_ref().is_some_and(|(.., leaves)| *leaves == at) => self.left(way, at),
                None => {}
            }
        }
    }

    /// Takes what waits at a device, some of it. An error other than "nothing more" is the device's end.
    pub fn read(&mut self, device: usize, now: impl Fn() -> SimTime) -> nix::Result<()> {
        for _ in 0..BATCH {
            match self.read_one(device, &now) {
                Ok(()) => {}
                Err(nix::Error::EAGAIN) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read_one(&mut self, device: usize, now: impl Fn() -> SimTime) -> nix::Result<()> {
        let Some(mut packet) = self.pool.take() else {
            let mut bytes = [0; MTU];
            let len = self.tuns[device].read(&mut bytes)?;
            if let Some(header) = Header::read(&bytes[..len]).filter(|header| self.knows(device, header)) {
                self.link(header.from, header.to).lose_to_queue();
            }
            return Ok(());
        };
        if let Err(error) = packet.fill(|bytes| self.tuns[device].read(bytes)) {
            self.pool.give_back(packet);
            return Err(error);
        }
        let now = now();
        // First what was due: nothing must overtake it.
        self.run(now);
        self.offer(device, packet, now);
        Ok(())
    }

    /// Neither a stranger's address nor one of somebody else's.
    fn knows(&self, device: usize, header: &Header) -> bool {
        self.device(header.from) == Some(device) && self.device(header.to).is_some()
    }

    fn offer(&mut self, device: usize, mut packet: Packet, now: SimTime) {
        let Some(header) = Header::read(packet.bytes()).filter(|header| self.knows(device, header)) else {
            return self.pool.give_back(packet);
        };
        packet.class = header.class();
        let number = self.way(header.from, header.to);
        let way = &mut self.ways[number];
        let silent = self.silent.contains(&way.from) || self.silent.contains(&way.to);
        if self.unshaped.contains(&way.from) || self.unshaped.contains(&way.to) {
            if !silent {
                // Not counted, so a refusal isn't either: who asked gets no answer.
                let _ = self.tuns[self.addresses[&way.to]].write(packet.bytes());
            }
            return self.pool.give_back(packet);
        }
        if silent {
            way.link.lose_to_silence();
            return self.pool.give_back(packet);
        }
        let LinkParams { cut, rate, .. } = *way.link.at(now);
        let noted = header.segment.is_none_or(|segment| self.connections.note(now, &segment, !cut));
        let room = rate.unwrap_or(u64::MAX).clamp(*QUEUE.start(), *QUEUE.end());
        if !noted || way.waiting_bytes + packet.len() as u64 > room {
            way.link.lose_to_queue();
            return self.pool.give_back(packet);
        }
        if way.leaving.is_none() {
            self.leave(number, packet, now);
        } else {
            way.waiting_bytes += packet.len() as u64;
            way.waiting.push_back(packet);
        }
    }

    /// A packet's turn has come at `t`.
    fn leave(&mut self, number: usize, packet: Packet, t: SimTime) {
        let way = &mut self.ways[number];
        let departure = way.link.departure(t, packet.len());
        if departure.at <= t {
            self.cross(number, packet, departure.twice, t);
        } else {
            way.leaving = Some((packet, departure.twice, departure.at));
            self.schedule(departure.at, number, None);
        }
    }

    /// The packet whose turn it was has left at `t`.
    fn left(&mut self, number: usize, t: SimTime) {
        if let Some((packet, twice, _)) = self.ways[number].leaving.take() {
            self.cross(number, packet, twice, t);
        }
        while self.ways[number].leaving.is_none()
            && let Some(packet) = self.ways[number].waiting.pop_front()
        {
            self.ways[number].waiting_bytes -= packet.len() as u64;
            self.leave(number, packet, t);
        }
    }

    /// Decides the fate of a packet that has left at `t`, or of two.
    fn cross(&mut self, number: usize, packet: Packet, twice: bool, t: SimTime) {
        let copy = if twice { self.pool.copy(&packet) } else { None };
        for packet in [Some(packet), copy].into_iter().flatten() {
            let way = &mut self.ways[number];
            if self.silent.contains(&way.from) {
                way.link.lose_to_silence();
                self.pool.give_back(packet);
                continue;
            }
            let Some(passage) = way.link.send(t) else {
                self.pool.give_back(packet);
                continue;
            };
            let mut at = t + passage.takes;
            if !passage.overtaken {
                let arrived = &mut way.arrived[packet.class];
                at = at.max(*arrived);
                *arrived = at;
            }
            if at <= t {
                self.arrive(number, packet);
            } else {
                self.schedule(at, number, Some(packet));
            }
        }
    }

    fn arrive(&mut self, number: usize, packet: Packet) {
        let way = &mut self.ways[number];
        let no_power = self.silent.contains(&way.to);
        let device = self.addresses[&way.to];
        if no_power || self.tuns[device].write(packet.bytes()).is_err() {
            way.link.refused(no_power);
        }
        self.pool.give_back(packet);
    }

    fn schedule(&mut self, at: SimTime, way: usize, packet: Option<Packet>) {
        self.agenda.push(Reverse(Due { at, number: self.next_number, way, packet }));
        self.next_number += 1;
    }

    fn way(&mut self, from: Ipv4Addr, to: Ipv4Addr) -> usize {
        *self.way_index.entry((from, to)).or_insert_with(|| {
            self.ways.push(Way {
                from,
                to,
                link: Link::new(self.seed, from.into(), to.into(), self.default.clone()),
                leaving: None,
                waiting: VecDeque::new(),
                waiting_bytes: 0,
                arrived: [SimTime::ZERO; CLASSES],
            });
            self.ways.len() - 1
        })
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

#[cfg(test)]
mod tests;
