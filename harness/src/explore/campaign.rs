//! Many seeds, several at a time, until they are all played, the time is over, or somebody says stop.
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use node::protocol::mutant::Mutant;

use super::generate::Limits;
use super::results::{Results, Stretch};
use super::trial::play;
use crate::run::Shard;
use crate::run::stopwatch::Stopwatch;

/// Seeds that go together to one shard and one line of results.
const TOGETHER: u64 = 32;

/// What is to be played.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// The seeds of all shards together.
    pub seeds: RangeInclusive<u64>,
    /// Which part of them.
    pub shard: Shard,
    /// What is drawn.
    pub limits: Limits,
    /// A defect of all nodes, to see how soon it is found.
    pub mutant: Option<Mutant>,
    /// No seed begins after this.
    pub time: Option<Duration>,
    /// The campaign is over with the first failure.
    pub until_failure: bool,
    /// Threads, 1 or more.
    pub jobs: usize,
}

impl Campaign {
    /// Plays what `results` doesn't have, and hands over each stretch as it ends, until `stop` is set or `told` says no more.
    pub fn run(&self, results: &Results, stop: &AtomicBool, mut told: impl FnMut(Stretch) -> bool) {
        let started = Stopwatch::start();
        let first = self.seeds.start() / TOGETHER;
        let (next, ended) = (AtomicU64::new(first), AtomicBool::new(false));
        let over = || {
            let late = self.time.is_some_and(|time| started.elapsed() >= time);
            late || stop.load(Ordering::Relaxed) || ended.load(Ordering::Relaxed)
        };
        thread::scope(|scope| {
            let (sender, stretches) = channel();
            for _ in 0..self.jobs {
                let (sender, next, over) = (sender.clone(), &next, &over);
                scope.spawn(move || {
                    while !over() {
                        let block = next.fetch_add(1, Ordering::Relaxed);
                        if block > self.seeds.end() / TOGETHER {
                            return;
                        }
                        if block % u64::from(self.shard.of) == u64::from(self.shard.index) {
                            self.block(block, results, over, &sender);
                        }
                    }
                });
            }
            drop(sender);
            for stretch in stretches {
                let failed = !stretch.failures.is_empty() && self.until_failure;
                if !told(stretch) || failed {
                    // What is under way is still heard.
                    ended.store(true, Ordering::Relaxed);
                }
            }
        });
    }

    /// Plays the seeds of one block that are wanted and not there yet.
    fn block(&self, block: u64, results: &Results, over: &impl Fn() -> bool, to: &Sender<Stretch>) {
        let mut stretch = None;
        let hand_over = |stretch: Option<Stretch>| {
            // Nobody listens any more where the campaign is over.
            stretch.filter(|stretch: &Stretch| stretch.to > stretch.from).into_iter().for_each(|stretch| {
                let _ = to.send(stretch);
            });
        };
        for seed in block * TOGETHER..=block.saturating_mul(TOGETHER).saturating_add(TOGETHER - 1) {
            if !self.seeds.contains(&seed) || results.has(seed) {
                hand_over(stretch.take());
                continue;
            }
            if over() {
                break;
            }
            let outcome = play(seed, &self.limits, self.mutant);
            stretch.get_or_insert_with(|| Stretch::at(seed)).add(outcome);
        }
        hand_over(stretch);
    }
}
