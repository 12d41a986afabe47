//! What liars are told while the nodes are hurt: never more than they may do all the time.
use super::chains::Chains;
use super::deviation::{self, Manner};
use super::dice::Dice;
use super::liars::{Liar, Stage};

/// Of one run.
const MOST: u64 = 6;

/// One stage direction.
#[derive(Debug, Clone)]
pub struct Direction {
    /// Seconds.
    pub at: u64,
    /// A step's `do`.
    pub text: String,
}

/// Stage directions by `until`, in order of time.
pub fn draw(dice: &mut Dice, liars: &[Liar], stage: Stage, chains: &Chains, until: u64) -> Vec<Direction> {
    if liars.is_empty() {
        return Vec::new();
    }
    let mut directions: Vec<Direction> = (0..dice.within(1..=MOST))
        .map(|_| {
            let at = dice.within(1..=until);
            let liar = dice.one_of(liars);
            Direction { at, text: one(dice, liar, stage, chains) }
        })
        .collect();
    directions.sort_by_key(|direction| direction.at);
    directions
}

fn one(dice: &mut Dice, liar: &Liar, stage: Stage, chains: &Chains) -> String {
    let (name, height) = (&liar.name, liar.place.height);
    // A vote that is to stand comes from one that is heard all the time.
    let steady = liar.whitelisted && liar.scope.worst == Manner::Quiet;
    match dice.within(0..=5) {
        0 => {
            let heights = if steady { [0, height / 2, height] } else { [0, height + 20, u64::MAX] };
            format!("{{tell: {{peers: [{name}], height: {}}}}}", dice.one_of(&heights))
        }
        1 => {
            let fork = chains.forks.iter().find(|fork| fork.name == liar.place.chain);
            let least = fork.map_or(0, |fork| fork.of.height + 1);
            let lower = height.saturating_sub(*dice.one_of(&[0, 1, 20, 600])).max(least.min(height));
            let tie = fork.is_some_and(|fork| fork.lower_than.is_some());
            let lower = if tie { height } else { lower };
            format!("{{move: {{peers: [{name}], chain: {}@{lower}}}}}", liar.place.chain)
        }
        2 => {
            let start = height.saturating_sub(*dice.one_of(&[0, 5, 120]));
            // Where blocks are made: a block that is announced is asked for, and whoever waits for it makes none (D-14).
            let form = if stage.produces || dice.percent(50) { "list" } else { "announcements" };
            format!("{{push: {{peers: [{name}], start: {start}, end: {height}, as: {form}}}}}")
        }
        3 if !steady => format!("{{disconnect: {{peers: [{name}]}}}}"),
        4 if !liar.dials.is_empty() => format!("{{connect: {{peers: [{name}]}}}}"),
        _ => {
            let (deviations, _) = deviation::draw(dice, liar.scope);
            // One on a fork stays as it is.
            let honest = dice.percent(30) || liar.whitelisted && !liar.place.is_on_main() && !stage.forked;
            let list = if honest { String::new() } else { deviations.join(", ") };
            format!("{{deviate: {{peers: [{name}], deviations: [{list}]}}}}")
        }
    }
}
