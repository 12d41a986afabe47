//! Every duration of the protocol, with its source, divided by `time_scale` (D-29).
use std::time::Duration;

use crate::config::Config;

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Durations in force.
#[derive(Debug, Clone)]
pub(super) struct Timing {
    scale: u32,
    /// Phase 1: ping interval.
    pub ping_interval: Duration,
    /// Phase 1: how often expiry is checked.
    pub expiry_check: Duration,
    /// Between a ping and the checks, so that a check never falls on the instant a pong is due.
    pub expiry_offset: Duration,
    /// Wire protocol, Handshake: a connection that has not finished it by then is closed.
    pub handshake: Duration,
    /// A dial that hangs is given up.
    pub dial: Duration,
    /// D-18: an established connection older than this stays.
    pub settled: Duration,
    /// Phase 2: a connection that lasts so long resets the back-off.
    pub good_connection: Duration,
    /// D-25: given up means once an hour.
    pub given_up: Duration,
    /// Phase 3, Component 1.
    pub coordinator: Duration,
    /// D-10: state lines repeat this often.
    pub repeat: Duration,
    /// D-3.
    pub hedge_whitelisted: Duration,
    /// D-3.
    pub hedge_regular: Duration,
    /// Phase 3, Component 5.
    pub timeout_whitelisted: Duration,
    /// Phase 3, Component 5.
    pub timeout_regular: Duration,
    /// D-7: the first bench; it doubles.
    pub bench: Duration,
    /// D-7: the longest bench.
    pub bench_max: Duration,
    /// D-15: the same range goes to the same peer at most [`SAME_RANGE_MAX`] times in this time.
    pub same_range: Duration,
    /// D-6, D-8, D-20: how long an answer about hashes and tips is awaited.
    pub answer: Duration,
    /// D-6: no search with a peer after it was given up.
    pub search_pause: Duration,
    /// Wire protocol, rates: the window.
    pub rate_window: Duration,
    /// Wire protocol: strikes fade.
    pub strike_fades: Duration,
    /// Wire protocol: bans after 3 and after 5 strikes.
    pub ban_short: Duration,
    /// See `ban_short`.
    pub ban_long: Duration,
}

/// D-15.
pub(super) const SAME_RANGE_MAX: usize = 3;
/// Ranges that a peer is asked for in [`Timing::rate_window`], at most: of the 1,000 that it takes of a regular peer (wire protocol, rates)
/// some are for hashes.
pub(super) const RANGES_IN_WINDOW: usize = 800;
/// D-2: ranges in flight at once.
pub(super) const RANGES_AT_ONCE: usize = 3;
/// D-15: blocks that nobody asked for.
pub(super) const UNASKED_BLOCKS: usize = 500;
/// D-15: their bytes.
pub(super) const UNASKED_BYTES: usize = 8 << 20;
/// Wire protocol: blocks in an answer.
pub(super) const ANSWER_BLOCKS: u64 = 500;
/// Wire protocol, Fork choice: bytes of a fetched branch in all.
pub(super) const BRANCH_BYTES: u64 = 1 << 30;
/// Phase 3, Component 1: ahead of the median by more than this is an error.
pub(super) const LEAD_ALARM: u64 = 100;
/// D-14: a producer is silent when it is further behind.
pub(super) const PRODUCE_LAG: u64 = 10;
/// A block every 600 s (wire protocol, Block).
pub(super) const BLOCK_SECONDS: i64 = 600;
/// Connections before their handshake that may wait at once; the oldest goes first.
pub(super) const HALF_OPEN_MAX: usize = 128;

impl Timing {
    /// The text's values under a configuration.
    pub fn new(config: &Config) -> Self {
        let scale = config.time_scale.max(1);
        let s = |n| secs(n) / scale;
        Timing {
            scale,
            ping_interval: s(30),
            expiry_check: s(10),
            expiry_offset: s(5),
            handshake: s(10),
            dial: s(10),
            settled: s(5),
            good_connection: s(30),
            given_up: s(3600),
            coordinator: config.sync.coordinator_interval / scale,
            repeat: s(300),
            hedge_whitelisted: config.sync.hedge_after / scale,
            hedge_regular: s(30).min(config.sync.hedge_after / scale),
            timeout_whitelisted: s(if config.sync.masternode_timeouts { 300 } else { 120 }),
            timeout_regular: s(120),
            bench: s(60),
            bench_max: s(30 * 60),
            same_range: s(300),
            answer: s(10),
            search_pause: s(600),
            rate_window: s(10),
            strike_fades: s(3600),
            ban_short: s(300),
            ban_long: s(3600),
        }
    }

    /// Another duration under the same scale.
    pub fn scaled(&self, unscaled: Duration) -> Duration {
        unscaled / self.scale
    }
}

/// Liveness limits of a kind of peer (phases 1 and 2, Liveness).
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// A ping without its pong counts as missed after this.
    pub expires: Duration,
    /// Missed pongs until the connection is closed.
    pub missed_max: u32,
}

impl Timing {
    /// 90 s and 3, or 180 s and 6.
    pub fn patience(&self, whitelisted: bool) -> Patience {
        let (expires, missed_max) = if whitelisted { (180, 6) } else { (90, 3) };
        Patience { expires: self.scaled(secs(expires)), missed_max }
    }

    /// First delay, cap and consecutive failures until given up (phases 1 and 2, Reconnection).
    pub fn back_off(&self, whitelisted: bool) -> (Duration, Duration, u32) {
        let (first, cap, failures) = if whitelisted { (2, 60, 50) } else { (5, 300, 10) };
        (self.scaled(secs(first)), self.scaled(secs(cap)), failures)
    }
}
