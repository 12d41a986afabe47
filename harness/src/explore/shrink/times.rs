//! Shorter times: stretches in which nothing new happens, faults, and repetitions.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::cuts::places;
use super::search::Search;
use crate::scenario::text::span;
use crate::scenario::value::Span;
use crate::scenario::{Path, Tree};

/// Since the start, but for those of expectations.
const POINTS: [&str; 4] = ["runs_for", "timeline/*/at", "nodes/*/starts_at", "peers/*/starts_at"];
/// Since the start, below an expectation.
const LIMITS: [&str; 7] = ["by", "not_before", "from", "until", "after", "at", "since"];
/// Milliseconds: no time is made shorter than this.
const LEAST: u64 = 1_000;

impl Search<'_> {
    /// Makes the stretches between two times shorter. Where an expectation has a time of its own, it moves with the others if the judge knows
    /// whether it is still a just one, else nothing moves.
    pub fn bring_forward(&mut self) {
        if !self.is_told_what_is_just() && !limits(&self.tree).is_empty() {
            return;
        }
        for index in 0..stretches(&self.tree).len() {
            let Some(stretch) = stretches(&self.tree).get(index).copied() else { break };
            self.lower(stretch, LEAST, |tree, less| shorter(tree, index, less));
        }
        self.end_early();
    }

    /// Ends the run as soon as the file's own times allow, to the second.
    fn end_early(&mut self) {
        let Some(ends) = self.tree.get("runs_for").and_then(ms) else { return };
        let at = |seconds: u64| {
            let mut tree = self.tree.clone();
            put(&mut tree, &["runs_for".to_owned()], seconds.saturating_mul(1_000));
            tree
        };
        let (mut too_early, mut good) = (0, ends.div_ceil(1_000));
        while good - too_early > 1 {
            let middle = too_early + (good - too_early) / 2;
            match self.is_scenario(&at(middle)) {
                true => good = middle,
                false => too_early = middle,
            }
        }
        if good.saturating_mul(1_000) < ends {
            self.offer(at(good));
        }
    }

    /// Makes faults shorter, and those that come again rarer.
    pub fn shorten(&mut self) {
        for path in places(&self.tree, "timeline/*") {
            self.halve(&path);
        }
        let lasting = places(&self.tree, "timeline/*/do/*/for");
        let repeated = places(&self.tree, "timeline/*/every");
        for path in lasting.into_iter().chain(repeated) {
            let Some(time) = self.tree.at(&path).and_then(ms) else { continue };
            self.lower(time, LEAST, |tree, less| {
                let mut tree = tree.clone();
                put(&mut tree, &path, less);
                tree
            });
        }
    }

    /// Only the first or the last half of a step's repetitions, as often as one of them is enough.
    fn halve(&mut self, path: &Path) {
        loop {
            let Some(step) = self.tree.at(path) else { return };
            let times = step.get("times").and_then(Tree::leaf).and_then(|times| times.parse::<u64>().ok());
            let (Some(times @ 2..), Some(every), Some(at)) =
                (times, step.get("every").and_then(ms), step.get("at").and_then(ms))
            else {
                return;
            };
            let half = |at: u64, times: u64| {
                let mut tree = self.tree.clone();
                put(&mut tree, &[&path[..], &["at".to_owned()]].concat(), at);
                if let Some(step) = tree.at_mut(path) {
                    step.set("times", Tree::Leaf(times.to_string()));
                }
                tree
            };
            let first = half(at, times.div_ceil(2));
            let last = half(at.saturating_add(every.saturating_mul(times / 2)), times - times / 2);
            if !self.offer(first) && !self.offer(last) {
                return;
            }
        }
    }
}

/// Times of expectations since the start.
fn limits(tree: &Tree) -> Vec<Path> {
    let mut found = Vec::new();
    collect(tree.get("expect"), &["expect".to_owned()], &mut found);
    found
}

fn collect(tree: Option<&Tree>, path: &[String], found: &mut Vec<Path>) {
    let Some(tree) = tree else { return };
    for key in tree.keys() {
        let below = [path, std::slice::from_ref(&key)].concat();
        match tree.get(&key) {
            Some(value) if LIMITS.contains(&key.as_str()) && ms(value).is_some() => found.push(below),
            value => collect(value, &below, found),
        }
    }
}

/// All times since the start with their places.
fn points(tree: &Tree) -> Vec<(Path, u64)> {
    let paths = POINTS.iter().flat_map(|pattern| places(tree, pattern)).chain(limits(tree));
    paths.filter_map(|path| Some((path.clone(), ms(tree.at(&path)?)?))).collect()
}

fn stretches(tree: &Tree) -> Vec<u64> {
    let times: BTreeSet<u64> = points(tree).into_iter().map(|(_, at)| at).filter(|at| *at > 0).collect();
    let before = std::iter::once(0).chain(times.iter().copied());
    times.iter().zip(before).map(|(at, before)| at - before).collect()
}

/// With one stretch that lasts `less`.
fn shorter(tree: &Tree, index: usize, less: u64) -> Tree {
    let times: BTreeSet<u64> = points(tree).into_iter().map(|(_, at)| at).filter(|at| *at > 0).collect();
    let mut new = BTreeMap::new();
    let (mut before, mut sum) = (0, 0);
    for (number, at) in times.into_iter().enumerate() {
        sum += if number == index { less } else { at - before };
        before = at;
        new.insert(at, sum);
    }
    let mut shorter = tree.clone();
    for (path, at) in points(tree) {
        if let Some(new) = new.get(&at).filter(|new| **new != at) {
            put(&mut shorter, &path, *new);
        }
    }
    shorter
}

/// Milliseconds of a time with its unit.
fn ms(tree: &Tree) -> Option<u64> {
    let span: Span = tree.leaf()?.parse().ok()?;
    u64::try_from(Duration::from(span).as_millis()).ok()
}

fn put(tree: &mut Tree, path: &[String], ms: u64) {
    if let Some(place) = tree.at_mut(path) {
        *place = Tree::text(&span(i64::try_from(ms.saturating_mul(1_000)).unwrap_or(i64::MAX)));
    }
}
