//! Hostile peers on real sockets, against a node that is a process of its own, so that its memory can be read.
#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]
#![allow(clippy::disallowed_methods, reason = "real processes run in real time")]
#[allow(dead_code, reason = "shared by several tests")]
mod process;

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use node::chain::{Block, BuiltChain, SealedBlock, testnet};
use node::runtime::{Network, TcpNetwork};
use node::wire::{Decoded, MAGIC, Message, PROTOCOL_VERSION, decode, encode};
use process::{Running, get};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

const MIB: u64 = 1 << 20;
/// Whitelisted by every node here; each party has an address of its own.
const FRIENDS: [&str; 3] = ["127.0.1.1", "127.0.1.2", "127.0.1.3"];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn regular(n: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 2, n).into()
}

struct Node {
    process: Running,
    at: SocketAddr,
}

impl Node {
    fn start(more: &[&str]) -> Self {
        // Free until somebody else takes it, which is unlikely that soon.
        let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let at_text = at.to_string();
        let mut arguments = vec!["run", "--listen", &at_text, "--http", "127.0.0.1:0"];
        // Its own dials are refused.
        let friends = FRIENDS.map(|friend| format!("{friend}:1"));
        arguments.extend(friends.iter().flat_map(|friend| ["--whitelist", friend]));
        let process = Running::start(&[&arguments, more].concat());
        // Its loop answers once it listens.
        assert!(get(process.http(), "/healthz").0.starts_with("HTTP/1.1 200"));
        Self { process, at }
    }

    /// A line of /proc/PID/status in bytes: VmRSS is what it has, VmHWM what it had at most.
    fn memory(&self, line: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.node.id())).unwrap();
        let value = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':')).unwrap();
        value.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    fn status(&self) -> Value {
        serde_json::from_str(&get(self.process.http(), "/status").1).unwrap()
    }

    fn buffered(&self) -> u64 {
        let (_, metrics) = get(self.process.http(), "/metrics");
        metrics.lines().find_map(|line| line.strip_prefix("lockstep_buffered_bytes ")).unwrap().parse().unwrap()
    }

    async fn raw(&self, from: IpAddr) -> BufReader<TcpStream> {
        BufReader::new(TcpNetwork.connect(Some(from), self.at).await.unwrap().stream)
    }

    async fn peer(&self, from: IpAddr) -> Peer {
        let mut peer = Peer(self.raw(from).await);
        let network = "testnet".to_owned();
        peer.send(&Message::Handshake { magic: MAGIC, protocol_version: PROTOCOL_VERSION, network }).await.unwrap();
        while !matches!(peer.receive().await, Some(Message::Ack { .. })) {}
        peer
    }
}

struct Peer(BufReader<TcpStream>);

impl Peer {
    async fn send(&mut self, message: &Message) -> std::io::Result<()> {
        self.0.get_mut().write_all(&encode(message)).await
    }

    /// The next message; `None` at the end.
    async fn receive(&mut self) -> Option<Message> {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line).await.ok()?;
        match decode(&line) {
            Ok(Decoded::Message(message)) => Some(message),
            _ => None,
        }
    }

    /// Pings and answers pings; how long the pong took.
    async fn ping(&mut self, nonce: u64) -> Duration {
        let sent = Instant::now();
        self.send(&Message::Ping { nonce, timestamp: 0, height: Some(0) }).await.unwrap();
        loop {
            match self.receive().await.expect("a peer that behaves stays connected") {
                Message::Pong { nonce: back, .. } if back == nonce => return sent.elapsed(),
                Message::Ping { nonce, .. } => {
                    self.send(&Message::Pong { nonce, timestamp: 0, height: Some(0) }).await.unwrap();
                }
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_line_without_an_end_is_not_kept() {
    const SENT: u64 = 256 * MIB;
    for (kind, from) in [("whitelisted", ip(FRIENDS[0])), ("regular", regular(1))] {
        let node = Node::start(&["--log-level", "warn,node=info"]);
        let mut honest = node.peer(ip(FRIENDS[1])).await;
        let before = node.memory("VmHWM");
        let chunk = vec![b'x'; 64 << 10];
        let (mut sent, mut connections) = (0, 0);
        while sent < SENT {
            connections += 1;
            let mut peer = node.peer(from).await;
            while sent < SENT && peer.0.get_mut().write_all(&chunk).await.is_ok() {
                sent += chunk.len() as u64;
            }
        }
        honest.ping(1).await;
        let grown = node.memory("VmHWM") - before;
        println!(
            "{kind}: {} MiB over {connections} connections, memory grew by {} KiB at most",
            sent / MIB,
            grown >> 10
        );
        assert!(connections > 1, "the line was never cut");
        assert!(grown <= 16 * MIB, "{kind}: {grown}");
        drop(node);
    }
}

/// Blocks as long as a line may be, whose parts take many times their bytes in memory.
fn swelling() -> Vec<u8> {
    let mut block = Block::clone(&testnet());
    block.masternode_rewards = vec![(String::new(), 0); 280_000];
    encode(&Message::BlocksResponse(vec![SealedBlock::new(block)]))
}

#[tokio::test]
async fn lines_that_swell_take_bounded_memory() {
    let line = swelling();
    assert!(line.len() > 1_900_000 && matches!(decode(&line), Ok(Decoded::Message(_))), "{}", line.len());
    let node = Node::start(&["--log-level", "warn,node=info"]);
    let mut honest = node.peer(ip(FRIENDS[0])).await;
    let before = node.memory("VmHWM");
    let mut senders = Vec::new();
    for from in FRIENDS[1..].iter().map(|friend| ip(friend)).chain((1..=14).map(regular)) {
        let (mut peer, line) = (node.peer(from).await, line.clone());
        senders.push(tokio::spawn(async move {
            let mut sent = 0;
            while sent < 4 && peer.0.get_mut().write_all(&line).await.is_ok() {
                sent += 1;
            }
            // Its last line is heard before its end is.
            let _ = peer.0.get_mut().shutdown().await;
            while peer.receive().await.is_some() {}
            sent
        }));
    }
    let mut sent = 0;
    for sender in senders {
        sent += sender.await.unwrap();
    }
    honest.ping(1).await;
    let grown = node.memory("VmHWM") - before;
    println!("{sent} lines of {} bytes from 16 peers: memory grew by {} KiB at most", line.len(), grown >> 10);
    assert!(sent >= 16 && grown <= 64 * MIB, "{sent} {grown}");
}

#[tokio::test]
async fn half_open_connections_make_way() {
    // A handshake may take 1 s.
    let node = Node::start(&["--time-scale", "10"]);
    let start = Instant::now();
    let mut half_open = Vec::new();
    for n in 1..=76 {
        half_open.push(node.raw(regular(n)).await);
    }
    let opened = start.elapsed();
    let mut honest = node.peer(regular(100)).await;
    let entered = start.elapsed() - opened;
    honest.ping(1).await;
    assert!(opened + entered < Duration::from_millis(900), "{opened:?} and {entered:?}: all were open at once");
    assert_eq!((node.status()["half_open"].as_u64(), node.status()["peers"].as_array().unwrap().len()), (Some(76), 1));
    for stream in &mut half_open {
        timeout(Duration::from_secs(3), stream.read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    }
    let closed = start.elapsed();
    println!("76 opened in {opened:?}, an honest peer entered in {entered:?}, the last was closed after {closed:?}");
    assert!((Duration::from_secs(1)..Duration::from_secs(3)).contains(&closed), "{closed:?}");
    assert_eq!(node.status()["half_open"], 0);
    honest.ping(2).await;
}

/// Asks and asks, and never reads. Ends when the node has had enough.
async fn never_reads(mut peer: Peer) {
    while peer.send(&Message::RequestGenesis).await.is_ok() {}
}

/// A byte at a time.
async fn drips(mut peer: Peer, until: Instant) {
    let line = encode(&Message::Ping { nonce: 1, timestamp: 2, height: None });
    for byte in line.iter().cycle() {
        if Instant::now() > until || peer.0.get_mut().write_all(&[*byte]).await.is_err() {
            return;
        }
        sleep(Duration::from_millis(2)).await;
    }
}

/// A thousand pings a second; what comes back is read. Returns how many were answered.
async fn floods(peer: Peer, until: Instant) -> usize {
    let (read, mut write) = peer.0.into_inner().into_split();
    let answers = tokio::spawn(async move {
        let (mut lines, mut pongs) = (BufReader::new(read).lines(), 0);
        while let Ok(Some(line)) = lines.next_line().await {
            pongs += usize::from(line.starts_with("{\"Pong\""));
        }
        pongs
    });
    let mut nonce = 0;
    while Instant::now() < until {
        let mut pings = Vec::new();
        for _ in 0..20 {
            nonce += 1;
            pings.extend(encode(&Message::Ping { nonce, timestamp: 0, height: None }));
        }
        if write.write_all(&pings).await.is_err() {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    drop(write);
    answers.await.unwrap()
}

/// Ten thousand blocks that nobody asked for and that don't link to the node's chain.
async fn pushes(mut peer: Peer, chain: &BuiltChain) -> usize {
    let mut pushed = 0;
    for block in chain.upto(10_001).skip(2) {
        if peer.send(&Message::BlockResponse(block)).await.is_err() {
            break;
        }
        pushed += 1;
    }
    pushed
}

/// From a whitelisted peer and from a regular one at once, wherever the node allows it.
#[tokio::test]
async fn pests_neither_delay_nor_swell_the_node() {
    let chain = BuiltChain::new(testnet(), 1, 10_001);
    let node = Node::start(&[]);
    let mut honest = node.peer(ip(FRIENDS[0])).await;
    honest.ping(0).await;
    let before = node.memory("VmRSS");
    let until = Instant::now() + Duration::from_secs(6);
    let (mute, drip, flood, push) = (
        node.peer(regular(1)).await,
        node.peer(regular(2)).await,
        node.peer(ip(FRIENDS[1])).await,
        node.peer(ip(FRIENDS[2])).await,
    );
    let (flood_regular, push_regular) = (node.peer(regular(3)).await, node.peer(regular(4)).await);
    let pests = async {
        tokio::join!(
            never_reads(mute),
            drips(drip, until),
            floods(flood, until),
            pushes(push, &chain),
            floods(flood_regular, until),
            pushes(push_regular, &chain),
        )
    };
    let pings = async {
        let mut took = Vec::new();
        while Instant::now() < until {
            took.push(honest.ping(took.len() as u64 + 1).await);
            sleep(Duration::from_millis(10)).await;
        }
        took.sort();
        took
    };
    let ((_, (), answered, pushed, banned_after, refused_after), took) = tokio::join!(pests, pings);
    let most = node.memory("VmHWM");
    sleep(Duration::from_secs(2)).await;
    let (after, buffered) = (node.memory("VmRSS"), node.buffered());
    println!(
        "{} pings: half within {:?}, 99 of 100 within {:?}, all within {:?}",
        took.len(),
        took[took.len() / 2],
        took[took.len() * 99 / 100],
        took[took.len() - 1]
    );
    println!(
        "whitelisted: {answered} pings answered, {pushed} blocks taken; regular: {banned_after} and {refused_after}"
    );
    let kib = |bytes: u64| bytes >> 10;
    println!(
        "memory: {} KiB before, {} at most, {} after, {} buffered",
        kib(before),
        kib(most),
        kib(after),
        kib(buffered)
    );
    assert!(took.len() > 100 && took[took.len() - 1] < Duration::from_secs(1), "{:?}", took.last());
    assert!(answered > 4000, "a whitelisted flood was served: {answered}");
    assert_eq!(pushed, 10_000);
    assert!(banned_after < 100, "{banned_after}");
    // 500 blocks and 8 MiB may stay held (D-15).
    assert!(buffered <= 8 * MIB, "{buffered}");
    assert!(most <= before + 48 * MIB && after <= before + 24 * MIB);
    let status = node.status();
    let left: Vec<&str> = status["peers"].as_array().unwrap().iter().map(|peer| peer["ip"].as_str().unwrap()).collect();
    assert_eq!(left, [FRIENDS[0]]);
}

/// A peer that doesn't read what the node has for it: more than a socket holds waits.
async fn with_a_full_queue(node: &Node) -> Peer {
    let mut peer = node.peer(ip(FRIENDS[0])).await;
    while node.buffered() < MIB {
        for _ in 0..200 {
            peer.send(&Message::RequestGenesis).await.unwrap();
        }
        // The answers' queue has its limit: it must not be reached.
        sleep(Duration::from_millis(50)).await;
    }
    peer
}

#[tokio::test]
async fn a_stop_waits_for_no_peer_that_never_reads() {
    let node = Node::start(&[]);
    let _peer = with_a_full_queue(&node).await;
    let start = Instant::now();
    let (code, rest) = node.process.stop("-TERM");
    println!("stopped after {:?}", start.elapsed());
    assert_eq!(code, Some(0));
    assert!(rest.lines().last().unwrap().contains(" INFO node: Stopped"), "{rest}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let mut node = Node::start(&[]);
    let _peer = with_a_full_queue(&node).await;
    let start = Instant::now();
    node.process.signal("-TERM");
    sleep(Duration::from_millis(200)).await;
    assert!(node.process.node.try_wait().unwrap().is_none(), "it waits for its queues");
    node.process.signal("-INT");
    let mut rest = String::new();
    node.process.stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(node.process.node.wait().unwrap().code(), Some(130));
    assert!(!rest.contains("Stopped") && start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
}

/// Monitors that ask without a pause: peers are served all the same, because the loop answers all of them at once.
#[tokio::test]
async fn http_clients_delay_no_peer() {
    let node = Node::start(&[]);
    let mut honest = node.peer(ip(FRIENDS[0])).await;
    let http = node.process.http();
    let until = Instant::now() + Duration::from_secs(3);
    let asking: Vec<_> = (0..8)
        .map(|i| {
            std::thread::spawn(move || {
                let (path, mut answers) = (["/metrics", "/status"][i % 2], 0);
                while Instant::now() < until {
                    assert!(get(http, path).0.starts_with("HTTP/1.1 200"));
                    answers += 1;
                }
                answers
            })
        })
        .collect();
    let mut took = Vec::new();
    while Instant::now() < until {
        took.push(honest.ping(took.len() as u64).await);
        sleep(Duration::from_millis(5)).await;
    }
    took.sort();
    let answers: u32 = asking.into_iter().map(|thread| thread.join().unwrap()).sum();
    let most = took[took.len() - 1];
    println!(
        "{answers} HTTP answers in 3 s; {} pings: half within {:?}, all within {most:?}",
        took.len(),
        took[took.len() / 2]
    );
    assert!(answers > 100 && took.len() > 100 && most < Duration::from_secs(1), "{most:?}");
}
