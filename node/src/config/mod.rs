//! The node's configuration: defaults, then file, then flags.
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::chain::{Hash, Height, SealedBlock};

/// Everything that `config.toml` can say, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[sync]`
    pub sync: Sync,
    /// `[network]`
    pub network: Network,
    /// `[chain]`
    pub chain: Chain,
    /// `[producer]`
    pub producer: Producer,
    /// `[store] path`; `None` keeps the chain in memory.
    pub store: Option<PathBuf>,
    /// `[http] listen`
    pub http: Option<SocketAddr>,
    /// `[log]`
    pub log: Log,
    /// `[test] time_scale`, 1 to 60: divides every interval, timeout and back-off (D-29).
    pub time_scale: u32,
}

/// `[sync]`: the text's keys, D-1, D-3 and the switches of D-28.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the keys' names; units in the types")]
pub struct Sync {
    pub coordinator_interval: Duration,
    pub max_sync_batch_size: u64,
    pub sync_threshold: u64,
    pub hedge_after: Duration,
    pub leader_rule: bool,
    pub enable_coordinator: bool,
    pub trust_whitelisted: bool,
    pub priority_forks: bool,
    pub heights_in_pings: bool,
    pub masternode_timeouts: bool,
}

/// `[network]`
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the keys' names")]
pub struct Network {
    pub name: String,
    pub genesis: SealedBlock,
    pub listen: SocketAddr,
    pub peers: Vec<PeerAddress>,
    pub whitelisted_peers: Vec<PeerAddress>,
    pub blacklisted_peers: Vec<IpAddr>,
    pub max_connections: usize,
    pub reserved_masternode_slots: usize,
    pub masternode: bool,
}

/// A peer's address; its identity is the IP alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerAddress {
    /// Identity.
    pub ip: IpAddr,
    /// Default: the network's.
    pub port: Option<u16>,
}

/// `[chain]`
#[derive(Debug, Clone, Default)]
pub struct Chain {
    /// Hashes at and below the latest of them never change.
    pub checkpoints: Vec<(Height, Hash)>,
}

/// `[producer]` (D-14)
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the keys' names")]
pub struct Producer {
    pub enabled: bool,
    pub interval: Duration,
    pub slot: u64,
    pub slots: u64,
    pub time_based: bool,
}

/// `[log]`
#[derive(Debug, Clone)]
pub struct Log {
    /// JSON lines instead of text.
    pub json: bool,
    /// A tracing filter, `info` by default.
    pub level: String,
}
