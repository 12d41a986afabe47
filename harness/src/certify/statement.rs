//! What is stated about a node: `statement.json`, versioned, with a row for each requirement of the catalogue.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::judgement::Judgement;
use super::trial::{Trial, trial_name};
use super::waiver::Waivers;
use crate::check::{Channel, Finding, Verdict};
use crate::history::{History, Observation, What};
use crate::peer::Ledger;
use crate::scenario::file::{CaseClock, Way};
use crate::scenario::requirement::{Requirement, catalogue};
use crate::scenario::stage::OBSERVER;

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// Messages of a transcript before and after the decision.
const AROUND: usize = 8;

/// A statement about one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// The format's version.
    pub lockstep_statement: u32,
    /// What was demanded.
    pub suite: SuiteId,
    /// Of whom.
    pub subject: SubjectId,
    /// Where and when.
    pub run: RunId,
    /// One for each requirement of the catalogue, in its order.
    pub rows: Vec<Row>,
    /// SHA-256 over the compact JSON of all the above, with an empty seal.
    pub seal: String,
}

/// The suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SuiteId {
    /// Lockstep's version.
    pub version: String,
    /// SHA-256 over the cases' files.
    pub digest: String,
    /// Part of a case's name, where only such cases were tried.
    pub filter: Option<String>,
    /// Whether cases above 60 s were left out.
    pub quick: bool,
    /// Deliberate defects of the reference node that this suite is known to find: `30 of 30`; see `fixtures/sensitivity.md`.
    pub sensitivity: String,
}

/// The node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubjectId {
    /// Its profile's name.
    pub name: String,
    /// What it says of its version, or its profile does.
    pub version: String,
    /// SHA-256 of its program, where there is a file.
    pub digest: Option<String>,
    /// SHA-256 of its profile, where it has one.
    pub profile: Option<String>,
    /// Channels by which it was observed.
    pub observed: Vec<Channel>,
    /// What its peers' chains were made of.
    #[serde(flatten)]
    pub ledger: Ledger,
}

/// The circumstances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunId {
    /// `sim`, `process`, `loopback` or `attached`.
    pub backend: String,
    /// The seed of all trials.
    pub seed: u64,
    /// What the node's intervals and timeouts were divided by, for development. Only at 1 it is a verdict.
    #[serde(default = "real_time", skip_serializing_if = "is_real_time")]
    pub time_scale: u32,
    /// Milliseconds of each trial's set-up.
    pub setup_ms: u64,
    /// When it began, RFC 3339.
    pub began: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Operating system, architecture, cores.
    pub machine: String,
}

fn real_time() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde wants it")]
fn is_real_time(time_scale: &u32) -> bool {
    *time_scale == 1
}

/// What a requirement's row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The node does what is required.
    Pass,
    /// It doesn't, and a waiver says so.
    ExpectedFail,
    /// It can't be tried, or not be seen.
    Unsupported,
    /// It was not asked for.
    NotTried,
    /// What was seen doesn't tell.
    Inconclusive,
    /// It does, though a waiver says that it doesn't.
    UnexpectedPass,
    /// It doesn't.
    Fail,
    /// The harness failed.
    HarnessError,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::ExpectedFail => "expected fail",
            Self::Unsupported => "unsupported",
            Self::NotTried => "not tried",
            Self::Inconclusive => "inconclusive",
            Self::UnexpectedPass => "unexpected pass",
            Self::Fail => "fail",
            Self::HarnessError => "harness error",
        })
    }
}

impl From<Verdict> for Status {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Unsupported => Self::Unsupported,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Fail => Self::Fail,
        }
    }
}

/// One requirement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// `MNS-SC-01`.
    pub id: String,
    /// `MUST` or `SHOULD`.
    pub level: String,
    /// What a node must do.
    pub requirement: String,
    /// Where that comes from.
    pub source: String,
    /// The worst of its trials, as waived.
    pub status: Status,
    /// The worst of its checks on each channel that was observed.
    pub channels: BTreeMap<Channel, Status>,
    /// Channels that its cases would look at, and that this node doesn't have.
    pub not_observed: BTreeSet<Channel>,
    /// Which of several defensible readings the node keeps.
    pub reading: Option<String>,
    /// The worst of those trials that show only what should be; it doesn't count.
    pub should: Option<Status>,
    /// Whether a shorter case took a longer one's place.
    pub shortened: bool,
    /// The waiver's reason.
    pub waiver: Option<String>,
    /// Each case in each of its ways.
    pub trials: Vec<Tried>,
}

/// A trial and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tried {
    /// The case's name.
    pub case: String,
    /// What it shows.
    pub title: String,
    /// Who dialled.
    pub way: Option<Way>,
    /// The reading that it belongs to.
    pub reading: Option<String>,
    /// Whether it takes a longer one's place.
    pub shortened: bool,
    /// Whether it shows only what should be, and doesn't count.
    pub should: bool,
    /// What came of it.
    pub status: Status,
    /// Why it could not be tried, or what failed.
    pub grounds: Vec<String>,
    /// Its checks.
    pub checks: Vec<Checked>,
    /// Messages around the decision.
    pub transcript: Vec<String>,
    /// The case's own time, in milliseconds.
    pub lasts_ms: u64,
    /// What was seen: the file beside the statement, and its SHA-256.
    pub evidence: Option<Evidence>,
    /// The command that repeats this trial.
    pub repeat: String,
}

/// A file of observations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Its path beside the statement.
    pub file: String,
    /// SHA-256 in hex.
    pub sha256: String,
}

/// One check of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Checked {
    /// By which it sees.
    pub channel: Channel,
    /// What it says.
    pub status: Status,
    /// The check in one line.
    pub check: String,
    /// Its line in the case's file.
    pub line: Option<u64>,
    /// What should be seen.
    pub expected: String,
    /// What was seen.
    pub actual: String,
    /// The observation nearest to what was expected.
    pub nearest: Option<String>,
    /// When, since the case began, in milliseconds.
    pub at_ms: Option<u64>,
}

impl Checked {
    fn new(channel: Channel, finding: &Finding) -> Self {
        Self {
            channel,
            status: finding.verdict.into(),
            check: finding.check.clone(),
            line: finding.line,
            expected: finding.expected.clone(),
            actual: finding.actual.clone(),
            nearest: finding.nearest.clone(),
            at_ms: finding.at.map(|at| u64::try_from(at.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

impl Tried {
    /// What a trial showed.
    pub fn new(trial: &Trial, judgement: &Judgement, during: &History, repeat: String) -> Self {
        let checks: Vec<Checked> =
            judgement.findings.iter().map(|(channel, finding)| Checked::new(*channel, finding)).collect();
        let case = trial.case.case.clone().unwrap_or_default();
        Self {
            case: trial.case.name.clone(),
            title: trial.case.title.clone(),
            way: trial.way,
            reading: case.reading,
            shortened: case.clock == CaseClock::Shortened,
            should: case.should,
            status: judgement.verdict.into(),
            grounds: judgement.grounds.clone(),
            transcript: transcript(&checks, during),
            checks,
            lasts_ms: u64::try_from(trial.case.runs_for.as_millis()).unwrap_or(u64::MAX),
            evidence: None,
            repeat,
        }
    }

    /// The page of what was seen, beside its evidence: of what did not pass.
    pub fn page(&self) -> Option<String> {
        let evidence = self.evidence.as_ref().filter(|_| self.status != Status::Pass)?;
        Some(format!("{}.html", evidence.file.strip_suffix(".jsonl").unwrap_or(&evidence.file)))
    }

    /// The case and its way.
    pub fn name(&self) -> String {
        trial_name(&self.case, self.way)
    }

    /// A trial that the harness could not make.
    pub fn broken(trial: &Trial, why: String, repeat: String) -> Self {
        let judgement = Judgement::unsupported(vec![why]);
        let nothing = History::default();
        Self { status: Status::HarnessError, ..Self::new(trial, &judgement, &nothing, repeat) }
    }
}

/// The messages around what decided: around the worst check's time, else the first ones; without the observer's questions.
fn transcript(checks: &[Checked], during: &History) -> Vec<String> {
    let worst = checks.iter().max_by_key(|check| (check.status, check.at_ms.is_some()));
    let at = worst.and_then(|check| check.at_ms).unwrap_or(0);
    let is_message = |what: &What| matches!(what, What::Wire { .. } | What::Connection { .. });
    let tells = |seen: &&Observation| is_message(&seen.what) && seen.source != OBSERVER;
    let messages: Vec<_> = during.observations().iter().filter(tells).collect();
    let middle = messages.partition_point(|seen| seen.at.as_millis() < u128::from(at));
    let (from, to) = (middle.saturating_sub(AROUND), messages.len().min(middle + AROUND));
    messages[from..to].iter().map(ToString::to_string).collect()
}

impl Row {
    /// A requirement's row; `not_observed` by the case's name.
    pub fn new(
        requirement: &Requirement,
        trials: Vec<Tried>,
        not_observed: BTreeSet<Channel>,
        waivers: &Waivers,
    ) -> Self {
        let (status, reading) = status(&trials);
        let waiver = waivers.reason(&requirement.id);
        let status = match (status, &waiver) {
            (Status::Fail, Some(_)) => Status::ExpectedFail,
            (Status::Pass, Some(_)) => Status::UnexpectedPass,
            (status, _) => status,
        };
        let should = trials.iter().filter(|tried| tried.should).map(|tried| tried.status).max();
        let counted =
            trials.iter().filter(|tried| !tried.should && (tried.reading.is_none() || tried.reading == reading));
        let mut channels = BTreeMap::new();
        for check in counted.clone().flat_map(|tried| &tried.checks) {
            let worst = channels.entry(check.channel).or_insert(check.status);
            *worst = check.status.max(*worst);
        }
        Self {
            id: requirement.id.clone(),
            level: requirement.level.clone(),
            requirement: requirement.requirement.clone(),
            source: requirement.source.clone(),
            status,
            channels,
            not_observed,
            should,
            shortened: counted.clone().any(|tried| tried.shortened),
            reading,
            waiver,
            trials,
        }
    }
}

/// The worst of those that count: all without a reading, and those of the reading that the node keeps best.
fn status(trials: &[Tried]) -> (Status, Option<String>) {
    let worst = |reading: Option<&String>| {
        trials.iter().filter(|tried| !tried.should && tried.reading.as_ref() == reading).map(|tried| tried.status).max()
    };
    let readings: BTreeSet<&String> = trials.iter().filter_map(|tried| tried.reading.as_ref()).collect();
    let best = readings.into_iter().filter_map(|name| Some((worst(Some(name))?, name))).min();
    let status = worst(None).max(best.map(|(status, _)| status)).unwrap_or(Status::NotTried);
    (status, best.map(|(_, name)| name.clone()))
}

impl Statement {
    /// How many rows have each status.
    pub fn counts(&self) -> BTreeMap<Status, usize> {
        let mut counts = BTreeMap::new();
        for row in &self.rows {
            *counts.entry(row.status).or_insert(0) += 1;
        }
        counts
    }

    /// The rows of an area (`SC` of `MNS-SC-01`), in order of the catalogue.
    pub fn areas(&self) -> Vec<(&str, Vec<&Row>)> {
        let mut areas: Vec<(&str, Vec<&Row>)> = Vec::new();
        for row in &self.rows {
            let area = row.id.split('-').nth(1).unwrap_or_default();
            match areas.last_mut() {
                Some((last, rows)) if *last == area => rows.push(row),
                _ => areas.push((area, vec![row])),
            }
        }
        areas
    }
}

/// What an area of the catalogue is about, by its letters.
pub fn area_name(area: &str) -> &'static str {
    match area {
        "P1" => "Liveness",
        "P2" => "Connections",
        "HA" => "Heights in pings",
        "SC" => "Sync coordinator",
        "PS" => "Prioritised sync",
        "FR" => "Fork resolution",
        "TO" => "Timeouts",
        "OB" => "Observability",
        "SU" => "Success criteria",
        "HX" => "Hostile peers",
        _ => "Others",
    }
}

/// The rows of the catalogue from what was tried: `trials` by requirement.
pub fn rows(mut trials: BTreeMap<String, (Vec<Tried>, BTreeSet<Channel>)>, waivers: &Waivers) -> Vec<Row> {
    let row = |requirement: &Requirement| {
        let (tried, not_observed) = trials.remove(&requirement.id).unwrap_or_default();
        Row::new(requirement, tried, not_observed, waivers)
    };
    catalogue().iter().map(row).collect()
}
