//! What went wrong with links, hosts and peers, as steps of a timeline: the fewest that explain what the logs show.
mod announcement;
mod answers;
mod evidence;
mod habit;
mod hang_up;
mod lateness;
mod partition;
mod restart;
mod silence;

use std::collections::{BTreeMap, BTreeSet};

use super::cast::Cast;
use super::{Clock, Step, Unknowns};
use crate::replay::incident::Incident;
use crate::scenario::text::span;
use evidence::Evidence;

pub use habit::Habit;
pub use hang_up::short;

/// What peers do wrong all the time, and what happens when.
#[derive(Debug, Default)]
pub struct Faults {
    /// What scripted peers always do.
    pub habits: BTreeMap<usize, Vec<Habit>>,
    /// The timeline, in order.
    pub steps: Vec<Step>,
    /// Peers that take connections, and don't answer in time.
    pub late: BTreeSet<usize>,
    /// Peers that are silent to the end.
    gone: BTreeSet<usize>,
    /// When the last of it is over, in the incident's time.
    pub healed: i64,
}

impl Faults {
    /// Reads them from what the logs show; steps have the scenario's time, by `clock`.
    pub fn of(incident: &Incident, cast: &Cast, clock: &Clock, unknowns: &mut Unknowns) -> Self {
        let evidence = Evidence { incident, cast, clock };
        let mut faults = Self { healed: incident.begins, ..Self::default() };
        // Habits come first: a peer that is heard again has them again.
        faults.answers(evidence);
        let hang_ups = faults.hang_ups(evidence);
        let restarts = faults.restarts(evidence);
        faults.lateness(evidence, unknowns);
        faults.silences(evidence, &restarts, unknowns);
        faults.disconnects(evidence, hang_ups, unknowns);
        faults.announcements(evidence);
        faults.steps.sort_by_key(|step| step.at);
        faults
    }

    /// Whether nodes get blocks from a peer.
    pub fn serves(&self, party: usize) -> bool {
        !self.gone.contains(&party) && self.habits.get(&party).is_none_or(|habits| habits.iter().all(Habit::serves))
    }

    fn mute(&mut self, evidence: Evidence<'_>, party: usize, (from, until): (i64, Option<i64>), source: String) {
        self.deviate(evidence, party, from, "{mute: [everything]}", source);
        match until {
            Some(until) => self.back_to_habits(evidence, party, until),
            None => {
                self.gone.insert(party);
            }
        }
    }

    fn back_to_habits(&mut self, evidence: Evidence<'_>, party: usize, at: i64) {
        let habits = self.habits.get(&party).into_iter().flatten().map(|habit| habit.deviation.as_str());
        let habits = habits.collect::<Vec<_>>().join(", ");
        self.deviate(evidence, party, at, &habits, "it is heard again".to_owned());
        self.healed = self.healed.max(at);
    }

    fn deviate(&mut self, evidence: Evidence<'_>, party: usize, at: i64, deviations: &str, comment: String) {
        let action = format!("{{deviate: {{peers: [{}], deviations: [{deviations}]}}}}", evidence.name(party));
        self.steps.push(Step { at: evidence.clock.at(at), action, comment, lasts: None });
    }

    /// A fault that ends by itself.
    fn lasting(
        &mut self,
        evidence: Evidence<'_>,
        (from, until): (i64, i64),
        action: impl Fn(&str) -> String,
        comment: String,
    ) {
        let (at, end) = (evidence.clock.at(from), evidence.clock.at(until));
        // It takes a moment at least.
        let lasts = (end - at).max(1_000_000);
        self.healed = self.healed.max(until);
        self.steps.push(Step { at, action: action(&span(lasts)), comment, lasts: Some(lasts) });
    }
}
