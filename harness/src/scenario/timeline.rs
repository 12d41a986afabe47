//! The timeline before and after the draw: who is in a minority is known only with a seed.
use std::collections::BTreeSet;
use std::time::Duration;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use super::resolved::{Act, Fault, Scenario, Step};

/// A fault before the draw.
pub(super) type Undrawn = Fault<Who, Pairs>;

/// Parties, of whom a part may be drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Who {
    /// By name.
    pub(super) names: BTreeSet<String>,
    /// And this part of the nodes,
    pub(super) part: Option<Part>,
    /// but for these.
    pub(super) except: BTreeSet<String>,
}

/// A part of the nodes, drawn once for a run: the two parts are all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Less than half of the nodes, at least one.
    Minority,
    /// The rest.
    Majority,
}

/// From whom to whom.
#[derive(Debug, Clone)]
pub struct Pairs {
    /// One side.
    pub(super) from: Who,
    /// The other.
    pub(super) to: Who,
    /// The way back too.
    pub(super) both_ways: bool,
}

impl Scenario {
    /// The steps in order of time, then of the file, with minority and majority drawn: the same ones for the same scenario and
    /// seed, and the same in all steps.
    pub fn timeline(&self, seed: u64) -> Vec<Step> {
        let draw = Draw::new(&self.name, seed, self.nodes.keys());
        let steps = self.timeline.iter();
        steps
            .map(|step| Step {
                id: step.id,
                at: step.at,
                act: match &step.act {
                    Act::Fault { fault, lasts } => Act::Fault { fault: draw.fault(fault), lasts: *lasts },
                    Act::Direct { peers, direction } => {
                        Act::Direct { peers: peers.clone(), direction: direction.clone() }
                    }
                },
            })
            .collect()
    }

    /// The steps before the draw: when, and what.
    pub fn steps_in_words(&self) -> Vec<(String, String)> {
        let at = |step: &Step<Undrawn>| humantime::format_duration(step.at).to_string();
        self.timeline.iter().map(|step| (at(step), step.act.to_string())).collect()
    }

    /// The nodes that `minority` and `majority` stand for with this seed.
    pub fn drawn(&self, seed: u64) -> (BTreeSet<String>, BTreeSet<String>) {
        let Draw { minority, majority } = Draw::new(&self.name, seed, self.nodes.keys());
        (minority, majority)
    }

    /// When the last fault is over; zero without faults.
    pub fn healed_at(&self) -> Duration {
        healed_at(&self.timeline)
    }
}

pub(super) fn healed_at(steps: &[Step<Undrawn>]) -> Duration {
    let ends = steps.iter().filter_map(|step| match &step.act {
        Act::Fault { lasts, .. } => Some(step.at.saturating_add(*lasts)),
        Act::Direct { .. } => None,
    });
    ends.max().unwrap_or_default()
}

struct Draw {
    minority: BTreeSet<String>,
    majority: BTreeSet<String>,
}

impl Draw {
    fn new<'a>(scenario: &str, seed: u64, nodes: impl Iterator<Item = &'a String>) -> Self {
        let mut hash = Sha256::new_with_prefix("minority of ");
        hash.update(scenario);
        hash.update(seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(hash.finalize().into());
        let mut nodes: Vec<_> = nodes.cloned().collect();
        nodes.shuffle(&mut rng);
        let largest = nodes.len().saturating_sub(1) / 2;
        let size = if largest == 0 { 0 } else { rng.random_range(1..=largest) };
        let majority = nodes.split_off(size).into_iter().collect();
        Self { minority: nodes.into_iter().collect(), majority }
    }

    fn fault(&self, fault: &Undrawn) -> Fault {
        match fault {
            Fault::Cut(pairs) => Fault::Cut(self.pairs(pairs)),
            Fault::Link(pairs, shape) => Fault::Link(self.pairs(pairs), shape.clone()),
            Fault::Pause(who) => Fault::Pause(self.who(who)),
            Fault::Kill(who) => Fault::Kill(self.who(who)),
            Fault::PowerLoss(who) => Fault::PowerLoss(self.who(who)),
            Fault::Skew { who, offset_ms, drift_ppm } => {
                Fault::Skew { who: self.who(who), offset_ms: *offset_ms, drift_ppm: *drift_ppm }
            }
        }
    }

    fn who(&self, who: &Who) -> Vec<String> {
        let part = match who.part {
            None => BTreeSet::new(),
            Some(Part::Minority) => &self.minority - &who.except,
            Some(Part::Majority) => &self.majority - &who.except,
        };
        (&who.names | &part).into_iter().collect()
    }

    fn pairs(&self, pairs: &Pairs) -> Vec<(String, String)> {
        let (from, to) = (self.who(&pairs.from), self.who(&pairs.to));
        let mut drawn = BTreeSet::new();
        for (from, to) in from.iter().flat_map(|from| to.iter().map(move |to| (from, to))) {
            if from != to {
                drawn.insert((from.clone(), to.clone()));
                if pairs.both_ways {
                    drawn.insert((to.clone(), from.clone()));
                }
            }
        }
        drawn.into_iter().collect()
    }
}
