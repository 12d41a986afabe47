//! What came of one run of a scenario. Its JSON is part of the report's and of `verdict.json`: see the `report::json` module.
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::check::{Finding, JudgeResult, Verdict};

/// One run of a scenario with one seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScenarioResult {
    /// The scenario's name, `phase-3/01-behind-by-100`.
    #[serde(rename = "scenario")]
    pub name: String,
    /// Its title.
    pub title: String,
    /// Ids of its requirements.
    pub requirements: Vec<String>,
    /// The run's seed.
    pub seed: u64,
    /// The worst of the findings.
    pub verdict: Verdict,
    /// All findings, those that passed too.
    pub findings: Vec<Finding>,
    /// Each convergence that was reached, with its time.
    pub convergence: Vec<Converged>,
    /// Where it ran: `sim`, `process`, `loopback`.
    pub backend: String,
    /// How many seconds of the scenario passed in a second, where it ran in real time (D-29).
    pub time_scale: u32,
    /// The scenario's time.
    #[serde(rename = "virtual_ms", with = "ms")]
    pub virtual_time: Duration,
    /// Time that it took.
    #[serde(rename = "wall_ms", with = "ms")]
    pub wall_time: Duration,
    /// The faults of the timeline, in words.
    pub faults: Vec<String>,
    /// Where the run's files are, if they were written.
    pub folder: Option<PathBuf>,
    /// The command that runs it again.
    pub repeat: String,
}

/// Who came to agree on what, and how long that took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Converged {
    /// The check in words.
    pub what: String,
    /// Since the last fault's end, or since the named time.
    #[serde(rename = "ms", with = "ms")]
    pub took: Duration,
}

/// As whole milliseconds.
mod ms {
    use std::time::Duration;

    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    /// Some 30 years: sums of many such stay in range.
    const LONGEST: u64 = 1_000_000_000_000;

    pub fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u128(time.as_millis())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        match u64::deserialize(from)? {
            ms if ms <= LONGEST => Ok(Duration::from_millis(ms)),
            ms => Err(D::Error::custom(format_args!("{ms} ms is more than {LONGEST} ms"))),
        }
    }
}

impl ScenarioResult {
    /// Takes over a judgement.
    pub fn judged(&mut self, judged: JudgeResult) {
        self.verdict = judged.verdict;
        self.findings = judged.findings;
        let converged = judged.convergence.into_iter();
        self.convergence = converged.map(|(what, took)| Converged { what, took }).collect();
    }

    /// Findings that are no pass, the worst first.
    pub fn grounds(&self) -> Vec<&Finding> {
        let mut grounds: Vec<&Finding> =
            self.findings.iter().filter(|finding| finding.verdict != Verdict::Pass).collect();
        grounds.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
        grounds
    }
}

/// The command that runs a scenario file again with a seed. The path is quoted for a shell where it needs to be.
pub fn repeat_command(path: &str, seed: u64) -> String {
    format!("lockstep run {} --seed {seed}", shell_word(path))
}

/// A text as one word of a shell's command, in quotes where it needs to be.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repeat_command_is_fit_for_a_shell() {
        assert_eq!(repeat_command("scenarios/phase-3/01.yaml", 7), "lockstep run scenarios/phase-3/01.yaml --seed 7");
        assert_eq!(repeat_command("it's here.yaml", 7), r"lockstep run 'it'\''s here.yaml' --seed 7");
        assert_eq!(repeat_command("", 7), "lockstep run '' --seed 7");
    }
}
