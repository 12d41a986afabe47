//! Draws from one seed, by a stream for each purpose: what one part draws shifts no other part.
use std::ops::RangeInclusive;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What is drawn, each from a stream of its own. New ones go to the end, or seeds change their meaning.
#[derive(Debug, Clone, Copy)]
pub enum Purpose {
    Swarm,
    Topology,
    Chains,
    Links,
    Settings,
    Production,
    Liars,
    Times,
    Faults,
    Directions,
    Doors,
}

/// One stream. Whole numbers only: the same draws on every machine.
pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(purpose as u64);
        Self(rng)
    }

    /// Yes in so many of 100 cases.
    pub fn percent(&mut self, share: u64) -> bool {
        self.0.random_range(0..100) < share
    }

    /// A number of the range; its start where it is empty.
    pub fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        if range.is_empty() { *range.start() } else { self.0.random_range(range) }
    }

    /// A number of the range, each power of two as likely as the next.
    pub fn by_magnitude(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (least, most) = (*range.start().max(&1), *range.end());
        let octaves = (most / least).max(1).ilog2();
        let low = least << self.within(0..=octaves.into());
        self.within(low..=most.min(2 * low - 1))
    }

    /// One of a list that isn't empty.
    pub fn one_of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.0.random_range(0..list.len())]
    }

    /// So many of a list, or all, in its order.
    pub fn some<T: Clone>(&mut self, list: &[T], count: usize) -> Vec<T> {
        let mut left = count.min(list.len());
        let mut some = Vec::with_capacity(left);
        for (i, item) in list.iter().enumerate() {
            if self.within(1..=(list.len() - i) as u64) <= left as u64 {
                some.push(item.clone());
                left -= 1;
            }
        }
        some
    }
}
