//! The smallest scenario so far, and the ways to try a smaller one.
use std::collections::BTreeSet;

use super::cuts::tidy;
use super::fair::Promises;
use super::fingerprint::{Claim, Fingerprint};
use super::{Budget, Guard};
use crate::run::stopwatch::Stopwatch;
use crate::scenario::{Scenario, Tree};

/// What says how a scenario fails.
pub type Judge<'a> = &'a mut dyn FnMut(&Scenario) -> Option<Fingerprint>;

pub(super) struct Search<'a> {
    /// The smallest one.
    pub tree: Tree,
    pub text: String,
    pub tries: u32,
    pub accepted: u32,
    want: Fingerprint,
    name: String,
    guard: Guard,
    promises: Promises,
    budget: Budget,
    watch: Stopwatch,
    /// Texts that were tried, or that are no scenario.
    known: BTreeSet<String>,
    judge: Judge<'a>,
}

impl<'a> Search<'a> {
    /// From a scenario that fails like `want`.
    pub fn new(
        first: &Scenario,
        tree: Tree,
        want: Fingerprint,
        (guard, budget): (Guard, Budget),
        judge: Judge<'a>,
    ) -> Self {
        Self {
            tree,
            text: first.source.clone(),
            tries: 1,
            accepted: 0,
            want,
            name: first.name.clone(),
            guard,
            promises: Promises::of(first),
            budget,
            watch: Stopwatch::start(),
            known: BTreeSet::from([first.source.clone()]),
            judge,
        }
    }

    /// Whether nothing may be tried any more.
    pub fn spent(&self) -> bool {
        self.tries >= self.budget.tries || self.watch.elapsed() >= self.budget.time
    }

    /// Whether the judge says of a scenario that is not a just one that it doesn't fail.
    pub fn is_told_what_is_just(&self) -> bool {
        self.guard == Guard::Judge
    }

    /// Whether what only is just for a claim of this kind, or for a more general one, may be tried.
    pub fn may(&self, claim: Claim) -> bool {
        self.is_told_what_is_just() || self.want.claim <= claim
    }

    /// Whether this is a scenario at all.
    pub fn is_scenario(&self, tree: &Tree) -> bool {
        Scenario::parse(&self.name, &tree.to_string()).is_ok()
    }

    /// Takes `tree` for the smallest one where it fails in the same way.
    pub fn offer(&mut self, mut tree: Tree) -> bool {
        if self.spent() {
            return false;
        }
        tidy(&mut tree);
        let text = tree.to_string();
        if !self.known.insert(text.clone()) {
            return false;
        }
        let Ok(scenario) = Scenario::parse(&self.name, &text) else {
            return false;
        };
        if !self.is_told_what_is_just() && !self.promises.are_kept_by(&Promises::of(&scenario)) {
            return false;
        }
        self.tries += 1;
        if (self.judge)(&scenario).as_ref() != Some(&self.want) {
            return false;
        }
        self.accepted += 1;
        (self.tree, self.text) = (tree, text);
        true
    }

    /// Takes away as many of `number` things as it can, many at once first; `without` makes the scenario that lacks these, in rising order.
    pub fn thin(&mut self, number: usize, without: impl Fn(&Tree, &[usize]) -> Tree) {
        let base = self.tree.clone();
        let mut left: Vec<usize> = (0..number).collect();
        let mut chunk = number;
        while chunk > 0 && !self.spent() {
            let mut end = left.len();
            while end > 0 {
                let start = end.saturating_sub(chunk);
                let rest = [&left[..start], &left[end..]].concat();
                let gone: Vec<usize> = (0..number).filter(|index| !rest.contains(index)).collect();
                if self.offer(without(&base, &gone)) {
                    left = rest;
                }
                end = start;
            }
            chunk = if chunk == 1 { 0 } else { chunk.div_ceil(2).min(left.len()) };
        }
    }

    /// Makes a number as small as it can be, in steps of round numbers from `least` on: what fails with one of them is taken to fail with
    /// all that are greater.
    pub fn lower(&mut self, value: u64, least: u64, with: impl Fn(&Tree, u64) -> Tree) {
        let base = self.tree.clone();
        let steps = rounded(value, least);
        let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
            return;
        };
        if self.offer(with(&base, *first)) || !self.offer(with(&base, *last)) {
            return;
        }
        let (mut too_low, mut good) = (0, steps.len() - 1);
        while good - too_low > 1 {
            let middle = too_low + (good - too_low) / 2;
            match self.offer(with(&base, steps[middle])) {
                true => good = middle,
                false => too_low = middle,
            }
        }
    }
}

/// Round numbers below `value`, not below `least`, rising: 1, 2 and 5 times powers of ten, and `value` cut off after one digit and after two.
fn rounded(value: u64, least: u64) -> Vec<u64> {
    let powers = || std::iter::successors(Some(1_u64), |power| power.checked_mul(10));
    let series = powers().flat_map(|power| [1, 2, 5].map(|digit| power.saturating_mul(digit)));
    let cut_off = powers().take_while(|power| value / power >= 1).map(|power| value / power * power);
    let all: BTreeSet<u64> = series.chain(cut_off.collect::<Vec<_>>().into_iter().rev().take(2)).collect();
    all.into_iter().filter(|number| (least..value).contains(number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_numbers_rise() {
        assert_eq!(rounded(4805, 10), [10, 20, 50, 100, 200, 500, 1000, 2000, 4000, 4800]);
        assert_eq!(rounded(47, 1), [1, 2, 5, 10, 20, 40]);
        assert!(rounded(10, 10).is_empty());
        assert!(rounded(0, 0).is_empty());
        assert_eq!(rounded(u64::MAX, 1).len(), 59);
    }
}
