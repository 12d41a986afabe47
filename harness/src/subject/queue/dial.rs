//! Dials: SYNs until there is an answer, as Linux sends them.
use std::net::IpAddr;
use std::time::Duration;

use super::heap::{Event, Ms};
use crate::subject::net::Net;
use crate::subject::sim_net::SYN_TRIES;

/// One dial of a party.
#[derive(Debug)]
pub struct Dial {
    /// Who dials.
    pub party: u32,
    /// The connection's number for a scripted peer.
    pub session: Option<u64>,
    /// From where.
    pub from: IpAddr,
    /// Whom.
    pub to: IpAddr,
    /// Whether anybody listens on that port anywhere.
    pub port_is_used: bool,
    tries: u32,
    tried_at: Ms,
    /// It has led to something, or nobody waits for it any more.
    pub done: bool,
}

impl Dial {
    /// Begins now.
    pub fn new(party: u32, session: Option<u64>, from: IpAddr, to: IpAddr, port_is_used: bool) -> Self {
        Self { party, session, from, to, port_is_used, tries: 0, tried_at: 0, done: false }
    }

    /// Sends a SYN: what is next and when; `None` where there were enough.
    pub fn send(&mut self, number: u32, now: Ms, net: &mut Net) -> Option<(Ms, Event)> {
        if self.tries >= SYN_TRIES {
            return None;
        }
        (self.tries, self.tried_at) = (self.tries + 1, now);
        Some(match net.syn(self.from, self.to, Duration::from_millis(now)) {
            Some(takes) => (now + millis(takes), Event::Syn(number)),
            None => self.again(number, now),
        })
    }

    /// The SYN arrives where somebody listens or not: what is next and when.
    pub fn answer(&mut self, number: u32, listening: bool, now: Ms, net: &mut Net) -> (Ms, Event) {
        match net.syn_ack(self.from, self.to, Duration::from_millis(now)) {
            Some(takes) => (now + millis(takes), Event::SynAck(number, listening && self.port_is_used)),
            None => self.again(number, now),
        }
    }

    fn again(&self, number: u32, now: Ms) -> (Ms, Event) {
        ((self.tried_at + (1_000 << (self.tries - 1))).max(now), Event::Retry(number))
    }
}

/// Rounded up.
pub fn millis(time: Duration) -> Ms {
    time.as_secs() * 1_000 + Ms::from(time.subsec_nanos().div_ceil(1_000_000))
}
