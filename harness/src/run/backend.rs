//! Where scenarios run.
use std::fmt;

use crate::check::{Finding, JudgeResult, Verdict};
use crate::subject::process::privilege::Ability;
use crate::subject::process::{self, ProcessError, attached};
use crate::subject::queue;
use crate::subject::sim::{SimError, Variation};

/// A network and what takes part in it.
#[derive(Debug, Clone)]
pub enum Backend {
    /// The simulated one, in virtual time.
    Simulation(Variation),
    /// The nodes' cores alone, under a bare event queue, in virtual time.
    EventQueue(queue::Detail),
    /// Real processes on real sockets, in real time.
    Processes(process::Options),
    /// A node that already runs, in real time.
    Attached(attached::Options),
}

/// The backend failed: neither the node nor the scenario is to blame.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// In the simulation.
    #[error(transparent)]
    Simulation(#[from] SimError),
    /// Around the processes.
    #[error(transparent)]
    Processes(#[from] ProcessError),
}

impl Backend {
    /// The simulation as the scenario has it.
    pub fn simulation() -> Self {
        Self::Simulation(Variation::default())
    }

    /// How many seconds of the scenario pass in a second of a real backend (D-29).
    pub fn time_scale(&self) -> u32 {
        match self {
            Self::Simulation(_) | Self::EventQueue(_) | Self::Attached(_) => 1,
            Self::Processes(options) => options.time_scale,
        }
    }
}

/// `sim`, `queue`, `attached`, `process`, `container`, or `loopback` for processes without namespaces.
impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Simulation(_) => "sim",
            Self::EventQueue(_) => "queue",
            Self::Attached(_) => "attached",
            Self::Processes(options) => match options.ability {
                Ability::Namespaces => "process",
                Ability::Loopback(_) => "loopback",
                Ability::Containers(_) => "container",
            },
        })
    }
}

/// The judgement of a run that can't be.
pub(super) fn unsupported(reasons: Vec<String>) -> JudgeResult {
    let finding = |reason: String| Finding {
        verdict: Verdict::Unsupported,
        check: "the backend gives what the scenario needs".into(),
        line: None,
        expected: "every fault and setting of the scenario".into(),
        actual: reason,
        nearest: None,
        at: None,
        faults_in_force: Vec::new(),
        budget: None,
    };
    JudgeResult {
        verdict: Verdict::Unsupported,
        findings: reasons.into_iter().map(finding).collect(),
        convergence: Vec::new(),
    }
}
