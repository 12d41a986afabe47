//! The scripted peers of a run of processes: one thread with real sockets, each peer at its own address.
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use node::runtime::{SystemClock, TcpNetwork};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::namespace::Namespace;
use super::watch::Watch;
use crate::peer::{Chains, Scripted};
use crate::scenario::Scenario;
use crate::scenario::resolved::Direction;

/// All peers at play. Dropping it ends them.
pub struct Cast {
    directions: BTreeMap<String, UnboundedSender<Direction>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Cast {
    /// Everybody begins, in `namespace` where there is one.
    ///
    /// # Errors
    /// No thread, no runtime, or no way into the namespace.
    pub fn start(
        scenario: &Scenario,
        chains: &Chains,
        ips: &BTreeMap<String, IpAddr>,
        seed: u64,
        time_scale: u32,
        namespace: Option<Arc<Namespace>>,
        watch: &Watch,
    ) -> io::Result<Self> {
        let mut directions = BTreeMap::new();
        let mut parts = Vec::new();
        for (name, peer) in &scenario.peers {
            let (to, receiver) = unbounded_channel();
            directions.insert(name.clone(), to);
            let (began, watch, source) = (watch.began(), watch.clone(), name.clone());
            parts.push(Scripted {
                name: name.clone(),
                peer: peer.clone(),
                network: TcpNetwork,
                chains: chains.clone(),
                nodes: ips.clone(),
                directions: receiver,
                record: Arc::new(move |what| watch.see(&source, what)),
                clock: Arc::new(SystemClock),
                seed,
                began: Some(began.into()),
                time_scale,
            });
        }
        let (end, ended) = oneshot::channel();
        let (ready, began) = channel();
        let thread = thread::Builder::new().name("scripted-peers".into()).spawn(move || {
            let entered = namespace.map_or(Ok(()), |namespace| namespace.enter());
            let runtime = entered.and_then(|()| tokio::runtime::Builder::new_current_thread().enable_all().build());
            match runtime {
                Ok(runtime) => {
                    let _ = ready.send(Ok(()));
                    runtime.block_on(play(parts, ended));
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        })?;
        began.recv().map_err(io::Error::other)??;
        Ok(Self { directions, end: Some(end), thread: Some(thread) })
    }

    /// A stage direction.
    pub fn direct(&self, peers: &[String], direction: &Direction) {
        for to in peers.iter().filter_map(|peer| self.directions.get(peer)) {
            // The peer plays to the end of the run.
            let _ = to.send(direction.clone());
        }
    }
}

impl Drop for Cast {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn play(parts: Vec<Scripted<TcpNetwork>>, ended: oneshot::Receiver<()>) {
    let mut playing = JoinSet::new();
    for part in parts {
        playing.spawn(crate::peer::run(part));
    }
    // Peers play for ever; one that can't listen is missed by the checks of what it should have seen.
    let _ = ended.await;
    playing.shutdown().await;
}
