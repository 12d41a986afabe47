//! A network in memory.
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use node::runtime::network::{Accepted, Listener, Network};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Byte pipes of 64 KiB between addresses; whoever doesn't listen refuses.
#[derive(Clone, Default)]
pub struct TestNet(Arc<Mutex<BTreeMap<IpAddr, UnboundedSender<Accepted<DuplexStream>>>>>);

pub struct TestListener(UnboundedReceiver<Accepted<DuplexStream>>);

impl Network for TestNet {
    type Stream = DuplexStream;
    type Listener = TestListener;

    async fn listen(&self, at: SocketAddr) -> io::Result<TestListener> {
        let (sender, accepted) = unbounded_channel();
        self.0.lock().unwrap().insert(at.ip(), sender);
        Ok(TestListener(accepted))
    }

    async fn connect(&self, source: Option<IpAddr>, to: SocketAddr) -> io::Result<Accepted<DuplexStream>> {
        let (here, there) = duplex(64 * 1024);
        let (local, peer) = (source.unwrap(), to.ip());
        let listener = self.0.lock().unwrap().get(&peer).cloned();
        let inbound = Accepted { stream: there, peer: local, local: peer };
        match listener.map(|listener| listener.send(inbound)) {
            Some(Ok(())) => Ok(Accepted { stream: here, peer, local }),
            _ => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }
}

impl Listener for TestListener {
    type Stream = DuplexStream;

    async fn accept(&mut self) -> io::Result<Accepted<DuplexStream>> {
        self.0.recv().await.ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }
}
