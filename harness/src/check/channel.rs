//! By what a check sees: each channel has a verdict of its own, and a node may lack one.
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::expectation::{Expect, Pattern, PatternKind};

/// Where a node is observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Messages and connections.
    Wire,
    /// Its log.
    Log,
    /// Its metrics.
    Metric,
    /// From outside: its process, and the harness's own faults.
    Outside,
}

impl Channel {
    /// What `expect` looks at; the log where it looks at both.
    pub fn of(expect: &Expect) -> Self {
        let pattern = |pattern: &Pattern| match pattern.kind {
            PatternKind::Log(_) => Self::Log,
            PatternKind::Wire(_) | PatternKind::Connection(_) => Self::Wire,
        };
        match expect {
            Expect::Sequence(items) => items.iter().map(|item| pattern(&item.see)).max().unwrap_or(Self::Wire),
            Expect::Never(seen)
            | Expect::Count { seen, .. }
            | Expect::Rate { seen, .. }
            | Expect::Gaps { seen, .. } => pattern(&seen.see),
            Expect::Metric { .. } => Self::Metric,
            Expect::Converge { .. } | Expect::Tip { .. } | Expect::OnlyTips { .. } | Expect::Reorgs { .. } => {
                Self::Wire
            }
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Wire => "wire",
            Self::Log => "log",
            Self::Metric => "metric",
            Self::Outside => "outside",
        })
    }
}
