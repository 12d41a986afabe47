//! What budgets were used of, over all seeds: distributions that merge in any order to the same.
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::check::JudgeResult;
use crate::history::{History, What};

/// Steps of a distribution in each power of two: a time is known to within 3 %.
const STEPS: u64 = 32;

/// What has a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// From a node's start to the first thing that it says of its lag or its fork.
    Detect,
    /// From `behind` or `peer_ahead` to `in_sync`.
    Sync,
    /// From `fork_detected` to `reorg`, `fork_kept` or `fork_gave_up`.
    Fork,
    /// From the last fault's end to agreement for good, as the scenario asks.
    Converge,
}

impl Budget {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Detect, Self::Sync, Self::Fork, Self::Converge];

    /// The text's limit, where it has one; convergence has that of its scenario.
    pub fn limit(self) -> Option<Duration> {
        match self {
            // Phase 3, Testing: "detects gap within 30 seconds".
            Self::Detect => Some(Duration::from_secs(30)),
            // Phase 3, Success criteria: "sync within 2 minutes".
            Self::Sync => Some(Duration::from_secs(120)),
            // Phase 3, Success criteria: "completes within 5 minutes".
            Self::Fork => Some(Duration::from_secs(300)),
            Self::Converge => None,
        }
    }

    /// From what until what, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Detect => "from a node's start until it tells that it is behind or has forked",
            Self::Sync => "from there until it is in sync",
            Self::Fork => "from a fork's detection until it is resolved, kept or given up",
            Self::Converge => "from the last fault's end until all agree for good",
        }
    }

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Sync => "sync",
            Self::Fork => "fork",
            Self::Converge => "converge",
        }
    }
}

/// How long one thing took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// How often it was seen.
    pub count: u64,
    /// The longest, in milliseconds.
    pub max_ms: u64,
    /// How many by number of their step: see [`Distribution::quantile`].
    pub steps: BTreeMap<u64, u64>,
}

/// Distributions of all budgets that anything was seen of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ledger(BTreeMap<Budget, Distribution>);

impl Distribution {
    /// One more.
    pub fn add(&mut self, took: Duration) {
        let ms = took.as_millis() as u64;
        self.count += 1;
        self.max_ms = self.max_ms.max(ms);
        *self.steps.entry(step(ms)).or_default() += 1;
    }

    /// Takes over another.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.max_ms = self.max_ms.max(other.max_ms);
        for (step, count) in &other.steps {
            *self.steps.entry(*step).or_default() += count;
        }
    }

    /// The time that this share (0 to 1) did not exceed, rounded up to its step's end and never above the longest; `None` of nothing.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let wanted = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let step = self.steps.iter().find(|(_, count)| {
            seen += **count;
            seen >= wanted
        });
        step.map(|(step, _)| Duration::from_millis(end(*step).min(self.max_ms)))
    }
}

/// The number of the step that a time falls into.
fn step(ms: u64) -> u64 {
    if ms < STEPS {
        return ms;
    }
    let power = u64::from(ms.ilog2() - STEPS.ilog2());
    STEPS * power + (ms >> power)
}

/// The last millisecond of a step.
fn end(step: u64) -> u64 {
    if step < 2 * STEPS {
        return step;
    }
    let power = step / STEPS - 1;
    ((step - STEPS * power + 1) << power) - 1
}

impl Ledger {
    /// What is seen in one run.
    pub fn of(history: &History, judged: &JudgeResult) -> Self {
        let mut ledger = Self::default();
        let mut started: BTreeMap<&str, Duration> = BTreeMap::new();
        let mut behind: BTreeMap<&str, Duration> = BTreeMap::new();
        let mut forked: BTreeMap<(&str, String), Duration> = BTreeMap::new();
        for seen in history.observations() {
            let What::Log { event, fields, .. } = &seen.what else { continue };
            let node = seen.source.as_str();
            let peer = || fields.get("ip").map(ToString::to_string).unwrap_or_default();
            match event.as_str() {
                "started" => {
                    started.insert(node, seen.at);
                    behind.remove(node);
                    forked.retain(|(forked, _), _| *forked != node);
                }
                "behind" | "peer_ahead" => {
                    behind.entry(node).or_insert(seen.at);
                }
                "in_sync" => {
                    started.remove(node);
                    behind.remove(node).into_iter().for_each(|since| ledger.add(Budget::Sync, seen.at - since));
                }
                "fork_detected" => {
                    forked.entry((node, peer())).or_insert(seen.at);
                }
                "fork_kept" | "fork_gave_up" => {
                    let since = forked.remove(&(node, peer()));
                    since.into_iter().for_each(|since| ledger.add(Budget::Fork, seen.at - since));
                }
                "reorg" => {
                    let mine = forked.iter().filter(|((forked, _), _)| *forked == node).map(|(_, since)| *since);
                    mine.max().into_iter().for_each(|since| ledger.add(Budget::Fork, seen.at - since));
                    forked.retain(|(forked, _), _| *forked != node);
                }
                _ => continue,
            }
            if matches!(event.as_str(), "behind" | "peer_ahead" | "fork_detected") {
                started.remove(node).into_iter().for_each(|since| ledger.add(Budget::Detect, seen.at - since));
            }
        }
        judged.convergence.iter().for_each(|(_, took)| ledger.add(Budget::Converge, *took));
        ledger
    }

    fn add(&mut self, budget: Budget, took: Duration) {
        self.0.entry(budget).or_default().add(took);
    }

    /// Takes over another.
    pub fn merge(&mut self, other: &Self) {
        for (budget, distribution) in &other.0 {
            self.0.entry(*budget).or_default().merge(distribution);
        }
    }

    /// Of one budget, where anything was seen of it.
    pub fn get(&self, budget: Budget) -> Option<&Distribution> {
        self.0.get(&budget)
    }

    /// Budgets whose p99 is more than `factor` times that of `baseline`, with both.
    pub fn grown(&self, baseline: &Self, factor: f64) -> Vec<(Budget, Duration, Duration)> {
        let p99 = |ledger: &Self, budget| ledger.get(budget).and_then(|of| of.quantile(0.99));
        let grown = |budget| {
            let (before, now) = (p99(baseline, budget)?, p99(self, budget)?);
            (now.as_secs_f64() > before.as_secs_f64() * factor).then_some((budget, before, now))
        };
        Budget::ALL.into_iter().filter_map(grown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_as_fine_as_promised_and_none_is_left_out() {
        let mut last = 0;
        for ms in 0..100_000 {
            let step = step(ms);
            assert!(step == last || step == last + 1, "{ms}");
            last = step;
            assert!(ms <= end(step) && end(step) as f64 <= ms as f64 * 1.033, "{ms}: {}", end(step));
        }
    }

    #[test]
    fn distributions_merge_in_any_order() {
        let [mut odd, mut even, mut all] = [(); 3].map(|()| Distribution::default());
        for ms in 1..=1_000 {
            let took = Duration::from_millis(ms);
            all.add(took);
            if ms % 2 == 0 { even.add(took) } else { odd.add(took) }
        }
        let mut merged = even.clone();
        merged.merge(&odd);
        odd.merge(&even);
        assert_eq!((&merged, &odd), (&all, &all));
        let within = |share, ms: f64| {
            let quantile = all.quantile(share).unwrap().as_secs_f64() * 1e3;
            assert!((ms..=ms * 1.033).contains(&quantile), "{share}: {quantile}");
        };
        within(0.5, 500.0);
        within(0.99, 990.0);
        assert_eq!(all.quantile(1.0), Some(Duration::from_secs(1)));
        assert_eq!(Distribution::default().quantile(0.5), None);
    }

    #[test]
    fn a_p99_that_grew_is_told() {
        let ledger = |ms| {
            let mut ledger = Ledger::default();
            ledger.add(Budget::Sync, Duration::from_millis(ms));
            ledger
        };
        assert_eq!(ledger(1_000).grown(&ledger(900), 1.2), []);
        assert_eq!(ledger(1_000).grown(&ledger(500), 1.2)[0].0, Budget::Sync);
        assert_eq!(ledger(1_000).grown(&Ledger::default(), 1.2), [], "nothing to compare with");
    }
}
