//! Block ranges under way (D-2, D-3, D-7, D-15, D-22, D-23): which blocks are wanted, who was asked, what has come.
//!
//! Two downloads share this code: the chain's own, and a branch that is fetched to be compared with ours.
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::mutant::{self, Mutant};
use super::timing::{RANGES_IN_WINDOW, SAME_RANGE_MAX, Timing};
use crate::chain::{Height, HeightRange, SealedBlock};

/// Whose blocks a range belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Extends our tip.
    Chain,
    /// Is staged beside our chain.
    Branch,
}

/// Why a download goes on, and whom it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// The coordinator wants this height, from whitelisted peers.
    Masternodes(Height),
    /// This peer announced this height (D-16).
    Announced(IpAddr, Height),
    /// The contested branch up to this height, from its holders.
    Branch(Height),
}

impl Goal {
    pub fn height(self) -> Height {
        match self {
            Goal::Masternodes(height) | Goal::Announced(_, height) | Goal::Branch(height) => height,
        }
    }
}

/// A range that is wanted.
#[derive(Debug)]
pub(super) struct Range {
    pub start: Height,
    pub end: Height,
    /// What has come, from `start` on without a gap, with who sent it.
    pub got: VecDeque<(SealedBlock, IpAddr)>,
    /// Who was asked for it (a hedge goes to somebody else).
    pub asked: BTreeSet<IpAddr>,
    /// Without a block by then, another peer is asked too.
    pub hedge_at: Duration,
}

impl Range {
    /// The first height that has not come.
    pub fn next(&self) -> Height {
        self.start + self.got.len() as u64
    }

    /// What is missing.
    pub fn missing(&self) -> Option<HeightRange> {
        HeightRange::new(self.next(), self.end)
    }
}

/// One download.
#[derive(Debug, Default)]
pub(super) struct Download {
    pub goal: Option<Goal>,
    /// Adjoining, in order of height.
    pub ranges: VecDeque<Range>,
}

impl Download {
    /// Forgets everything wanted.
    pub fn clear(&mut self) {
        self.goal = None;
        self.ranges.clear();
    }

    /// Bytes of JSON held.
    pub fn bytes(&self) -> u64 {
        self.ranges.iter().flat_map(|range| &range.got).map(|(block, _)| block.json_len() as u64).sum()
    }
}

/// A request that is not answered yet: at most one a peer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub purpose: Purpose,
    pub range: HeightRange,
    pub asked_at: Duration,
    pub deadline: Duration,
    /// A reorg made it useless: its answer is judged as unasked blocks (D-23), but until it comes the peer is asked nothing else.
    pub cancelled: bool,
}

/// Open requests, and what is remembered of past ones.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pub open: BTreeMap<IpAddr, Request>,
    /// The last expired one of each peer: a late answer is used, its first empty answer ignored (D-23).
    pub expired: BTreeMap<IpAddr, (Request, bool)>,
    /// When each peer was asked for a range with this start (D-15).
    asked: BTreeMap<(IpAddr, Height), VecDeque<Duration>>,
    /// When each peer was asked at all, as far back as its rate goes.
    paces: BTreeMap<IpAddr, VecDeque<Duration>>,
}

impl Requests {
    /// Whether a peer may be asked for a range with this start once more.
    pub fn may_ask(&self, ip: IpAddr, start: Height, now: Duration, timing: &Timing) -> bool {
        if mutant::is(Mutant::SameRangeForEver) {
            return true;
        }
        !self.is_paced(ip, now, timing) && !self.is_repeated(ip, start, now, timing)
    }

    /// Whether a peer was asked as often as it takes, and may be asked again soon.
    pub fn is_paced(&self, ip: IpAddr, now: Duration, timing: &Timing) -> bool {
        self.paces.get(&ip).and_then(|times| full_until(times, timing)).is_some_and(|until| until > now)
    }

    /// Whether a peer was asked for a range with this start as often as it may be.
    pub fn is_repeated(&self, ip: IpAddr, start: Height, now: Duration, timing: &Timing) -> bool {
        let recent = |times: &VecDeque<Duration>| times.iter().filter(|at| **at + timing.same_range > now).count();
        self.asked.get(&(ip, start)).is_some_and(|times| recent(times) >= SAME_RANGE_MAX)
    }

    /// Notes a request that leaves.
    pub fn asked(&mut self, ip: IpAddr, request: Request, now: Duration, timing: &Timing) {
        self.open.insert(ip, request);
        self.paces.retain(|_, times| times.back().is_some_and(|at| *at + timing.rate_window > now));
        let pace = self.paces.entry(ip).or_default();
        pace.push_back(now);
        if pace.len() > RANGES_IN_WINDOW {
            pace.pop_front();
        }
        // Old entries go as new ones come: the ledger stays as small as five minutes of asking.
        self.asked.retain(|_, times| times.back().is_some_and(|at| *at + timing.same_range > now));
        let times = self.asked.entry((ip, request.range.start())).or_default();
        times.push_back(now);
        if times.len() > SAME_RANGE_MAX {
            times.pop_front();
        }
    }

    /// When a peer may be asked again that was asked as often as it takes: small ranges on a fast line are soon too many.
    pub fn paced_until(&self, now: Duration, timing: &Timing) -> Option<Duration> {
        self.paces.values().filter_map(|times| full_until(times, timing)).filter(|until| *until > now).min()
    }

    /// Open requests whose answers are still wanted.
    pub fn wanted(&self, purpose: Purpose) -> impl Iterator<Item = (&IpAddr, &Request)> {
        self.open.iter().filter(move |(_, request)| request.purpose == purpose && !request.cancelled)
    }

    /// The answers to all open requests of a purpose are no use any more.
    pub fn cancel(&mut self, purpose: Purpose) {
        for request in self.open.values_mut().filter(|request| request.purpose == purpose) {
            request.cancelled = true;
        }
    }
}

/// Until when a peer that was asked at these times is not asked again.
fn full_until(times: &VecDeque<Duration>, timing: &Timing) -> Option<Duration> {
    let first = times.front().filter(|_| times.len() >= RANGES_IN_WINDOW)?;
    Some(*first + timing.rate_window)
}

/// The blocks of an answer that fit `wanted` from its start on: sorted, once each, without a gap.
pub(super) fn fitting(blocks: &[SealedBlock], wanted: HeightRange) -> Vec<SealedBlock> {
    let mut inside: Vec<&SealedBlock> = blocks.iter().filter(|block| wanted.contains(block.height())).collect();
    inside.sort_by_key(|block| block.height());
    inside.dedup_by_key(|block| block.height());
    let gapless = inside.into_iter().enumerate().take_while(|(i, block)| block.height() == wanted.start() + *i as u64);
    gapless.map(|(_, block)| block.clone()).collect()
}
