//! The sides of a scenario that comes from an incident: a run of the nodes as they are, and one of the nodes as they were.
use node::protocol::mutant::{Mutant, switch};

use super::backend::{Backend, BackendError, unsupported};
use super::{Played, play, viewed};
use crate::check::{Finding, JudgeResult, Verdict, View, judge, judge_expected};
use crate::history::History;
use crate::peer::Chains;
use crate::scenario::{Scenario, Setting, vocabulary};
use crate::subject::node_config;

/// One way to run a scenario: as it is, with other settings, or with a defect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arm {
    /// For people.
    pub name: String,
    /// Settings of all nodes that differ.
    pub settings: Vec<Setting>,
    /// The defect's name.
    pub mutant: Option<String>,
}

/// Why an arm can't be run.
#[derive(Debug, thiserror::Error)]
pub enum ArmError {
    /// No node takes the setting.
    #[error("cannot set {setting}: {reason}")]
    Setting {
        /// Which.
        setting: Setting,
        /// What the node says, with the names and values that it takes.
        reason: String,
    },
    /// The node has no such defect.
    #[error("no defect `{name}`\n{help}")]
    Mutant {
        /// The name.
        name: String,
        /// The nearest one, and all there are.
        help: String,
    },
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// What came of an arm.
#[derive(Debug)]
pub struct ArmResult {
    /// Which.
    pub arm: Arm,
    /// What was seen.
    pub history: History,
    /// Whether the incident's symptoms were: `reproduced` alone, inconclusive where the scenario comes from no incident.
    pub reproduced: JudgeResult,
    /// What the scenario expects, with all that always holds.
    pub cured: JudgeResult,
}

/// `as configured`, and, where the scenario comes from an incident, `as it was`.
pub fn arms(scenario: &Scenario) -> Vec<Arm> {
    let configured = Arm { name: "as configured".into(), ..Arm::default() };
    let was = scenario.incident.as_ref().map(|incident| Arm {
        name: "as it was".into(),
        settings: incident.without.clone(),
        mutant: incident.mutant.clone(),
    });
    [configured].into_iter().chain(was).collect()
}

/// Runs `scenario` once as `arm` has it. A defect needs the simulation; with another backend the arm is unsupported.
///
/// # Errors
/// Before anything runs: a setting that the nodes refuse, or a defect that they don't have. Else where the backend itself fails.
pub fn run_arm(scenario: &Scenario, arm: &Arm, seed: u64, backend: &Backend) -> Result<ArmResult, ArmError> {
    let chains = Chains::build(scenario);
    let mutant = arm.mutant.as_deref().map(named).transpose()?;
    let set = with(scenario, &arm.settings, &chains)?;
    let played = match (mutant, backend) {
        (Some(_), Backend::Processes(_) | Backend::Attached(_)) => {
            let reason = format!(
                "`mutant: {}`: a process has no defects to switch on",
                arm.mutant.as_deref().unwrap_or_default()
            );
            Played::Unsupported(History::default(), vec![reason])
        }
        _ => {
            let _defect = Defect::on(mutant);
            play(&set, &chains, seed, backend, &|_| ())?
        }
    };
    let arm = arm.clone();
    Ok(match played {
        Played::Seen(history) => {
            let (reproduced, cured) = viewed(scenario, &chains, seed, |view| {
                let symptoms = scenario.incident.as_ref().map_or(&[][..], |incident| &incident.reproduced);
                (judge_expected(&View { expect: symptoms, ..*view }, &history), judge(view, &history))
            });
            ArmResult { arm, history, reproduced, cured }
        }
        Played::Unsupported(history, reasons) => {
            let judged = unsupported(reasons);
            ArmResult { arm, history, reproduced: judged.clone(), cured: judged }
        }
    })
}

impl ArmResult {
    /// Whether this is the side of the nodes as they are: everything holds, and a symptom is gone.
    ///
    /// # Errors
    /// What speaks against it, one ground a line.
    pub fn shows_cure(&self) -> Result<(), String> {
        if self.cured.verdict != Verdict::Pass {
            return Err(grounds(self.cured.findings.iter()));
        }
        match self.reproduced.verdict {
            Verdict::Pass => Err("all symptoms of the incident are seen with the nodes as they are, too".into()),
            Verdict::Fail => Ok(()),
            _ => Err(grounds(self.reproduced.findings.iter())),
        }
    }

    /// Whether this is the side of the nodes as they were: all symptoms are seen, and something that is expected today is not.
    ///
    /// # Errors
    /// What speaks against it, one ground a line.
    pub fn shows_incident(&self) -> Result<(), String> {
        if self.reproduced.verdict != Verdict::Pass {
            return Err(grounds(self.reproduced.findings.iter()));
        }
        match Verdict::worst(self.expected().map(|finding| finding.verdict)) {
            Verdict::Pass => Err("the nodes as they were do all that is expected".into()),
            Verdict::Fail => Ok(()),
            _ => Err(grounds(self.expected())),
        }
    }

    /// Findings of what the scenario itself expects.
    pub fn expected(&self) -> impl Iterator<Item = &Finding> {
        self.cured.findings.iter().filter(|finding| finding.line.is_some())
    }
}

fn grounds<'a>(findings: impl Iterator<Item = &'a Finding>) -> String {
    let grounds = findings.filter(|finding| finding.verdict != Verdict::Pass);
    let line = |finding: &Finding| {
        format!("{}: {}: expected {}, actual {}", finding.verdict, finding.check, finding.expected, finding.actual)
    };
    let lines: Vec<String> = grounds.map(line).collect();
    if lines.is_empty() { "nothing was judged".into() } else { lines.join("\n") }
}

fn named(name: &str) -> Result<Mutant, ArmError> {
    Mutant::named(name).ok_or_else(|| {
        let names: Vec<String> = Mutant::ALL.iter().map(|mutant| mutant.name()).collect();
        ArmError::Mutant { name: name.to_owned(), help: vocabulary::allowed(name, names.iter().map(String::as_str)) }
    })
}

/// The scenario with these settings, each of which all nodes take.
fn with(scenario: &Scenario, settings: &[Setting], chains: &Chains) -> Result<Scenario, ArmError> {
    settings.iter().try_fold(scenario.clone(), |scenario, setting| {
        let scenario = scenario.with_setting(setting);
        for (name, node) in &scenario.nodes {
            node_config::config(&scenario, name, node, chains)
                .map_err(|error| ArmError::Setting { setting: setting.clone(), reason: error.to_string() })?;
        }
        Ok(scenario)
    })
}

/// A defect of all nodes that run in this thread, until it is dropped.
struct Defect;

impl Defect {
    fn on(mutant: Option<Mutant>) -> Self {
        switch(mutant);
        Self
    }
}

impl Drop for Defect {
    fn drop(&mut self) {
        switch(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
title: x
why: y
runs_for: 2m
nodes:
  low: {chain: main@100, whitelists: [top]}
  top: {chain: main@200}
incident:
  without: {sync: {enable_coordinator: false}}
  reproduced: [never: {see: {on: low, log: requested}}]
expect: [tip: {who: [low], is: main@200, by: 110s}]
";

    fn run_all(text: &str) -> Vec<ArmResult> {
        let scenario = Scenario::parse("x", text).unwrap();
        let backend = Backend::simulation();
        arms(&scenario).iter().map(|arm| run_arm(&scenario, arm, 1, &backend).unwrap()).collect()
    }

    #[test]
    fn an_incident_has_two_sides() {
        let [now, then] = &run_all(TEXT)[..] else { panic!("two arms") };
        assert_eq!((now.arm.name.as_str(), then.arm.name.as_str()), ("as configured", "as it was"));
        now.shows_cure().unwrap();
        then.shows_incident().unwrap();
        assert!(now.shows_incident().unwrap_err().starts_with("fail: never requested on low"));
        assert!(then.shows_cure().unwrap_err().contains("fail: low"), "{}", then.shows_cure().unwrap_err());
    }

    #[test]
    fn a_symptom_of_both_sides_shows_nothing() {
        let [now, then] = &run_all(&TEXT.replace("on: low, log: requested", "on: top, log: requested"))[..] else {
            panic!("two arms")
        };
        assert!(now.shows_cure().unwrap_err().contains("too"));
        then.shows_incident().unwrap();
        let [now, _] = &run_all(&TEXT.replace("is: main@200", "is: main@100"))[..] else { panic!("two arms") };
        now.shows_cure().unwrap();
    }

    #[test]
    fn a_defect_is_switched_on_for_its_arm_alone() {
        let text = TEXT
            .replace("without: {sync: {enable_coordinator: false}}", "mutant: no_leader_rule")
            .replace("never: {see: {on: low, log: requested}}", "only_tips: {who: [low], are: [main@100]}")
            .replace("whitelists: [top]", "whitelists: [top, same]")
            .replace("  top:", "  same: {count: 2, chain: main@100}\n  top:");
        let [now, then] = &run_all(&text)[..] else { panic!("two arms") };
        now.shows_cure().unwrap();
        then.shows_incident().unwrap();
        let other = run_all(TEXT);
        other[0].shows_cure().unwrap();
    }

    #[test]
    fn what_no_node_takes_is_refused_before_a_run() {
        let scenario = Scenario::parse("x", TEXT).unwrap();
        let refused = |settings: &[&str], mutant: Option<&str>| {
            let settings = settings.iter().map(|setting| setting.parse().unwrap()).collect();
            let arm = Arm { name: "x".into(), settings, mutant: mutant.map(str::to_owned) };
            run_arm(&scenario, &arm, 1, &Backend::simulation()).unwrap_err().to_string()
        };
        let unknown = refused(&["sync.enable_cordinator=false"], None);
        assert!(unknown.starts_with("cannot set sync.enable_cordinator=false: configuration of low: "), "{unknown}");
        assert!(unknown.contains("did you mean `enable_coordinator`?"), "{unknown}");
        let bad = refused(&["sync.leader_rule=false", "sync.sync_threshold=many"], None);
        assert!(bad.starts_with("cannot set sync.sync_threshold=many: configuration of low: "), "{bad}");
        let defect = refused(&[], Some("no_hedges"));
        assert!(defect.starts_with("no defect `no_hedges`\ndid you mean `no_hedge`?"), "{defect}");
    }
}
