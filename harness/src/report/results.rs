//! Results of runs, and which part of all runs they are.
use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::run::{ScenarioResult, Shard};

/// What is told at the end.
#[derive(Debug, Clone)]
pub struct Results {
    /// Which runs.
    pub shards: Shards,
    /// In the order in which they are to be shown.
    pub runs: Vec<ScenarioResult>,
    /// Time that they took together.
    pub wall_time: Duration,
}

/// Which shards of a whole are here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shards {
    /// How many there are; 1: the runs are not shared out.
    pub of: u32,
    /// Those whose runs are here, numbered from 0.
    pub here: BTreeSet<u32>,
    /// Runs of all shards together.
    pub runs: usize,
    /// A digest of all their scenarios, seeds and backends: shards with another one are of another whole.
    pub whole: String,
}

impl Shards {
    /// One of a whole with so many runs and this digest.
    pub fn one(shard: Shard, runs: usize, whole: String) -> Self {
        Self { of: shard.of, here: [shard.index].into(), runs, whole }
    }

    /// Those that are not here.
    pub fn missing(&self) -> impl Iterator<Item = Shard> {
        (0..self.of).filter(|index| !self.here.contains(index)).map(|index| Shard { index, of: self.of })
    }

    /// The place among all runs of the `nth` that is here; there must be some here.
    pub fn place(&self, nth: usize) -> usize {
        let here: Vec<usize> = self.here.iter().map(|index| *index as usize).collect();
        nth / here.len() * self.of as usize + here[nth % here.len()]
    }

    /// How many runs are here; `None` where there are no such shards.
    pub fn count(&self) -> Option<usize> {
        let exist = (1..=Shard::MOST).contains(&self.of) && self.here.last().is_some_and(|last| *last < self.of);
        let count = |index: &u32| self.runs.saturating_add((self.of - 1 - index) as usize) / self.of as usize;
        exist.then(|| self.here.iter().map(count).sum())
    }
}
