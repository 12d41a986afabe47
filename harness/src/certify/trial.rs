//! One case, tried once in one way.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::judgement::{Judgement, judge};
use crate::check::Channel;
use crate::history::History;
use crate::peer::Chains;
use crate::run::{Backend, BackendError, Played, play};
use crate::scenario::Scenario;
use crate::scenario::file::Way;

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
}

impl Subject {
    /// The reference node in virtual time.
    pub fn simulated(backend: Backend) -> Self {
        let observed = vec![Channel::Wire, Channel::Log, Channel::Metric, Channel::Outside];
        Self { backend, setup: Duration::from_secs(60), observed }
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
        let staged = self.case.staged(self.way, subject.setup);
        let chains = Chains::build(&staged);
        let played = play(&staged, &chains, seed, &subject.backend)
            .map_err(|source| TrialError { trial: self.to_string(), source })?;
        Ok(match played {
            Played::Seen(history) => {
                let judgement = judge(&self.case, seed, subject.setup, &subject.observed, &chains, &history);
                (history, judgement)
            }
            Played::Unsupported(history, reasons) => (history, Judgement::unsupported(reasons)),
        })
    }
}

/// `MNS-SC-02-a, inbound`.
impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.case.name)?;
        match self.way {
            None => Ok(()),
            Some(Way::Inbound) => f.write_str(", inbound"),
            Some(Way::Outbound) => f.write_str(", outbound"),
        }
    }
}
