//! A core that hears anything from anybody in any order.
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::AddAssign;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use node::chain::{BuiltChain, ChainView, Hash, SealedBlock, TipRule, Write, testnet};
use node::config::{Config, PeerAddress};
use node::protocol::{ConnId, Core, Direction, Event, Input, Now, Output};
use node::store::{MemoryStore, Store};
use node::wire::Message;

use crate::choices::Choices;

const OUR_HEIGHT: u64 = 600;
const TOP: u64 = 1_300;
/// Blocks of the largest answer (wire protocol, Messages for sync).
const RANGE: u64 = 500;
const WHITELISTED: [u8; 3] = [1, 2, 3];
const PARTIES: usize = 6;

struct Chains {
    /// Ours, longer, and a fork of it.
    branches: [BuiltChain; 2],
    longest_block: u64,
}

fn chains() -> &'static Chains {
    static CHAINS: OnceLock<Chains> = OnceLock::new();
    CHAINS.get_or_init(|| {
        let main = BuiltChain::new(testnet(), 1, TOP);
        let fork = main.fork(570, 2, TOP, TipRule::Any);
        let longest = |chain: &BuiltChain| chain.upto(TOP).map(|block| block.json_len() as u64).max().unwrap_or(0);
        let longest_block = longest(&main).max(longest(&fork));
        Chains { branches: [main, fork], longest_block }
    })
}

/// How often what matters happened.
#[derive(Debug, Default, Clone, Copy)]
pub struct Reached {
    pub inputs: u64,
    pub requests: u64,
    pub appends: u64,
    pub reorgs: u64,
    pub bans: u64,
    pub failed_writes: u64,
}

impl AddAssign for Reached {
    fn add_assign(&mut self, other: Self) {
        self.inputs += other.inputs;
        self.requests += other.requests;
        self.appends += other.appends;
        self.reorgs += other.reorgs;
        self.bans += other.bans;
        self.failed_writes += other.failed_writes;
    }
}

struct World {
    core: Core,
    store: MemoryStore,
    now: Duration,
    conns: BTreeMap<ConnId, Party>,
    opened: u64,
    /// Which branches there are: everybody's is one of them.
    branches: &'static [usize],
    dialling: Vec<IpAddr>,
    /// Who answers all that it was asked, at once.
    eager: Option<ConnId>,
    /// Handed out and not done.
    write: Option<Write>,
    reached: Reached,
}

struct Party {
    ip: IpAddr,
    /// Which branch it tells of when it answers.
    branch: usize,
    /// What it was asked last and has not answered.
    asked: Vec<Message>,
}

fn ip(n: usize) -> IpAddr {
    IpAddr::from([10, 0, 0, n as u8])
}

/// Feeds a core with what the bytes choose.
///
/// # Panics
/// Where the core panics or breaks an invariant.
pub fn run(bytes: &[u8]) -> Reached {
    let mut config = Config::default();
    config.network.whitelisted_peers = WHITELISTED.map(|n| PeerAddress { ip: ip(n.into()), port: None }).to_vec();
    config.network.masternode = bytes.len().is_multiple_of(2);
    let store = MemoryStore::with_blocks(chains().branches[0].upto(OUR_HEIGHT)).expect("built chains link");
    let now = Now { at: Duration::ZERO, unix_ms: unix_ms(Duration::ZERO) };
    let mut world = World {
        core: Core::new(&config, 1, now, &store),
        store,
        now: Duration::ZERO,
        conns: BTreeMap::new(),
        opened: 0,
        branches: &[0],
        dialling: Vec::new(),
        eager: None,
        write: None,
        reached: Reached::default(),
    };
    let mut choices = Choices(bytes);
    let mixes: [&[usize]; 4] = [&[0], &[1], &[1], &[0, 1]];
    world.branches = choices.one_of(&mixes).unwrap_or(&[0]);
    while let Some(input) = world.next(&mut choices) {
        if let Some(input) = input {
            world.give(input);
        }
        world.answer_all();
    }
    world.reached
}

fn unix_ms(at: Duration) -> i64 {
    1_795_000_000_000 + at.as_millis() as i64
}

impl World {
    /// The next input, if that choice makes one; `None` at the end of the choices.
    fn next(&mut self, choices: &mut Choices) -> Option<Option<Input>> {
        let input = match choices.below(16)? {
            0 => {
                let steps = [0, 1, 20, 20, 100, 100, 1_000, 1_000, 5_000, 10_000, 10_000, 30_000, 60_000];
                self.now += Duration::from_millis(choices.one_of(&steps)?);
                Some(Input::Tick)
            }
            1 => {
                let n = choices.below(PARTIES)? + 1;
                Some(self.connected(ip(n), Direction::Inbound, choices.one_of(self.branches)?))
            }
            2 => match self.dialling.pop() {
                Some(peer) if choices.below(4)? == 0 => Some(Input::DialFailed { peer, reason: "refused".into() }),
                Some(peer) => Some(self.connected(peer, Direction::Outbound, choices.one_of(self.branches)?)),
                None => None,
            },
            3 => self.conn(choices)?.and_then(|conn| {
                // Rarely, or nobody would stay.
                (choices.below(8)? == 0).then(|| {
                    self.conns.remove(&conn);
                    Input::Closed { conn, reason: "closed by peer".into(), by_us: false }
                })
            }),
            4 | 5 => match self.write.take() {
                Some(write) if choices.below(16)? > 0 => Some(self.written(write)),
                Some(_) => {
                    self.reached.failed_writes += 1;
                    Some(Input::Written(Err("disk full".into())))
                }
                None => None,
            },
            6..=8 => self.conn(choices)?.and_then(|conn| self.answer(conn)),
            9..=11 => {
                self.eager = self.conn(choices)?;
                None
            }
            12 | 13 => self.conn(choices)?.and_then(|conn| self.answer(conn)),
            _ if choices.below(64)? == 0 => {
                self.conn(choices)?.map(|conn| Input::Malformed { conn, reason: "not json".into() })
            }
            _ if choices.below(64)? == 0 => {
                self.conn(choices)?.map(|conn| Input::ReceivedUnknown { conn, name: "Later".into() })
            }
            _ => match self.conn(choices)? {
                Some(conn) => Some(Input::Received { conn, message: message(choices)? }),
                None => None,
            },
        };
        Some(input)
    }

    fn conn(&self, choices: &mut Choices) -> Option<Option<ConnId>> {
        let nth = choices.below(256)?;
        let conns: Vec<ConnId> = self.conns.keys().copied().collect();
        Some((!conns.is_empty()).then(|| conns[nth % conns.len()]))
    }

    fn connected(&mut self, peer: IpAddr, direction: Direction, branch: usize) -> Input {
        let conn = ConnId(self.opened);
        self.opened += 1;
        let hello = match direction {
            Direction::Inbound => {
                Message::Handshake { magic: *b"TIME", protocol_version: 1, network: "testnet".into() }
            }
            Direction::Outbound => Message::Ack { message_type: "Handshake".into() },
        };
        // It says hello as its first answer.
        self.conns.insert(conn, Party { ip: peer, branch, asked: vec![hello] });
        Input::Connected { conn, peer, local: ip(100), direction }
    }

    fn written(&self, write: Write) -> Input {
        let Poll::Ready(result) = self.store.commit(write).as_mut().poll(&mut Context::from_waker(Waker::noop()))
        else {
            panic!("a memory store is never busy")
        };
        Input::Written(result.map_err(|error| error.to_string()))
    }

    /// An honest answer to what this connection was asked first.
    fn answer(&mut self, conn: ConnId) -> Option<Input> {
        let party = self.conns.get_mut(&conn)?;
        if party.asked.is_empty() {
            return None;
        }
        let chain = &chains().branches[party.branch];
        let message = match party.asked.remove(0) {
            hello @ (Message::Handshake { .. } | Message::Ack { .. }) => hello,
            Message::Ping { nonce, .. } => Message::Pong { nonce, timestamp: 0, height: Some(TOP) },
            Message::GetChainTip => Message::ChainTipResponse { height: TOP, hash: chain.tip().hash },
            Message::GetBlockHash(height) => {
                Message::BlockHashResponse { height, hash: chain.block(height).map(|block| block.hash()) }
            }
            Message::GetGenesisHash => Message::GenesisHashResponse(testnet().hash()),
            Message::GetBlocks(start, end) => Message::BlocksResponse(blocks(chain, start, end)),
            Message::GetBlockRange { start_height, end_height } => {
                Message::BlockRangeResponse(blocks(chain, start_height, end_height))
            }
            _ => return None,
        };
        Some(Input::Received { conn, message })
    }

    /// The eager one answers what it was asked until now.
    fn answer_all(&mut self) {
        let Some(conn) = self.eager.take() else { return };
        for _ in 0..self.conns.get(&conn).map_or(0, |party| party.asked.len()) {
            if let Some(input) = self.answer(conn) {
                self.give(input);
            }
        }
    }

    fn give(&mut self, input: Input) {
        self.reached.inputs += 1;
        let ticked = matches!(input, Input::Tick);
        let tip = self.store.tip();
        let now = Now { at: self.now, unix_ms: unix_ms(self.now) };
        let mut open = self.in_flight(now);
        let mut durable = usize::from(matches!(input, Input::Written(Ok(()))));
        self.core.handle(now, input, &self.store);
        while let Some(output) = self.core.poll() {
            match output {
                Output::Send { conn, message } => self.sent(conn, message, &mut open),
                Output::Close { conn } => {
                    self.conns.remove(&conn);
                }
                Output::Dial { peer, .. } => self.dialling.push(peer),
                Output::Write(write) => {
                    assert!(self.write.is_none(), "a second write is outstanding");
                    self.write = Some(write);
                }
                Output::Event(event) => match event {
                    Event::Received { ip, .. } | Event::RequestFailed { ip, .. } | Event::Disconnected { ip, .. } => {
                        open.remove(&ip);
                    }
                    Event::Appended { height, tip: hash, .. }
                    | Event::Reorg { new_height: height, new_tip: hash, .. } => {
                        assert_eq!((height, hash), (tip.height, tip.hash), "told before it is durable");
                        assert_eq!(std::mem::take(&mut durable), 1, "told without a write");
                        match event {
                            Event::Reorg { .. } => self.reached.reorgs += 1,
                            _ => self.reached.appends += 1,
                        }
                    }
                    Event::Banned { .. } => self.reached.bans += 1,
                    _ => {}
                },
            }
        }
        assert_eq!(self.store.tip(), tip, "only writes change the chain");
        self.check(now, ticked);
    }

    fn in_flight(&self, now: Now) -> BTreeMap<IpAddr, (u64, u64)> {
        let status = self.core.status(now, &self.store);
        status.ranges_in_flight.iter().map(|range| (range.ip, (range.start, range.end))).collect()
    }

    fn sent(&mut self, conn: ConnId, message: Message, open: &mut BTreeMap<IpAddr, (u64, u64)>) {
        // What is sent on a connection that has just ended goes nowhere.
        let Some(party) = self.conns.get_mut(&conn) else { return };
        let tip = self.store.tip().height;
        match message {
            Message::GetBlocks(start, end) | Message::GetBlockRange { start_height: start, end_height: end } => {
                assert!(start <= end && end - start < RANGE, "{start}-{end}");
                let asked = open.insert(party.ip, (start, end));
                assert_eq!(asked, None, "{} is asked for {start}-{end}, too", party.ip);
                self.reached.requests += 1;
            }
            Message::Ping { height, .. } | Message::Pong { height, .. } => assert_eq!(height, Some(tip)),
            Message::BlockHeightResponse(height) | Message::BlockInventory(height) => assert_eq!(height, tip),
            Message::BlocksResponse(ref blocks) => assert!(blocks.len() as u64 <= RANGE),
            _ => {}
        }
        if party.asked.len() < 100 {
            party.asked.push(message);
        }
    }

    fn check(&self, now: Now, ticked: bool) {
        // Three ranges of the chain and three of a branch, and 500 blocks that nobody asked for (D-2, D-15).
        let most = (6 * RANGE + 500) * chains().longest_block;
        assert!(self.core.buffered_bytes() <= most, "{} bytes", self.core.buffered_bytes());
        let status = self.core.status(now, &self.store);
        assert!(status.peers.windows(2).all(|pair| pair[0].ip < pair[1].ip), "an address is one peer");
        assert!(status.peers.len() + status.half_open <= self.conns.len() + 1);
        assert!(serde_json::to_vec(&status).is_ok());
        if ticked {
            let next = self.core.next_deadline();
            assert!(next.is_none_or(|at| at > self.now), "due again at once: {next:?} at {:?}", self.now);
        }
    }
}

fn blocks(chain: &BuiltChain, start: u64, end: u64) -> Vec<SealedBlock> {
    (start..=end.min(TOP)).take(RANGE as usize).filter_map(|height| chain.block(height)).collect()
}

/// Something that nobody asked for.
fn message(choices: &mut Choices) -> Option<Message> {
    let heights = [0, 1, 569, 570, 571, 599, 600, 601, 605, 606, 700, 1_100, TOP, u64::MAX - 1, u64::MAX];
    let height = choices.one_of(&heights)?;
    let chain = &chains().branches[choices.below(2)?];
    let block = || chain.block(height.min(TOP)).expect("up to the top");
    Some(match choices.below(18)? {
        0 => Message::Ping { nonce: height, timestamp: 0, height: Some(height) },
        1 => Message::Pong { nonce: height, timestamp: 0, height: None },
        2 => Message::BlockHeightResponse(height),
        3 => Message::ChainTipResponse { height, hash: chain.tip().hash },
        4 => Message::BlockInventory(height),
        5 => Message::BlockAnnouncement(block()),
        6 => Message::BlockResponse(block()),
        7 => Message::BlocksResponse(blocks(chain, height, height.saturating_add(choices.below(256)? as u64))),
        8 => Message::BlockRangeResponse(Vec::new()),
        9 => Message::BlockHashResponse { height, hash: None },
        10 => Message::BlockHashResponse { height, hash: Some(Hash::ZERO) },
        11 => Message::GetBlocks(height, choices.one_of(&heights)?),
        12 => Message::GetBlockRange { start_height: choices.one_of(&heights)?, end_height: height },
        13 => Message::GetBlockHash(height),
        14 => Message::GetChainTip,
        15 => Message::Handshake { magic: *b"TIME", protocol_version: 1, network: "testnet".into() },
        16 if choices.below(32)? == 0 => Message::GenesisHashResponse(Hash::ZERO),
        _ => Message::GetPeers,
    })
}
