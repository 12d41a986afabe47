//! Where a node stands, as plain values for people and monitors. Reading it changes nothing.
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::coordinator::Lag;
use super::download::Request;
use super::peer_table::Conn;
use super::{Core, Direction, Now};
use crate::chain::{ChainView, Height};

/// A node at one instant. Durations are in milliseconds, times in milliseconds since 1970 unless they say otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The node's version.
    pub version: String,
    /// The network's name.
    pub network: String,
    /// Hash of block 0, in hex.
    pub genesis: String,
    /// What every interval is divided by (D-29); 1 to 60.
    pub time_scale: u32,
    /// Since the node's start.
    pub uptime_ms: u64,
    /// The tip's height.
    pub height: Height,
    /// The tip's hash, in hex.
    pub tip_hash: String,
    /// The tip's time in seconds since 1970.
    pub tip_time: i64,
    /// The median of the whitelisted peers' heights, where one is known.
    pub consensus_height: Option<Height>,
    /// Our chain against theirs.
    pub standing: Standing,
    /// How many peers the configuration whitelists.
    pub whitelisted: usize,
    /// Established connections, by address.
    pub peers: Vec<PeerStatus>,
    /// Connections whose handshake isn't finished.
    pub half_open: usize,
    /// Requests for blocks that wait for their answer.
    pub ranges_in_flight: Vec<RangeStatus>,
    /// Forks that are being resolved.
    pub forks: Vec<ForkStatus>,
    /// The last switch to another branch since the start.
    pub last_reorg: Option<ReorgStatus>,
    /// Bans in force; the configured blacklist is not among them.
    pub bans: Vec<BanStatus>,
    /// Peers that could not be reached and wait for their next dial.
    pub back_offs: Vec<BackOffStatus>,
}

/// Our chain against the whitelisted peers'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// More than the threshold behind the median, or behind a whitelisted peer (D-1).
    Behind,
    /// Neither behind nor ahead.
    InSync,
    /// More than 100 ahead of the median (D-13).
    Ahead,
    /// No whitelisted peer has told its height.
    Unknown,
}

/// What a configuration makes of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// One of the `whitelisted_peers`.
    Whitelisted,
    /// Everybody else.
    Regular,
}

/// An established connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Its address.
    pub ip: IpAddr,
    /// Who dialled.
    pub direction: Direction,
    /// By our configuration.
    pub role: Role,
    /// Whether it called itself a masternode on this connection.
    pub masternode: bool,
    /// Whether its chain starts with another block 0 (D-19).
    pub foreign: bool,
    /// The newest height it told.
    pub height: Option<Height>,
    /// How long ago that was.
    pub height_age_ms: Option<u64>,
    /// How long no blocks are asked of it (D-7).
    pub benched_ms: Option<u64>,
    /// Missed pongs since the last one that came.
    pub missed_pongs: u32,
    /// When its handshake was done.
    pub connected_since: i64,
}

/// A request for blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeStatus {
    /// The first height.
    pub start: Height,
    /// The last height, included.
    pub end: Height,
    /// Who was asked.
    pub ip: IpAddr,
    /// How long ago.
    pub age_ms: u64,
}

/// A fork that is being resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkStatus {
    /// Whose chain it is.
    pub ip: IpAddr,
    /// How far it has come.
    pub stage: ForkStage,
    /// The last block in common, once it is found.
    pub ancestor: Option<Height>,
}

/// The stages of resolving a fork.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForkStage {
    /// The common ancestor is searched.
    Search,
    /// Whitelisted peers are asked which branch they hold.
    Vote,
    /// The peer's branch is fetched, to be compared with ours.
    Fetch,
}

/// A switch to another branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReorgStatus {
    /// When.
    pub at: i64,
    /// Our height before.
    pub old_height: Height,
    /// Our height after.
    pub new_height: Height,
    /// The last block in common.
    pub ancestor: Height,
}

/// A ban.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanStatus {
    /// Who.
    pub ip: IpAddr,
    /// How much longer; `None` until restart.
    pub remaining_ms: Option<u64>,
}

/// A peer that is dialled again later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackOffStatus {
    /// Whom.
    pub ip: IpAddr,
    /// By our configuration.
    pub role: Role,
    /// Consecutive failures.
    pub failures: u32,
    /// Until the next dial.
    pub next_dial_ms: u64,
}

impl Status {
    /// Whether the node is in sync, or has nobody to be in sync with.
    ///
    /// # Errors
    /// The reason why not, for people.
    pub fn ready(&self) -> Result<(), String> {
        let consensus = self.consensus_height.unwrap_or_default();
        match self.standing {
            Standing::InSync => Ok(()),
            _ if self.whitelisted == 0 => Ok(()),
            Standing::Behind => Err(format!("behind: at height {}, masternode consensus at {consensus}", self.height)),
            Standing::Ahead => Err(format!("ahead: at height {}, masternode consensus at {consensus}", self.height)),
            Standing::Unknown => Err("no whitelisted peer has told its height".to_owned()),
        }
    }
}

impl Role {
    pub(super) fn of(whitelisted: bool) -> Self {
        if whitelisted { Self::Whitelisted } else { Self::Regular }
    }
}

impl Core {
    /// Where the node stands after the last input; `now` only serves for how long ago and how much longer.
    pub fn status(&self, now: Now, chain: &dyn ChainView) -> Status {
        let tip = chain.tip();
        let finding = self.finding(chain);
        let standing = match finding {
            None => Standing::Unknown,
            Some(finding) if finding.lag == Lag::Behind => Standing::Behind,
            Some(finding) if finding.alarming(tip.height) => Standing::Ahead,
            Some(finding) if finding.lag == Lag::InSync => Standing::InSync,
            Some(_) => Standing::Behind,
        };
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            network: self.config.network.name.clone(),
            genesis: chain.hash_at(0).unwrap_or_default().to_string(),
            time_scale: self.config.time_scale,
            uptime_ms: ms(now.at),
            height: tip.height,
            tip_hash: tip.hash.to_string(),
            tip_time: tip.timestamp,
            consensus_height: finding.map(|finding| finding.consensus),
            standing,
            whitelisted: self.whitelist.len(),
            peers: self.peer_statuses(now),
            half_open: self.peers.iter().filter(|conn| conn.established_at.is_none()).count(),
            ranges_in_flight: self.range_statuses(now.at),
            forks: self.forks.statuses(),
            last_reorg: self.last_reorg,
            bans: self.bans.statuses(now.at),
            back_offs: self.dialler.statuses(now.at),
        }
    }

    fn peer_statuses(&self, now: Now) -> Vec<PeerStatus> {
        let status = |conn: &Conn| {
            let connected = now.at.saturating_sub(conn.established_at.unwrap_or(conn.opened_at));
            PeerStatus {
                ip: conn.ip,
                direction: conn.direction,
                role: Role::of(conn.whitelisted),
                masternode: conn.masternode,
                foreign: conn.foreign,
                height: conn.reported,
                height_age_ms: conn.reported.map(|_| ms(now.at.saturating_sub(conn.reported_at))),
                benched_ms: self.benches.until(conn.ip, now.at).map(|until| ms(until - now.at)),
                missed_pongs: conn.liveness.missed,
                connected_since: now.unix_ms.saturating_sub_unsigned(ms(connected)),
            }
        };
        self.peers.established().map(status).collect()
    }

    fn range_statuses(&self, now: Duration) -> Vec<RangeStatus> {
        let requests = self.requests.open.iter().filter(|(_, request)| !request.cancelled);
        let status = |(ip, request): (&IpAddr, &Request)| RangeStatus {
            start: request.range.start(),
            end: request.range.end(),
            ip: *ip,
            age_ms: ms(now.saturating_sub(request.asked_at)),
        };
        requests.map(status).collect()
    }
}

/// Whole milliseconds.
pub(super) fn ms(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
