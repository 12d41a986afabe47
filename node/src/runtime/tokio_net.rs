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
        connected(socket.connect(to).await?)
    }
}

impl Listener for TcpPort {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<Accepted<TcpStream>> {
        connected(self.0.accept().await?.0)
    }
}

fn socket(of: SocketAddr) -> io::Result<TcpSocket> {
    if of.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }
}

fn connected(stream: TcpStream) -> io::Result<Accepted<TcpStream>> {
    // Pings and answers are small and wanted at once.
    stream.set_nodelay(true)?;
    // A listener on `[::]` sees IPv4 peers in IPv6's clothes; a peer has one identity.
    let peer = stream.peer_addr()?.ip().to_canonical();
    let local = stream.local_addr()?.ip().to_canonical();
    Ok(Accepted { stream, peer, local })
}
