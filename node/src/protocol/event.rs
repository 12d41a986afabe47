//! What happened, as values: `telemetry` gives each its line, its fields and its metrics.
use std::net::IpAddr;
use std::time::Duration;

use super::Direction;
use crate::chain::{Hash, Height, HeightRange};

/// Something worth telling. The first word of each doc comment's brackets is its name in logs.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "fields are named as in the canonical log lines")]
pub enum Event {
    /// (`started`, INFO)
    Started { height: Height, tip: Hash, time_scale: u32 },
    /// (`connected`, INFO) A handshake is done.
    Connected { ip: IpAddr, direction: Direction, whitelisted: bool },
    /// (`disconnected`, INFO) An established connection ended. `reason`: `closed by peer`, `unresponsive`, `banned`, `duplicate`, `no slot`, `send queue full`, `line too long`, ...
    Disconnected { ip: IpAddr, direction: Direction, by_us: bool, reason: String },
    /// (`refused`, INFO) A connection was closed before it was established: `banned`, `no slot`, `duplicate`, `handshake timeout`, `bad handshake: ...`.
    Refused { ip: IpAddr, direction: Direction, reason: String },
    /// (`dial_failed`, DEBUG)
    DialFailed { ip: IpAddr, reason: String },
    /// (`reconnecting`)
    Reconnecting { ip: IpAddr, whitelisted: bool, after: Duration },
    /// (`gave_up_dialling`, INFO) From now on once an hour.
    GaveUpDialling { ip: IpAddr, failures: u32 },
    /// (`ping_sent`)
    PingSent { ip: IpAddr, direction: Direction, height: Option<Height>, nonce: u64 },
    /// (`ping_received`)
    PingReceived { ip: IpAddr, direction: Direction, height: Option<Height>, nonce: u64 },
    /// (`pong_missed`)
    PongMissed { ip: IpAddr, direction: Direction, missed: u32, max: u32 },
    /// (`peer_unresponsive`, `masternode_unresponsive`)
    Unresponsive { ip: IpAddr, direction: Direction, whitelisted: bool, missed: u32, timeout: Duration },
    /// (`foreign_genesis`, WARN) Once a connection.
    ForeignGenesis { ip: IpAddr, theirs: Hash },
    /// No line: one tick of the coordinator, for the metrics. `variance` is the standard deviation of all known peer heights.
    Checked { our: Height, consensus: Option<Height>, deviation: f64, initiated: bool },
    /// (`behind`)
    Behind { our: Height, consensus: Height, ip: IpAddr },
    /// (`no_peer`)
    NoPeer { our: Height, consensus: Height },
    /// (`peer_ahead`)
    PeerAhead { ip: IpAddr, blocks: u64 },
    /// (`ahead`)
    Ahead { our: Height, consensus: Height },
    /// (`in_sync`) INFO where `changed`, else DEBUG.
    InSync { our: Height, consensus: Height, changed: bool },
    /// No line: from the first request to in_sync.
    SyncFinished { took: Duration },
    /// (`requested`)
    Requested { ip: IpAddr, range: HeightRange, timeout: Duration, whitelisted: bool, hedge: bool },
    /// (`send_failed`)
    SendFailed { ip: IpAddr, reason: String },
    /// (`received`)
    Received { ip: IpAddr, direction: Direction, range: HeightRange, count: u64, whitelisted: bool },
    /// (`request_failed`)
    RequestFailed { ip: IpAddr, range: HeightRange, reason: String, whitelisted: bool, benched: Duration },
    /// (`priority_sync`)
    PrioritySync { ip: IpAddr, tip: Height, our: Height },
    /// (`off_consensus`)
    OffConsensus { ip: IpAddr, agree: usize, total: usize, tip: Height },
    /// (`fork_detected`)
    ForkDetected { ip: IpAddr, height: Height, ours: Hash, theirs: Hash },
    /// (`priority_fork`)
    PriorityFork { ip: IpAddr, depth: u64 },
    /// (`ancestor_found`)
    AncestorFound { ip: IpAddr, height: Height, depth: u64, round_trips: u32 },
    /// (`reorg`)
    Reorg { old_height: Height, old_tip: Hash, new_height: Height, new_tip: Hash, ancestor: Height },
    /// (`fork_kept`)
    ForkKept { ip: IpAddr, reason: String },
    /// (`fork_gave_up`)
    ForkGaveUp { ip: IpAddr, reason: String },
    /// (`block_rejected`)
    BlockRejected { ip: IpAddr, height: Height, reason: String },
    /// (`banned`) `lasts: None` is until restart, `duration` in the line then reads `until restart`.
    Banned { ip: IpAddr, lasts: Option<Duration>, reason: String },
    /// (`appended`, DEBUG) The chain grew; durable. `peers` and the like are gauges for the metrics.
    Appended { height: Height, tip: Hash, count: u64 },
    /// (`produced`, INFO)
    Produced { height: Height, hash: Hash },
    /// (`write_failed`, ERROR)
    WriteFailed { reason: String },
    /// No line: bytes held in the core's buffers, when they change much (for `lockstep_buffered_bytes`).
    Buffered { bytes: u64 },
}
