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

/// A change as both ends see it, `from` having dialled `to`: who sees it, whom it is about, and its name in a history.
pub fn fates(from: IpAddr, to: IpAddr, change: Change) -> impl Iterator<Item = (IpAddr, IpAddr, &'static str)> {
    [(from, to), (to, from)].into_iter().filter_map(move |(us, them)| {
        let fate = match change {
            Change::Dialled if us == from => "dialled",
            Change::Dialled => return None,
            Change::Opened => "opened",
            Change::Closed(_, Close::Reset | Close::GiveUp) => "reset",
            Change::Closed(by, Close::Fin) if by == us => "closed_by_node",
            Change::Closed(by, Close::Killed | Close::PowerLoss) if by == us => "killed",
            Change::Closed(..) => "closed_by_peer",
        };
        Some((us, them, fate))
    })
}
