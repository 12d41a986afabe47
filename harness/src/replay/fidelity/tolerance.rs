//! What may differ and still count as the same.
use crate::replay::matching::Pair;

/// What may differ and still count as the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Tolerance {
    /// Of a time, in microseconds of the run.
    pub time: i64,
    /// Of a time, as a share of the time since the last change (or since the beginning); the greater of the two counts.
    pub share: f64,
    /// Of a height, in blocks.
    pub height: u64,
    /// When something was done to the network, on the incident's clock: faults' beginnings and ends. Timers drift apart from there.
    pub changes: Vec<i64>,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { time: 15_000_000, share: 0.1, height: 1, changes: Vec::new() }
    }
}

/// How near in time is near enough.
#[derive(Debug)]
pub struct Windows {
    /// When something was done, in the run's time, in order.
    changes: Vec<i64>,
    time: i64,
    share: f64,
    /// And in height, in blocks.
    pub height: u64,
}

impl Windows {
    /// Times of changes as the run has them.
    pub fn new(pair: &Pair<'_>, tolerance: &Tolerance) -> Self {
        let mut changes: Vec<i64> = tolerance.changes.iter().map(|at| pair.at(*at)).chain([0]).collect();
        changes.sort_unstable();
        Self { changes, time: tolerance.time, share: tolerance.share, height: tolerance.height }
    }

    /// To both sides of a time of the run.
    pub fn width(&self, at: i64) -> i64 {
        let next = self.changes.partition_point(|change| *change <= at);
        let last = next.checked_sub(1).and_then(|index| self.changes.get(index)).copied().unwrap_or(at);
        self.time.max((at.saturating_sub(last) as f64 * self.share) as i64)
    }

    /// The first and the last time that are near enough.
    pub fn around(&self, at: i64) -> (i64, i64) {
        (at.saturating_sub(self.width(at)), at.saturating_add(self.width(at)))
    }
}
