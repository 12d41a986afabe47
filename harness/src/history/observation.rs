//! One thing that was seen: when, where, what.
use std::collections::BTreeMap;
use std::fmt;
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
    /// Virtual (or real) time since the start of the run; whole microseconds in a history.
    #[serde(rename = "at_us", with = "micros")]
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
        /// Its fields; lists of blocks are summed up as `count`, `start`, `end`, and
        /// `broken`, the first height that doesn't follow the one before; the two block requests as `start`, `end`.
        fields: Fields,
    },
    /// A node's connection changed; `peer` is the other end's IP.
    Connection {
        /// `dialled`, `refused`, `opened`, `closed_by_node`, `closed_by_peer`, `reset`, `killed` (with the node's process).
        fate: String,
        /// The other end's IP.
        peer: String,
    },
    /// A node's chain changed (first: what it started with).
    Chain {
        /// The last block kept: the old height for an append; of no meaning the first time, and `height` itself where a
        /// process that started again tells its chain.
        ancestor: u64,
        /// The new height.
        height: u64,
        /// The new tip's hash in hex.
        tip: String,
        /// Why what was added is not a valid continuation, by the harness's own check.
        broken: Option<String>,
    },
    /// A node's metrics: name with labels to value. Sampled each 10 s and at the end. A process's memory, as the system has it, comes from the
    /// source [`memory_of`] it.
    Metrics(#[serde(with = "numbers")] BTreeMap<String, f64>),
    /// A node's process started or ended.
    Process {
        /// Whether it runs now.
        up: bool,
        /// How it ended, where the harness didn't end it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by_itself: Option<String>,
    },
    /// A node did what does not follow from what it was told: an oracle beside it says so, once a rule.
    Breach {
        /// The rule, with its place in the text.
        rule: String,
        /// What it did.
        what: String,
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

/// A time in words: seconds with milliseconds, `12.345 s`.
pub fn seconds(at: Duration) -> String {
    format!("{}.{:03} s", at.as_secs(), at.subsec_millis())
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// One line: `12.345 s  a  WARN behind: We're at …`.
impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}  {}", seconds(self.at), self.source, self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log { level, event, text, .. } if event.is_empty() => write!(f, "{level} {text}"),
            Self::Log { level, event, text, .. } => write!(f, "{level} {event}: {text}"),
            Self::Wire { node, sent, message, fields } => {
                let way = if *sent { "to" } else { "from" };
                write!(f, "{message} {way} {node}")?;
                fields.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
            }
            Self::Connection { fate, peer } => write!(f, "connection {fate}: {peer}"),
            Self::Chain { ancestor, height, tip, broken } => {
                write!(f, "chain at {height} {} (kept up to {ancestor})", short(tip))?;
                match broken {
                    Some(reason) => write!(f, ", broken: {reason}"),
                    None => Ok(()),
                }
            }
            Self::Metrics(values) => write!(f, "{} metrics", values.len()),
            Self::Process { by_itself: Some(how), .. } => write!(f, "ended by itself: {how}"),
            Self::Process { up, .. } => f.write_str(if *up { "started" } else { "ended" }),
            Self::Breach { rule, what } => write!(f, "breach: {what}; {rule}"),
            Self::FaultBegan { what, .. } => write!(f, "fault began: {what}"),
            Self::FaultEnded { id, bit, gone } => {
                let bit = bit.as_deref().unwrap_or("nothing");
                let gone = if *gone { "gone" } else { "NOT gone" };
                write!(f, "fault {id} ended, {gone}; it affected: {bit}")
            }
            Self::Ended => f.write_str("end of the run"),
        }
    }
}

/// The source of what the system tells of a node's memory: `rss_bytes` now and `rss_peak_bytes` since its start.
pub fn memory_of(node: &str) -> String {
    format!("memory of {node}")
}

/// The first 8 characters of a hash in hex.
pub fn short(hash: &str) -> &str {
    hash.get(..8).unwrap_or(hash)
}

/// Times as whole microseconds.
mod micros {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, ser};

    pub fn serialize<S: Serializer>(at: &Duration, to: S) -> Result<S::Ok, S::Error> {
        let micros = u64::try_from(at.as_micros()).map_err(|_| ser::Error::custom("a time above 584,000 years"))?;
        to.serialize_u64(micros)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_micros)
    }
}

/// Floating point values where JSON has no word for some: `NaN` and the infinities are written as text.
mod numbers {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Number {
        Finite(f64),
        Other(String),
    }

    pub fn serialize<S: Serializer>(values: &BTreeMap<String, f64>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(values.iter().map(|(name, value)| {
            let number = if value.is_finite() { Number::Finite(*value) } else { Number::Other(value.to_string()) };
            (name, number)
        }))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, f64>, D::Error> {
        BTreeMap::<String, Number>::deserialize(from)?
            .into_iter()
            .map(|(name, number)| match number {
                Number::Finite(value) => Ok((name, value)),
                Number::Other(text) => match text.parse() {
                    Ok(value) => Ok((name, value)),
                    Err(_) => Err(de::Error::custom(format!("`{text}` is no number"))),
                },
            })
            .collect()
    }
}
