//! One run of a scenario: play it, then judge what was seen; what came of it, and its folder.
pub mod arm;
mod backend;
pub mod folder;
mod result;
mod shard;
pub mod stopwatch;

use std::collections::BTreeSet;

use crate::check::{JudgeResult, View, judge};
use crate::history::{History, Meta};
use crate::peer::Chains;
use crate::scenario::Scenario;
use crate::scenario::resolved::{Act, At};
use crate::subject::process::{self, attached};
use crate::subject::queue;
use crate::subject::sim::simulate;

pub use crate::check::{Finding, Verdict};
pub use crate::subject::Tell;
pub use crate::subject::container;
pub use crate::subject::process::Options as ProcessOptions;
pub use crate::subject::process::attached::Options as AttachOptions;
pub use crate::subject::process::privilege;
pub use crate::subject::process::program::Program;
pub use crate::subject::profile::{Profile, ProfileFile};
pub use crate::subject::queue::Detail;
pub use crate::subject::sim::Variation;
pub use backend::{Backend, BackendError};
pub use result::{Converged, ScenarioResult, repeat_command, shell_word};
pub use shard::{ParseShardError, Shard};

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    /// What was seen.
    pub history: History,
    /// What it is worth.
    pub judged: JudgeResult,
}

/// What came of playing a scenario.
#[derive(Debug)]
pub enum Played {
    /// What was seen.
    Seen(History),
    /// Nothing, and why the backend can't play it.
    Unsupported(History, Vec<String>),
}

/// Plays `scenario` once.
///
/// # Errors
/// Where the backend itself fails; what the node does is a matter of the verdict.
pub fn play(
    scenario: &Scenario,
    chains: &Chains,
    seed: u64,
    backend: &Backend,
    tell: Tell<'_>,
) -> Result<Played, BackendError> {
    Ok(Played::Seen(match backend {
        Backend::Simulation(variation) => simulate(scenario, chains, seed, *variation, tell)?,
        Backend::EventQueue(detail) => {
            let reasons = queue::unsupported(scenario, seed);
            if !reasons.is_empty() {
                return Ok(unplayed(scenario, seed, reasons));
            }
            queue::simulate(scenario, chains, seed, *detail, tell)?
        }
        Backend::Processes(options) => {
            let reasons = process::unsupported(scenario, seed, options);
            if !reasons.is_empty() {
                return Ok(unplayed(scenario, seed, reasons));
            }
            process::play(scenario, chains, seed, options, tell)?
        }
        Backend::Attached(options) => {
            let reasons = attached::unsupported(scenario, seed, options);
            if !reasons.is_empty() {
                return Ok(unplayed(scenario, seed, reasons));
            }
            attached::play(scenario, chains, seed, options, tell)?
        }
    }))
}

fn unplayed(scenario: &Scenario, seed: u64, reasons: Vec<String>) -> Played {
    let history = History::new(Meta { scenario: scenario.name.clone(), seed, ..Meta::default() });
    Played::Unsupported(history, reasons)
}

/// Runs `scenario` once and judges it. What the backend can't give makes the run unsupported.
///
/// # Errors
/// Where the backend itself fails; what the node does is a matter of the verdict.
pub fn run(scenario: &Scenario, seed: u64, backend: &Backend) -> Result<Run, BackendError> {
    run_telling(scenario, seed, backend, &|_| ())
}

/// The same, for who wants to know how far it is.
///
/// # Errors
/// As [`run`].
pub fn run_telling(scenario: &Scenario, seed: u64, backend: &Backend, tell: Tell<'_>) -> Result<Run, BackendError> {
    let chains = Chains::build(scenario);
    Ok(match play(scenario, &chains, seed, backend, tell)? {
        Played::Seen(history) => {
            let judged = viewed(scenario, &chains, seed, |view| judge(view, &history));
            Run { history, judged }
        }
        Played::Unsupported(history, reasons) => Run { history, judged: backend::unsupported(reasons) },
    })
}

/// What `judge` says when it is shown what judging needs of a scenario.
pub fn viewed<T>(scenario: &Scenario, chains: &Chains, seed: u64, judge: impl FnOnce(&View<'_>) -> T) -> T {
    let nodes: BTreeSet<String> = scenario.nodes.keys().cloned().collect();
    let masternodes = scenario.nodes.iter().filter(|(_, node)| node.masternode).map(|(name, _)| name.clone()).collect();
    judge(&View {
        nodes: &nodes,
        masternodes: &masternodes,
        produces: scenario.produce_every.is_some(),
        faults: scenario.timeline(seed).iter().filter(|step| matches!(step.act, Act::Fault { .. })).count(),
        expect: &scenario.expect,
        near_median: scenario.near_median.as_ref(),
        buffered_at_most: scenario.buffered_at_most,
        hash: &|at: &At| chains.hash(at).map(|hash| hash.to_string()),
    })
}
