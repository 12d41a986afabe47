//! A network in memory, and a node that a test plays, for the tests of scripted peers.
mod end;
mod net;

pub use end::End;
pub use net::{TestListener, TestNet};

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use node::chain::{BuiltChain, Height};
use node::runtime::network::{Clock, Listener, Network};
use node::wire::{MAGIC, Message};
use tokio::io::BufReader;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::{Chains, Ledger, PORT, Scripted, run};
use crate::history::{Field, Fields, What};
use crate::scenario::file::Deviation;
use crate::scenario::resolved::{At, Chain, Direction, Peer};

pub const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 1, 1));
pub const NODE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// 2026-06-01T00:00:00Z, where simulated time starts (D-30).
pub const NOW: i64 = 1_780_272_000;

/// `main` up to 1200, and `fork` from 990 to 1010.
pub fn chains() -> Chains {
    chains_on(&Ledger::default())
}

/// The same for a node with this ledger.
pub fn chains_on(ledger: &Ledger) -> Chains {
    let main = Chain { fork_of: None, lower_than: None, padding: 0, height: 1_200 };
    let fork = Chain { fork_of: Some(main_at(990)), lower_than: None, padding: 0, height: 1_010 };
    Chains::on(ledger, &[("main".to_owned(), main), ("fork".to_owned(), fork)].into())
}

pub fn main_at(height: Height) -> At {
    At { chain: "main".to_owned(), height }
}

pub fn main() -> BuiltChain {
    chains().whole("main")
}

pub struct Fixed;

impl Clock for Fixed {
    fn unix_ms(&self) -> i64 {
        NOW * 1_000
    }
}

/// A peer `p` on `main@1000` that runs, beside a node `n` that is played by the test.
pub struct Play {
    pub net: TestNet,
    /// The node's.
    pub listener: TestListener,
    pub directions: UnboundedSender<Direction>,
    pub seen: Arc<Mutex<Vec<What>>>,
    /// What happened to its connections, as the other end's name and a word.
    pub fates: Arc<Mutex<Vec<String>>>,
    pub task: JoinHandle<io::Result<()>>,
}

/// The part of a peer that listens, and dials nobody.
pub fn part(deviations: Vec<Deviation>) -> Peer {
    Peer {
        ip: Ipv4Addr::new(10, 0, 1, 1),
        chain: main_at(1_000),
        dials: Vec::new(),
        listens: true,
        starts_at: Duration::ZERO,
        patience: Duration::from_secs(2),
        redials: None,
        deviations,
    }
}

impl Play {
    pub async fn begin(peer: Peer) -> Self {
        Self::scaled(peer, 1).await
    }

    /// With all times divided.
    pub async fn scaled(peer: Peer, time_scale: u32) -> Self {
        Self::on(&Ledger::default(), peer, time_scale).await
    }

    /// Beside a node with this ledger.
    pub async fn on(ledger: &Ledger, peer: Peer, time_scale: u32) -> Self {
        let net = TestNet::default();
        let listener = net.listen(SocketAddr::new(NODE, PORT)).await.unwrap();
        let (directions, followed) = unbounded_channel();
        let seen: Arc<Mutex<Vec<What>>> = Arc::default();
        let sink = seen.clone();
        let fates: Arc<Mutex<Vec<String>>> = Arc::default();
        let told = fates.clone();
        let task = tokio::spawn(run(Scripted {
            name: "p".to_owned(),
            peer,
            network: net.clone(),
            chains: chains_on(ledger),
            nodes: [("n", NODE), ("p", PEER)].map(|(name, ip)| (name.to_owned(), SocketAddr::new(ip, PORT))).into(),
            port: PORT,
            directions: followed,
            record: Arc::new(move |what| sink.lock().unwrap().push(what)),
            fates: Some(Arc::new(move |node, fate| told.lock().unwrap().push(format!("{node} {fate}")))),
            clock: Arc::new(Fixed),
            seed: 7,
            began: None,
            time_scale,
        }));
        // The peer listens before the node dials.
        tokio::time::sleep(Duration::from_millis(1)).await;
        Self { net, listener, directions, seen, fates, task }
    }

    /// The node dials; nothing is said yet.
    pub async fn dial(&self) -> End {
        let open = self.net.connect(Some(NODE), SocketAddr::new(PEER, PORT)).await.unwrap();
        End(BufReader::new(open.stream))
    }

    /// The node is dialled.
    pub async fn dialled(&mut self) -> End {
        let open = self.listener.accept().await.unwrap();
        assert_eq!((open.peer, open.local), (PEER, NODE));
        End(BufReader::new(open.stream))
    }

    pub fn direct(&self, direction: Direction) {
        self.directions.send(direction).unwrap();
    }

    /// The fields of what the peer recorded as sent to, or received from, the node.
    pub fn recorded(&self, sent: bool, name: &str) -> Vec<Fields> {
        let of_name = |what: &What| match what {
            What::Wire { node, sent: to_node, message, fields } if message == name && *to_node == sent => {
                assert_eq!(node, "n");
                Some(fields.clone())
            }
            _ => None,
        };
        self.seen.lock().unwrap().iter().filter_map(of_name).collect()
    }
}

/// A node that dialled such a peer, and has its Ack.
pub async fn met(deviations: impl Into<Vec<Deviation>>) -> (Play, End) {
    let play = Play::begin(part(deviations.into())).await;
    let mut end = play.dial().await;
    end.send(&handshake()).await;
    assert_eq!(end.next().await.unwrap().name(), "Ack");
    (play, end)
}

/// A node that such a peer dialled, and that sent its Ack.
pub async fn met_by(deviations: impl Into<Vec<Deviation>>) -> (Play, End) {
    let peer = Peer { dials: vec!["n".to_owned()], ..part(deviations.into()) };
    let mut play = Play::begin(peer).await;
    let mut end = play.dialled().await;
    assert_eq!(end.next().await.unwrap().name(), "Handshake");
    end.send(&Message::Ack { message_type: "Handshake".to_owned() }).await;
    (play, end)
}

pub fn handshake() -> Message {
    Message::Handshake { magic: MAGIC, protocol_version: 1, network: "testnet".to_owned() }
}

pub fn ping(nonce: u64) -> Message {
    Message::Ping { nonce, timestamp: NOW, height: None }
}

pub fn ask(start: Height, end: Height) -> Message {
    Message::GetBlockRange { start_height: start, end_height: end }
}

pub fn number(fields: &Fields, name: &str) -> u64 {
    match fields.get(name) {
        Some(Field::Number(number)) => *number,
        other => panic!("{name} is {other:?} in {fields:?}"),
    }
}
