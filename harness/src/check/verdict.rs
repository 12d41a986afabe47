//! What a check says.
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::history::{Observation, seconds};

/// Ordered by severity: the worst of several is their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// What had to be seen was seen, and what must not be was not.
    Pass,
    /// The backend can't express it.
    Unsupported,
    /// The history doesn't tell.
    Inconclusive,
    /// The opposite was seen.
    Fail,
}

impl Verdict {
    /// The worst of several; of none, inconclusive: what judges nothing passes nothing.
    pub fn worst(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().max().unwrap_or(Self::Inconclusive)
    }

    /// The exit code of a command that ended so: 0 all passed, 1 a failure, 2 inconclusive or unsupported.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Inconclusive | Self::Unsupported => 2,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Unsupported => "unsupported",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        })
    }
}

/// How much of a limit was used: a claim about the node, with its headroom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// What was used of it; more than the limit where it was broken.
    pub used: u64,
    /// The limit.
    pub limit: u64,
    /// Of what.
    pub unit: Unit,
}

/// What a [`Budget`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Milliseconds.
    Ms,
    /// A number of things.
    Count,
    /// Thousandths of a number: a metric's value.
    Thousandth,
}

impl Budget {
    /// Of a time.
    pub(super) fn time(used: Duration, limit: Duration) -> Self {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self { used: ms(used), limit: ms(limit), unit: Unit::Ms }
    }

    /// Of a number of things.
    pub(super) fn count(used: u64, limit: u64) -> Self {
        Self { used, limit, unit: Unit::Count }
    }

    /// Of a metric's value.
    pub(super) fn metric(used: f64, limit: f64) -> Self {
        let thousandths = |value: f64| (value * 1e3).round() as u64;
        Self { used: thousandths(used), limit: thousandths(limit), unit: Unit::Thousandth }
    }

    /// The tighter of two: that with the least headroom, for its limit.
    pub(super) fn tighter(self, other: Self) -> Self {
        let share = |budget: &Self| u128::from(budget.used) * u128::from(u64::MAX) / u128::from(budget.limit.max(1));
        if share(&other) > share(&self) { other } else { self }
    }
}

/// One check's verdict and its grounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The verdict.
    pub verdict: Verdict,
    /// The check in one line.
    pub check: String,
    /// Its line in the scenario file; `None` for what every run must hold.
    pub line: Option<u64>,
    /// What should be seen.
    pub expected: String,
    /// What was seen.
    pub actual: String,
    /// The observation nearest to what was expected, or the offending one.
    pub nearest: Option<String>,
    /// When it went wrong, since the start.
    #[serde(rename = "at_ms", serialize_with = "ms", deserialize_with = "from_ms")]
    pub at: Option<Duration>,
    /// What was disturbed then.
    pub faults_in_force: Vec<String>,
    /// Its limit, where it has one that was used up to some point: of several the tightest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
}

fn ms<S: Serializer>(at: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    at.map(|at| at.as_millis()).serialize(to)
}

fn from_ms<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    Ok(Option::<u64>::deserialize(from)?.map(Duration::from_millis))
}

impl Finding {
    /// What was disturbed when it went wrong: `faults in force at 35.000 s: cut a | m1`.
    pub fn disturbed(&self) -> Option<String> {
        let faults = match self.faults_in_force.as_slice() {
            [] => "none".into(),
            faults => faults.join("; "),
        };
        let at = seconds(self.at?);
        Some(format!("faults in force at {at}: {faults}"))
    }
}

/// All findings of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgeResult {
    /// The worst of the findings.
    pub verdict: Verdict,
    /// In order of the scenario file, then what always holds; those that passed too.
    pub findings: Vec<Finding>,
    /// Each convergence that was reached, with the time it took.
    pub convergence: Vec<(String, Duration)>,
}

/// A check's verdict before it is told where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub verdict: Verdict,
    pub expected: String,
    pub actual: String,
    pub nearest: Option<String>,
    pub at: Option<Duration>,
    pub budget: Option<Budget>,
}

impl Outcome {
    pub fn new(verdict: Verdict, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self { verdict, expected: expected.into(), actual: actual.into(), nearest: None, at: None, budget: None }
    }

    pub fn pass(expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self::new(Verdict::Pass, expected, actual)
    }

    pub fn fail(expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self::new(Verdict::Fail, expected, actual)
    }

    pub fn inconclusive(expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self::new(Verdict::Inconclusive, expected, actual)
    }

    /// Something that should be there isn't: a failure, unless the history breaks off and it may have come later.
    pub fn absent(complete: bool, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        if complete {
            Self::fail(expected, actual)
        } else {
            let actual = format!("{}; the history breaks off", actual.into());
            Self::inconclusive(expected, actual)
        }
    }

    /// With the observation that shows it, and its time.
    pub fn seen(mut self, observation: Option<&Observation>) -> Self {
        if let Some(observation) = observation {
            self.nearest = Some(observation.to_string());
            self.at = self.at.or(Some(observation.at));
        }
        self
    }

    /// With what was used of its limit.
    pub fn used(mut self, budget: impl Into<Option<Budget>>) -> Self {
        self.budget = budget.into();
        self
    }

    /// With the time when it went wrong.
    pub fn at(mut self, at: Duration) -> Self {
        self.at = Some(at);
        self
    }
}

/// `between 1.000 s and 2.000 s`, as far as limits are given.
pub(super) fn limits(least: Option<String>, most: Option<String>) -> String {
    match (least, most) {
        (Some(least), Some(most)) if least == most => format!("exactly {least}"),
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => "any".into(),
    }
}

/// A limit in seconds.
pub(super) fn time(limit: Option<Duration>) -> Option<String> {
    limit.map(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_verdict_counts_and_none_is_no_pass() {
        use Verdict::*;
        assert_eq!(Verdict::worst([Pass, Unsupported]), Unsupported);
        assert_eq!(Verdict::worst([Unsupported, Inconclusive]), Inconclusive);
        assert_eq!(Verdict::worst([Fail, Inconclusive, Pass]), Fail);
        assert_eq!(Verdict::worst([]), Inconclusive);
        assert_eq!([Pass, Fail, Unsupported, Inconclusive].map(Verdict::exit_code), [0, 1, 2, 2]);
    }
}
