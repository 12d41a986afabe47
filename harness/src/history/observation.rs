//! One thing that was seen: when, where, what.
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A field's value, as logs and messages carry them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Field {
    /// A whole number; heights, counts, nonces are exact.
    Number(u64),
    /// Anything else, as written.
    Text(String),
}

/// Fields by name, in order of name.
pub type Fields = BTreeMap<String, Field>;

/// Something seen at a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Virtual (or real) time since the start of the run.
    pub at: Duration,
    /// The node's or the scripted peer's name; `harness` for what the harness did.
    pub source: String,
    /// What.
    pub what: What,
}

/// Kinds of observation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A line of a node's log.
    Log {
        /// TRACE to ERROR.
        level: String,
        /// Its name (canonical log lines), empty where the line names none.
        event: String,
        /// The message.
        text: String,
        /// Its structured fields.
        fields: Fields,
    },
    /// A message that a scripted peer received from a node (`sent: false`) or sent to it (`sent: true`).
    Wire {
        /// The node's name.
        node: String,
        /// Direction, seen from the scripted peer.
        sent: bool,
        /// The message's name on the wire.
        message: String,
        /// Its fields; lists of blocks are summed up as `count`, `start`, `end`; the two block requests as `start`, `end`.
        fields: Fields,
    },
    /// A node's connection changed; `peer` is the other end's IP.
    Connection {
        /// `dialled`, `refused`, `opened`, `closed_by_node`, `closed_by_peer`, `reset`.
        fate: String,
        /// The other end's IP.
        peer: String,
    },
    /// A node's chain changed (first: what it started with).
    Chain {
        /// The last block kept: equal to the old height for an append.
        ancestor: u64,
        /// The new height.
        height: u64,
        /// The new tip's hash in hex.
        tip: String,
        /// Why what was added is not a valid continuation, by the harness's own check.
        broken: Option<String>,
    },
    /// A node's metrics: name with labels to value. Sampled each 10 s and at the end.
    Metrics(BTreeMap<String, f64>),
    /// A node's process started or ended.
    Process {
        /// Whether it runs now.
        up: bool,
    },
    /// A fault began.
    FaultBegan {
        /// Its number in the timeline, unfolded.
        id: u32,
        /// In words.
        what: String,
    },
    /// A fault ended; the probes' results.
    FaultEnded {
        /// As began.
        id: u32,
        /// Whether it affected anything (segments held, polls suppressed, a process ended …), in words; `None`: nothing.
        bit: Option<String>,
        /// Whether the effect is gone.
        gone: bool,
    },
    /// The run's end.
    Ended,
}
