//! From where the harness itself speaks: its questions, and its scripted peers.
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use agent::{Order, Talk};
use nix::sys::socket::{SockaddrIn, connect};
use node::runtime::{Accepted, Network, TcpNetwork, TcpPort};
use tokio::net::TcpSocket;

use super::namespace::Namespace;

/// A network that the harness takes part in.
#[derive(Clone)]
pub enum Origin {
    /// The machine's own.
    Machine,
    /// A namespace that threads enter.
    Namespace(Arc<Namespace>),
    /// One that the harness may not enter: an agent in it makes the sockets.
    Pod(Arc<Talk>),
}

impl Origin {
    /// Takes the calling thread there, for good, where that is needed.
    ///
    /// # Errors
    /// It may not go there.
    pub fn enter(&self) -> io::Result<()> {
        match self {
            Self::Machine | Self::Pod(_) => Ok(()),
            Self::Namespace(namespace) => namespace.enter(),
        }
    }

    /// The congestion control of TCP there, as the kernel tells it; `None`: the machine's own, whatever that is.
    ///
    /// # Errors
    /// The agent's.
    pub fn congestion_control(&self) -> io::Result<Option<String>> {
        match self {
            Self::Machine => Ok(None),
            Self::Namespace(namespace) => Ok(Some(namespace.congestion_control().to_owned())),
            Self::Pod(talk) => Ok(Some(talk.ask(&Order::CongestionControl)?.text)),
        }
    }

    /// A connection to `to` within `patience`; the calling thread has to be there.
    ///
    /// # Errors
    /// There is none in time.
    pub fn dial(&self, to: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
        let (Self::Pod(talk), SocketAddr::V4(to)) = (self, to) else {
            return TcpStream::connect_timeout(&to, patience);
        };
        let stream = TcpStream::from(made(talk, &Order::Dial(Ipv4Addr::UNSPECIFIED))?);
        // It limits connecting, too (socket(7)).
        stream.set_write_timeout(Some(patience))?;
        connect(stream.as_raw_fd(), &SockaddrIn::from(to))?;
        Ok(stream)
    }
}

impl Network for Origin {
    type Stream = <TcpNetwork as Network>::Stream;
    type Listener = TcpPort;

    async fn listen(&self, at: SocketAddr) -> io::Result<TcpPort> {
        let (Self::Pod(talk), SocketAddr::V4(at)) = (self, at) else { return TcpNetwork.listen(at).await };
        let listener = TcpListener::from(made(talk, &Order::Listen(at))?);
        TcpPort::of(listener)
    }

    async fn connect(&self, source: Option<IpAddr>, to: SocketAddr) -> io::Result<Accepted<Self::Stream>> {
        let Self::Pod(talk) = self else { return TcpNetwork.connect(source, to).await };
        let source = match source {
            Some(IpAddr::V4(ip)) => ip,
            _ => Ipv4Addr::UNSPECIFIED,
        };
        let stream = TcpStream::from(made(talk, &Order::Dial(source))?);
        stream.set_nonblocking(true)?;
        let stream = TcpSocket::from_std_stream(stream).connect(to).await?;
        TcpNetwork::connected(stream)
    }
}

/// What an agent makes. It answers at once.
fn made(talk: &Talk, order: &Order) -> io::Result<std::os::fd::OwnedFd> {
    talk.ask(order)?.descriptor.ok_or_else(|| io::Error::other("the agent made nothing"))
}
