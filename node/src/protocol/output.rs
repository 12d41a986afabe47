//! What the core wants done, in order.
use std::net::IpAddr;
use std::time::Duration;

use super::{ConnId, Event};
use crate::chain::Write;
use crate::wire::Message;

/// One thing to do.
#[derive(Debug)]
pub enum Output {
    /// Dial a peer; the answer is `Input::Connected` or `Input::DialFailed`.
    Dial {
        /// Whom.
        peer: IpAddr,
        /// Its port; `None`: the network's default.
        port: Option<u16>,
        /// Give up after this.
        timeout: Duration,
    },
    /// Queue a message. A queue over its limit closes the connection (D-27): `Input::Closed`.
    Send {
        /// On which connection.
        conn: ConnId,
        /// What.
        message: Message,
    },
    /// Close a connection, after what is queued for it has had a moment to leave. Nothing more is accepted from it.
    Close {
        /// Which.
        conn: ConnId,
    },
    /// Change the chain; answered by `Input::Written`. At most one is outstanding.
    Write(Write),
    /// Something worth telling: a log line, a metric, or both.
    Event(Event),
}
