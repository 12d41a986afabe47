//! Runs of a scenario, and how it fails in them.
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::fingerprint::Fingerprint;
use super::{Guard, ShrinkError, Shrunk, Task, shrink};
use crate::check::Verdict;
use crate::run::arm::{Arm, ArmError, run_arm};
use crate::run::{Backend, Variation};
use crate::scenario::Scenario;

/// How scenarios are run.
#[derive(Debug, Clone)]
pub struct Witness {
    /// With which seed.
    pub seed: u64,
    /// With which defect of the nodes, if any: a failure counts where nodes without it pass.
    pub mutant: Option<String>,
}

/// What a run showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The worst finding.
    pub verdict: Verdict,
    /// How it failed.
    pub failure: Option<Fingerprint>,
    /// Findings that tell nothing, as of a fault that hurt nobody. A regression with one could never pass.
    pub doubtful: usize,
}

impl Witness {
    /// What keeps smaller scenarios just: nodes without the defect where there is one.
    pub fn guard(&self) -> Guard {
        if self.mutant.is_some() { Guard::Judge } else { Guard::Rules }
    }

    /// What a run of a scenario on this backend shows. A panic of the node is a failure.
    ///
    /// # Errors
    /// An unknown defect, or where the backend itself fails.
    pub fn run(&self, scenario: &Scenario, backend: &Backend) -> Result<Seen, ArmError> {
        let arm = Arm { mutant: self.mutant.clone(), ..Arm::default() };
        let judged = match catch_unwind(AssertUnwindSafe(|| run_arm(scenario, &arm, self.seed, backend))) {
            Ok(ran) => ran?.cured,
            Err(panic) => {
                let failure = Some(Fingerprint::of_panic(panic.as_ref()).0);
                return Ok(Seen { verdict: Verdict::Fail, failure, doubtful: 0 });
            }
        };
        let tells = |verdict| matches!(verdict, Verdict::Pass | Verdict::Fail);
        let doubtful = judged.findings.iter().filter(|finding| !tells(finding.verdict)).count();
        Ok(Seen { verdict: judged.verdict, failure: Fingerprint::of(&judged, scenario), doubtful })
    }

    /// Whether nodes without the defect pass; true where there is none to be without.
    ///
    /// # Errors
    /// Where the backend itself fails.
    pub fn passes_without(&self, scenario: &Scenario, backend: &Backend) -> Result<bool, ArmError> {
        let healthy = Self { mutant: None, ..self.clone() };
        Ok(self.mutant.is_none() || healthy.run(scenario, backend)?.verdict == Verdict::Pass)
    }

    /// As a judge of smaller scenarios, of which only those are of interest that fail like `want` and leave no more in doubt. A scenario that
    /// can't be run doesn't fail.
    pub fn judge(&self, scenario: &Scenario, want: &Seen, backend: &Backend) -> Option<Fingerprint> {
        let seen = self.run(scenario, backend).ok()?;
        let alike = seen.failure == want.failure && seen.doubtful <= want.doubtful;
        seen.failure.filter(|_| alike && self.passes_without(scenario, backend).unwrap_or(false))
    }
}

/// Shrinks a scenario that fails like `want`: searches with one backend, and sees to it that the result fails in the same way in the simulation
/// as the scenario has it. Where it doesn't, the search is made with the simulation. `told` hears of each scenario that is judged, and whether it
/// fails so.
///
/// # Errors
/// A text that is no scenario, or one that doesn't fail like `want` in the simulation.
pub fn confirmed(
    task: &Task<'_>,
    witness: &Witness,
    want: &Seen,
    search: &Backend,
    told: &mut dyn FnMut(&Scenario, bool),
) -> Result<Shrunk, ShrinkError> {
    let mut with = |backend: &Backend| {
        shrink(task, &mut |scenario| {
            let seen = witness.judge(scenario, want, backend);
            told(scenario, seen.is_some());
            seen
        })
    };
    let simulation = Backend::simulation();
    if matches!(search, Backend::Simulation(Variation { jitter: false })) {
        return with(&simulation);
    }
    if let Ok(shrunk) = with(search)
        && witness.judge(&Scenario::parse(task.name, &shrunk.text)?, want, &simulation).is_some()
    {
        return Ok(shrunk);
    }
    with(&simulation)
}
