//! Real TCP.
use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{Accepted, Listener, Network};

/// Connections that the system may hold for us until we accept them.
const BACKLOG: u32 = 1024;

/// The machine's TCP.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpNetwork;

/// A bound TCP port.
#[derive(Debug)]
pub struct TcpPort(TcpListener);

impl TcpPort {
    /// A port that listens already.
    ///
    /// # Errors
    /// The system's.
    pub fn of(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener).map(Self)
    }
}

impl TcpNetwork {
    /// A stream that was connected elsewhere.
    ///
    /// # Errors
    /// It is not, any more.
    pub fn connected(stream: TcpStream) -> io::Result<Accepted<TcpStream>> {
        // Pings and answers are small and wanted at once.
        stream.set_nodelay(true)?;
        // A listener on `[::]` sees IPv4 peers in IPv6's clothes; a peer has one identity.
        let peer = stream.peer_addr()?.ip().to_canonical();
        let local = stream.local_addr()?.ip().to_canonical();
        Ok(Accepted { stream, peer, local })
    }
}

impl Network for TcpNetwork {
    type Stream = TcpStream;
    type Listener = TcpPort;

    async fn listen(&self, at: SocketAddr) -> io::Result<TcpPort> {
        let socket = socket(at)?;
        // A restart must not wait for the connections of the process before.
        socket.set_reuseaddr(true)?;
        socket.bind(at)?;
        socket.listen(BACKLOG).map(TcpPort)
    }

    async fn connect(&self, source: Option<IpAddr>, to: SocketAddr) -> io::Result<Accepted<TcpStream>> {
        let socket = socket(to)?;
        // A source of the other family can't reach the peer; the system chooses one that can.
        if let Some(source) = source.filter(|source| source.is_ipv4() == to.is_ipv4()) {
            socket.bind((source, 0).into())?;
        }
        Self::connected(socket.connect(to).await?)
    }
}

impl Listener for TcpPort {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<Accepted<TcpStream>> {
        TcpNetwork::connected(self.0.accept().await?.0)
    }
}

fn socket(of: SocketAddr) -> io::Result<TcpSocket> {
    if of.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

    #[tokio::test]
    async fn a_dial_comes_from_the_source_it_was_given() {
        let mut port = TcpNetwork.listen((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let at = port.0.local_addr().unwrap();
        for source in [Some(HERE), None] {
            let ours = TcpNetwork.connect(source, at).await.unwrap();
            let theirs = port.accept().await.unwrap();
            assert_eq!((ours.local, ours.peer), (source.unwrap_or(at.ip()), at.ip()));
            assert_eq!((theirs.local, theirs.peer), (ours.peer, ours.local));
            assert!(ours.stream.nodelay().unwrap() && theirs.stream.nodelay().unwrap());
        }
    }

    #[tokio::test]
    async fn a_taken_or_foreign_address_is_an_error() {
        let port = TcpNetwork.listen((HERE, 0).into()).await.unwrap();
        let taken = TcpNetwork.listen(port.0.local_addr().unwrap()).await.unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        let foreign = TcpNetwork.listen("192.0.2.1:0".parse().unwrap()).await.unwrap_err();
        assert_eq!(foreign.kind(), io::ErrorKind::AddrNotAvailable);
    }
}
