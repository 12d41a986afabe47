//! What happens to a connection, in any network.
use std::net::IpAddr;

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// Shut down or dropped.
    Fin,
    /// The other end had no such connection (any more).
    Reset,
    /// What was sent got no answer for [`crate::fault::flow::GIVE_UP`].
    GiveUp,
    /// The process was killed.
    Killed,
    /// The machine lost its power; the other end doesn't know.
    PowerLoss,
}

/// What happens to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Somebody tries to open one.
    Dialled,
    /// It is open.
    Opened,
    /// The first end to close it. Later closes (an answer to the first) aren't told.
    Closed(IpAddr, Close),
}
