//! The wall clock of a simulated node.
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use node::runtime::network::Clock;

use crate::fault::SimTime;

/// 2026-06-01T00:00:00Z, when every simulation starts, in milliseconds since 1970.
pub const EPOCH_MS: i64 = 1_780_272_000_000;

/// Simulated time, skewed. Clones are the same clock.
#[derive(Debug, Clone, Default)]
pub struct SimClock(Arc<Mutex<Skew>>);

#[derive(Debug, Default, Clone, Copy)]
struct Skew {
    since: SimTime,
    offset_ms: i64,
    drift_ppm: i64,
}

impl SimClock {
    /// From `now` on the clock is `offset_ms` ahead (behind, when negative) and gains `drift_ppm` microseconds a second.
    pub fn set_skew(&self, offset_ms: i64, drift_ppm: i64, now: SimTime) {
        *self.lock() = Skew { since: now, offset_ms, drift_ppm };
    }

    /// What the clock shows at `t`.
    pub fn at(&self, t: SimTime) -> i64 {
        let Skew { since, offset_ms, drift_ppm } = *self.lock();
        let ms = |time: SimTime| time.as_secs() as i64 * 1_000 + i64::from(time.subsec_millis());
        let drift_ms = if drift_ppm == 0 { 0 } else { ms(t.saturating_sub(since)) * drift_ppm / 1_000_000 };
        EPOCH_MS + ms(t) + offset_ms + drift_ms
    }

    fn lock(&self) -> MutexGuard<'_, Skew> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
