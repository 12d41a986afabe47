//! A scenario after validation: groups unfolded, names checked, numbers in their ranges. What a run needs, and nothing of YAML.
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::expectation::{Check, NearMedian};
use super::file::{CaseFile, Deviation, LinkShape, PushForm};
use super::incident::Incident;

/// A validated scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its file's path below the scenarios folder without the ending, `phase-3/01-behind-by-100`.
    pub name: String,
    /// One line.
    pub title: String,
    /// Why it matters.
    pub why: String,
    /// Ids of requirements.
    pub requirements: Vec<String>,
    /// What makes it a case of the catalogue.
    pub case: Option<CaseFile>,
    /// The incident that it comes from.
    pub incident: Option<Incident>,
    /// Simulated time.
    pub runs_for: Duration,
    /// With which tests run it.
    pub seed: u64,
    /// Simulated tick.
    pub tick: Duration,
    /// How many times as fast it runs in real time, 1 to 60 (D-29).
    pub time_scale: u32,
    /// All chains by name; `main` has no parent.
    pub chains: BTreeMap<String, Chain>,
    /// Nodes under test by name.
    pub nodes: BTreeMap<String, Node>,
    /// Scripted peers by name.
    pub peers: BTreeMap<String, Peer>,
    /// Links, later ones win. Both directions are listed.
    pub links: Vec<Link>,
    /// Time between two blocks, where some are made.
    pub produce_every: Option<Duration>,
    /// In order of time, before `minority` and `majority` are drawn: see [`Scenario::timeline`].
    pub(super) timeline: Vec<Step<super::timeline::Undrawn>>,
    /// What must be seen.
    pub expect: Vec<Check>,
    /// Beyond what always holds.
    pub near_median: Option<NearMedian>,
    /// Bytes in one node's buffers.
    pub buffered_at_most: Option<u64>,
    /// The file's text, for the run's folder.
    pub source: String,
}

/// A place on a built chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// The chain's name.
    pub chain: String,
    /// The height.
    pub height: u64,
}

/// A built chain.
#[derive(Debug, Clone)]
pub struct Chain {
    /// The last block in common with another chain; `None` for `main`.
    pub fork_of: Option<At>,
    /// Grind the tip so that its hash is below that block's, which has the same height.
    pub lower_than: Option<At>,
    /// Zeros in each block's script.
    pub padding: usize,
    /// The greatest height that the scenario uses of it.
    pub height: u64,
}

/// A node under test.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its only address.
    pub ip: Ipv4Addr,
    /// Its chain at start.
    pub chain: At,
    /// Announces itself as masternode.
    pub masternode: bool,
    /// IPs it whitelists (and dials).
    pub whitelists: Vec<Ipv4Addr>,
    /// IPs that its list of whitelisted peers has once more, with the port.
    pub whitelists_again: Vec<Ipv4Addr>,
    /// IPs it bans.
    pub blacklists: Vec<Ipv4Addr>,
    /// IPs it dials as regular peers.
    pub dials: Vec<Ipv4Addr>,
    /// Blocks that never change.
    pub checkpoints: Vec<At>,
    /// When it starts.
    pub starts_at: Duration,
    /// Time of a durable write.
    pub disk: Duration,
    /// Its turn among the producers and their number.
    pub producer: Option<(u32, u32)>,
    /// The scenario's own settings: section, key, value as TOML text.
    pub config: BTreeMap<String, BTreeMap<String, String>>,
}

/// A scripted peer.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its only address.
    pub ip: Ipv4Addr,
    /// What it serves.
    pub chain: At,
    /// Names of nodes that it dials.
    pub dials: Vec<String>,
    /// Accepts connections.
    pub listens: bool,
    /// When it begins.
    pub starts_at: Duration,
    /// How long after that it dials nodes that don't listen yet.
    pub patience: Duration,
    /// Dials again after an end.
    pub redials: Option<Duration>,
    /// What it does wrong.
    pub deviations: Vec<Deviation>,
}

/// A directed link.
#[derive(Debug, Clone)]
pub struct Link {
    /// Names of one side.
    pub from: Vec<String>,
    /// Names of the other.
    pub to: Vec<String>,
    /// Changes to the default.
    pub shape: LinkShape,
}

/// One step, with everything drawn.
#[derive(Debug, Clone)]
pub struct Step<F = Fault> {
    /// Its number, unfolded repetitions counted: 0 is the first.
    pub id: u32,
    /// When.
    pub at: Duration,
    /// What.
    pub act: Act<F>,
}

/// What a step does. Names are single nodes and peers.
#[derive(Debug, Clone)]
pub enum Act<F = Fault> {
    /// A fault that lasts.
    Fault {
        /// What is hurt.
        fault: F,
        /// For how long.
        lasts: Duration,
    },
    /// A stage direction to scripted peers.
    Direct {
        /// Which.
        peers: Vec<String>,
        /// What.
        direction: Direction,
    },
}

/// A fault on these nodes (`W`) or these directed pairs of parties (`P`).
#[derive(Debug, Clone)]
pub enum Fault<W = Vec<String>, P = Vec<(String, String)>> {
    /// Directed pairs that carry nothing.
    Cut(P),
    /// Directed pairs that behave otherwise.
    Link(P, LinkShape),
    /// Nodes that stand still.
    Pause(W),
    /// Nodes whose process is killed.
    Kill(W),
    /// Nodes that lose power.
    PowerLoss(W),
    /// Nodes whose clock is off.
    Skew {
        /// Which.
        who: W,
        /// Milliseconds.
        offset_ms: i64,
        /// Parts in a million.
        drift_ppm: i64,
    },
}

/// A stage direction.
#[derive(Debug, Clone)]
pub enum Direction {
    /// See [`super::file::Action::Tell`].
    Tell(Option<u64>),
    /// See [`super::file::Action::Announce`].
    Announce(u64),
    /// See [`super::file::Action::Move`].
    Move(At),
    /// See [`super::file::Action::Push`].
    Push {
        /// First height.
        start: u64,
        /// Last height.
        end: u64,
        /// How.
        form: PushForm,
    },
    /// See [`super::file::Action::Send`].
    Send(String),
    /// See [`super::file::Action::Disconnect`].
    Disconnect,
    /// See [`super::file::Action::Connect`].
    Connect,
    /// See [`super::file::Action::Deviate`].
    Deviate(Vec<Deviation>),
}
