//! A whole run's observations, ordered by time.
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Observation, What};

/// Which run it was, and who took part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The scenario's name.
    pub scenario: String,
    /// The run's seed.
    pub seed: u64,
    /// The address of each node and scripted peer by its name.
    pub parties: BTreeMap<String, Ipv4Addr>,
    /// What it ran on, where that counts: an engine's version, the congestion control.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
}

impl Meta {
    /// The name of the party with this address, given as text.
    pub fn name_of(&self, ip: &str) -> Option<&str> {
        let ip: Ipv4Addr = ip.parse().ok()?;
        let (name, _) = self.parties.iter().find(|(_, party)| **party == ip)?;
        Some(name)
    }

    /// The address of a party as text.
    pub fn ip_of(&self, name: &str) -> Option<String> {
        self.parties.get(name).map(Ipv4Addr::to_string)
    }
}

/// Observations in order of time, and of arrival where times are equal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    meta: Meta,
    observations: Vec<Observation>,
}

/// A fault's time in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultSpan {
    /// Its number in the timeline.
    pub id: u32,
    /// In words.
    pub what: String,
    /// When it began.
    pub from: Duration,
    /// When it ended; `None` where the history doesn't say.
    pub until: Option<Duration>,
}

impl History {
    /// An empty one.
    pub fn new(meta: Meta) -> Self {
        Self { meta, observations: Vec::new() }
    }

    /// Adds an observation at its place in time. Times are kept to the microsecond, as in a file.
    pub fn push(&mut self, mut observation: Observation) {
        observation.at -= Duration::from_nanos(u64::from(observation.at.subsec_nanos() % 1_000));
        let place = self.observations.partition_point(|held| held.at <= observation.at);
        self.observations.insert(place, observation);
    }

    /// Which run it was.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Everything, in order.
    pub fn observations(&self) -> &[Observation] {
        &self.observations
    }

    /// When the run ended; `None`: the history was cut off, and what it lacks may have happened.
    pub fn end(&self) -> Option<Duration> {
        let ended = |seen: &&Observation| seen.what == What::Ended;
        self.observations.iter().rev().find(ended).map(|o| o.at)
    }

    /// All faults in order of their beginning.
    pub fn faults(&self) -> Vec<FaultSpan> {
        let mut spans: Vec<FaultSpan> = Vec::new();
        for seen in &self.observations {
            match &seen.what {
                What::FaultBegan { id, what } => {
                    spans.push(FaultSpan { id: *id, what: what.clone(), from: seen.at, until: None })
                }
                What::FaultEnded { id, .. } => {
                    let open = |span: &&mut FaultSpan| span.id == *id && span.until.is_none();
                    if let Some(span) = spans.iter_mut().find(open) {
                        span.until = Some(seen.at);
                    }
                }
                _ => {}
            }
        }
        spans
    }

    /// What was disturbed at a time, in words.
    pub fn faults_in_force(&self, at: Duration) -> Vec<String> {
        self.faults()
            .into_iter()
            .filter(|span| span.from <= at && span.until.is_none_or(|until| at < until))
            .map(|span| span.what)
            .collect()
    }
}
