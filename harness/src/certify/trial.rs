//! One case, tried once in one way.
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use super::judgement::{Judgement, judge};
use super::precondition::stands_beyond;
use crate::check::Channel;
use crate::history::{History, black_box};
use crate::peer::{Chains, Ledger};
use crate::run::privilege::Ability;
use crate::run::{AttachOptions, Backend, BackendError, Played, ProcessOptions, Profile, Program, play};
use crate::scenario::Scenario;
use crate::scenario::file::Way;

/// Time of the simulated reference node's set-up: enough even where a defect lets it ask for 500 blocks each 30 s only, and past a
/// tick by more than starts differ, so that no case begins at one.
const SIMULATED_SETUP: Duration = Duration::from_secs(152);

/// A case and the way in which its peers are connected.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The case.
    pub case: Arc<Scenario>,
    /// Who dials; `None`: as the case says.
    pub way: Option<Way>,
}

/// What is certified, and how it is run.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Where it runs.
    pub backend: Backend,
    /// Time of the set-up (patience: no claim about the node).
    pub setup: Duration,
    /// Channels by which it can be observed.
    pub observed: Vec<Channel>,
    /// The format of its blocks and its genesis.
    pub ledger: Ledger,
    /// Requirements that its profile doesn't claim, with the reasons.
    pub unsupported: BTreeMap<String, String>,
}

impl Subject {
    /// The reference node in virtual time.
    pub fn simulated(backend: Backend) -> Self {
        let observed = vec![Channel::Wire, Channel::Log, Channel::Metric, Channel::Outside];
        Self { backend, setup: SIMULATED_SETUP, observed, ledger: Ledger::default(), unsupported: BTreeMap::new() }
    }

    /// A program as processes, by its profile; every interval is divided by `time_scale`, 1 in real time.
    pub fn program(words: Vec<String>, profile: Arc<Profile>, ability: Ability, time_scale: u32) -> Self {
        let log = profile.log.map(|_| Channel::Log);
        let metrics = profile.metrics.as_ref().map(|_| Channel::Metric);
        // The patience is in real time.
        let (setup, ledger) = (profile.setup * time_scale, profile.ledger.clone());
        let unsupported = profile.unsupported.clone();
        let program = Program::Profiled(words, profile);
        Self {
            backend: Backend::Processes(ProcessOptions { program, time_scale, ability }),
            setup,
            observed: [Some(Channel::Wire), log, metrics, Some(Channel::Outside)].into_iter().flatten().collect(),
            ledger,
            unsupported,
        }
    }

    /// A node that already runs, by its profile.
    pub fn attached(at: SocketAddrV4, profile: Arc<Profile>) -> Self {
        let metrics = profile.metrics.as_ref().map(|_| Channel::Metric);
        let (setup, ledger, unsupported) = (profile.setup, profile.ledger.clone(), profile.unsupported.clone());
        Self {
            backend: Backend::Attached(AttachOptions { at, profile }),
            setup,
            observed: [Some(Channel::Wire), metrics].into_iter().flatten().collect(),
            ledger,
            unsupported,
        }
    }

    /// Whether it was there before, and goes on.
    pub fn is_attached(&self) -> bool {
        matches!(self.backend, Backend::Attached(_))
    }

    /// Whether its time is virtual.
    pub fn is_simulated(&self) -> bool {
        matches!(self.backend, Backend::Simulation(_))
    }
}

/// The harness failed, not the node.
#[derive(Debug, thiserror::Error)]
#[error("{trial}: {source}")]
pub struct TrialError {
    /// Which trial.
    pub trial: String,
    /// Why.
    pub source: BackendError,
}

impl Trial {
    /// Runs it once, and judges what was seen.
    ///
    /// # Errors
    /// Where the harness fails.
    pub fn run(&self, subject: &Subject, seed: u64) -> Result<(History, Judgement), TrialError> {
        let declared = self.case.requirements.iter().find_map(|id| subject.unsupported.get(id));
        if let Some(reason) = declared {
            let reason = format!("declared unsupported by the profile: {reason}");
            return Ok((History::default(), Judgement::unsupported(vec![reason])));
        }
        let broken = |source| TrialError { trial: self.to_string(), source };
        let staged = self.case.staged(self.way, subject.setup);
        if let Backend::Attached(options) = &subject.backend {
            options.reset().map_err(|error| broken(error.into()))?;
            if let Some(height) = options.height().filter(|height| *height > self.case.heights().0) {
                return Ok((History::default(), Judgement::unsupported(vec![beyond(height)])));
            }
        }
        let chains = Chains::build_on(&subject.ledger, &staged);
        let played = play(&staged, &chains, seed, &subject.backend, &|_| ()).map_err(broken)?;
        Ok(match played {
            Played::Seen(history) => {
                let judgement = judge(&self.case, seed, subject.setup, &subject.observed, &chains, &history);
                match stands_beyond(&self.case, &black_box(&history, subject.setup).0) {
                    Some(height) if subject.is_attached() && !judgement.began() => {
                        (history, Judgement::unsupported(vec![beyond(height)]))
                    }
                    _ => (history, judgement),
                }
            }
            Played::Unsupported(history, reasons) => (history, Judgement::unsupported(reasons)),
        })
    }
}

fn beyond(height: u64) -> String {
    format!("it stands at {height} already: needs a restart from nothing")
}

/// `MNS-SC-02-a, inbound`.
impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&trial_name(&self.case.name, self.way))
    }
}

/// See [`Trial`]'s display.
pub(super) fn trial_name(case: &str, way: Option<Way>) -> String {
    match way {
        None => case.to_owned(),
        Some(Way::Inbound) => format!("{case}, inbound"),
        Some(Way::Outbound) => format!("{case}, outbound"),
    }
}
