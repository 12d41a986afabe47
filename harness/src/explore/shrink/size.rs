//! How big a scenario is.
use std::fmt;
use std::time::Duration;

use crate::scenario::Scenario;

/// What there is to a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Nodes under test.
    pub nodes: usize,
    /// Scripted peers.
    pub peers: usize,
    /// Steps of the timeline, repetitions counted.
    pub steps: usize,
    /// Expectations.
    pub expectations: usize,
    /// Blocks of all chains.
    pub blocks: u64,
    /// Simulated time.
    pub time: Duration,
    /// Lines of the file.
    pub lines: usize,
}

impl Size {
    /// Of a scenario.
    pub fn of(scenario: &Scenario) -> Self {
        let blocks = scenario.chains.values().map(|chain| {
            let fork = chain.fork_of.as_ref().map_or(0, |fork| fork.height);
            chain.height.saturating_sub(fork)
        });
        Self {
            nodes: scenario.nodes.len(),
            peers: scenario.peers.len(),
            steps: scenario.steps_in_words().len(),
            expectations: scenario.expect.len(),
            blocks: blocks.fold(0, u64::saturating_add),
            time: scenario.runs_for,
            lines: scenario.source.lines().count(),
        }
    }
}

/// `20 nodes, 0 peers, 11 steps, 1 expectation, 1000 blocks, 8m 20s, 33 lines`.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nodes, peers, steps, expectations, blocks, time, lines } = self;
        let counted = [(*nodes, "node"), (*peers, "peer"), (*steps, "step"), (*expectations, "expectation")];
        for (number, what) in counted {
            write!(f, "{number} {what}{}, ", if number == 1 { "" } else { "s" })?;
        }
        write!(f, "{blocks} blocks, {}, {lines} lines", humantime::format_duration(*time))
    }
}
