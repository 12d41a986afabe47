//! One seed of a campaign: a scenario is drawn, played under the event queue, and judged.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use node::protocol::mark;
use node::protocol::mutant::{Mutant, switch};
use serde::{Deserialize, Serialize};

use super::generate::{Limits, generate};
use super::ledger::Ledger;
use super::marks::Marks;
use super::shrink::Fingerprint;
use crate::check::Verdict;
use crate::run::{Backend, Detail, run};
use crate::scenario::Scenario;

/// What came of a seed.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What the run is worth.
    pub verdict: Verdict,
    /// Where it failed.
    pub failure: Option<Failure>,
    /// Why it is neither a pass nor a failure, in words.
    pub undecided: Option<String>,
    /// What was reached.
    pub marks: Marks,
    /// How long things took.
    pub ledger: Ledger,
    /// Simulated time.
    pub simulated: Duration,
}

/// A seed that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Which.
    pub seed: u64,
    /// What fails.
    pub fingerprint: Fingerprint,
    /// What was expected and what was seen, of the first check that fails.
    pub what: String,
}

/// Plays the scenario of `seed`. A panic of the node is a failure.
pub fn play(seed: u64, limits: &Limits, mutant: Option<Mutant>) -> Outcome {
    let text = generate(seed, limits).text;
    mark::take();
    switch(mutant);
    let played = catch_unwind(AssertUnwindSafe(|| of_text(seed, &text)));
    switch(None);
    played.unwrap_or_else(|panic| {
        let (fingerprint, what) = Fingerprint::of_panic(panic.as_ref());
        let failure = Failure { seed, fingerprint, what };
        Outcome { failure: Some(failure), ..Outcome::undecided(Verdict::Fail, None) }
    })
}

fn of_text(seed: u64, text: &str) -> Outcome {
    let scenario = match Scenario::parse(&format!("explored/{seed}"), text) {
        Ok(scenario) => scenario,
        Err(error) => return Outcome::undecided(Verdict::Inconclusive, Some(format!("not a scenario: {error}"))),
    };
    let run = match run(&scenario, seed, &Backend::EventQueue(Detail::Checked)) {
        Ok(run) => run,
        Err(error) => return Outcome::undecided(Verdict::Inconclusive, Some(error.to_string())),
    };
    let failure = Fingerprint::of(&run.judged, &scenario).map(|fingerprint| {
        let finding = run.judged.findings.iter().find(|finding| finding.verdict == Verdict::Fail);
        let what = finding.map_or(String::new(), |finding| {
            format!("{}: expected {}, actual {}", finding.check, finding.expected, finding.actual)
        });
        Failure { seed, fingerprint, what }
    });
    let undecided =
        run.judged.findings.iter().find(|finding| !matches!(finding.verdict, Verdict::Pass | Verdict::Fail));
    Outcome {
        verdict: run.judged.verdict,
        failure,
        undecided: undecided.map(|finding| format!("{}: {}", finding.check, finding.actual)),
        marks: Marks::take(&run.history),
        ledger: Ledger::of(&run.history, &run.judged),
        simulated: scenario.runs_for,
    }
}

impl Outcome {
    fn undecided(verdict: Verdict, why: Option<String>) -> Self {
        Self {
            verdict,
            failure: None,
            undecided: why,
            marks: Marks::default(),
            ledger: Ledger::default(),
            simulated: Duration::ZERO,
        }
    }
}
