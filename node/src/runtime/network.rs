//! What the driver needs of a network and a clock: real sockets implement it, and so does a simulated network.
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncRead, AsyncWrite};

/// A network that can be listened on and dialled.
pub trait Network: Send + Sync + 'static {
    /// A byte stream to one peer.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;
    /// A bound listener.
    type Listener: Listener<Stream = Self::Stream>;

    /// Binds `at`.
    fn listen(&self, at: SocketAddr) -> impl Future<Output = io::Result<Self::Listener>> + Send;

    /// Dials `to`, from `source` where one is given. Has no time limit of its own beyond the network's.
    fn connect(
        &self,
        source: Option<IpAddr>,
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<Accepted<Self::Stream>>> + Send;
}

/// A bound listener of a [`Network`].
pub trait Listener: Send + 'static {
    /// As [`Network::Stream`].
    type Stream;

    /// The next connection. Errors are those of one connection; the listener stays usable.
    fn accept(&mut self) -> impl Future<Output = io::Result<Accepted<Self::Stream>>> + Send;
}

/// A stream with both its ends' addresses (an IP is a peer's identity, phases-1-and-2, Whitelist).
#[derive(Debug)]
pub struct Accepted<S> {
    /// The bytes.
    pub stream: S,
    /// The other end.
    pub peer: IpAddr,
    /// Our end; decides double dials (D-18).
    pub local: IpAddr,
}

/// The wall clock. Monotonic time is `tokio::time::Instant`, which a simulation controls too.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970-01-01T00:00:00Z; may jump in both directions.
    fn unix_ms(&self) -> i64;
}
