//! Whose address is whose, and by how much clocks are apart: both from pings that two logs tell of.
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::incident::Offset;
use super::told::Told;
use crate::scenario::value::usable;

/// Nearer clocks are taken to be equal: what messages take is not the same both ways.
const EQUAL: i64 = 50_000;
/// Pings that wait for their other half, at most; beyond, a sample of them.
const MOST_WAITING: usize = 20_000;

/// One end of a message: which host's log, the other end's address there, and when.
#[derive(Debug, Clone, Copy)]
struct End {
    host: usize,
    ip: Ipv4Addr,
    at: i64,
}

/// What is told of one nonce: a ping that was sent and received, its pong that was sent and received.
#[derive(Debug, Clone, Copy, Default)]
struct Exchange {
    ping: (Option<End>, Option<End>),
    pong: (Option<End>, Option<End>),
}

/// Messages from one host to another.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// The shortest time that one seems to take: its travel, and by how much the receiver's clock is ahead.
    shortest: i64,
    count: u64,
}

/// Votes for addresses, and how long messages between hosts seem to take.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    exchanges: BTreeMap<u64, Exchange>,
    /// Only nonces with zeros here are looked at: more and more of them as the logs grow.
    mask: u64,
    ways: BTreeMap<(usize, usize), Way>,
    votes: BTreeMap<(usize, Ipv4Addr), u64>,
}

impl Clocks {
    /// Takes over pings and pongs.
    pub fn tell(&mut self, told: &Told<'_>) {
        if !matches!(told.event, "ping_sent" | "ping_received" | "pong_sent" | "pong_received") {
            return;
        }
        let (Some(nonce), Some(ip)) =
            (told.number("nonce"), told.text("ip").and_then(|ip| ip.parse().ok()).filter(|ip| usable(*ip)))
        else {
            return;
        };
        if nonce & self.mask != 0 {
            return;
        }
        let end = End { host: told.host, ip, at: told.at };
        let exchange = self.exchanges.entry(nonce).or_default();
        let halves = if told.event.starts_with("ping") { &mut exchange.ping } else { &mut exchange.pong };
        let half = if told.event.ends_with("sent") { &mut halves.0 } else { &mut halves.1 };
        // A nonce that comes twice says nothing.
        if half.is_some() {
            return;
        }
        *half = Some(end);
        if let (Some(from), Some(to)) = *halves
            && from.host != to.host
        {
            *self.votes.entry((to.host, from.ip)).or_default() += 1;
            *self.votes.entry((from.host, to.ip)).or_default() += 1;
            let took = to.at.saturating_sub(from.at);
            let way = self.ways.entry((from.host, to.host)).or_insert(Way { shortest: took, count: 0 });
            way.shortest = way.shortest.min(took);
            way.count += 1;
        }
        while self.exchanges.len() > MOST_WAITING {
            self.mask = self.mask << 1 | 1;
            let mask = self.mask;
            self.exchanges.retain(|nonce, _| nonce & mask == 0);
        }
    }

    /// The address of each host for which most pings speak.
    pub fn addresses(&self) -> BTreeMap<usize, Ipv4Addr> {
        let mut votes: Vec<_> = self.votes.iter().collect();
        votes.sort_by_key(|(who, count)| (std::cmp::Reverse(**count), **who));
        let mut addresses = BTreeMap::new();
        for ((host, ip), _) in votes {
            if !addresses.contains_key(host) && !addresses.values().any(|taken| taken == ip) {
                addresses.insert(*host, *ip);
            }
        }
        addresses
    }

    /// By how much each host's clock is ahead of the first one's; those that nothing connects with it are taken to be right.
    pub fn offsets(&self, hosts: usize, given: &BTreeMap<usize, i64>) -> BTreeMap<usize, Offset> {
        let mut offsets: BTreeMap<usize, Offset> =
            given.iter().map(|(host, micros)| (*host, Offset { micros: *micros, pairs: 0, given: true })).collect();
        for first in 0..hosts {
            // The first of each group of hosts that know each other has the right time.
            offsets.entry(first).or_default();
            let mut waiting = vec![first];
            while let Some(host) = waiting.pop() {
                let base = offsets.get(&host).map_or(0, |offset| offset.micros);
                for other in 0..hosts {
                    if offsets.contains_key(&other) {
                        continue;
                    }
                    if let Some((ahead, pairs)) = self.ahead(host, other) {
                        let ahead = if ahead.abs() < EQUAL { 0 } else { ahead };
                        offsets.insert(other, Offset { micros: base.saturating_add(ahead), pairs, given: false });
                        waiting.push(other);
                    }
                }
            }
        }
        offsets
    }

    /// By how much `other`'s clock is ahead of `host`'s: messages take the same time both ways, at their fastest.
    fn ahead(&self, host: usize, other: usize) -> Option<(i64, u64)> {
        match (self.ways.get(&(host, other)), self.ways.get(&(other, host))) {
            (Some(there), Some(back)) => {
                Some((there.shortest.saturating_sub(back.shortest) / 2, there.count + back.count))
            }
            (Some(there), None) => Some((there.shortest, there.count)),
            (None, Some(back)) => Some((back.shortest.saturating_neg(), back.count)),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::told::Place;
    use super::*;

    fn tell(clocks: &mut Clocks, host: usize, at: i64, event: &str, ip: &str, nonce: u64) {
        let nonce = nonce.to_string();
        clocks.tell(&Told { host, at, event, fields: &[("ip", ip), ("nonce", &nonce)], place: Place::default() });
    }

    #[test]
    fn two_logs_of_one_ping_tell_addresses_and_clocks() {
        let mut clocks = Clocks::default();
        // Host 1's clock is 95 s ahead, a message takes 10 ms.
        for (nonce, at) in [(7, 0), (8, 30_000_000)] {
            tell(&mut clocks, 0, at, "ping_sent", "10.0.0.2", nonce);
            tell(&mut clocks, 1, at + 95_010_000, "ping_received", "10.0.0.1", nonce);
            tell(&mut clocks, 1, at + 95_010_000, "pong_sent", "10.0.0.1", nonce);
            tell(&mut clocks, 0, at + 20_000, "pong_received", "10.0.0.2", nonce);
        }
        let addresses = clocks.addresses();
        assert_eq!(addresses[&0], Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(addresses[&1], Ipv4Addr::new(10, 0, 0, 2));
        let offsets = clocks.offsets(3, &BTreeMap::new());
        assert_eq!(offsets[&1], Offset { micros: 95_000_000, pairs: 4, given: false });
        assert_eq!(offsets[&2], Offset::default());
        let given = clocks.offsets(3, &BTreeMap::from([(0, -5_000_000)]));
        assert_eq!(given[&0].micros, -5_000_000);
        assert_eq!(given[&1].micros, 90_000_000);
    }

    #[test]
    fn pings_without_a_second_log_take_no_room() {
        let mut clocks = Clocks::default();
        for nonce in 0..200_000 {
            tell(&mut clocks, 0, 0, "ping_sent", "10.0.0.2", nonce);
        }
        assert!(clocks.exchanges.len() <= MOST_WAITING);
        assert!(clocks.addresses().is_empty());
    }
}
