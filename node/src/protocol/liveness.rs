//! Pings, pongs, and when a silent peer is given up (Phase 1, D-4).
use std::collections::VecDeque;
use std::time::Duration;

use super::mutant::{self, Mutant};
use super::timing::{Patience, Timing};

/// Liveness of one connection.
#[derive(Debug)]
pub(super) struct Liveness {
    /// Outstanding pings, oldest first: nonce and when sent. At most expiry / interval of them.
    outstanding: VecDeque<(u64, Duration)>,
    /// Expired pings since the last matching pong.
    pub missed: u32,
    /// When the next ping is due.
    pub ping_at: Duration,
    /// When expiry would be checked next, if there were anything to check.
    check_at: Duration,
}

/// The result of a check.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Checked {
    /// Nothing expired.
    Fine,
    /// This many pings expired by now, in all since the last matching pong.
    Missed(u32),
    /// Too many.
    Unresponsive(u32),
}

impl Liveness {
    /// The first ping is due now.
    pub fn new(now: Duration, timing: &Timing) -> Self {
        Liveness { outstanding: VecDeque::new(), missed: 0, ping_at: now, check_at: now + timing.expiry_offset }
    }

    /// A ping leaves.
    pub fn ping(&mut self, nonce: u64, now: Duration, timing: &Timing) {
        self.outstanding.push_back((nonce, now));
        self.ping_at = now + timing.ping_interval;
    }

    /// A pong arrives; only one that matches an outstanding ping counts. It settles the pings before its own too: an
    /// old silence that expires after the peer has spoken again is no new one.
    pub fn pong(&mut self, nonce: u64) {
        let place = self.outstanding.iter().position(|(n, _)| *n == nonce);
        if let Some(place) = place {
            self.outstanding.drain(..=place);
        }
        let matched = place.is_some() || mutant::is(Mutant::AnyPongCounts);
        if matched && !mutant::is(Mutant::MissedNeverReset) {
            self.missed = 0;
        }
    }

    /// Whether a ping has no pong yet.
    pub fn waits(&self) -> bool {
        !self.outstanding.is_empty()
    }

    /// When the oldest ping without a pong expires.
    pub fn expires_at(&self, patience: Patience) -> Option<Duration> {
        self.outstanding.front().map(|(_, sent)| *sent + patience.expires)
    }

    /// When the next check finds an expired ping, unless its pong comes before.
    pub fn next_check(&self, timing: &Timing, patience: Patience) -> Option<Duration> {
        let expires_at = self.expires_at(patience)?;
        let steps = expires_at.saturating_sub(self.check_at).as_nanos().div_ceil(timing.expiry_check.as_nanos().max(1));
        Some(self.check_at + timing.expiry_check * u32::try_from(steps).unwrap_or(u32::MAX))
    }

    /// Counts expired pings.
    pub fn check(&mut self, now: Duration, timing: &Timing, patience: Patience) -> Checked {
        while self.check_at <= now {
            self.check_at += timing.expiry_check;
        }
        let mut expired = false;
        while let Some((_, sent)) = self.outstanding.front() {
            if now.saturating_sub(*sent) < patience.expires {
                break;
            }
            self.outstanding.pop_front();
            self.missed += 1;
            expired = true;
        }
        match expired {
            true if self.missed >= patience.missed_max => Checked::Unresponsive(self.missed),
            true => Checked::Missed(self.missed),
            false => Checked::Fine,
        }
    }
}
