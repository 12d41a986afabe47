//! Nodes on a network in memory, in virtual time.
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::{Accepted, Clock, Listener, Network, Parts, RunError, run};
use crate::chain::{BuiltChain, ChainView, Hash, Height, SealedBlock, Tip, Write, testnet};
use crate::config::{Config, PeerAddress};
use crate::store::{Commit, MemoryStore, Store};
use crate::telemetry::Telemetry;
use crate::telemetry::capture::Capture;
use crate::wire::{Decoded, MAGIC, Message, PROTOCOL_VERSION, decode, encode};

const NODE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const FRIEND: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 99));

/// 2026-06-01, when every block of the chains here is old.
const START_MS: i64 = 1_780_272_000_000;

type Port = mpsc::UnboundedSender<io::Result<Accepted<DuplexStream>>>;

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<BTreeMap<SocketAddr, Port>>>);

struct MemoryPort {
    incoming: mpsc::UnboundedReceiver<io::Result<Accepted<DuplexStream>>>,
    accepts: Arc<AtomicUsize>,
}

impl Memory {
    fn dial(&self, from: IpAddr, to: SocketAddr) -> io::Result<Accepted<DuplexStream>> {
        let (ours, theirs) = duplex(1 << 16);
        let ports = self.0.lock().unwrap();
        let port = ports.get(&to).ok_or(io::ErrorKind::ConnectionRefused)?;
        let there = Accepted { stream: theirs, peer: from, local: to.ip() };
        port.send(Ok(there)).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(Accepted { stream: ours, peer: to.ip(), local: from })
    }
}

impl Network for Memory {
    type Stream = DuplexStream;
    type Listener = MemoryPort;

    async fn listen(&self, at: SocketAddr) -> io::Result<MemoryPort> {
        let (port, incoming) = mpsc::unbounded_channel();
        let mut ports = self.0.lock().unwrap();
        if ports.get(&at).is_some_and(|port| !port.is_closed()) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        ports.insert(at, port);
        Ok(MemoryPort { incoming, accepts: Arc::default() })
    }

    async fn connect(&self, source: Option<IpAddr>, to: SocketAddr) -> io::Result<Accepted<DuplexStream>> {
        sleep(Duration::from_millis(10)).await;
        self.dial(source.expect("every node listens on its address"), to)
    }
}

impl Listener for MemoryPort {
    type Stream = DuplexStream;

    async fn accept(&mut self) -> io::Result<Accepted<DuplexStream>> {
        self.accepts.fetch_add(1, Ordering::Relaxed);
        match self.incoming.recv().await {
            Some(result) => result,
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn unix_ms(&self) -> i64 {
        START_MS + self.0.elapsed().as_millis() as i64
    }
}

fn config(ip: IpAddr, whitelisted: &[IpAddr]) -> Config {
    let mut config = Config::default();
    config.network.listen = (ip, config.network.default_port()).into();
    config.network.whitelisted_peers = whitelisted.iter().map(|ip| PeerAddress { ip: *ip, port: None }).collect();
    config
}

struct Node {
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), RunError>>,
}

impl Node {
    fn start<N: Network>(network: N, config: Config, store: Arc<dyn Store>) -> Self {
        let parts = Parts {
            network,
            store,
            clock: Arc::new(VirtualClock(Instant::now())),
            telemetry: Arc::new(Telemetry::new()),
            seed: 1,
            status: None,
        };
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { stopped.await.unwrap_or_default() };
        Node { stop, running: tokio::spawn(run(config, parts, shutdown)) }
    }

    /// A node at [`NODE`] with a chain of 600 blocks, that trusts [`FRIEND`] but cannot reach it.
    async fn alone(network: &Memory) -> Self {
        let chain = BuiltChain::new(testnet(), 1, 600);
        let store = MemoryStore::with_blocks(chain.upto(600)).unwrap();
        let node = Self::start(network.clone(), config(NODE, &[FRIEND]), Arc::new(store));
        sleep(Duration::from_millis(1)).await;
        node
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.running.await.unwrap().unwrap();
    }
}

/// The other end of a connection to [`NODE`], by hand.
struct Peer(BufReader<DuplexStream>);

impl Peer {
    fn raw(network: &Memory, from: IpAddr) -> Self {
        let to = config(NODE, &[]).network.listen;
        Self(BufReader::new(network.dial(from, to).unwrap().stream))
    }

    async fn greeted(network: &Memory, from: IpAddr) -> Self {
        let mut peer = Self::raw(network, from);
        let network = "testnet".to_owned();
        peer.send(&Message::Handshake { magic: MAGIC, protocol_version: PROTOCOL_VERSION, network }).await;
        while !matches!(peer.receive().await, Some(Message::Ack { .. })) {}
        peer
    }

    async fn send(&mut self, message: &Message) {
        self.write(&encode(message)).await;
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
    }

    async fn receive(&mut self) -> Option<Message> {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line).await.unwrap();
        match decode(&line).unwrap() {
            Decoded::Message(message) => Some(message),
            _ => None,
        }
    }

    /// Pings, and waits for the pong.
    async fn ping(&mut self, nonce: u64) {
        self.send(&Message::Ping { nonce, timestamp: 0, height: None }).await;
        loop {
            match self.receive().await.expect("still open") {
                Message::Pong { nonce: back, .. } if back == nonce => return,
                _ => {}
            }
        }
    }

    async fn until_closed(&mut self) {
        while self.receive().await.is_some() {}
    }
}

fn capture() -> (Capture, tracing::subscriber::DefaultGuard) {
    let capture = Capture::default();
    let guard = tracing::subscriber::set_default(capture.subscriber());
    (capture, guard)
}

/// Two nodes, one of them without blocks; what both log.
async fn two_nodes_sync() -> (Tip, Duration, String) {
    let (capture, _guard) = capture();
    let network = Memory::default();
    let chain = BuiltChain::new(testnet(), 1, 1200);
    let full = Arc::new(MemoryStore::with_blocks(chain.upto(1200)).unwrap());
    let empty = Arc::new(MemoryStore::new(testnet()));
    let start = Instant::now();
    let nodes = [
        Node::start(network.clone(), config(FRIEND, &[NODE]), full),
        Node::start(network.clone(), config(NODE, &[FRIEND]), empty.clone()),
    ];
    while empty.tip().height < 1200 && start.elapsed() < Duration::from_secs(300) {
        sleep(Duration::from_millis(100)).await;
    }
    let took = start.elapsed();
    for node in nodes {
        node.stop().await;
    }
    (empty.tip(), took, capture.lines())
}

#[tokio::test(start_paused = true)]
async fn a_node_behind_syncs_from_a_masternode() {
    let (tip, took, log) = two_nodes_sync().await;
    assert_eq!(tip, BuiltChain::new(testnet(), 1, 1200).tip());
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert!(log.contains("Received 500 blocks (height 1-500) from 192.0.2.2"), "{log}");
}

#[test]
fn the_same_seed_gives_the_same_log() {
    let log = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(two_nodes_sync()).2
    };
    assert_eq!(log(), log());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_after_a_stop() {
    let network = Memory::default();
    let node = Node::alone(&network).await;
    let mut peers = [Peer::greeted(&network, STRANGER).await, Peer::greeted(&network, FRIEND).await];
    assert!(Handle::current().metrics().num_alive_tasks() > 3);
    node.stop().await;
    for peer in &mut peers {
        peer.until_closed().await;
    }
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    assert!(network.dial(STRANGER, config(NODE, &[]).network.listen).is_err(), "the port is free");
}

#[tokio::test(start_paused = true)]
async fn a_taken_address_is_an_error() {
    let network = Memory::default();
    let _first = Node::alone(&network).await;
    let second = Node::start(network, config(NODE, &[]), Arc::new(MemoryStore::new(testnet())));
    let error = second.running.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "cannot listen on 192.0.2.1:24100: address in use");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_is_closed_and_blocks_nobody() {
    let (capture, _guard) = capture();
    let network = Memory::default();
    let _node = Node::alone(&network).await;
    let mut mute = Peer::greeted(&network, STRANGER).await;
    let mut other = Peer::greeted(&network, FRIEND).await;
    let start = Instant::now();
    for asked in 1.. {
        mute.send(&Message::GetBlocks(0, 499)).await;
        other.ping(asked).await;
        if capture.lines().contains("Disconnected from 192.0.2.99") {
            break;
        }
        assert!(asked < 20, "{}", capture.lines());
    }
    assert!(start.elapsed() < Duration::from_secs(1));
    assert!(capture.lines().contains("Disconnected from 192.0.2.99: send queue full"), "{}", capture.lines());
    other.ping(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_either_kind_lets_the_others_through() {
    let other = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 98));
    for (flooder, victim) in [(FRIEND, STRANGER), (STRANGER, FRIEND), (other, STRANGER)] {
        let network = Memory::default();
        let _node = Node::alone(&network).await;
        let (mut flood, mut quiet) = (Peer::greeted(&network, flooder).await, Peer::greeted(&network, victim).await);
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = sent.clone();
        let flooding = tokio::spawn(async move {
            let lines = b"{\"Later\":1}\n".repeat(1000);
            for _ in 0..1000 {
                flood.write(&lines).await;
                counter.fetch_add(1000, Ordering::Relaxed);
            }
        });
        tokio::task::yield_now().await;
        quiet.ping(7).await;
        let before = sent.load(Ordering::Relaxed);
        assert!(before < 100_000, "{before} lines before the pong");
        flooding.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn unfinished_lines_share_a_budget_and_the_largest_goes() {
    let network = Memory::default();
    let _node = Node::alone(&network).await;
    let mut peers: Vec<Peer> = Vec::new();
    for i in 0..36 {
        let mut peer = Peer::raw(&network, IpAddr::V4(Ipv4Addr::new(198, 51, 100, i)));
        // The third is the largest; together they are just over 64 MiB, and without it below.
        peer.write(&vec![b' '; if i == 2 { 1_990_000 } else { 1_870_000 }]).await;
        peers.push(peer);
    }
    timeout(Duration::from_secs(1), peers.remove(2).until_closed()).await.unwrap();
    for peer in &mut peers {
        assert!(timeout(Duration::from_millis(10), peer.receive()).await.is_err(), "the others stay");
    }
}

/// A store on a disk that takes so long.
struct Slow(MemoryStore, Duration);

const WRITE: Duration = Duration::from_secs(3);

impl ChainView for Slow {
    fn tip(&self) -> Tip {
        self.0.tip()
    }
    fn hash_at(&self, h: Height) -> Option<Hash> {
        self.0.hash_at(h)
    }
    fn block_at(&self, h: Height) -> Option<SealedBlock> {
        self.0.block_at(h)
    }
    fn staged_tip(&self) -> Option<Tip> {
        self.0.staged_tip()
    }
}

impl Store for Slow {
    fn commit(&self, write: Write) -> Commit<'_> {
        Box::pin(async {
            sleep(self.1).await;
            self.0.commit(write).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_write_stops_nothing_and_is_finished_at_the_end() {
    let network = Memory::default();
    let store = Arc::new(Slow(MemoryStore::new(testnet()), WRITE));
    let node = Node::start(network.clone(), config(NODE, &[FRIEND]), store.clone());
    sleep(Duration::from_millis(1)).await;
    let mut peer = Peer::greeted(&network, FRIEND).await;
    let chain = BuiltChain::new(testnet(), 1, 2);
    peer.send(&Message::BlockAnnouncement(chain.block(1).unwrap())).await;
    let start = Instant::now();
    for nonce in 0..10 {
        peer.ping(nonce).await;
    }
    assert!(start.elapsed() < Duration::from_millis(100) && store.tip().height == 0);
    sleep(WRITE + Duration::from_millis(1)).await;
    assert_eq!(store.tip().height, 1);
    peer.send(&Message::BlockAnnouncement(chain.block(2).unwrap())).await;
    peer.ping(10).await;
    assert_eq!(store.tip().height, 1);
    node.stop().await;
    assert_eq!(store.tip(), chain.tip());
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_five_seconds_at_most() {
    for (write, finishes) in [(WRITE, true), (Duration::from_secs(3600), false)] {
        let network = Memory::default();
        let chain = BuiltChain::new(testnet(), 1, 601);
        let store = Arc::new(Slow(MemoryStore::with_blocks(chain.upto(600)).unwrap(), write));
        let node = Node::start(network.clone(), config(NODE, &[FRIEND]), store.clone());
        sleep(Duration::from_millis(1)).await;
        let mut mute = Peer::greeted(&network, STRANGER).await;
        let mut friend = Peer::greeted(&network, FRIEND).await;
        // More than the pipe holds is queued for a peer that does not read.
        mute.send(&Message::GetBlocks(0, 499)).await;
        friend.send(&Message::BlockAnnouncement(chain.block(601).unwrap())).await;
        friend.ping(1).await;
        let start = Instant::now();
        node.stop().await;
        assert!(start.elapsed() <= Duration::from_secs(5), "{:?}", start.elapsed());
        assert_eq!(store.tip().height, if finishes { 601 } else { 600 });
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
        drop(mute);
    }
}

/// A network that fails in its own way.
#[derive(Clone, Default)]
struct Broken {
    memory: Memory,
    accepts: Arc<AtomicUsize>,
}

impl Network for Broken {
    type Stream = DuplexStream;
    type Listener = MemoryPort;

    async fn listen(&self, _: SocketAddr) -> io::Result<MemoryPort> {
        // Its sender is gone: every accept fails at once.
        let (_, incoming) = mpsc::unbounded_channel();
        Ok(MemoryPort { incoming, accepts: self.accepts.clone() })
    }

    async fn connect(&self, _: Option<IpAddr>, to: SocketAddr) -> io::Result<Accepted<DuplexStream>> {
        assert!(self.memory.0.lock().unwrap().contains_key(&to), "a defect of the network");
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_task_is_passed_on() {
    let store = Arc::new(MemoryStore::new(testnet()));
    let node = Node::start(Broken::default(), config(NODE, &[FRIEND]), store);
    let panic = node.running.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a defect of the network"));
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_fails_is_no_busy_loop() {
    let network = Broken::default();
    let node = Node::start(network.clone(), config(NODE, &[]), Arc::new(MemoryStore::new(testnet())));
    sleep(Duration::from_secs(10)).await;
    let accepts = network.accepts.load(Ordering::Relaxed);
    assert!((50..=101).contains(&accepts), "{accepts}");
    node.stop().await;
}
