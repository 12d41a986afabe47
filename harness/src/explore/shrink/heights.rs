//! Lower chains: the distances between the heights that a scenario names are made smaller, their order stays.
use std::collections::{BTreeMap, BTreeSet};

use super::search::Search;
use crate::scenario::Tree;

/// Keys of whole numbers that are heights; in patterns they may be compared.
const KEYS: [&str; 13] = [
    "height",
    "stale_height",
    "heights",
    "height_at_least",
    "start",
    "end",
    "at",
    "our",
    "consensus",
    "tip",
    "old_height",
    "new_height",
    "ancestor",
];
/// Distances are not made smaller than this: nodes that are a few blocks apart are rightly content.
const LEAST: u64 = 10;

impl Search<'_> {
    /// Lowers all chains that it can: all at once, then each stretch between two heights that are named.
    pub fn lower_chains(&mut self) {
        let greatest = distances(&self.tree).into_iter().max().unwrap_or(0);
        self.lower(greatest, LEAST, |tree, most| {
            let distances = distances(tree).into_iter();
            with(tree, &distances.map(|distance| distance.min(most)).collect::<Vec<_>>())
        });
        for index in 0..distances(&self.tree).len() {
            let Some(distance) = distances(&self.tree).get(index).copied() else { break };
            self.lower(distance, LEAST, |tree, less| {
                let mut distances = distances(tree);
                distances.iter_mut().skip(index).take(1).for_each(|distance| *distance = less);
                with(tree, &distances)
            });
        }
    }
}

/// From the genesis to the lowest height that is named, from there to the next, and so on.
fn distances(tree: &Tree) -> Vec<u64> {
    let heights = named(tree);
    let below = std::iter::once(0).chain(heights.iter().copied());
    heights.iter().zip(below).map(|(height, below)| height - below).collect()
}

/// All heights but that of the genesis, rising.
fn named(tree: &Tree) -> BTreeSet<u64> {
    let mut heights = BTreeSet::new();
    let mut tree = tree.clone();
    each(&mut tree, "", &mut |height| {
        heights.insert(height);
        height
    });
    heights.remove(&0);
    heights
}

/// The same with these distances.
fn with(tree: &Tree, distances: &[u64]) -> Tree {
    let mut sum = 0_u64;
    let mut new = BTreeMap::new();
    for (height, distance) in named(tree).into_iter().zip(distances) {
        sum = sum.saturating_add(*distance);
        new.insert(height, sum);
    }
    let mut tree = tree.clone();
    each(&mut tree, "", &mut |height| new.get(&height).copied().unwrap_or(height));
    tree
}

/// Replaces each height.
fn each(tree: &mut Tree, key: &str, change: &mut dyn FnMut(u64) -> u64) {
    match tree {
        Tree::Leaf(written) => {
            // Before the number: a chain, a comparison, or nothing.
            let Some(at) =
                written.find(|c: char| c.is_ascii_digit()).filter(|_| KEYS.contains(&key)).or(place(written))
            else {
                return;
            };
            let (before, rest) = written.split_at(at);
            let number = rest.trim_end_matches('"');
            let fits = ["", "\">= ", "\"<= ", "\"!= "].contains(&before) || before.ends_with('@');
            if let Some(height) = number.parse().ok().filter(|_| fits) {
                *written = format!("{before}{}{}", change(height), &rest[number.len()..]);
            }
        }
        Tree::List(items) => items.iter_mut().for_each(|item| each(item, key, change)),
        Tree::Map(entries) => entries.iter_mut().for_each(|(key, value)| each(value, key, change)),
    }
}

/// Where the height begins in `main@1000`.
fn place(written: &str) -> Option<usize> {
    let (chain, _) = written.split_once('@')?;
    let plain = chain.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    plain.then_some(chain.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
nodes: {a: {chain: main@1000, checkpoints: [main@900]}, b: {chain: fork-2@1010}}
chains: {fork-2: {fork_of: main@990, lower_than: main@1010}}
timeline: [{at: 900s, do: {tell: {peers: [p], height: 1010}}}]
expect: [never: {see: {on: a, log: requested, where: {start: '>= 1000', end: 1010, ip: 10.0.0.9}}}]
";

    #[test]
    fn heights_keep_their_order_and_who_is_at_the_same_one() {
        let tree = Tree::parse(TEXT).unwrap();
        assert_eq!(distances(&tree), [900, 90, 10, 10]);
        let lower = with(&tree, &[20, 5, 1, 3]).to_string();
        let expected = "
chains:
  fork-2: {fork_of: main@25, lower_than: main@29}

nodes:
  a: {chain: main@26, checkpoints: [main@20]}
  b: {chain: fork-2@29}

timeline:
  - {at: 900s, do: {tell: {peers: [p], height: 29}}}

expect:
  - {never: {see: {on: a, log: requested, where: {start: \">= 26\", end: 29, ip: 10.0.0.9}}}}
";
        assert_eq!(lower, expected);
    }
}
