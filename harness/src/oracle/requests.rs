//! What is asked for, and until when.
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use node::chain::{Height, HeightRange};

use super::text::Text;

/// All requests for blocks that stand open, one a peer, and when each range was asked for.
#[derive(Debug, Default)]
pub struct Requests {
    open: BTreeMap<IpAddr, Open>,
    asked: BTreeMap<(IpAddr, Height), VecDeque<Duration>>,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Open {
    pub range: HeightRange,
    pub asked: Duration,
    pub until: Duration,
}

impl Requests {
    /// A peer is asked: the request before that still stands open, and how often it was asked for a range with this start.
    pub fn ask(&mut self, ip: IpAddr, range: HeightRange, now: Duration, text: &Text) -> (Option<Open>, usize) {
        let until = now + text.timeout(text.whitelist.contains(&ip));
        let before = self.open.insert(ip, Open { range, asked: now, until });
        let (_, time) = text.same_range();
        self.asked.retain(|_, times| times.back().is_some_and(|at| now < *at + time));
        let times = self.asked.entry((ip, range.start())).or_default();
        times.push_back(now);
        times.retain(|at| now < *at + time);
        (before, times.len())
    }

    /// The request is over.
    pub fn over(&mut self, ip: IpAddr) -> Option<Open> {
        self.open.remove(&ip)
    }

    /// The first that should have failed by `now`.
    pub fn overdue(&self, now: Duration) -> Option<(IpAddr, Open)> {
        self.open.iter().find(|(_, open)| open.until < now).map(|(ip, open)| (*ip, *open))
    }
}
