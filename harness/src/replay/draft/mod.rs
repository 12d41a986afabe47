//! From an incident to a scenario file that people can read, correct and keep: each statement with the lines it comes from.
mod cast;
mod chains;
mod faults;
mod file;
mod fork_choice;
mod lower;
mod moves;
mod redact;
mod squeeze;
mod switches;
mod symptoms;
#[cfg(test)]
mod testing;

use std::collections::BTreeMap;
use std::time::Duration;

pub use redact::Redaction;
pub use symptoms::Symptom;

use super::clockwork::Clockwork;
use super::incident::Incident;
use cast::Cast;
use chains::Chains;
use faults::Faults;
use symptoms::Scene;

/// Nodes get so long to recover after the last fault: a fork has 5 minutes (phase-3, Success Criteria), and some time to stay so.
const RECOVERY: i64 = 360_000_000;

/// How a scenario is to be written.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Its one line; default: what is wrong first.
    pub title: Option<String>,
    /// Idle stretches last at most so long.
    pub squeeze: Option<Duration>,
}

/// What the logs don't say, and what stands for it.
#[derive(Debug, Default)]
pub struct Unknowns(Vec<String>);

impl Unknowns {
    fn add(&mut self, unknown: impl Into<String>) {
        let unknown = unknown.into();
        if !self.0.contains(&unknown) {
            self.0.push(unknown);
        }
    }
}

/// From the incident's time to the scenario's.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    begins: i64,
    /// The same, since both beginnings.
    pub clockwork: Clockwork,
}

impl Clock {
    /// Microseconds since the scenario's beginning; 0 before.
    pub fn at(&self, incident: i64) -> i64 {
        self.clockwork.to_run(incident.saturating_sub(self.begins)).max(0)
    }
}

/// One step of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// In the scenario's time, microseconds.
    pub at: i64,
    /// As YAML.
    pub action: String,
    /// Where it comes from.
    pub comment: String,
    /// For how long, microseconds; `None`: until something else is said.
    pub lasts: Option<i64>,
}

/// A scenario that was read from logs: its text is the file.
#[derive(Debug)]
pub struct Draft {
    /// Its one line.
    pub title: String,
    /// The incident that it is of, with heights as the scenario has them.
    pub incident: Incident,
    /// From the incident's time to the scenario's.
    pub clock: Clock,
    /// What was wrong.
    pub symptoms: Vec<Symptom>,
    /// The defect of the nodes as they were.
    pub mutant: Option<&'static str>,
    /// What the logs don't say.
    pub unknowns: Vec<String>,
    /// Switches of the cure of which nothing shows that they were on.
    off: Vec<&'static str>,
    cast: Cast,
    chains: Chains,
    faults: Faults,
    /// In the scenario's time: from when on nodes may be expected to recover, and how long it runs.
    healed: i64,
    runs_for: i64,
}

impl Draft {
    /// Reads a scenario out of `incident`.
    pub fn of(incident: &Incident, options: &Options) -> Self {
        let mut unknowns = Unknowns::default();
        let incident = lower::lowered(incident, &mut unknowns);
        let clockwork = options.squeeze.map_or_else(Clockwork::default, |idle| squeeze::squeezed(&incident, idle));
        let clock = Clock { begins: incident.begins, clockwork };
        let cast = Cast::of(&incident, &mut unknowns);
        let mut chains = Chains::of(&incident, &cast, &mut unknowns);
        let mut faults = Faults::of(&incident, &cast, &clock, &mut unknowns);
        let ends = moves::moves(&incident, &cast, &mut chains, &clock, &mut faults);
        let healed = clock.at(faults.healed);
        let scene = Scene { incident: &incident, cast: &cast, chains: &chains, faults: &faults, ends: &ends, healed };
        let symptoms = scene.symptoms();
        let last = faults.steps.iter().map(|step| step.at + step.lasts.unwrap_or(1_000_000)).max().unwrap_or_default();
        let runs_for = clock.at(incident.ends).max(healed + RECOVERY).max(last);
        let title = options.title.clone().unwrap_or_else(|| title(&symptoms));
        let off = switches::off(&incident);
        let unknowns = unknowns.0;
        let mutant = symptoms.iter().find_map(|symptom| symptom.mutant);
        Self { title, incident, clock, off, mutant, symptoms, unknowns, cast, chains, faults, healed, runs_for }
    }

    /// The scenario's names of hosts.
    pub fn nodes(&self) -> BTreeMap<String, String> {
        self.cast.nodes_by_host(&self.incident)
    }

    /// How long it runs.
    pub fn runs_for(&self) -> Duration {
        Duration::from_micros(self.runs_for.unsigned_abs())
    }

    /// The timeline.
    pub fn steps(&self) -> &[Step] {
        &self.faults.steps
    }

    /// Gives up a check that a run doesn't show.
    pub fn not_reproduced(&mut self, check: &str) {
        for symptom in &mut self.symptoms {
            if let Some(index) = symptom.reproduced.iter().position(|known| known == check) {
                symptom.reproduced.remove(index);
                self.unknowns.push(format!("why {}: a run of this doesn't show it", symptom.what));
            }
        }
    }
}

fn title(symptoms: &[Symptom]) -> String {
    let first = symptoms.first().map_or("nothing is seen to be wrong", |symptom| &symptom.what);
    first.chars().take(110).collect()
}
