//! What must be seen, after validation: the only part of a scenario that checks read.
use std::collections::BTreeMap;
use std::time::Duration;

pub use super::file::{Agreement, ConnectionFate};
pub use super::resolved::At;

/// One expectation with its place in the file.
#[derive(Debug, Clone)]
pub struct Check {
    /// Line in the scenario file, from 1.
    pub line: u64,
    /// What.
    pub what: Expect,
}

/// See [`super::file::Expectation`]; names are unfolded, places on chains are hashes by the time of a run.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the file's types are the manual")]
pub enum Expect {
    Sequence(Vec<Seen>),
    Never(Window),
    Count {
        seen: Window,
        at_least: u64,
        at_most: Option<u64>,
    },
    Rate {
        seen: Window,
        per: Duration,
        at_most: u64,
        each: Vec<String>,
    },
    Gaps {
        seen: Window,
        at_least: Option<Duration>,
        at_most: Option<Duration>,
        are: Vec<Duration>,
    },
    Converge {
        who: Vec<String>,
        on: Agreement,
        within: Duration,
        after: Option<Duration>,
    },
    Tip {
        who: Vec<String>,
        is: At,
        by: Duration,
        not_before: Option<Duration>,
    },
    OnlyTips {
        who: Vec<String>,
        are: Vec<At>,
    },
    Reorgs {
        who: Vec<String>,
        at_most: u64,
    },
    Metric {
        on: String,
        name: String,
        at: Option<Duration>,
        since: Option<Duration>,
        at_least: Option<f64>,
        at_most: Option<f64>,
    },
}

/// A pattern with its limits in time.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the file's types are the manual")]
pub struct Seen {
    pub see: Pattern,
    pub by: Option<Duration>,
    pub within: Option<Duration>,
    pub not_before: Option<Duration>,
    pub not_within: Option<Duration>,
}

/// A pattern in a window of time.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the file's types are the manual")]
pub struct Window {
    pub see: Pattern,
    pub from: Option<Duration>,
    pub until: Option<Duration>,
}

/// Matches observations of these sources (any of them).
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the file's types are the manual")]
pub struct Pattern {
    pub on: Vec<String>,
    pub kind: PatternKind,
    pub fields: BTreeMap<String, Condition>,
    pub text: Option<String>,
}

/// What kind of observation.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the file's types are the manual")]
pub enum PatternKind {
    Log(String),
    Wire(String),
    Connection(ConnectionFate),
}

/// A condition on a field.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Condition {
    Is(String),
    Not(String),
    AtLeast(u64),
    AtMost(u64),
}

/// Masternodes stay close to their median.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the file's types are the manual")]
pub struct NearMedian {
    pub blocks: u64,
    pub after: Duration,
}
