//! A height over time, as steps.

/// A height over time, in microseconds of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// From when, which height; in order, and never empty.
    pub steps: Vec<(i64, u64)>,
    /// Until when the last one is known.
    pub until: i64,
}

impl Track {
    /// From when on it is known.
    pub fn from(&self) -> i64 {
        self.steps.first().map_or(self.until, |(at, _)| *at)
    }

    /// The height at a time; of several steps at one instant the last. `None`: not known yet, or no longer.
    pub fn height(&self, at: i64) -> Option<u64> {
        let next = self.steps.partition_point(|(since, _)| *since <= at);
        let (_, height) = self.steps.get(next.checked_sub(1)?)?;
        (at <= self.until).then_some(*height)
    }

    /// The lowest and the highest height between 0 and `end`.
    pub fn scale(&self, end: i64) -> Option<(u64, u64)> {
        let inside = self.steps.iter().filter(|(at, _)| (0..=end).contains(at)).map(|(_, height)| *height);
        let heights = inside.chain(self.height(0));
        heights.map(|height| (height, height)).reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    }
}
