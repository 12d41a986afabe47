//! The shape of a scenario file, and its manual: every key with its unit and its default.
//!
//! Durations are written with their unit (`250ms`, `60s`, `2m30s`), rates as bytes a second (`20kB/s`), shares as `5%`,
//! a place on a chain as `main@1000`. Names are those of nodes, peers and groups (`m: {count: 3}` makes `m1` to `m3`, and
//! `m` means all of them); beside them stand `all`, `nodes`, `peers`, `masternodes`, and, drawn from the seed, `minority`
//! and `majority` of the nodes; `others` is everybody not named on the other side.
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::incident::IncidentFile;
use super::plain::Value;
use super::value::{ChainAt, Clock, Name, Rate, Share, Span};
use super::yaml::Spanned;

/// One scenario: who takes part, what happens to them, and what must be seen.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// One line: the behaviour.
    pub title: Spanned<String>,
    /// Why it matters, and where its numbers come from.
    pub why: Spanned<String>,
    /// Ids of `fixtures/requirements.yaml`; empty only for what no row names.
    #[serde(default)]
    pub requirements: Vec<Spanned<String>>,
    /// What makes it a case of the catalogue, for `lockstep certify`: see [`CaseFile`].
    #[serde(default)]
    pub case: Option<Spanned<CaseFile>>,
    /// Where it comes from an incident: see [`IncidentFile`].
    #[serde(default)]
    pub incident: Option<Spanned<IncidentFile>>,
    /// Simulated time from start to end.
    pub runs_for: Spanned<Span>,
    /// The seed with which `cargo test` runs it: the one that once showed a defect. Default 1.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Simulated granularity of message delivery; 10 ms up to 20 hosts, 100 ms above. Default 10 ms.
    #[serde(default)]
    pub tick: Option<Spanned<Span>>,
    /// In real time the scenario runs so many times as fast (1 to 60): every interval, timeout and back-off of the node is divided, and so
    /// are the scenario's own times. Default 1. The simulation has no use for it.
    #[serde(default)]
    pub time_scale: Option<Spanned<u16>>,
    /// Forks of the built chain `main`, which always exists.
    #[serde(default)]
    pub chains: BTreeMap<Name, ChainFile>,
    /// Nodes under test.
    pub nodes: Spanned<BTreeMap<Name, NodeFile>>,
    /// Scripted peers.
    #[serde(default)]
    pub peers: BTreeMap<Name, PeerFile>,
    /// Links that are not the default one (latency 10 ms, nothing else); later entries win.
    #[serde(default)]
    pub links: Vec<LinkFile>,
    /// Who makes blocks.
    #[serde(default)]
    pub produce: Option<ProduceFile>,
    /// What happens, and when.
    #[serde(default)]
    pub timeline: Vec<StepFile>,
    /// What must be seen.
    pub expect: Spanned<Vec<Spanned<Expectation>>>,
    /// What must hold all the time, beyond what always does.
    #[serde(default)]
    pub invariants: InvariantFile,
}

/// How a scenario is used to judge a node of which only the wire is known.
///
/// A case has one node, `a`, and one requirement. Before its time begins there is a set-up: the node starts with nothing but the
/// genesis, all peers that start at 0 s are honest and at the node's `chain`, and the node syncs from them. Then the peers take on their
/// own chains and deviations within an instant, and what follows is judged. Peers that start later meet the node as they are.
///
/// Peers that neither dial, nor are dialled, nor refuse to listen are connected both ways, in a run each; a whitelisted peer is dialled by
/// the node anyway.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// Only one of the two ways, where the requirement names it.
    #[serde(default)]
    pub way: Option<Way>,
    /// Where it runs. Default: in virtual time and on a real clock.
    #[serde(default)]
    pub clock: CaseClock,
    /// The name of one defensible reading of the requirement: a node that passes all cases of one reading passes.
    #[serde(default)]
    pub reading: Option<String>,
    /// It shows only what the requirement says should be done: a failure is remarked and doesn't count.
    #[serde(default)]
    pub should: bool,
    /// Whether a regular peer that tells nothing asks the node for its tip each second. Default true: tips are known by its answers.
    #[serde(default = "yes")]
    pub observer: bool,
}

/// Who dials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The peers do.
    Inbound,
    /// The node does.
    Outbound,
}

/// Where a case runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseClock {
    /// In virtual time and on a real clock.
    #[default]
    Any,
    /// In virtual time only: it takes too long for a real clock.
    Virtual,
    /// On a real clock only, in the place of a longer case: the statement says so.
    Shortened,
}

/// A fork of another chain.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChainFile {
    /// The last block in common.
    pub fork_of: Spanned<ChainAt>,
    /// Its tip's hash is lower than that of this block of the same height, for ties: `main@3000`.
    #[serde(default)]
    pub lower_than: Option<Spanned<ChainAt>>,
    /// Its blocks are longer by a script of this many zeros, two bytes each on the wire. Default 0.
    #[serde(default)]
    pub padding: u16,
}

/// A node under test, or a group of equal ones.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeFile {
    /// Makes `name1` to `nameN`.
    #[serde(default)]
    pub count: Option<Spanned<u16>>,
    /// Default: the next of 10.0.0.0/16 in order of name. With `count`: the first of consecutive ones.
    #[serde(default)]
    pub ip: Option<Spanned<Ipv4Addr>>,
    /// Its chain at start. Default `main@0`.
    #[serde(default)]
    pub chain: Option<Spanned<ChainAt>>,
    /// Announces itself as a masternode, and counts for its own branch (wire protocol, Fork choice).
    #[serde(default)]
    pub masternode: bool,
    /// `network.whitelisted_peers`: also dialled.
    #[serde(default)]
    pub whitelists: Vec<Spanned<String>>,
    /// Those that `network.whitelisted_peers` lists once more, as `ip:port`.
    #[serde(default)]
    pub whitelists_again: Vec<Spanned<String>>,
    /// `network.blacklisted_peers`.
    #[serde(default)]
    pub blacklists: Vec<Spanned<String>>,
    /// `network.peers`: regular peers that it dials.
    #[serde(default)]
    pub dials: Vec<Spanned<String>>,
    /// `chain.checkpoints`: these blocks and what lies below never change.
    #[serde(default)]
    pub checkpoints: Vec<Spanned<ChainAt>>,
    /// When it starts. Default 0 s.
    #[serde(default)]
    pub starts_at: Option<Spanned<Span>>,
    /// Time of one durable write. Default 0 s.
    #[serde(default)]
    pub disk: Option<Spanned<Span>>,
    /// Further settings of the reference node's config file, by section: `{sync: {coordinator_interval: 5}}`.
    #[serde(default)]
    pub config: BTreeMap<Name, BTreeMap<Name, Spanned<Value>>>,
}

/// A scripted peer, or a group of equal ones: honest but for its deviations.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerFile {
    /// Makes `name1` to `nameN`.
    #[serde(default)]
    pub count: Option<Spanned<u16>>,
    /// As of nodes, after them.
    #[serde(default)]
    pub ip: Option<Spanned<Ipv4Addr>>,
    /// What it serves, and the height that it tells.
    pub chain: Spanned<ChainAt>,
    /// Nodes that it dials. It listens in any case, unless `listens: false`.
    #[serde(default)]
    pub dials: Vec<Spanned<String>>,
    /// Whether it accepts connections. Default true.
    #[serde(default = "yes")]
    pub listens: bool,
    /// When it begins to dial or to listen. Default 0 s. For 2 s from then on it dials until the node listens.
    #[serde(default)]
    pub starts_at: Option<Spanned<Span>>,
    /// Dials again this long after its connection ended. Default: never.
    #[serde(default)]
    pub redials: Option<Spanned<Span>>,
    /// What it does wrong. Several may go together.
    #[serde(default)]
    pub deviations: Vec<Spanned<Deviation>>,
}

/// One thing that a scripted peer does otherwise than an honest one.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Deviation {
    /// Tells its height plus this.
    InflatedHeight(u64),
    /// Tells u64::MAX.
    MaxHeight,
    /// Tells this height for ever.
    StaleHeight(u64),
    /// Tells these heights in turn, one every `every`, by pings.
    FlappingHeight {
        /// In turn.
        heights: Vec<u64>,
        /// Time between two.
        every: Span,
    },
    /// Tells no height in pings and pongs.
    NoHeights,
    /// Tells its height in pings only, not in pongs or answers.
    HeightInPingsOnly,
    /// Tells its height in pongs only.
    HeightInPongsOnly,
    /// Reads everything, answers none of these.
    Mute(Vec<Kind>),
    /// Answers pings only from this long after the connection began.
    AnswersPingsFrom(Span),
    /// Of each this many pings, leaves all but the last unanswered.
    MissesPongsOf(u32),
    /// Pongs carry nonce xor 1.
    WrongNonce,
    /// Repeats its first pong for ever.
    ReplayedPong,
    /// Answers block requests with an empty list.
    EmptyAnswers,
    /// Answers every block request with this range.
    WrongRange {
        /// First height.
        start: u64,
        /// Last height.
        end: u64,
    },
    /// Answers block requests with at most this many blocks.
    ShortAnswers(u64),
    /// Sends each block answer evenly over this time.
    Drip(Span),
    /// Answers block requests after this time.
    DelayedAnswers(Span),
    /// Blocks of an answer in an order drawn from the seed.
    ShuffledBlocks,
    /// Each block of an answer twice.
    DuplicatedBlocks,
    /// Blocks of an answer from the last to the first.
    ReversedBlocks,
    /// Sends this many blocks after the asked range too, over several lines.
    ExtraBlocks(u64),
    /// Serves a block at this height that is not valid. The hashes that it tells, and the blocks after it, are the good chain's.
    InvalidBlock {
        /// Its height.
        at: u64,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// Has another genesis.
    WrongGenesis,
    /// Sends one line of this many bytes without an end after the handshake.
    OversizedLine(u64),
    /// Sends these lines after the handshake, each as it is written.
    JunkLines(Vec<String>),
    /// Sends bytes drawn from the seed, this many, with line ends.
    JunkBytes(u64),
    /// Never reads after the handshake.
    NeverReads,
    /// Closes the connection right after it is open.
    ClosesAtOnce,
    /// Closes the connection this long after the handshake, or after the deviation began.
    ClosesAfter(Span),
    /// Closes the connection after it has served this many blocks.
    ClosesAfterBlocks(u64),
    /// Opens the connection and sends this instead of a handshake.
    BadHandshake(Handshake),
    /// Pings this many times a second, beside the normal ones.
    PingFlood(u32),
    /// Answers hash probes with null.
    NullHashes,
    /// Answers hash probes with hashes drawn from the seed, but for the genesis.
    RandomHashes,
    /// Has production's habits: GetBlocks answers of at most 101 blocks, CRLF, two pings at once, ignored requests by direction.
    Production,
}

/// Groups of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Pings.
    Pings,
    /// Block requests.
    Blocks,
    /// Requests for a block's hash.
    Hashes,
    /// Requests for the tip.
    Tips,
    /// Everything after the handshake; it doesn't ping by itself either.
    Everything,
}

/// What is wrong with a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// Its previous hash is not its parent's.
    PreviousHash,
    /// Its merkle root is not that of its transactions.
    MerkleRoot,
    /// It claims another height.
    Height,
    /// Its previous hash is all zeros.
    ZeroPreviousHash,
    /// Its timestamp is an hour after the node's clock.
    Timestamp,
    /// It pays more than 100 TIME.
    Reward,
}

/// What comes instead of a good handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Handshake {
    /// A ping with height 9000.
    PingFirst,
    /// Another magic.
    WrongMagic,
    /// Protocol version 2.
    WrongVersion,
    /// One byte every 10 s.
    Slow,
    /// Nothing.
    Silent,
}

/// A link between two sides, both ways.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkFile {
    /// One side. Default: all.
    #[serde(default)]
    pub between: Vec<Spanned<String>>,
    /// The other side. Default: all.
    #[serde(default)]
    pub and: Vec<Spanned<String>>,
    /// How it behaves.
    pub is: LinkShape,
}

/// How a link behaves in each direction; what is left out stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkShape {
    /// One way.
    #[serde(default)]
    pub latency: Option<Span>,
    /// Added to the latency, uniform from 0 to this.
    #[serde(default)]
    pub jitter: Option<Span>,
    /// Share of segments lost (and sent again, as TCP does).
    #[serde(default)]
    pub loss: Option<Share>,
    /// Share of segments sent twice.
    #[serde(default)]
    pub duplicate: Option<Share>,
    /// Share of segments overtaken by the next.
    #[serde(default)]
    pub reorder: Option<Share>,
    /// Bytes a second.
    #[serde(default)]
    pub rate: Option<Rate>,
}

/// Blocks made by nodes, in turn, one each `every`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProduceFile {
    /// Nodes that take turns (D-14: slots).
    pub by: Vec<Spanned<String>>,
    /// Time between two blocks.
    pub every: Spanned<Span>,
}

/// One step of the timeline.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepFile {
    /// When, since the start.
    pub at: Spanned<Span>,
    /// What.
    #[serde(rename = "do")]
    pub action: Spanned<Action>,
    /// Again this often.
    #[serde(default)]
    pub every: Option<Spanned<Span>>,
    /// This many times in all, 1 to 10000. Default 1.
    #[serde(default)]
    pub times: Option<Spanned<u32>>,
}

/// A fault, which ends by itself, or a stage direction to a scripted peer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// No data passes, both ways.
    Cut(Between),
    /// No data passes from `between` to `and`.
    CutOneWay(Between),
    /// The link behaves otherwise.
    Link {
        /// One side.
        between: Vec<Spanned<String>>,
        /// The other side.
        and: Vec<Spanned<String>>,
        /// How.
        is: LinkShape,
        /// For how long.
        #[serde(rename = "for")]
        lasts: Spanned<Span>,
    },
    /// The process stands still (its kernel goes on).
    Pause(Whom),
    /// The process is killed, and started again with its store after `for`.
    Kill(Whom),
    /// The machine loses power: nothing is said to its peers, and unacknowledged writes are lost.
    PowerLoss(Whom),
    /// The wall clock differs.
    Skew {
        /// Which nodes.
        who: Vec<Spanned<String>>,
        /// By this much: `-1h`, `1h`.
        offset: Clock,
        /// And gains this many parts in a million.
        #[serde(default)]
        drift_ppm: i64,
        /// For how long.
        #[serde(rename = "for")]
        lasts: Spanned<Span>,
    },
    /// Scripted peers tell this height from now on, at once by a ping.
    Tell {
        /// Which peers.
        peers: Vec<Spanned<String>>,
        /// Default: that of their chain again.
        height: Option<u64>,
    },
    /// Scripted peers tell this height from now on, at once by BlockInventory.
    Announce {
        /// Which peers.
        peers: Vec<Spanned<String>>,
        /// The height.
        height: u64,
    },
    /// Scripted peers serve another chain from now on and tell its height by a ping.
    Move {
        /// Which peers.
        peers: Vec<Spanned<String>>,
        /// Where to.
        chain: Spanned<ChainAt>,
    },
    /// Scripted peers push blocks of their chain that nobody asked for.
    Push {
        /// Which peers.
        peers: Vec<Spanned<String>>,
        /// First height.
        start: u64,
        /// Last height.
        end: Spanned<u64>,
        /// As a list (BlocksResponse, 100 a line) or one by one (BlockAnnouncement).
        #[serde(rename = "as")]
        form: PushForm,
    },
    /// Scripted peers send this line.
    Send {
        /// Which peers.
        peers: Vec<Spanned<String>>,
        /// The line, without its end.
        line: String,
    },
    /// Scripted peers close their connections.
    Disconnect(Peers),
    /// Scripted peers dial the nodes of their `dials` (once more).
    Connect(Peers),
    /// Scripted peers deviate so from now on; an empty list makes them honest.
    Deviate {
        /// Which peers.
        peers: Vec<Spanned<String>>,
        /// How.
        deviations: Vec<Spanned<Deviation>>,
    },
}

/// Two sides and a time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// One side.
    pub between: Vec<Spanned<String>>,
    /// The other side.
    pub and: Vec<Spanned<String>>,
    /// For how long.
    #[serde(rename = "for")]
    pub lasts: Spanned<Span>,
}

/// Nodes and a time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Whom {
    /// Which nodes.
    pub who: Vec<Spanned<String>>,
    /// For how long.
    #[serde(rename = "for")]
    pub lasts: Spanned<Span>,
}

/// Scripted peers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Peers {
    /// Which.
    pub peers: Vec<Spanned<String>>,
}

/// How blocks are pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PushForm {
    /// BlocksResponse, 100 blocks a line.
    List,
    /// BlockAnnouncement, one by one.
    Announcements,
}

/// What must be seen. Times are since the start unless a key says otherwise.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expectation {
    /// These observations, in this order, others between them allowed.
    Sequence(Vec<SeenBy>),
    /// Not seen in the window.
    Never(Window),
    /// Seen this often in the window.
    Count {
        /// What and when.
        seen: Window,
        /// At least. Default 0.
        #[serde(default)]
        at_least: u64,
        /// At most. Default: no limit.
        #[serde(default)]
        at_most: Option<u64>,
    },
    /// In every window of this length, seen at most this often.
    Rate {
        /// What and when.
        seen: Window,
        /// The window's length.
        per: Spanned<Span>,
        /// At most so often in each.
        at_most: u64,
        /// Counted apart for each value of these fields (`[start, end]`: each range), and for each party of `on`. Default: all together.
        #[serde(default)]
        each: Vec<Spanned<String>>,
    },
    /// Times between one and the next.
    Gaps {
        /// What and when.
        seen: Window,
        /// At least.
        #[serde(default)]
        at_least: Option<Spanned<Span>>,
        /// At most.
        #[serde(default)]
        at_most: Option<Spanned<Span>>,
        /// These gaps, in order, each within 25 % (back-off): the first gaps only.
        #[serde(default)]
        are: Vec<Span>,
    },
    /// All of `who` come to agree in time and stay so to the end of the run.
    Converge {
        /// Which nodes.
        who: Vec<Spanned<String>>,
        /// On what.
        on: Agreement,
        /// How long after `after`.
        within: Spanned<Span>,
        /// From when the time counts. Default: the last fault's end, or the start.
        #[serde(default)]
        after: Option<Spanned<Span>>,
    },
    /// A node's tip is this block (or above it on that chain) by `by` and to the end, and, where `not_before` is given, not earlier.
    Tip {
        /// Which nodes.
        who: Vec<Spanned<String>>,
        /// The block.
        is: Spanned<ChainAt>,
        /// The latest time. 0s: all the time.
        by: Spanned<Span>,
        /// The earliest time.
        #[serde(default)]
        not_before: Option<Spanned<Span>>,
    },
    /// The only tips ever seen are these.
    OnlyTips {
        /// Which node.
        who: Vec<Spanned<String>>,
        /// The blocks.
        are: Vec<Spanned<ChainAt>>,
    },
    /// The chain changes its tip by reorganisation at most so often. In a case, whose tips are told by the node, each change of them counts.
    Reorgs {
        /// Which nodes, each.
        who: Vec<Spanned<String>>,
        /// At most.
        at_most: u64,
    },
    /// A metric's value.
    Metric {
        /// Which node.
        on: Spanned<String>,
        /// Its name, with labels as scraped.
        name: String,
        /// When. Default: at the end.
        #[serde(default)]
        at: Option<Spanned<Span>>,
        /// By how much it has grown since then, instead of its value.
        #[serde(default)]
        since: Option<Spanned<Span>>,
        /// At least.
        #[serde(default)]
        at_least: Option<f64>,
        /// At most.
        #[serde(default)]
        at_most: Option<f64>,
    },
}

/// What nodes agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Agreement {
    /// One tip hash on all.
    Tips,
    /// Heights at most this far apart.
    HeightsWithin(u64),
    /// All at least so high.
    HeightAtLeast(u64),
}

/// A pattern with its limits in time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenBy {
    /// What.
    pub see: Spanned<Pattern>,
    /// Not later than this.
    #[serde(default)]
    pub by: Option<Spanned<Span>>,
    /// Not later than this after the one before.
    #[serde(default)]
    pub within: Option<Spanned<Span>>,
    /// Not earlier than this.
    #[serde(default)]
    pub not_before: Option<Spanned<Span>>,
    /// Not earlier than this after the one before.
    #[serde(default)]
    pub not_within: Option<Spanned<Span>>,
}

/// A pattern in a window of time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// What.
    pub see: Spanned<Pattern>,
    /// From. Default: the start.
    #[serde(default)]
    pub from: Option<Spanned<Span>>,
    /// Until. Default: the end.
    #[serde(default)]
    pub until: Option<Spanned<Span>>,
}

/// Matches one kind of observation: exactly one of `log`, `wire`, `connection`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// The node (log, connection) or the scripted peer (wire) where it is seen.
    pub on: Spanned<String>,
    /// A log event by its name (decisions, Canonical log lines), or `any`.
    #[serde(default)]
    pub log: Option<Spanned<String>>,
    /// A message that the peer receives from a node, by its name; `BlockRequest`s of both kinds are `blocks_asked`.
    #[serde(default)]
    pub wire: Option<Spanned<String>>,
    /// A connection's fate as the node's network shows it.
    #[serde(default)]
    pub connection: Option<ConnectionFate>,
    /// Fields: equal (`{our: 1000, ip: m1}`), or compared (`{end: "<= 1110"}`, `>=`, `!=`). Names of nodes and peers stand for
    /// their IP, but for the field `node` of a message, which is a name. Every log line has a `level`, DEBUG to ERROR.
    #[serde(default, rename = "where")]
    pub fields: BTreeMap<String, Spanned<Value>>,
    /// The line contains this text.
    #[serde(default)]
    pub text: Option<String>,
}

/// What became of a connection. Fields: `peer`, and `by` for closed ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionFate {
    /// The node dialled `peer` (an attempt).
    Dialled,
    /// Opened, whoever dialled.
    Opened,
    /// The node closed it.
    ClosedByNode,
    /// The other side closed it.
    ClosedByPeer,
}

/// What must always hold, beyond the invariants of every run.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InvariantFile {
    /// Masternodes stay this close to their median, from this long after the start and after each fault's end.
    #[serde(default)]
    pub near_median: Option<NearMedian>,
    /// Bytes that one node may hold in its buffers. Default 64 MiB. In a case: by which its memory may grow, from the case's beginning on, where it
    /// runs as a process; without it, memory is not judged there.
    #[serde(default)]
    pub buffered_at_most: Option<u64>,
}

/// See [`InvariantFile::near_median`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NearMedian {
    /// Blocks.
    pub blocks: u64,
    /// Time to settle.
    pub after: Spanned<Span>,
}

fn yes() -> bool {
    true
}
