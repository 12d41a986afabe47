//! The sides of an incident, run: what they show of it, and whether it is cured.
use super::draft::Draft;
use super::fidelity::{Fidelity, Tolerance, fidelity};
use super::fold::of_history;
use super::incident::Incident;
use super::matching::Matching;
use super::report::{ArmColumn, Band, Judged, Moment, NotUnderstood, Report};
use crate::run::arm::{Arm, ArmError, ArmResult, arms, run_arm};
use crate::run::{Backend, Finding, Verdict};
use crate::scenario::Scenario;

/// What came of an arm, and the run seen as an incident.
#[derive(Debug)]
pub struct Played {
    /// What came of it.
    pub result: ArmResult,
    /// What its nodes logged.
    pub run: Incident,
}

/// What the runs say of the node of today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The incident shows in the nodes as they were, and not in those of today.
    Cured,
    /// The node of today doesn't do all that is expected.
    NotCured,
    /// The nodes as they were don't show it: that today's don't, either, says little.
    NotReproduced,
}

/// Runs the nodes as they are, as they were, and as `further` has them.
///
/// # Errors
/// A setting that nodes refuse; else where the backend itself fails.
pub fn play(
    scenario: &Scenario,
    further: impl IntoIterator<Item = Arm>,
    seed: u64,
    backend: &Backend,
) -> Result<Vec<Played>, ArmError> {
    let all = arms(scenario).into_iter().chain(further);
    all.map(|arm| {
        let result = run_arm(scenario, &arm, seed, backend)?;
        let run = of_history(&result.history);
        Ok(Played { result, run })
    })
    .collect()
}

/// Settles on the defect, or on none, with which the nodes as they were show most of what they have to.
///
/// # Errors
/// Where the backend itself fails.
pub fn choose(draft: &mut Draft, seed: u64, backend: &Backend) -> Result<(), ArmError> {
    let mut candidates = vec![None];
    candidates.extend(draft.symptoms.iter().filter(|symptom| symptom.mutant.is_some()).map(|symptom| symptom.mutant));
    candidates.sort();
    candidates.dedup();
    let mut best = (0, draft.mutant);
    for mutant in candidates {
        draft.mutant = mutant;
        let Some(result) = as_it_was(draft, seed, backend)? else { continue };
        let shown = result.reproduced.findings.iter().filter(|finding| finding.verdict == Verdict::Pass).count();
        // None goes first: a switch is a better reason than a defect.
        if shown > best.0 {
            best = (shown, mutant);
        }
    }
    draft.mutant = best.1;
    Ok(())
}

/// A run of the nodes as they were; `None`: there is no such side.
fn as_it_was(draft: &Draft, seed: u64, backend: &Backend) -> Result<Option<ArmResult>, ArmError> {
    let Ok(scenario) = Scenario::parse("draft", &draft.to_string()) else { return Ok(None) };
    let was = arms(&scenario).into_iter().nth(1);
    was.map(|was| run_arm(&scenario, &was, seed, backend)).transpose()
}

/// Gives up the checks that the nodes as they were don't show in a run.
///
/// # Errors
/// Where the backend itself fails.
pub fn prune(draft: &mut Draft, seed: u64, backend: &Backend) -> Result<(), ArmError> {
    let Some(result) = as_it_was(draft, seed, backend)? else { return Ok(()) };
    let text = draft.to_string();
    let lines: Vec<&str> = text.lines().collect();
    for finding in result.reproduced.findings.iter().filter(|finding| finding.verdict != Verdict::Pass) {
        let line =
            finding.line.and_then(|line| usize::try_from(line).ok()?.checked_sub(1)).and_then(|line| lines.get(line));
        if let Some(check) = line.and_then(|line| line.trim().strip_prefix("- ")) {
            draft.not_reproduced(check);
        }
    }
    Ok(())
}

/// What the first arms say: as configured, and as it was.
pub fn verdict(played: &[Played]) -> Outcome {
    let (now, then) = (played.first(), played.get(1));
    match (now, then) {
        (Some(now), _) if now.result.cured.verdict != Verdict::Pass => Outcome::NotCured,
        (Some(now), Some(then)) if now.result.shows_cure().is_ok() && then.result.shows_incident().is_ok() => {
            Outcome::Cured
        }
        _ => Outcome::NotReproduced,
    }
}

/// All that is to be told of them.
pub fn report<'a>(draft: &'a Draft, played: &'a [Played], not_understood: Vec<NotUnderstood>) -> Report<'a> {
    let matching = Matching { names: draft.nodes(), clockwork: draft.clock.clockwork.clone(), ..Matching::default() };
    let begins = draft.incident.begins;
    let clockwork = &draft.clock.clockwork;
    let at = |at: i64| begins.saturating_add(clockwork.to_incident(at));
    let changes =
        draft.steps().iter().flat_map(|step| [Some(step.at), step.lasts.map(|lasts| step.at + lasts)]).flatten();
    let tolerance = Tolerance { changes: changes.map(at).collect(), ..Tolerance::default() };
    // The incident is to show in the nodes as they were; without such a side, in those of today.
    let shows = usize::from(played.len() > 1 && played[1].result.arm.name == "as it was");
    let column = |(index, played): (usize, &'a Played)| ArmColumn {
        name: played.result.arm.name.clone(),
        run: Some(&played.run),
        cured: played.result.expected().map(judged).collect(),
        reproduced: played
            .result
            .reproduced
            .findings
            .iter()
            .filter(|finding| finding.line.is_some())
            .map(judged)
            .collect(),
        fidelity: (index == shows)
            .then(|| -> Fidelity { fidelity(&draft.incident, &played.run, &matching, &tolerance) }),
    };
    let arms = played.iter().enumerate().map(column).collect();
    let timeline = draft.steps().iter().map(|step| Moment {
        at: at(step.at),
        what: step.action.clone(),
        place: step.comment.clone(),
    });
    let faults = draft.steps().iter().filter_map(|step| {
        Some(Band { from: at(step.at), until: at(step.at.saturating_add(step.lasts?)), label: step.action.clone() })
    });
    Report {
        title: draft.title.clone(),
        sources: draft.incident.files.clone(),
        incident: &draft.incident,
        timeline: timeline.collect(),
        faults: faults.collect(),
        matching: matching.clone(),
        arms,
        not_understood,
        unknowns: draft.unknowns.clone(),
    }
}

fn judged(finding: &Finding) -> Judged {
    Judged { check: finding.check.clone(), verdict: finding.verdict, actual: finding.actual.clone() }
}
