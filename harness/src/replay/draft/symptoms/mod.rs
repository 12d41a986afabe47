//! What was wrong, as checks: that it shows where the cure is off (`reproduced`), and that it doesn't where it is on (`cured`).
mod churn;
mod drop;
mod fork;
mod lag;
mod repetition;
mod vote;

use super::cast::Cast;
use super::chains::{Chains, Start};
use super::faults::Faults;
use crate::replay::incident::Incident;
use crate::replay::told::{Place, Shown};

/// Time in which nodes have to be as they should: forks within 5 minutes, which is the longest of the text's success criteria.
const WITHIN: &str = "5m";

/// One thing that was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symptom {
    /// In words, with names of the scenario.
    pub what: String,
    /// The line that shows it.
    pub source: String,
    /// Expectations as YAML that hold where it shows.
    pub reproduced: Vec<String>,
    /// Expectations as YAML that hold where it doesn't.
    pub cured: Vec<String>,
    /// A defect that brings it back where no setting does.
    pub mutant: Option<&'static str>,
}

/// What symptoms are read from.
pub struct Scene<'a> {
    pub incident: &'a Incident,
    pub cast: &'a Cast,
    pub chains: &'a Chains,
    pub faults: &'a Faults,
    /// Where each party ends, by what the scenario makes it do.
    pub ends: &'a [Start],
    /// From when on nodes may be expected to recover, in the scenario's time.
    pub healed: i64,
}

impl Scene<'_> {
    /// All of them, by kind: those that say most come first.
    pub fn symptoms(&self) -> Vec<Symptom> {
        let mut kinds: [Vec<Symptom>; 5] = Default::default();
        for (index, host) in self.incident.hosts.iter().enumerate() {
            let Some(party) = self.cast.host(index) else { continue };
            let vote = self.vote(party, host);
            let mut fork = self.fork(index, party, host);
            if let (Some(_), Some(fork)) = (&vote, &mut fork) {
                // The vote is the reason, and has a switch.
                fork.mutant = None;
            }
            let found = [self.repetition(party, host), self.churn(party, host), self.drop(party, host), vote, fork];
            kinds.iter_mut().zip(found).for_each(|(kind, symptom)| kind.extend(symptom));
        }
        kinds.into_iter().flatten().chain(self.lag()).collect()
    }

    fn name(&self, party: usize) -> &str {
        &self.cast.parties[party].name
    }

    fn source(&self, place: Place) -> String {
        Shown(place, &self.incident.files).to_string()
    }
}
