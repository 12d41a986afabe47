//! One run of a scenario: play it, then judge what was seen; what came of it, and its folder.
mod backend;
pub mod folder;
mod result;
pub mod stopwatch;

use std::collections::BTreeSet;

use crate::check::{JudgeResult, View, judge};
use crate::history::{History, Meta};
use crate::peer::Chains;
use crate::scenario::Scenario;
use crate::scenario::resolved::{Act, At};
use crate::subject::process;
use crate::subject::sim::simulate;

pub use crate::subject::process::Options as ProcessOptions;
pub use crate::subject::process::privilege;
pub use crate::subject::sim::Variation;
pub use backend::{Backend, BackendError};
pub use result::{Converged, ScenarioResult, repeat_command};

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    /// What was seen.
    pub history: History,
    /// What it is worth.
    pub judged: JudgeResult,
}

/// Runs `scenario` once and judges it. What the backend can't give makes the run unsupported.
///
/// # Errors
/// Where the backend itself fails; what the node does is a matter of the verdict.
pub fn run(scenario: &Scenario, seed: u64, backend: &Backend) -> Result<Run, BackendError> {
    let chains = Chains::build(scenario);
    let history = match backend {
        Backend::Simulation(variation) => simulate(scenario, &chains, seed, *variation)?,
        Backend::Processes(options) => {
            let reasons = process::unsupported(scenario, seed, options);
            if !reasons.is_empty() {
                let history = History::new(Meta { scenario: scenario.name.clone(), seed, ..Meta::default() });
                return Ok(Run { history, judged: backend::unsupported(reasons) });
            }
            process::play(scenario, &chains, seed, options)?
        }
    };
    let nodes: BTreeSet<String> = scenario.nodes.keys().cloned().collect();
    let masternodes = scenario.nodes.iter().filter(|(_, node)| node.masternode).map(|(name, _)| name.clone()).collect();
    let view = View {
        nodes: &nodes,
        masternodes: &masternodes,
        produces: scenario.produce_every.is_some(),
        faults: scenario.timeline(seed).iter().filter(|step| matches!(step.act, Act::Fault { .. })).count(),
        expect: &scenario.expect,
        near_median: scenario.near_median.as_ref(),
        buffered_at_most: scenario.buffered_at_most,
        hash: &|at: &At| chains.hash(at).map(|hash| hash.to_string()),
    };
    let judged = judge(&view, &history);
    Ok(Run { history, judged })
}
