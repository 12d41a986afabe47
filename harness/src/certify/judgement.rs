//! What a trial's history is worth.
use std::collections::BTreeSet;
use std::time::Duration;

use super::precondition::missing;
use crate::check::{Channel, Finding, Verdict, judge_case};
use crate::history::{History, black_box};
use crate::peer::Chains;
use crate::run::viewed;
use crate::scenario::Scenario;

/// The verdict on one trial, with its grounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The worst of its findings.
    pub verdict: Verdict,
    /// Why it could not be tried, where it could not.
    pub grounds: Vec<String>,
    /// Each check, with the channel by which it sees.
    pub findings: Vec<(Channel, Finding)>,
    /// Channels that the case would look at and that this node doesn't have.
    pub not_observed: BTreeSet<Channel>,
}

impl Judgement {
    /// Of a trial that the backend or the profile can't make.
    pub fn unsupported(grounds: Vec<String>) -> Self {
        Self { verdict: Verdict::Unsupported, grounds, findings: Vec::new(), not_observed: BTreeSet::new() }
    }

    /// Of a trial whose set-up did not do what it is for.
    pub fn not_begun(grounds: Vec<String>) -> Self {
        Self { verdict: Verdict::Inconclusive, ..Self::unsupported(grounds) }
    }

    /// Whether the case began: what came before says nothing about the requirement.
    pub fn began(&self) -> bool {
        self.grounds.is_empty()
    }
}

/// Judges a history of `case` with a set-up of this length. Pure: the same history gives the same judgement.
pub fn judge(
    case: &Scenario,
    seed: u64,
    setup: Duration,
    observed: &[Channel],
    chains: &Chains,
    history: &History,
) -> Judgement {
    let (before, during) = black_box(history, setup);
    let grounds = missing(case, chains, &before);
    if !grounds.is_empty() {
        return Judgement::not_begun(
            grounds.into_iter().map(|why| format!("the case could not begin: {why}")).collect(),
        );
    }
    let findings = viewed(case, chains, seed, |view| judge_case(view, &during));
    let (findings, unseen): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|(channel, _)| observed.contains(channel));
    let not_observed: BTreeSet<Channel> = unseen.into_iter().map(|(channel, _)| channel).collect();
    let on_channel = |(channel, _): &&(Channel, Finding)| *channel != Channel::Outside;
    if findings.iter().filter(on_channel).count() == 0 {
        let channels: Vec<String> = not_observed.iter().map(ToString::to_string).collect();
        let why = format!("not observed: the profile tells no {}", channels.join(", "));
        return Judgement { not_observed, ..Judgement::unsupported(vec![why]) };
    }
    let verdict = Verdict::worst(findings.iter().map(|(_, finding)| finding.verdict));
    Judgement { verdict, grounds: Vec::new(), findings, not_observed }
}
