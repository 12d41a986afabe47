//! One connection of a node: what the peer told on it, and what the node owes it.
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use node::chain::Height;
use node::protocol::Direction;

use super::text::Text;

/// Pings that are remembered: more than any that may be without a pong.
const PINGS: usize = 64;
/// Heights in one slice of ten seconds without which no ten seconds have more than 20 (wire protocol, rates): what is over is dropped, and the height
/// not known then.
const FLOOD: u32 = 10;
/// Hashes that are asked for at once are a round of a search, where there are so many: fewer may come together by chance.
const ROUND: u32 = 4;
/// Rounds that are so far apart are of two searches.
const APART: Duration = Duration::from_secs(60);

/// A connection.
#[derive(Debug)]
pub struct Link {
    pub ip: IpAddr,
    pub direction: Direction,
    pub whitelisted: bool,
    /// When its handshake was done.
    pub established: Option<Duration>,
    /// The newest height it told (D-9).
    pub height: Option<Height>,
    /// It has another first block (D-19).
    pub foreign: bool,
    /// Whether some of its heights may have been dropped.
    pub unsure: bool,
    told: (u64, u32),
    /// When the last ping left.
    pinged: Option<Duration>,
    /// Pings that may count as missed, since their pong did not come before they expired; and those that must, since it did not come before the
    /// node had looked either.
    silent: VecDeque<(u64, Duration)>,
    unheard: VecDeque<(u64, Duration)>,
    /// When the last pings of a regular peer came.
    pings: VecDeque<Duration>,
    pub search: Rounds,
}

/// Rounds of the search for a common ancestor on a connection.
#[derive(Debug, Default)]
pub struct Rounds {
    /// The input that the last probes followed from, how many there were, and the lowest.
    now: (u64, u32, Height),
    /// When the last round left.
    last: Option<Duration>,
    /// Rounds since the last answer.
    pub unanswered: u32,
    /// The lowest tip since the search began.
    pub tip: Height,
}

impl Link {
    pub fn new(ip: IpAddr, direction: Direction, whitelisted: bool) -> Self {
        Self {
            ip,
            direction,
            whitelisted,
            established: None,
            height: None,
            foreign: false,
            unsure: false,
            told: (0, 0),
            pinged: None,
            silent: VecDeque::new(),
            unheard: VecDeque::new(),
            pings: VecDeque::new(),
            search: Rounds::default(),
        }
    }

    /// The height it counts with.
    pub fn counts(&self) -> Option<Height> {
        self.height.filter(|_| self.established.is_some() && !self.foreign)
    }

    /// It tells a height.
    pub fn tells(&mut self, height: Height, now: Duration) {
        let slice = now.as_secs() / 10;
        self.told = (slice, if self.told.0 == slice { self.told.1 + 1 } else { 1 });
        self.unsure |= !self.whitelisted && self.told.1 > FLOOD;
        self.height = Some(height);
    }

    /// Its ping arrives.
    pub fn ping_came(&mut self, now: Duration, text: &Text) {
        if !self.whitelisted {
            self.pings.push_back(now);
            if self.pings.len() > text.ping_rate().0 + 1 {
                self.pings.pop_front();
            }
        }
    }

    /// Whether its pings are over their rate.
    pub fn floods(&self, now: Duration, text: &Text) -> bool {
        let (most, time) = text.ping_rate();
        self.pings.len() > most && self.pings.front().is_some_and(|first| now < *first + time)
    }

    /// A ping leaves.
    pub fn pings(&mut self, nonce: u64, now: Duration) {
        self.pinged = Some(now);
        for pings in [&mut self.silent, &mut self.unheard] {
            pings.push_back((nonce, now));
            if pings.len() > PINGS {
                pings.pop_front();
            }
        }
    }

    /// A pong arrives: it settles its ping and those before, unless that has expired, which is looked for now and then.
    pub fn pong_came(&mut self, nonce: u64, now: Duration, text: &Text) {
        let (expires, _) = text.patience(self.whitelisted);
        for (pings, within) in [(&mut self.silent, expires), (&mut self.unheard, expires + text.check_interval())] {
            if let Some(place) = pings.iter().position(|(sent, at)| *sent == nonce && now < *at + within) {
                pings.drain(..=place);
            }
        }
    }

    /// How many pings at most have expired since the last pong.
    pub fn missed_at_most(&self, now: Duration, text: &Text) -> usize {
        let (expires, _) = text.patience(self.whitelisted);
        self.silent.iter().filter(|(_, at)| *at + expires <= now).count()
    }

    /// How many have at least, and were counted.
    pub fn missed_at_least(&self, now: Duration, text: &Text) -> usize {
        let (expires, _) = text.patience(self.whitelisted);
        self.unheard.iter().filter(|(_, at)| *at + expires + text.check_interval() <= now).count()
    }

    /// When the next ping is due, where the handshake is done.
    pub fn ping_due(&self, text: &Text) -> Option<Duration> {
        let established = self.established?;
        Some(self.pinged.unwrap_or(established) + text.ping_interval())
    }

    /// The node asks for the hash at a height below its tip, because of its input of this number: the lowest height of a round of
    /// the search, where it is one.
    pub fn probes(&mut self, height: Height, input: u64, tip: Height, now: Duration) -> Option<Height> {
        let rounds = &mut self.search;
        let (of, count, lowest) = rounds.now;
        rounds.now = if of == input { (of, count + 1, lowest.min(height)) } else { (input, 1, height) };
        if rounds.now.1 == ROUND {
            let goes_on = rounds.last.is_some_and(|last| now < last + APART);
            rounds.tip = if goes_on { rounds.tip.min(tip) } else { tip };
            rounds.last = Some(now);
            rounds.unanswered += 1;
        }
        (rounds.now.1 >= ROUND).then_some(rounds.now.2)
    }
}
