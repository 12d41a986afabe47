//! What a failure has in common with the same failure in another network.
use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::check::{Finding, JudgeResult, Verdict};
use crate::scenario::Scenario;
use crate::scenario::expectation::Expect;

/// Which check failed and how, in words without names, numbers, times and hashes.
///
/// Of several failures one counts: the first of what always holds, since it needs no scenario to be wrong, else the first of the file. The
/// others may come and go. What is inconclusive or unsupported is no failure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The check: `node converge on one tip`.
    pub check: String,
    /// What was seen instead: `not by the end of the run: node at N H`.
    pub symptom: String,
    /// What kind of claim was not kept.
    pub claim: Claim,
    /// Ids of the scenario's requirements, in order.
    pub requirements: BTreeSet<String>,
}

/// Kinds of claims, by what a smaller scenario has to leave alone so that the claim is still a just one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// It holds in every network whose nodes can reach each other: invariants, and that nodes come to agree.
    General,
    /// Nothing of the kind may be seen, or not so much of it, with these parties on these chains: less trouble gives no reason for it.
    Excess,
    /// Something must be seen, which may be due to anything in the scenario.
    Lack,
}

impl Fingerprint {
    /// Of a panic of a node, without its numbers, and what it said.
    pub fn of_panic(panic: &(dyn Any + Send)) -> (Self, String) {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
        let symptom =
            said.split(|c: char| c.is_ascii_digit()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("N");
        let check = "no node panics".to_owned();
        (Self { check, symptom, claim: Claim::General, requirements: BTreeSet::new() }, said)
    }

    /// Of a judgement of this scenario; `None` where nothing failed.
    pub fn of(judged: &JudgeResult, scenario: &Scenario) -> Option<Self> {
        let failed = || judged.findings.iter().enumerate().filter(|(_, finding)| finding.verdict == Verdict::Fail);
        let (index, finding) = failed().find(|(_, finding)| finding.line.is_none()).or_else(|| failed().next())?;
        // Expectations are judged first, in their order.
        let expected = finding.line.and_then(|_| scenario.expect.get(index));
        Some(Self {
            check: normal(&finding.check, scenario),
            symptom: symptom(finding, scenario),
            claim: expected.map_or(Claim::General, |check| Claim::of(&check.what)),
            requirements: scenario.requirements.iter().cloned().collect(),
        })
    }

    /// The check as a file's name: `node-converge-on-one-tip`, at most 60 characters.
    pub fn slug(&self) -> String {
        let words = self.check.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let mut slug = String::new();
        for word in words.map(str::to_ascii_lowercase) {
            if slug.len() + word.len() >= 60 {
                break;
            }
            slug = if slug.is_empty() { word } else { format!("{slug}-{word}") };
        }
        if slug.is_empty() { "failure".to_owned() } else { slug }
    }
}

/// One line: `node converge on one tip: only after N s (MNS-SU-01)`.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.symptom)?;
        if !self.requirements.is_empty() {
            let ids: Vec<&str> = self.requirements.iter().map(String::as_str).collect();
            write!(f, " ({})", ids.join(", "))?;
        }
        Ok(())
    }
}

impl Claim {
    fn of(expect: &Expect) -> Self {
        match expect {
            Expect::Converge { .. } => Self::General,
            Expect::Never(_) | Expect::Rate { .. } | Expect::OnlyTips { .. } | Expect::Reorgs { .. } => Self::Excess,
            Expect::Count { at_least: 0, .. } => Self::Excess,
            Expect::Sequence(_) | Expect::Count { .. } | Expect::Gaps { .. } => Self::Lack,
            Expect::Tip { .. } | Expect::Metric { .. } => Self::Lack,
        }
    }
}

fn symptom(finding: &Finding, scenario: &Scenario) -> String {
    let text = normal(&finding.actual, scenario);
    match text.as_str() {
        "once" => "N times".to_owned(),
        _ => text.replace("seen once", "seen N times"),
    }
}

/// Without names, numbers and hashes; of what is then said twice in a list, once.
fn normal(text: &str, scenario: &Scenario) -> String {
    let mut words = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let (word, after) = rest.split_at(rest.find(|c| !in_word(c)).unwrap_or(rest.len()));
        words.push_str(kind(word, after, scenario));
        let next = after.chars().next();
        words.extend(next.map(|c| if c.is_control() { ' ' } else { c }));
        rest = &after[next.map_or(0, char::len_utf8)..];
    }
    for (twice, once) in [("N.N", "N"), ("node, node", "node"), ("peer, peer", "peer"), ("node or node", "node")] {
        while words.contains(twice) {
            words = words.replace(twice, once);
        }
    }
    while words.contains("chain@N or chain@N") {
        words = words.replace("chain@N or chain@N", "chain@N");
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in words.split(", ") {
        // The first one may follow a few words: `not by the end: node at N`.
        if !parts.iter().any(|other| *other == part || other.ends_with(&format!(": {part}"))) {
            parts.push(part);
        }
    }
    parts.join(", ")
}

/// What stands for a word.
fn kind<'a>(word: &'a str, after: &str, scenario: &Scenario) -> &'a str {
    let is_hash = [8, 64].contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_number = word.starts_with(|c: char| c.is_ascii_digit()) && word.chars().all(|c| !c.is_ascii_alphabetic());
    match word {
        _ if after.starts_with('@') && scenario.chains.contains_key(word) => "chain",
        _ if scenario.nodes.contains_key(word) => "node",
        _ if scenario.peers.contains_key(word) => "peer",
        _ if is_hash => "H",
        _ if is_number => "N",
        word => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
title: x
why: y
requirements: [MNS-SU-01, MNS-SC-01]
runs_for: 1m
nodes: {n: {count: 3, chain: main@100}, mn-1: {chain: fork@120}}
chains: {fork: {fork_of: main@90}}
peers: {p: {count: 2, chain: main@100}}
expect: [converge: {who: [nodes], on: tips, within: 10s}, never: {see: {on: n1, log: banned}}]
";

    fn finding(verdict: Verdict, check: &str, line: Option<u64>, actual: &str) -> Finding {
        Finding {
            verdict,
            check: check.into(),
            line,
            expected: String::new(),
            actual: actual.into(),
            nearest: None,
            at: None,
            faults_in_force: Vec::new(),
            budget: None,
        }
    }

    fn of(findings: Vec<Finding>) -> Option<Fingerprint> {
        let judged = JudgeResult { verdict: Verdict::Fail, findings, convergence: Vec::new() };
        Fingerprint::of(&judged, &Scenario::parse("x", TEXT).unwrap())
    }

    #[test]
    fn names_numbers_and_hashes_make_no_difference() {
        let failed = |check, actual| of(vec![finding(Verdict::Fail, check, Some(9), actual)]).unwrap();
        let many = failed(
            "n1, n2, mn-1 converge on one tip",
            "not by the end of the run: n1 at 100 0a1b2c3d, n2 at 7 11111111, mn-1 is down",
        );
        let two = failed("n3, mn-1 converge on one tip", "not by the end of the run: mn-1 at 5 ffffffff, n3 is down");
        assert_eq!(many, two);
        assert_eq!(
            many.to_string(),
            "node converge on one tip: not by the end of the run: node at N H, node is down (MNS-SC-01, MNS-SU-01)"
        );
        assert_eq!(many.slug(), "node-converge-on-one-tip");
        assert_eq!(many.claim, Claim::General);
        assert_ne!(many, failed("n1, n2 converge on one tip", "only after 17.250 s"), "late is not never");
        let once = failed("n1 or n2 only ever at main@5 or fork@7", "seen once, first at 1.5 s");
        assert_eq!(once, failed("mn-1 only ever at main@5", "seen 12 times, first at 81.000 s"));
        assert_eq!(once.check, "node only ever at chain@N");
        assert_eq!(failed("x", "p1 (10.0.0.7) asks p2 for 1-500").symptom, "peer (N) asks peer for N");
        assert_eq!(failed("ä\nb", "").check, "ä b");
    }

    #[test]
    fn one_of_several_failures_counts() {
        let pass = || finding(Verdict::Pass, "n1 converge", Some(9), "");
        let never = || finding(Verdict::Fail, "never banned on n1", Some(9), "seen once");
        let always = finding(Verdict::Fail, "buffers stay bounded", None, "9 on n1");
        let unknown = finding(Verdict::Inconclusive, "x", None, "");
        assert_eq!(of(vec![pass(), unknown.clone()]), None);
        let first = of(vec![pass(), never()]).unwrap();
        assert_eq!((first.claim, first.check.as_str()), (Claim::Excess, "never banned on node"));
        let gravest = of(vec![pass(), never(), unknown, always]).unwrap();
        assert_eq!((gravest.claim, gravest.check.as_str()), (Claim::General, "buffers stay bounded"));
        let text = serde_json::to_string(&gravest).unwrap();
        assert_eq!(serde_json::from_str::<Fingerprint>(&text).unwrap(), gravest);
    }
}
