//! Which chains there are, and where each node begins.
//!
//! Names, fork points and tips come from small grids: then the blocks of one seed are those of the next, and are built once.
use std::fmt;

use super::dice::Dice;
use super::topology::Topology;

/// Tips of `main`.
const TOPS: [u64; 8] = [50, 300, 1_000, 1_500, 2_000, 3_000, 4_000, 5_000];
/// A rare one.
const HIGH: u64 = 12_000;
/// How far below it nodes begin: around the threshold (5), the vote (50), the batch (500), and the incident's 2,886.
const LAGS: [u64; 13] = [1, 2, 4, 5, 6, 10, 50, 51, 99, 500, 501, 1_000, 2_886];
/// How far above it a regular liar's fork ends: there the vote begins.
const ABOVE: [u64; 4] = [0, 0, 50, 51];
/// The heights of the incident that led to Phase 3.
const INCIDENT: [u64; 4] = [4_805, 1_919, 2_817, 3_651];
/// Where chains fork from `main`.
const FORKS: [u64; 8] = [100, 500, 900, 1_000, 2_000, 2_500, 2_900, 2_990];
/// Forks of forks begin so many blocks above those.
const NESTED: [u64; 3] = [1, 10, 400];
/// A search for the common ancestor ends 10,000 below the tip (Component 3); other branches and production add some blocks.
const DEEPEST: u64 = 8_000;
/// Blocks of a padded fork, at most.
const LONGEST_PADDED: u64 = 2_000;
/// Padding of a fork's blocks: 500 of them are too long for one line (wire protocol, Framing).
pub const PADDING: u64 = 2_000;
const MAIN: &str = "main";

/// A block of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub chain: String,
    pub height: u64,
}

impl Place {
    pub fn main(height: u64) -> Self {
        Self { chain: MAIN.to_owned(), height }
    }

    pub fn is_on_main(&self) -> bool {
        self.chain == MAIN
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.chain, self.height)
    }
}

/// A fork.
#[derive(Debug, Clone)]
pub struct Fork {
    pub name: String,
    pub of: Place,
    /// Its tip has a lower hash than the block of equal height there.
    pub lower_than: Option<Place>,
    /// Its tip.
    pub height: u64,
    /// See [`PADDING`].
    pub padded: bool,
}

impl Fork {
    fn tip(&self) -> Place {
        Place { chain: self.name.clone(), height: self.height }
    }
}

/// All chains of a scenario.
#[derive(Debug, Clone)]
pub struct Chains {
    /// The tip of `main`, where a masternode begins.
    pub top: u64,
    /// Later ones may fork from earlier ones.
    pub forks: Vec<Fork>,
    /// Where the first chain leaves another on which a node begins.
    lowest_fork: Option<u64>,
    /// The lowest place of a node.
    lowest: u64,
    /// The highest place.
    highest: u64,
}

impl Chains {
    /// Draws them and puts all nodes in their places.
    pub fn draw(dice: &mut Dice, forked: bool, topology: &mut Topology) -> Self {
        let top = if dice.percent(2) { HIGH } else { *dice.one_of(&TOPS) };
        let mut chains = Self { top, forks: Vec::new(), lowest_fork: None, lowest: 0, highest: 0 };
        if forked && !topology.is_ring() && top > FORKS[0] {
            chains.fork(dice, topology.masternodes());
            chains.lowest_fork = chains.forks.iter().map(|fork| fork.of.height).min();
        }
        let branches: Vec<Place> =
            std::iter::once(Place::main(top)).chain(chains.forks.iter().map(Fork::tip)).collect();
        if branches.len() > 1 {
            for (i, node) in topology.nodes.iter_mut().enumerate() {
                // The first of them make sure that each chain has somebody at its tip.
                node.place = match branches.get(i) {
                    Some(tip) => tip.clone(),
                    None => chains.somewhere(dice, &branches),
                };
            }
        } else {
            chains.in_a_row(dice, topology);
        }
        let heights = || topology.nodes.iter().map(|node| node.place.height);
        chains.lowest = heights().min().unwrap_or(0);
        chains.highest = heights().max().unwrap_or(0);
        chains
    }

    fn fork(&mut self, dice: &mut Dice, masternodes: usize) {
        let most = (masternodes - 1).min(3) as u64;
        for _ in 0..dice.within(1..=most) {
            let fork = self.one_fork(dice);
            // Two draws of one place are one fork.
            if !self.forks.iter().any(|other| other.name == fork.name) {
                self.forks.push(fork);
            }
        }
    }

    fn one_fork(&self, dice: &mut Dice) -> Fork {
        let parents: Vec<&Fork> = self.forks.iter().filter(|fork| fork.lower_than.is_none() && !fork.padded).collect();
        if !parents.is_empty() && dice.percent(60) {
            let parent = *dice.one_of(&parents);
            let height = (parent.of.height + dice.one_of(&NESTED)).min(parent.height);
            let name = format!("{}-at-{height}", parent.name);
            let of = Place { chain: parent.name.clone(), height };
            let height = near(dice, parent.height).max(height + 1);
            return Fork { name, of, lower_than: None, height, padded: false };
        }
        let points: Vec<u64> = FORKS.iter().copied().filter(|at| *at < self.top && self.top - *at <= DEEPEST).collect();
        // Above all points of a high chain.
        let at = if points.is_empty() { self.top - DEEPEST } else { *dice.one_of(&points) };
        let of = Place::main(at);
        if dice.percent(30) {
            let lower_than = Some(Place::main(self.top));
            return Fork { name: format!("tie-at-{at}"), of, lower_than, height: self.top, padded: false };
        }
        let height = near(dice, self.top).max(at + 1);
        let padded = height - at <= LONGEST_PADDED && dice.percent(30);
        let name = if padded { format!("long-at-{at}") } else { format!("fork-at-{at}") };
        Fork { name, of, lower_than: None, height, padded }
    }

    /// A place on one of these branches.
    fn somewhere(&self, dice: &mut Dice, branches: &[Place]) -> Place {
        let tip = dice.one_of(branches).clone();
        let fork = self.forks.iter().find(|fork| fork.name == tip.chain);
        // A tie is one of tips.
        if fork.is_some_and(|fork| fork.lower_than.is_some()) || dice.percent(70) {
            return tip;
        }
        let least = fork.map_or(0, |fork| fork.of.height + 1);
        Place { height: tip.height.saturating_sub(*dice.one_of(&LAGS)).max(least), ..tip }
    }

    /// All on `main`.
    fn in_a_row(&mut self, dice: &mut Dice, topology: &mut Topology) {
        let masternodes = topology.masternodes() as u64;
        let first = dice.within(0..=masternodes - 1) as usize;
        let lag = *dice.one_of(&LAGS);
        let story = dice.within(0..=4);
        if story == 4 {
            self.top = INCIDENT[0];
        }
        for (i, node) in topology.nodes.iter_mut().enumerate() {
            let height = match story {
                // All equal.
                0 => self.top,
                // One up-to-date masternode.
                1 if i != first => self.top.saturating_sub(lag),
                // One that is behind.
                2 if i == (first + 1) % masternodes as usize => self.top.saturating_sub(lag),
                3 if i != first && dice.percent(70) => self.top.saturating_sub(*dice.one_of(&LAGS)),
                4 if i != first => *dice.one_of(&INCIDENT),
                _ => self.top,
            };
            node.place = Place::main(height);
        }
    }

    /// A fork for a whitelisted liar, which no node begins on: at most as high as `main`.
    pub fn lie(&mut self, dice: &mut Dice) -> Option<Place> {
        self.lie_up_to(dice, self.top)
    }

    /// A fork for a regular liar, whom nobody counts when branches are compared.
    pub fn regular_lie(&mut self, dice: &mut Dice) -> Option<Place> {
        let above = *dice.one_of(&ABOVE);
        self.lie_up_to(dice, self.top + above)
    }

    fn lie_up_to(&mut self, dice: &mut Dice, top: u64) -> Option<Place> {
        let points: Vec<u64> = FORKS.iter().copied().filter(|at| *at < self.top).collect();
        let at = *points.get(dice.within(0..=points.len().max(1) as u64 - 1) as usize)?;
        let place = Place { chain: format!("lie-at-{at}"), height: top };
        match self.forks.iter_mut().find(|fork| fork.name == place.chain) {
            Some(fork) => fork.height = fork.height.max(top),
            None => {
                let name = place.chain.clone();
                self.forks.push(Fork { name, of: Place::main(at), lower_than: None, height: top, padded: false });
            }
        }
        Some(place)
    }

    /// Whether nodes begin on different branches.
    pub fn forked(&self) -> bool {
        self.lowest_fork.is_some()
    }

    /// Blocks that somebody may have to fetch, one after the other; a padded one counts as what it is as long as.
    pub fn longest_way(&self) -> u64 {
        let longer = |fork: &Fork| (fork.height - fork.of.height) * (2 * PADDING).div_ceil(1_100);
        let padded: u64 = self.forks.iter().filter(|fork| fork.padded).map(longer).sum();
        self.highest - self.lowest.min(self.lowest_fork.unwrap_or(self.lowest)) + padded
    }

    /// The same, where nodes followed a liar's fork.
    pub fn longest_way_back(&self) -> u64 {
        let back = self.forks.iter().map(|fork| self.highest.max(fork.height).saturating_sub(fork.of.height)).max();
        self.longest_way().max(back.unwrap_or(0))
    }

    /// The depth of the lowest fork on which a node begins.
    pub fn depth(&self) -> u64 {
        self.lowest_fork.map_or(0, |fork| self.highest - fork)
    }
}

/// A tip at, just beside, or clearly beside another one.
fn near(dice: &mut Dice, height: u64) -> u64 {
    let by = *dice.one_of(&[0, 1, 3, 50, 500]);
    if dice.percent(50) { height + by } else { height.saturating_sub(by) }
}
