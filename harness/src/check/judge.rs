//! The way in: every expectation of a scenario, what always holds, and the probes of its faults.
use std::collections::BTreeSet;
use std::time::Duration;

use crate::history::{History, late, seconds};
use crate::scenario::expectation::{At, Check, Expect, NearMedian};

use super::channel::Channel;
use super::convergence::{self, Question};
use super::verdict::{Finding, JudgeResult, Outcome, Verdict};
use super::{bound, invariant, metric, probe, sequence, tips, words};

/// Hashes in hex of places on built chains; `None` where nothing was built.
pub type Resolver<'a> = &'a dyn Fn(&At) -> Option<String>;

/// What judging needs of a scenario. Addresses come with the history.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Nodes under test by name.
    pub nodes: &'a BTreeSet<String>,
    /// Those that are masternodes.
    pub masternodes: &'a BTreeSet<String>,
    /// Whether nodes make blocks.
    pub produces: bool,
    /// How many faults the timeline has.
    pub faults: usize,
    /// What must be seen.
    pub expect: &'a [Check],
    /// Beyond what always holds.
    pub near_median: Option<&'a NearMedian>,
    /// Bytes in one node's buffers.
    pub buffered_at_most: Option<u64>,
    /// Hashes of built chains.
    pub hash: Resolver<'a>,
}

/// Later than this, in the scenario's time, a real machine did not keep up: limits of a few seconds are common.
const LATE_AT_MOST: Duration = Duration::from_secs(2);

/// Judges a run. Pure: the same history gives the same result.
pub fn judge(view: &View<'_>, history: &History) -> JudgeResult {
    let JudgeResult { mut findings, convergence, .. } = judge_expected(view, history);
    let always = invariant::judge(view, history);
    let probes = probe::judge(view.faults, history);
    for (name, outcome) in always.into_iter().chain(probes) {
        findings.push(finding(name, None, outcome, history));
    }
    findings.push(finding("the run came to its end".into(), None, ended(history), history));
    JudgeResult { verdict: Verdict::worst(findings.iter().map(|finding| finding.verdict)), findings, convergence }
}

/// Judges what is expected alone: neither what always holds, nor whether the faults were real.
pub fn judge_expected(view: &View<'_>, history: &History) -> JudgeResult {
    let mut convergence = Vec::new();
    let mut findings = Vec::new();
    for check in view.expect {
        let name = words::expectation(&check.what, history.meta());
        let (outcome, took) = expectation(&check.what, view, history);
        if let Some(took) = took {
            convergence.push((name.clone(), took));
        }
        findings.push(finding(name, Some(check.line), outcome, history));
    }
    JudgeResult { verdict: Verdict::worst(findings.iter().map(|finding| finding.verdict)), findings, convergence }
}

/// Judges a case of the catalogue by what it expects alone, each check with its channel; what a scenario demands of every node at
/// all times are requirements of their own there.
pub fn judge_case(view: &View<'_>, history: &History) -> Vec<(Channel, Finding)> {
    let expected = view.expect.iter().map(|check| {
        let name = words::expectation(&check.what, history.meta());
        let (outcome, _) = expectation(&check.what, view, history);
        (Channel::of(&check.what), finding(name, Some(check.line), outcome, history))
    });
    let outside = [
        ("the node does not end by itself".to_owned(), invariant::alive(view.nodes, history)),
        ("the run came to its end".to_owned(), ended(history)),
    ];
    let memory = view
        .buffered_at_most
        .map(|at_most| ("its memory stays bounded".to_owned(), invariant::memory(view.nodes, at_most, history)));
    let outside = outside.into_iter().chain(memory).chain(probe::judge(view.faults, history));
    let outside = outside.map(|(name, outcome)| (Channel::Outside, finding(name, None, outcome, history)));
    expected.chain(outside).collect()
}

/// What failed while the machine was late may be the machine's fault: a limit of seconds means nothing then.
fn in_time(outcome: Outcome, history: &History) -> Outcome {
    let late = late(history);
    if outcome.verdict != Verdict::Fail || late <= LATE_AT_MOST {
        return outcome;
    }
    let actual = format!("{}; this machine was late by {} of the scenario's time", outcome.actual, seconds(late));
    Outcome { verdict: Verdict::Inconclusive, actual, ..outcome }
}

/// With the time that a convergence took.
fn expectation(expect: &Expect, view: &View<'_>, history: &History) -> (Outcome, Option<Duration>) {
    let (outcome, took) = seen(expect, view, history);
    (in_time(outcome, history), took)
}

fn seen(expect: &Expect, view: &View<'_>, history: &History) -> (Outcome, Option<Duration>) {
    let outcome = match expect {
        Expect::Sequence(items) => sequence::judge(items, history),
        Expect::Never(window) => bound::never(window, history),
        Expect::Count { seen, at_least, at_most } => bound::count(seen, *at_least, *at_most, history),
        Expect::Rate { seen, per, at_most, each } => bound::rate(seen, *per, *at_most, each, history),
        Expect::Gaps { seen, at_least, at_most, are } => bound::gaps(seen, *at_least, *at_most, are, history),
        Expect::Converge { who, on, within, after } => {
            let question = Question { who, on: *on, within: *within, after: *after, produces: view.produces };
            return convergence::judge(&question, history);
        }
        Expect::Tip { who, is, by, not_before } => tips::tip(who, is, *by, *not_before, history, view.hash),
        Expect::OnlyTips { who, are } => tips::only(who, are, history, view.hash),
        Expect::Reorgs { who, at_most } => tips::reorgs(who, *at_most, history),
        Expect::Metric { on, name, at, since, at_least, at_most } => {
            metric::judge(on, name, *at, *since, *at_least, *at_most, history)
        }
    };
    (outcome, None)
}

fn ended(history: &History) -> Outcome {
    match history.end() {
        Some(end) => Outcome::pass("the end", seconds(end)),
        None => Outcome::inconclusive("the end", "the history breaks off").seen(history.observations().last()),
    }
}

fn finding(check: String, line: Option<u64>, outcome: Outcome, history: &History) -> Finding {
    let in_force = |at| history.faults_in_force(at);
    Finding {
        verdict: outcome.verdict,
        check,
        line,
        expected: outcome.expected,
        actual: outcome.actual,
        nearest: outcome.nearest,
        at: outcome.at,
        faults_in_force: outcome.at.map(in_force).unwrap_or_default(),
        budget: outcome.budget,
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::tests::pattern;
    use super::super::verdict::{Budget, Unit};
    use super::*;
    use crate::history::LATE;
    use crate::history::build::{Build, history};
    use crate::scenario::expectation::{Agreement, Window};

    fn judged(history: &History) -> JudgeResult {
        let nodes: BTreeSet<String> = ["a".into(), "b".into()].into();
        let never = Expect::Never(Window { see: pattern("a", "log ahead", ""), from: None, until: None });
        let converge = Expect::Converge {
            who: vec!["a".into(), "b".into()],
            on: Agreement::Tips,
            within: Duration::from_secs(60),
            after: None,
        };
        let expect = [Check { line: 12, what: never }, Check { line: 15, what: converge }];
        let view = View {
            nodes: &nodes,
            masternodes: &BTreeSet::new(),
            produces: false,
            faults: 1,
            expect: &expect,
            near_median: None,
            buffered_at_most: None,
            hash: &|_| None,
        };
        judge(&view, history)
    }

    fn run() -> Build {
        let buffered = [("lockstep_buffered_bytes", 0.0)];
        history()
            .chain("a", 9, 9, "x9")
            .chain("b", 5, 5, "x5")
            .log("a", "started", "")
            .log("b", "started", "")
            .at(10_000)
            .fault_began(0, "cut a | b")
            .at(20_000)
            .fault_ended(0, Some("9 segments"), true)
            .at(22_750)
            .chain("b", 5, 9, "x9")
            .at(99_000)
            .metrics("a", &buffered)
            .metrics("b", &buffered)
            .at(100_000)
    }

    #[test]
    fn a_good_run_passes_and_tells_its_convergence_exactly() {
        let result = judged(&run().ended());
        assert_eq!(result.verdict, Verdict::Pass, "{:#?}", result.findings);
        let took = Duration::from_millis(2_750);
        assert_eq!(result.convergence, [("a, b converge on one tip".into(), took)]);
        assert_eq!(result.findings[1].line, Some(15));
        assert_eq!(result.findings[1].budget, Some(Budget { used: 2_750, limit: 60_000, unit: Unit::Ms }));
        assert_eq!(result.findings[0].budget, None, "what must never be seen has no room");
    }

    #[test]
    fn the_worst_finding_counts_and_names_the_faults_in_force() {
        let bad = run().at(15_000).log("a", "ahead", "").ended();
        let result = judged(&bad);
        assert_eq!(result.verdict, Verdict::Fail);
        let finding = &result.findings[0];
        assert_eq!((finding.verdict, finding.line), (Verdict::Fail, Some(12)));
        assert_eq!(finding.check, "never ahead on a");
        assert_eq!(finding.faults_in_force, ["cut a | b"]);
    }

    #[test]
    fn a_late_machine_is_not_the_nodes_fault() {
        let late = |seconds| run().at(15_000).log("a", "ahead", "").metrics("harness", &[(LATE, seconds)]).ended();
        assert_eq!(judged(&late(2.0)).verdict, Verdict::Fail);
        let result = judged(&late(2.5));
        assert_eq!(result.verdict, Verdict::Inconclusive);
        let says = &result.findings[0].actual;
        assert!(says.ends_with("; this machine was late by 2.500 s of the scenario's time"), "{says}");
    }

    #[test]
    fn a_run_that_breaks_off_passes_nothing() {
        let result = judged(&run().done());
        assert_eq!(result.verdict, Verdict::Inconclusive);
        assert_eq!(judged(&history().done()).verdict, Verdict::Inconclusive);
    }
}
