//! What the core is told.
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::wire::Message;

/// A connection, numbered by the driver; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnId(pub u64);

/// Who dialled a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The peer did.
    Inbound,
    /// We did.
    Outbound,
}

/// Both times at which something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Monotonic: since the core was made. Every timer counts in it.
    pub at: Duration,
    /// Wall clock, milliseconds since 1970; may jump. Only blocks and pings carry it.
    pub unix_ms: i64,
}

/// One thing that happened outside the core.
#[derive(Debug)]
pub enum Input {
    /// Nothing but time: some timer is due.
    Tick,
    /// A connection is open (TCP), before any message.
    Connected {
        /// Its number.
        conn: ConnId,
        /// The other end.
        peer: IpAddr,
        /// Our end.
        local: IpAddr,
        /// Who dialled.
        direction: Direction,
    },
    /// A dial that we asked for did not connect.
    DialFailed {
        /// Whom.
        peer: IpAddr,
        /// Why, for the log.
        reason: String,
    },
    /// A message arrived.
    Received {
        /// On which connection.
        conn: ConnId,
        /// What.
        message: Message,
    },
    /// A variant that we don't know arrived; ignored, but not as a first message.
    ReceivedUnknown {
        /// On which connection.
        conn: ConnId,
        /// Its name, cut to 64 characters.
        name: String,
    },
    /// A line arrived that is no message.
    Malformed {
        /// On which connection.
        conn: ConnId,
        /// What is wrong with it.
        reason: String,
    },
    /// A connection is closed, by the peer or because it broke a limit of the driver (line, queue). Not sent for ours.
    Closed {
        /// Which.
        conn: ConnId,
        /// Why, for the log.
        reason: String,
        /// Whether a limit of ours ended it; else the peer did, or the network.
        by_us: bool,
    },
    /// The outstanding write is durable, or did not happen.
    Written(Result<(), String>),
}
