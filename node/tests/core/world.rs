//! Cores on a bare event queue: a constant latency, instant writes, and puppets whose words the test writes.
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use node::chain::{BuiltChain, ChainView, Tip, TipRule, testnet};
use node::config::{Config, PeerAddress};
use node::protocol::{ConnId, Core, Direction, Event, Input, Now, Output, Status};
use node::store::{MemoryStore, Store};
use node::wire::Message;

const LATENCY: Duration = Duration::from_millis(20);
/// 2026-06-01, as in simulations (D-30).
const EPOCH_MS: i64 = 1_780_272_000_000;

/// The address of party `n`.
pub fn ip(n: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, n])
}

/// The chain that everybody shares, and a fork of it.
pub fn main_chain(height: u64) -> BuiltChain {
    BuiltChain::new(testnet(), 1, height)
}

/// A fork of the main chain that differs above `at`; its tip hash is the lower one.
pub fn fork(at: u64, height: u64) -> BuiltChain {
    let main = main_chain(height);
    main.fork(at, 2, height, TipRule::LowerThan(main.tip().hash))
}

enum Party {
    Node {
        core: Box<Core>,
        store: MemoryStore,
    },
    /// Says only what the test says, and accepts every connection.
    Puppet,
}

enum What {
    Input(IpAddr, Input),
    /// A message for a puppet.
    Heard(IpAddr, Message),
}

/// Everything, at one instant.
pub struct World {
    pub now: Duration,
    parties: BTreeMap<IpAddr, Party>,
    queue: BTreeMap<(Duration, u64), What>,
    order: u64,
    conns: u64,
    /// Who is at the other end, by our IP and connection.
    links: BTreeMap<(IpAddr, ConnId), (IpAddr, ConnId)>,
    /// Every event of every core.
    pub events: Vec<(Duration, IpAddr, Event)>,
    /// Every message that a puppet heard.
    pub heard: Vec<(Duration, IpAddr, Message)>,
}

impl World {
    pub fn new() -> Self {
        World {
            now: Duration::ZERO,
            parties: BTreeMap::new(),
            queue: BTreeMap::new(),
            order: 0,
            conns: 0,
            links: BTreeMap::new(),
            events: Vec::new(),
            heard: Vec::new(),
        }
    }

    /// A node with these whitelisted peers.
    pub fn node(&mut self, n: u8, chain: &BuiltChain, height: u64, whitelist: &[u8], change: impl FnOnce(&mut Config)) {
        let mut config = Config::default();
        config.network.whitelisted_peers = whitelist.iter().map(|n| PeerAddress { ip: ip(*n), port: None }).collect();
        config.network.masternode = true;
        change(&mut config);
        let store = MemoryStore::with_blocks(chain.upto(height)).expect("built chains link");
        let core = Box::new(Core::new(&config, u64::from(n), self.clock(), &store));
        self.parties.insert(ip(n), Party::Node { core, store });
        self.push(Duration::ZERO, What::Input(ip(n), Input::Tick));
    }

    pub fn puppet(&mut self, n: u8) {
        self.parties.insert(ip(n), Party::Puppet);
    }

    /// A puppet says something to a node, on their connection.
    pub fn say(&mut self, puppet: u8, to: u8, message: Message) {
        let conn = self.links.iter().find(|((from, _), (other, _))| *from == ip(puppet) && *other == ip(to));
        let (_, (_, conn)) = conn.expect("the puppet is connected");
        let input = Input::Received { conn: *conn, message };
        self.push(LATENCY, What::Input(ip(to), input));
    }

    /// A puppet dials a node and does its handshake.
    pub fn dial(&mut self, puppet: u8, to: u8) {
        self.connect(ip(puppet), ip(to));
        self.run(LATENCY);
        self.say(puppet, to, Message::Handshake { magic: *b"TIME", protocol_version: 1, network: "testnet".into() });
        self.run(LATENCY * 2);
    }

    /// A puppet closes its connection with a node.
    pub fn hang_up(&mut self, puppet: u8, to: u8) {
        self.end(puppet, to, "closed by peer", false);
    }

    /// The connection of a puppet and a node ends for this reason.
    pub fn end(&mut self, puppet: u8, to: u8, reason: &str, by_us: bool) {
        let link = self.links.iter().find(|((from, _), (other, _))| *from == ip(puppet) && *other == ip(to));
        let (near, far) = link.map(|(near, far)| (*near, *far)).expect("the puppet is connected");
        self.links.remove(&near);
        self.links.remove(&far);
        let ended = Input::Closed { conn: far.1, reason: reason.into(), by_us };
        self.push(LATENCY, What::Input(far.0, ended));
    }

    /// The nonces of all pings that a puppet has heard since the last call.
    pub fn pings(&mut self, puppet: u8) -> Vec<u64> {
        let ping = |(_, to, message): &(Duration, IpAddr, Message)| match message {
            Message::Ping { nonce, .. } if *to == ip(puppet) => Some(*nonce),
            _ => None,
        };
        let nonces = self.heard.iter().filter_map(ping).collect();
        self.heard.clear();
        nonces
    }

    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let queued = self.queue.keys().next().map(|(at, _)| *at);
            let timers = self.parties.values().filter_map(|party| match party {
                Party::Node { core, .. } => core.next_deadline(),
                Party::Puppet => None,
            });
            let Some(next) = timers.chain(queued).min().filter(|at| *at <= end) else { break };
            self.now = self.now.max(next);
            while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= self.now) {
                match entry.remove() {
                    What::Input(to, input) => self.give(to, input),
                    What::Heard(puppet, message) => self.heard.push((self.now, puppet, message)),
                }
            }
            let due = |party: &Party| matches!(party, Party::Node { core, .. } if core.next_deadline().is_some_and(|at| at <= self.now));
            let due: Vec<IpAddr> = self.parties.iter().filter(|(_, party)| due(party)).map(|(ip, _)| *ip).collect();
            for ip in due {
                self.give(ip, Input::Tick);
            }
        }
        self.now = end;
    }

    pub fn tip(&self, n: u8) -> Tip {
        match &self.parties[&ip(n)] {
            Party::Node { store, .. } => store.tip(),
            Party::Puppet => panic!("a puppet has no chain"),
        }
    }

    /// What a node says of itself now.
    pub fn status(&self, n: u8) -> Status {
        match &self.parties[&ip(n)] {
            Party::Node { core, store } => core.status(self.clock(), store),
            Party::Puppet => panic!("a puppet has no status"),
        }
    }

    /// The wall clock.
    pub fn unix_ms(&self) -> i64 {
        self.clock().unix_ms
    }

    pub fn heights(&self, nodes: impl IntoIterator<Item = u8>) -> Vec<u64> {
        nodes.into_iter().map(|n| self.tip(n).height).collect()
    }

    /// The events of one node without the quiet ones, a line each.
    pub fn transcript(&self, n: u8) -> String {
        let quiet = |event: &Event| {
            use Event::*;
            matches!(event, PingSent { .. } | PingReceived { .. } | Checked { .. } | Buffered { .. } | Appended { .. })
        };
        let of = self.events.iter().filter(|(_, ip, event)| *ip == self::ip(n) && !quiet(event));
        of.map(|(at, _, event)| format!("{:>9.3} {event:?}\n", at.as_secs_f64())).collect()
    }

    /// How many events of one node match.
    pub fn count(&self, n: u8, matching: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|(_, ip, event)| *ip == self::ip(n) && matching(event)).count()
    }

    fn clock(&self) -> Now {
        Now { at: self.now, unix_ms: EPOCH_MS + self.now.as_millis() as i64 }
    }

    fn push(&mut self, after: Duration, what: What) {
        self.order += 1;
        self.queue.insert((self.now + after, self.order), what);
    }

    fn give(&mut self, to: IpAddr, input: Input) {
        let clock = self.clock();
        let Some(Party::Node { core, store }) = self.parties.get_mut(&to) else { return };
        core.handle(clock, input, store);
        let mut outputs = Vec::new();
        while let Some(output) = core.poll() {
            if let Output::Write(write) = output {
                let Poll::Ready(result) = store.commit(write).as_mut().poll(&mut Context::from_waker(Waker::noop()))
                else {
                    panic!("a memory store is never busy")
                };
                core.handle(clock, Input::Written(result.map_err(|error| error.to_string())), store);
            } else {
                outputs.push(output);
            }
        }
        for output in outputs {
            self.carry_out(to, output);
        }
    }

    fn carry_out(&mut self, from: IpAddr, output: Output) {
        match output {
            Output::Event(event) => self.events.push((self.now, from, event)),
            Output::Send { conn, message } => {
                let Some((to, far)) = self.links.get(&(from, conn)).copied() else { return };
                let heard = matches!(self.parties[&to], Party::Puppet);
                let input = Input::Received { conn: far, message: message.clone() };
                self.push(LATENCY, if heard { What::Heard(to, message) } else { What::Input(to, input) });
            }
            Output::Close { conn } => {
                if let Some((to, far)) = self.links.remove(&(from, conn)) {
                    self.links.remove(&(to, far));
                    self.push(
                        LATENCY,
                        What::Input(to, Input::Closed { conn: far, reason: "closed by peer".into(), by_us: false }),
                    );
                }
            }
            Output::Dial { peer, .. } if self.parties.contains_key(&peer) => self.connect(from, peer),
            Output::Dial { peer, .. } => {
                self.push(LATENCY * 2, What::Input(from, Input::DialFailed { peer, reason: "refused".into() }));
            }
            Output::Write(_) => unreachable!("done at once"),
        }
    }

    fn connect(&mut self, from: IpAddr, to: IpAddr) {
        let (near, far) = (ConnId(self.conns), ConnId(self.conns + 1));
        self.conns += 2;
        self.links.insert((from, near), (to, far));
        self.links.insert((to, far), (from, near));
        for (us, them, conn, direction, after) in
            [(to, from, far, Direction::Inbound, LATENCY), (from, to, near, Direction::Outbound, LATENCY * 2)]
        {
            self.push(after, What::Input(us, Input::Connected { conn, peer: them, local: us, direction }));
        }
    }
}
