//! A scenario from a seed: nodes are hurt, then everything heals, and they must converge within a budget that the text's timers give.
mod budget;
mod chains;
mod deviation;
mod dice;
mod directions;
mod doors;
mod faults;
mod liars;
mod links;
mod plan;
mod settings;
mod swarm;
#[cfg(test)]
mod tests;
mod text;
mod topology;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use plan::Plan;

/// Nodes of a scenario.
const NODES: RangeInclusive<u64> = 3..=200;
/// The budget of what can be drawn takes up to nine minutes.
const LEAST: Duration = Duration::from_secs(600);

/// How large scenarios may be.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Nodes under test, 3 to 200; what lies outside is cut. Default 3 to 20.
    pub nodes: RangeInclusive<usize>,
    /// Simulated time of a run, at most; 10 min or more, and less is taken for that. Default 10 min.
    pub longest: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { nodes: 3..=20, longest: LEAST }
    }
}

/// What was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// A whole scenario file.
    pub text: String,
    /// Every option that was drawn, in words.
    pub options: BTreeMap<&'static str, String>,
}

/// The scenario of a seed: the same seed and limits give the same text, byte for byte.
pub fn generate(seed: u64, limits: &Limits) -> Drawn {
    let clamped = |count: usize| (count as u64).clamp(*NODES.start(), *NODES.end());
    let (least, most) = (clamped(*limits.nodes.start()), clamped(*limits.nodes.end()));
    let plan = Plan::draw(seed, least..=most.max(least), limits.longest.max(LEAST).as_secs());
    Drawn { text: plan.text(), options: plan.options() }
}
