//! Runs by verdict.
use crate::check::Verdict;
use crate::run::ScenarioResult;

/// Runs by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Passed.
    pub pass: usize,
    /// Failed.
    pub fail: usize,
    /// Shown nothing.
    pub inconclusive: usize,
    /// Not expressible.
    pub unsupported: usize,
}

impl Counts {
    /// Counts runs.
    pub fn of(results: &[ScenarioResult]) -> Self {
        let mut counts = Self::default();
        for result in results {
            match result.verdict {
                Verdict::Pass => counts.pass += 1,
                Verdict::Fail => counts.fail += 1,
                Verdict::Inconclusive => counts.inconclusive += 1,
                Verdict::Unsupported => counts.unsupported += 1,
            }
        }
        counts
    }
}
