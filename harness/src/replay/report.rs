//! All that a page or a terminal tells of an incident and the runs of it.
use serde::Serialize;

use super::Fidelity;
use super::incident::Incident;
use super::matching::Matching;
use crate::run::Verdict;

/// An incident, the scenario that was made of it, and what its runs showed. All times are microseconds since 1970 on the incident's clock.
#[derive(Debug)]
pub struct Report<'a> {
    /// What it is about.
    pub title: String,
    /// Where it comes from: files, or commands.
    pub sources: Vec<String>,
    /// What the logs told.
    pub incident: &'a Incident,
    /// How the runs were made of it.
    pub matching: Matching,
    /// The runs. The first one with a fidelity is the one that is to show the incident.
    pub arms: Vec<ArmColumn<'a>>,
    /// What the scenario does to the network.
    pub faults: Vec<Band>,
    /// What wasn't understood in the logs, by kind.
    pub not_understood: Vec<NotUnderstood>,
    /// What the logs don't say, and what was taken instead.
    pub unknowns: Vec<String>,
    /// What the scenario does and why, in order of time.
    pub timeline: Vec<Moment>,
}

/// One arm: the scenario run with one set of settings.
#[derive(Debug)]
pub struct ArmColumn<'a> {
    /// Its name: `as configured`, `as it was`, a setting.
    pub name: String,
    /// What it showed, seen as an incident.
    pub run: Option<&'a Incident>,
    /// Whether the symptoms stay away.
    pub cured: Vec<Judged>,
    /// Whether the symptoms show.
    pub reproduced: Vec<Judged>,
    /// How much of the incident it shows, where that was asked.
    pub fidelity: Option<Fidelity>,
}

/// What became of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// The check in words; the same in all arms.
    pub check: String,
    /// Whether it holds.
    pub verdict: Verdict,
    /// What was seen.
    pub actual: String,
}

/// What became of one check in all arms.
#[derive(Debug)]
pub struct Row<'a> {
    /// `reproduced` or `cured`.
    pub kind: &'static str,
    /// The check in words.
    pub check: &'a str,
    /// In the order of the arms; `None`: it isn't one of the arm's.
    pub cells: Vec<Option<&'a Judged>>,
}

/// A time in which something was done to the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// From.
    pub from: i64,
    /// Until.
    pub until: i64,
    /// What, in words.
    pub label: String,
}

/// A kind of line that wasn't understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotUnderstood {
    /// The kind.
    pub kind: String,
    /// How many lines.
    pub count: u64,
    /// One of them.
    pub sample: String,
    /// Where that one stands, `node-b.log:812`.
    pub place: String,
}

/// A step of the scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: i64,
    /// What, in words.
    pub what: String,
    /// The lines it comes from.
    pub place: String,
}

impl Report<'_> {
    /// The fidelity of the arm that is to show the incident, with the arm's name.
    pub fn fidelity(&self) -> Option<(&str, &Fidelity)> {
        self.arms.iter().find_map(|arm| Some((&*arm.name, arm.fidelity.as_ref()?)))
    }

    /// The checks in order of first mention, those of symptoms first.
    pub fn rows(&self) -> Vec<Row<'_>> {
        let mut rows: Vec<Row<'_>> = Vec::new();
        for kind in ["reproduced", "cured"] {
            for judged in self.arms.iter().flat_map(|arm| arm.checks(kind)) {
                if !rows.iter().any(|row| row.kind == kind && row.check == judged.check) {
                    let cell = |arm| ArmColumn::checks(arm, kind).iter().find(|cell| cell.check == judged.check);
                    rows.push(Row { kind, check: &judged.check, cells: self.arms.iter().map(cell).collect() });
                }
            }
        }
        rows
    }
}

impl ArmColumn<'_> {
    fn checks(&self, kind: &str) -> &[Judged] {
        if kind == "cured" { &self.cured } else { &self.reproduced }
    }
}
