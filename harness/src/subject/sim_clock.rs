//! The wall clock of a simulated node.
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use node::runtime::network::Clock;

use crate::fault::SimTime;

/// 2026-06-01T00:00:00Z, when every simulation starts, in milliseconds since 1970.
pub const EPOCH_MS: i64 = 1_780_272_000_000;

/// Simulated time, skewed. Clones are the same clock, of one thread at a time.
#[derive(Debug, Clone, Default)]
pub struct SimClock(Arc<Skew>);

#[derive(Debug, Default)]
struct Skew {
    since_ms: AtomicI64,
    offset_ms: AtomicI64,
    drift_ppm: AtomicI64,
}

impl SimClock {
    /// From `now` on the clock is `offset_ms` ahead (behind, when negative) and gains `drift_ppm` microseconds a second.
    pub fn set_skew(&self, offset_ms: i64, drift_ppm: i64, now: SimTime) {
        self.0.since_ms.store(ms(now), Relaxed);
        self.0.offset_ms.store(offset_ms, Relaxed);
        self.0.drift_ppm.store(drift_ppm, Relaxed);
    }

    /// What the clock shows at `t`.
    pub fn at(&self, t: SimTime) -> i64 {
        let Skew { since_ms, offset_ms, drift_ppm } = &*self.0;
        let drift_ms = (ms(t) - since_ms.load(Relaxed)).max(0) * drift_ppm.load(Relaxed) / 1_000_000;
        EPOCH_MS + ms(t) + offset_ms.load(Relaxed) + drift_ms
    }
}

fn ms(time: SimTime) -> i64 {
    time.as_secs() as i64 * 1_000 + i64::from(time.subsec_millis())
}

/// In a simulated host; elsewhere no time has passed.
impl Clock for SimClock {
    fn unix_ms(&self) -> i64 {
        self.at(turmoil::sim_elapsed().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_drifts_and_is_set_right() {
        let s = SimTime::from_secs;
        let clock = SimClock::default();
        assert_eq!(clock.at(s(10)) - EPOCH_MS, 10_000);
        clock.set_skew(-60_000, 500, s(10));
        assert_eq!(clock.at(s(10)) - EPOCH_MS, -50_000);
        assert_eq!(clock.at(s(1_010)) - EPOCH_MS, 950_500);
        clock.set_skew(0, 0, s(1_010));
        assert_eq!(clock.at(s(1_020)) - EPOCH_MS, 1_020_000);
    }
}
