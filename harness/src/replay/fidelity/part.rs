//! One part of the score.
use std::fmt;

use serde::Serialize;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The height of each host over time.
    Heights,
    /// What was told, in order and in time; connections lost and made are compared by themselves.
    Events,
    /// How often what was told repeatedly was told.
    Repetition,
    /// Connections lost, by peer and reason, and made again.
    Connections,
    /// Where forks began and whether they ended.
    Forks,
}

impl Kind {
    /// How much of 100 it is worth where everything can be compared. Events and heights are what an operator sees first.
    pub fn weight(self) -> u32 {
        match self {
            Self::Heights => 30,
            Self::Events => 35,
            Self::Repetition => 10,
            Self::Connections => 15,
            Self::Forks => 10,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Heights => "heights",
            Self::Events => "events",
            Self::Repetition => "repetition",
            Self::Connections => "connections",
            Self::Forks => "forks",
        })
    }
}

/// One part of the score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// Which.
    pub kind: Kind,
    /// Its weight; 0 where there is nothing to compare.
    pub weight: u32,
    /// How much is shown, of what is possible; the unit is the part's own.
    pub reached: f64,
    /// See [`Self::reached`]; 0: nothing to compare.
    pub possible: f64,
    /// In words.
    pub words: String,
}

impl Part {
    /// A part; without anything possible it has no weight and says so.
    pub(super) fn new(kind: Kind, reached: f64, possible: f64, words: String) -> Self {
        if possible > 0.0 {
            Self { kind, weight: kind.weight(), reached, possible, words }
        } else {
            Self { kind, weight: 0, reached: 0.0, possible: 0.0, words: "nothing to compare".into() }
        }
    }

    /// How much of it is shown, from 0 to 1; `None`: nothing to compare.
    pub fn share(&self) -> Option<f64> {
        (self.possible > 0.0).then(|| self.reached / self.possible)
    }
}

/// The weighted mean of the parts that have something to compare, times 100.
pub(super) fn score(parts: &[Part]) -> Option<f64> {
    let whole: u32 = parts.iter().map(|part| part.weight).sum();
    let lost: f64 = parts.iter().filter_map(|part| Some(f64::from(part.weight) * (1.0 - part.share()?))).sum();
    (whole > 0).then(|| 100.0 - 100.0 * lost / f64::from(whole))
}
