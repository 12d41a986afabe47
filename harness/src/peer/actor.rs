//! A scripted peer as a party of a run: it listens, dials, dials again, and follows stage directions.
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use node::runtime::network::{Accepted, Clock, Listener, Network};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::chains::Chains;
use super::connections::{Connections, Fates};
use super::recorder::Recording;
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
    /// Where everybody listens, by name.
    pub nodes: BTreeMap<String, SocketAddr>,
    /// Where it listens itself.
    pub port: u16,
    /// Stage directions, to be followed as they come.
    pub directions: UnboundedReceiver<Direction>,
    /// Takes what it sees: [`What::Wire`](crate::history::What::Wire) only.
    pub record: Recording,
    /// Takes what happens to its connections, where that is wanted.
    pub fates: Option<Fates>,
    /// Its wall clock.
    pub clock: Arc<dyn Clock>,
    /// The run's.
    pub seed: u64,
    /// When the run began, from which its times count; `None`: when it is first polled.
    pub began: Option<Instant>,
    /// All its times are divided by this (D-29), 1 or more.
    pub time_scale: u32,
}

/// Plays the peer; never ends by itself. Its connections end when the future is dropped.
///
/// # Errors
/// Where it can't listen.
pub async fn run<N: Network>(scripted: Scripted<N>) -> io::Result<()> {
    let Scripted { name, peer, network, chains, nodes, port, mut directions, record, fates, .. } = scripted;
    let Scripted { clock, seed, began, time_scale, .. } = scripted;
    let starts_at = began.unwrap_or_else(Instant::now) + peer.starts_at / time_scale;
    let mut connections = Connections {
        script: Script::new(&peer, time_scale),
        ip: IpAddr::V4(peer.ip),
        name,
        network: Arc::new(network),
        chains,
        nodes,
        record,
        fates,
        clock,
        seed,
        tasks: JoinSet::new(),
        directed: BTreeMap::new(),
        begun: 0,
        // Real time: a process needs it, however fast time goes.
        patient_until: starts_at + peer.patience,
    };
    loop {
        tokio::select! {
            biased;
            Some(direction) = directions.recv() => connections.script.follow(&direction),
            () = sleep_until(starts_at) => break,
        }
    }

    let (accepted, mut inbound) = unbounded_channel();
    let mut acceptor = JoinSet::new();
    if peer.listens {
        let listener = connections.network.listen(SocketAddr::new(connections.ip, port)).await?;
        acceptor.spawn(accept(listener, accepted));
    }
    for node in &peer.dials {
        connections.dial(node);
    }
    let redial_after = peer.redials.map(|pause| pause / time_scale);
    let mut redials = BTreeSet::new();
    loop {
        let redial: Option<(Instant, String)> = redials.first().cloned();
        tokio::select! {
            biased;
            Some(direction) = directions.recv() => {
                connections.direct(&direction);
                if let Direction::Connect = direction {
                    peer.dials.iter().for_each(|node| connections.dial(node));
                }
            }
            Some(Accepted { stream, peer, .. }) = inbound.recv() => connections.accepted(stream, peer),
            Some(ended) = connections.tasks.join_next() => {
                if let Some((pause, node)) = redial_after.zip(connections.ended(ended)) {
                    redials.insert((Instant::now() + pause, node));
                }
            }
            () = sleep_until(redial.as_ref().map_or(starts_at, |(due, _)| *due)), if redial.is_some() => {
                let (_, node) = redials.pop_first().expect("there is a redial");
                match redial_after {
                    // As long as the node's own connection lives, none is needed.
                    Some(pause) if connections.is_connected(&node) => {
                        redials.insert((Instant::now() + pause, node));
                    }
                    _ => connections.dial(&node),
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

#[cfg(test)]
mod tests {
    use super::*;
    use node::wire::Message;

    use crate::peer::testing::{Fixed, NODE, PEER, Play, TestNet, chains, handshake, part};

    const SECOND: Duration = Duration::from_secs(1);

    /// A peer that dials the node, and when its connections come: each is closed as soon as it does.
    async fn dials(peer: Peer, times: usize, within: Duration) -> Vec<u64> {
        let began = Instant::now();
        let mut play = Play::begin(Peer { dials: vec!["n".to_owned()], ..peer }).await;
        let mut seconds = Vec::new();
        while seconds.len() < times {
            let Ok(end) = tokio::time::timeout(within, play.dialled()).await else {
                break;
            };
            seconds.push(began.elapsed().as_secs());
            drop(end);
        }
        seconds
    }

    #[tokio::test(start_paused = true)]
    async fn it_dials_at_its_start_and_again_after_each_end() {
        assert_eq!(dials(part(Vec::new()), 2, 900 * SECOND).await, [0]);
        let late = Peer { starts_at: 20 * SECOND, redials: Some(7 * SECOND), ..part(Vec::new()) };
        assert_eq!(dials(late, 3, 900 * SECOND).await, [20, 27, 34]);
    }

    #[tokio::test(start_paused = true)]
    async fn with_a_time_scale_it_does_all_that_much_sooner() {
        let peer = Peer { starts_at: 20 * SECOND, redials: Some(70 * SECOND), ..part(Vec::new()) };
        let began = Instant::now();
        let mut play = Play::scaled(Peer { dials: vec!["n".to_owned()], ..peer }, 10).await;
        drop(play.dialled().await);
        assert_eq!(began.elapsed().as_secs(), 2);
        let mut end = play.dialled().await;
        assert_eq!(began.elapsed().as_secs(), 9);
        end.send(&Message::Ack { message_type: "Handshake".to_owned() }).await;
        let mut pings = Vec::new();
        while pings.len() < 4 {
            if let Some(Message::Ping { .. }) = end.next().await {
                pings.push(began.elapsed().as_secs());
            }
        }
        assert_eq!(pings, [9, 12, 15, 18]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_a_little_for_a_node_that_starts_later() {
        for (later, comes) in [(1500, true), (2500, false)] {
            let mut play =
                Play::begin(Peer { starts_at: SECOND, dials: vec!["n".to_owned()], ..part(Vec::new()) }).await;
            play.listener = play.net.listen(SocketAddr::new(PEER, PORT + 1)).await.unwrap();
            sleep(SECOND + Duration::from_millis(later)).await;
            play.listener = play.net.listen(SocketAddr::new(NODE, PORT)).await.unwrap();
            assert_eq!(tokio::time::timeout(100 * SECOND, play.dialled()).await.is_ok(), comes);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_dials_again_when_refused_but_not_beside_the_nodes_own_connection() {
        let peer = Peer { dials: vec!["n".to_owned()], redials: Some(5 * SECOND), ..part(Vec::new()) };
        let mut play = Play::begin(peer).await;
        drop(play.dialled().await);
        let own = play.dial().await;
        assert!(tokio::time::timeout(100 * SECOND, play.dialled()).await.is_err());
        drop(own);
        // The next attempts are refused.
        play.listener = play.net.listen(SocketAddr::new(PEER, PORT)).await.unwrap();
        play.net.listen(SocketAddr::new(NODE, PORT)).await.unwrap();
        sleep(20 * SECOND).await;
        play.listener = play.net.listen(SocketAddr::new(NODE, PORT)).await.unwrap();
        let again = tokio::time::timeout(6 * SECOND, play.dialled()).await.unwrap();
        drop(again);
    }

    #[tokio::test(start_paused = true)]
    async fn it_listens_only_where_it_is_to_and_from_its_start() {
        let at = SocketAddr::new(PEER, PORT);
        let deaf = Play::begin(Peer { listens: false, ..part(Vec::new()) }).await;
        assert!(deaf.net.connect(Some(NODE), at).await.is_err());
        let late = Play::begin(Peer { starts_at: 5 * SECOND, ..part(Vec::new()) }).await;
        assert!(late.net.connect(Some(NODE), at).await.is_err());
        late.direct(Direction::Tell(Some(3)));
        sleep(5 * SECOND).await;
        let mut end = late.dial().await;
        end.send(&handshake()).await;
        assert_eq!(end.answer().await.name(), "Ack");
        assert_eq!(end.told().await, Some(3), "directions before the start count");
    }

    #[tokio::test]
    async fn that_it_cannot_listen_is_an_error() {
        struct Busy;
        impl Network for Busy {
            type Stream = tokio::io::DuplexStream;
            type Listener = <TestNet as Network>::Listener;
            async fn listen(&self, _: SocketAddr) -> io::Result<Self::Listener> {
                Err(io::ErrorKind::AddrInUse.into())
            }
            async fn connect(&self, _: Option<IpAddr>, _: SocketAddr) -> io::Result<Accepted<Self::Stream>> {
                Err(io::ErrorKind::ConnectionRefused.into())
            }
        }
        let (_, directions) = unbounded_channel();
        let scripted = Scripted {
            name: "p".to_owned(),
            peer: part(Vec::new()),
            network: Busy,
            chains: chains(),
            nodes: BTreeMap::new(),
            directions,
            record: Arc::new(|_| {}),
            fates: None,
            port: PORT,
            clock: Arc::new(Fixed),
            seed: 0,
            began: None,
            time_scale: 1,
        };
        assert_eq!(run(scripted).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
