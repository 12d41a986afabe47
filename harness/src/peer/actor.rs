//! A scripted peer as a party of a run: it listens, dials, dials again, and follows stage directions.
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use node::chain::Hash;
use node::runtime::network::{Accepted, Clock, Listener, Network};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::chains::Chains;
use super::connection::Connection;
use super::recorder::Recorder;
pub use super::recorder::Recording;
use super::role::Role;
use super::script::Script;
use crate::scenario::resolved::{Direction, Peer};

/// Where everybody listens (wire protocol, Framing: testnet).
pub const PORT: u16 = 24_100;

/// Pause after a connection that couldn't be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// All that a scripted peer needs.
pub struct Scripted<N> {
    /// Its name in the scenario.
    pub name: String,
    /// Its part.
    pub peer: Peer,
    /// Its own network.
    pub network: N,
    /// The scenario's chains.
    pub chains: Chains,
    /// Everybody's address by name.
    pub nodes: BTreeMap<String, IpAddr>,
    /// Stage directions, to be followed as they come.
    pub directions: UnboundedReceiver<Direction>,
    /// Takes what it sees: [`What::Wire`](crate::history::What::Wire) only.
    pub record: Recording,
    /// Its wall clock.
    pub clock: Arc<dyn Clock>,
    /// The run's.
    pub seed: u64,
}

/// Plays the peer; never ends by itself. Its connections end when the future is dropped.
///
/// # Errors
/// Where it can't listen.
pub async fn run<N: Network>(scripted: Scripted<N>) -> io::Result<()> {
    let Scripted { name, peer, network, chains, nodes, mut directions, record, clock, seed } = scripted;
    let mut stage = Stage {
        script: Script::new(&peer),
        ip: IpAddr::V4(peer.ip),
        name,
        network: Arc::new(network),
        chains,
        nodes,
        record,
        clock,
        seed,
        connections: JoinSet::new(),
        directed: BTreeMap::new(),
        opened: 0,
    };
    let starts_at = Instant::now() + peer.starts_at;
    loop {
        tokio::select! {
            biased;
            Some(direction) = directions.recv() => stage.script.follow(&direction),
            () = sleep_until(starts_at) => break,
        }
    }

    let (accepted, mut inbound) = unbounded_channel();
    let mut acceptor = JoinSet::new();
    if peer.listens {
        let listener = stage.network.listen(SocketAddr::new(stage.ip, PORT)).await?;
        acceptor.spawn(accept(listener, accepted));
    }
    for node in &peer.dials {
        stage.dial(node);
    }
    let mut redials = BTreeSet::new();
    loop {
        let redial: Option<(Instant, String)> = redials.first().cloned();
        tokio::select! {
            biased;
            Some(direction) = directions.recv() => {
                stage.direct(&direction);
                if let Direction::Connect = direction {
                    peer.dials.iter().for_each(|node| stage.dial(node));
                }
            }
            Some(Accepted { stream, peer, .. }) = inbound.recv() => stage.accepted(stream, peer),
            Some(ended) = stage.connections.join_next() => {
                if let Some((pause, node)) = peer.redials.zip(stage.ended(ended)) {
                    redials.insert((Instant::now() + pause, node));
                }
            }
            () = sleep_until(redial.as_ref().map_or(starts_at, |(due, _)| *due)), if redial.is_some() => {
                let (_, node) = redials.pop_first().expect("there is a redial");
                match peer.redials {
                    // As long as the node's own connection lives, none is needed.
                    Some(pause) if stage.is_connected(&node) => {
                        redials.insert((Instant::now() + pause, node));
                    }
                    _ => stage.dial(&node),
                }
            }
        }
    }
}

async fn accept<L: Listener>(mut listener: L, to: UnboundedSender<Accepted<L::Stream>>) {
    loop {
        match listener.accept().await {
            Ok(accepted) => {
                if to.send(accepted).is_err() {
                    return;
                }
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// A connection that is over.
struct Ended {
    id: u64,
    dialled: bool,
}

/// Everything that lives as long as the peer.
struct Stage<N> {
    name: String,
    ip: IpAddr,
    script: Script,
    network: Arc<N>,
    chains: Chains,
    nodes: BTreeMap<String, IpAddr>,
    record: Recording,
    clock: Arc<dyn Clock>,
    seed: u64,
    connections: JoinSet<Ended>,
    /// Connections by number: with whom, and how to direct them.
    directed: BTreeMap<u64, (String, UnboundedSender<Direction>)>,
    opened: u64,
}

impl<N: Network> Stage<N> {
    fn direct(&mut self, direction: &Direction) {
        self.script.follow(direction);
        for (_, connection) in self.directed.values() {
            // One that is just over needs no direction.
            let _ = connection.send(direction.clone());
        }
    }

    fn dial(&mut self, node: &str) {
        let Some(&ip) = self.nodes.get(node) else { return };
        let (id, directions) = self.begin(node);
        let (network, source) = (self.network.clone(), self.ip);
        let part = self.part(id, node, true);
        self.connections.spawn(async move {
            if let Ok(open) = network.connect(Some(source), SocketAddr::new(ip, PORT)).await {
                part.play(open.stream, directions).await;
            }
            Ended { id, dialled: true }
        });
    }

    fn accepted(&mut self, stream: N::Stream, from: IpAddr) {
        let known = self.nodes.iter().find(|(_, ip)| **ip == from);
        let node = known.map_or_else(|| from.to_string(), |(name, _)| name.clone());
        let (id, directions) = self.begin(&node);
        let part = self.part(id, &node, false);
        self.connections.spawn(async move {
            part.play(stream, directions).await;
            Ended { id, dialled: false }
        });
    }

    fn begin(&mut self, node: &str) -> (u64, UnboundedReceiver<Direction>) {
        self.opened += 1;
        let (sender, directions) = unbounded_channel();
        self.directed.insert(self.opened, (node.to_owned(), sender));
        (self.opened, directions)
    }

    fn part(&self, id: u64, node: &str, dialled: bool) -> Part {
        Part {
            script: self.script.clone(),
            chains: self.chains.clone(),
            dialled,
            clock: self.clock.clone(),
            rng: ChaCha8Rng::from_seed(Hash::of(format!("{}/{}/{id}", self.seed, self.name).as_bytes()).0),
            recorder: Recorder::new(node.to_owned(), self.record.clone()),
        }
    }

    /// Forgets a connection; whom to dial again.
    fn ended(&mut self, ended: Result<Ended, tokio::task::JoinError>) -> Option<String> {
        let ended = ended.expect("a connection's task neither panics nor is aborted");
        let (node, _) = self.directed.remove(&ended.id)?;
        ended.dialled.then_some(node)
    }

    fn is_connected(&self, node: &str) -> bool {
        self.directed.values().any(|(other, _)| other == node)
    }
}

/// What a connection is begun with.
struct Part {
    script: Script,
    chains: Chains,
    dialled: bool,
    clock: Arc<dyn Clock>,
    rng: ChaCha8Rng,
    recorder: Recorder,
}

impl Part {
    /// Plays it to the end of the connection.
    async fn play<S: AsyncRead + AsyncWrite>(self, stream: S, mut directions: UnboundedReceiver<Direction>) {
        let mut role = Role::new(self.script, self.chains, self.dialled, self.clock, self.rng);
        let mut connection = Connection::new(stream, self.recorder);
        connection.send(role.open());
        loop {
            let next = role.next();
            tokio::select! {
                biased;
                direction = directions.recv() => match direction {
                    None | Some(Direction::Disconnect) => return,
                    Some(direction) => connection.send(role.direct(&direction)),
                },
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => connection.send(role.due()),
                heard = connection.next(role.reads()) => match heard {
                    Some(heard) => connection.send(role.receive(&heard)),
                    None => return,
                },
            }
        }
    }
}
