//! The height of one host over time, as steps.
use super::incident::Host;

/// A height over time, in microseconds of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// From when, which height; in order, and never empty.
    pub steps: Vec<(i64, u64)>,
    /// Until when the last one is known.
    pub until: i64,
}

impl Track {
    /// The track of a host whose heights are known until `ends`, its times moved by `time`, which keeps their order; `None`: no height is known.
    pub fn new(host: &Host, ends: i64, time: impl Fn(i64) -> i64) -> Option<Self> {
        let last = host.heights.last()?.0;
        let steps = host.heights.iter().map(|(at, height)| (time(*at), *height)).collect();
        Some(Self { steps, until: time(ends.max(last)) })
    }

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
}
