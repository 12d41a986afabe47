//! Strikes, bans and message rates of regular peers (wire protocol, rates). Whitelisted peers get no strikes.
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::mutant::{self, Mutant};
use super::status::{BanStatus, ms};
use super::timing::Timing;
use crate::wire::Message;

/// Addresses with strikes from which on those are forgotten that no longer count: addresses are cheap.
const REMEMBERED: usize = 1_000;

/// Strikes by IP and the bans they led to.
#[derive(Debug, Default)]
pub(super) struct Bans {
    blacklist: BTreeSet<IpAddr>,
    strikes: BTreeMap<IpAddr, VecDeque<Duration>>,
    /// `None`: until restart.
    until: BTreeMap<IpAddr, Option<Duration>>,
}

impl Bans {
    pub fn new(blacklist: impl Iterator<Item = IpAddr>) -> Self {
        Bans { blacklist: blacklist.collect(), ..Bans::default() }
    }

    /// One strike; a ban where it is the third, fifth or tenth (`Some(None)`: until restart).
    pub fn strike(&mut self, ip: IpAddr, now: Duration, timing: &Timing) -> Option<Option<Duration>> {
        if self.strikes.len() >= REMEMBERED && !self.strikes.contains_key(&ip) {
            self.forget_what_is_over(now, timing);
        }
        let strikes = self.strikes.entry(ip).or_default();
        while strikes.front().is_some_and(|at| *at + timing.strike_fades <= now) {
            strikes.pop_front();
        }
        strikes.push_back(now);
        let lasts = match strikes.len() {
            3 | 4 => Some(timing.ban_short),
            5..=9 => Some(timing.ban_long),
            10.. => None,
            _ => return None,
        };
        strikes.truncate(10);
        self.until.insert(ip, lasts.map(|lasts| now + lasts));
        Some(lasts)
    }

    /// Strikes that have faded and bans that have ended say nothing any more.
    fn forget_what_is_over(&mut self, now: Duration, timing: &Timing) {
        self.strikes.retain(|_, strikes| strikes.back().is_some_and(|at| *at + timing.strike_fades > now));
        self.until.retain(|_, until| until.is_none_or(|until| until > now));
    }

    /// Whether a peer is unwelcome now; the blacklist wins over everything.
    pub fn banned(&self, ip: IpAddr, now: Duration) -> bool {
        self.blacklist.contains(&ip) || self.until.get(&ip).is_some_and(|until| until.is_none_or(|until| until > now))
    }

    /// Bans in force, by address.
    pub fn statuses(&self, now: Duration) -> Vec<BanStatus> {
        let in_force = self.until.iter().filter(|(_, until)| until.is_none_or(|until| until > now));
        in_force.map(|(ip, until)| BanStatus { ip: *ip, remaining_ms: until.map(|until| ms(until - now)) }).collect()
    }

    /// Whether the address is on the operator's blacklist.
    pub fn blacklisted(&self, ip: IpAddr) -> bool {
        self.blacklist.contains(&ip)
    }
}

/// Message rates of one connection: sliding windows.
#[derive(Debug, Default)]
pub(super) struct Rates([VecDeque<Duration>; 3]);

impl Rates {
    /// Notes a message; `false` where it is over its rate: 20 pings, 1,000 about blocks and hashes, 50 others in 10 s.
    pub fn allow(&mut self, message: &Message, now: Duration, timing: &Timing) -> bool {
        let (class, limit) = match message {
            Message::Ping { .. } if mutant::is(Mutant::KeepaliveIsAbuse) => (0, 2),
            Message::Ping { .. } => (0, 20),
            Message::GetBlocks(..)
            | Message::GetBlockRange { .. }
            | Message::GetBlockHash(_)
            | Message::BlockRequest(_)
            | Message::BlocksResponse(_)
            | Message::BlockRangeResponse(_)
            | Message::BlockResponse(_)
            | Message::BlockAnnouncement(_)
            | Message::BlockHashResponse { .. } => (1, 1000),
            _ => (2, 50),
        };
        let times = &mut self.0[class];
        while times.front().is_some_and(|at| *at + timing.rate_window <= now) {
            times.pop_front();
        }
        if times.len() >= limit {
            return false;
        }
        times.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn strikes_that_have_faded_take_no_room() {
        let timing = Timing::new(&Config::default());
        let mut bans = Bans::default();
        for second in 0..10_000 {
            let ip = IpAddr::from(std::net::Ipv4Addr::from_bits(second));
            for _ in 0..3 {
                bans.strike(ip, Duration::from_secs(second.into()), &timing);
            }
            assert!(bans.banned(ip, Duration::from_secs(second.into())));
        }
        // One new address a second: those of the last hour count, and everything before is gone.
        assert!((3_600..=3_601).contains(&bans.strikes.len()), "{}", bans.strikes.len());
        assert!(bans.until.len() <= 301, "{}", bans.until.len());
    }
}
