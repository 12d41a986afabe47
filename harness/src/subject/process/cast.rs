//! The scripted peers of a run of processes: one thread with real sockets, each peer at its own address.
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use node::runtime::{Clock, SystemClock};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::origin::Origin;
use super::watch::Watch;
use crate::history::What;
use crate::peer::{Chains, Fates, Scripted};
use crate::scenario::Scenario;
use crate::scenario::resolved::Direction;

/// What the peers of a run need to know.
pub struct Stage<'a> {
    /// With the scenario's own addresses.
    pub told: &'a Scenario,
    /// With those that are used.
    pub real: &'a Scenario,
    /// What peers serve.
    pub chains: &'a Chains,
    /// Where everybody is reached.
    pub nodes: BTreeMap<String, SocketAddr>,
    /// Where peers listen.
    pub port: u16,
    /// How far their clocks are ahead of the machine's, in milliseconds.
    pub ahead_ms: i64,
    /// Whether they tell what happens to connections, since nobody else sees it.
    pub tells_fates: bool,
}

/// The machine's clock, and so many milliseconds more.
struct Ahead(i64);

impl Clock for Ahead {
    fn unix_ms(&self) -> i64 {
        SystemClock.unix_ms().saturating_add(self.0)
    }
}

/// All peers at play. Dropping it ends them.
pub struct Cast {
    directions: BTreeMap<String, UnboundedSender<Direction>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Cast {
    /// Everybody begins, each from its address at `origin`.
    ///
    /// # Errors
    /// No thread, no runtime, or no way to `origin`.
    pub fn start(stage: Stage<'_>, seed: u64, origin: Origin, watch: &Watch) -> io::Result<Self> {
        let mut directions = BTreeMap::new();
        let mut parts = Vec::new();
        for (name, peer) in &stage.real.peers {
            let (to, receiver) = unbounded_channel();
            directions.insert(name.clone(), to);
            let (record, source) = (watch.clone(), name.clone());
            let told_ip = stage.told.peers.get(name).map_or(peer.ip, |peer| peer.ip).to_string();
            let fates = watch.clone();
            let fates: Fates = Arc::new(move |node, fate| {
                fates.see(node, What::Connection { fate: fate.to_owned(), peer: told_ip.clone() });
            });
            parts.push(Scripted {
                name: name.clone(),
                peer: peer.clone(),
                network: origin.clone(),
                chains: stage.chains.clone(),
                nodes: stage.nodes.clone(),
                port: stage.port,
                directions: receiver,
                record: Arc::new(move |what| record.see(&source, what)),
                fates: stage.tells_fates.then_some(fates),
                clock: Arc::new(Ahead(stage.ahead_ms)),
                seed,
                began: Some(watch.began().into()),
                time_scale: watch.time_scale(),
            });
        }
        let (end, ended) = oneshot::channel();
        let (ready, began) = channel();
        let thread = thread::Builder::new().name("scripted-peers".into()).spawn(move || {
            let runtime =
                origin.enter().and_then(|()| tokio::runtime::Builder::new_current_thread().enable_all().build());
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

async fn play(parts: Vec<Scripted<Origin>>, ended: oneshot::Receiver<()>) {
    let mut playing = JoinSet::new();
    for part in parts {
        playing.spawn(crate::peer::run(part));
    }
    // Peers play for ever; one that can't listen is missed by the checks of what it should have seen.
    let _ = ended.await;
    playing.shutdown().await;
}
