//! All of a run: parties, wires, links, and the loop that lets things happen one after the other.
mod dials;
mod stage;
mod wires;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use node::protocol::Input;
use node::store::MemoryChain;
use node::wire::encoded_len;
use tokio::time::Instant;
use tracing::level_filters::LevelFilter;

use super::dial::{Dial, millis};
use super::heap::{Event, Heap, Ms};
use super::node::{Node, Wish};
use super::peer::{Peer, Want};
use super::seen::Seen;
use super::wire::{Half, NEVER, Parcel, Wire};
use crate::fault::SimTime;
use crate::fault::link::{LinkParams, LinkStats};
use crate::history::{History, Meta, What};
use crate::peer::{Chains, PORT};
use crate::scenario::Scenario;
use crate::subject::agenda::Agenda;
use crate::subject::change::fates;
use crate::subject::exposition;
use crate::subject::link_fault::{LinkFaults, Links, set_links};
use crate::subject::log_capture::Capture;
use crate::subject::net::{Net, Power};
use crate::subject::node_config::config;
use crate::subject::sim::SimError;
use crate::subject::sim_fault::Machines;
use crate::subject::stage::take;
use crate::subject::watched::watched;
use crate::subject::{LATENCY, Tell};

/// Between two samples of the metrics.
const SAMPLE: Ms = 10_000;

/// The network, seen by faults of links too.
#[derive(Debug, Clone)]
pub struct SharedNet(Rc<RefCell<Net>>);

enum Party {
    Node(Box<Node>),
    Peer(Box<Peer>),
}

/// A run.
pub struct World<'a> {
    scenario: &'a Scenario,
    seed: u64,
    full: bool,
    now: Ms,
    heap: Heap,
    net: SharedNet,
    links: LinkFaults<SharedNet>,
    machines: Machines,
    agenda: Agenda,
    parties: Vec<Party>,
    by_ip: BTreeMap<IpAddr, u32>,
    by_name: BTreeMap<String, u32>,
    wires: Vec<Option<Wire>>,
    dials: Vec<Dial>,
    /// Ends that have to look again, now.
    stirred: Vec<(u32, usize, Half)>,
    wishes: Vec<Wish>,
    wants: Vec<Want>,
    seen: Seen,
    messages: u64,
}

impl<'a> World<'a> {
    /// The scenario before its start.
    ///
    /// # Errors
    /// A node that refuses its configuration.
    pub fn new(scenario: &'a Scenario, chains: &Chains, seed: u64, full: bool) -> Result<Self, SimError> {
        let default = LinkParams { latency: LATENCY, ..LinkParams::default() };
        let net = SharedNet(Rc::new(RefCell::new(Net::new(seed, default))));
        let nodes = scenario.nodes.iter().map(|(name, node)| (name, node.ip, node.starts_at));
        let cast = scenario.peers.iter().map(|(name, peer)| (name, peer.ip, peer.starts_at));
        let parties: Vec<(&String, IpAddr, Duration)> =
            nodes.chain(cast).map(|(name, ip, starts_at)| (name, IpAddr::V4(ip), starts_at)).collect();
        let ips: BTreeMap<String, IpAddr> = parties.iter().map(|(name, ip, _)| ((*name).clone(), *ip)).collect();
        let mut links = LinkFaults::new(net.clone(), ips, 1);
        set_links(scenario, &mut links);
        let mut world = Self {
            scenario,
            seed,
            full,
            now: 0,
            heap: Heap::default(),
            net,
            links,
            machines: Machines::default(),
            agenda: Agenda::of(scenario, seed),
            by_ip: parties.iter().zip(0..).map(|((_, ip, _), number)| (*ip, number)).collect(),
            by_name: parties.iter().zip(0..).map(|((name, ..), number)| ((*name).clone(), number)).collect(),
            parties: Vec::new(),
            wires: Vec::new(),
            dials: Vec::new(),
            stirred: Vec::new(),
            wishes: Vec::new(),
            wants: Vec::new(),
            seen: Seen::default(),
            messages: 0,
        };
        for ((_, _, starts_at), number) in parties.iter().zip(0..) {
            world.heap.push(millis(*starts_at), Event::Start(number));
        }
        for ((name, node), number) in scenario.nodes.iter().zip(0..) {
            let config = config(scenario, name, node, chains).map_err(|error| SimError(error.to_string()))?;
            let chain = MemoryChain::with_blocks(chains.blocks(&node.chain).upto(node.chain.height));
            let chain = chain.map_err(|error| SimError(error.to_string()))?;
            let node = Node::new(number, name, node.ip.into(), config, chain, node.disk, seed, full);
            world.machines.add(name, node.gate.clone(), node.clock.clone());
            world.parties.push(Party::Node(Box::new(node)));
        }
        let zero = Instant::now();
        for (name, peer) in &scenario.peers {
            world.parties.push(Party::Peer(Box::new(Peer::new(name, peer, chains, seed, full, zero))));
        }
        Ok(world)
    }

    /// Plays it to its end.
    pub fn play(self, tell: Tell<'_>) -> History {
        let names: Vec<String> = self.scenario.nodes.keys().cloned().collect();
        let seen = self.seen.clone();
        let level = if self.full { LevelFilter::DEBUG } else { LevelFilter::INFO };
        let found = {
            let (seen, names) = (seen.clone(), names.clone());
            move |node: usize, what| seen.push(&names[node], what)
        };
        let nodes = names.len();
        let capture = Capture(level, move |node: usize, what| seen.push(&names[node], what));
        watched(nodes, found, || tracing::subscriber::with_default(capture, || self.run(tell)))
    }

    fn run(mut self, tell: Tell<'_>) -> History {
        let until = millis(self.scenario.runs_for);
        for (party, node) in self.parties.iter_mut().zip(self.scenario.nodes.values()) {
            if let Party::Node(party) = party
                && node.starts_at.is_zero()
            {
                party.show_first(&self.seen);
            }
        }
        self.plan_turn();
        self.heap.push(SAMPLE, Event::Sample);
        while let Some((at, event)) = self.heap.pop(until) {
            self.now = at;
            if matches!(event, Event::Sample) {
                tell(Duration::from_millis(at));
            }
            self.seen.set_now(at);
            self.happen(event);
            self.settle();
        }
        self.now = until;
        self.seen.set_now(until);
        self.sample(true);
        let is_node =
            |ip| self.by_ip.get(&ip).is_some_and(|party| matches!(self.parties[*party as usize], Party::Node(_)));
        let totals = self.net.0.borrow().totals(self.wires.len() as u64, self.messages, is_node);
        self.seen.push("harness", totals);
        self.seen.push("harness", What::Ended);
        let parties = self.scenario.nodes.iter().map(|(name, node)| (name.clone(), node.ip));
        let parties = parties.chain(self.scenario.peers.iter().map(|(name, peer)| (name.clone(), peer.ip))).collect();
        let mut history =
            History::new(Meta { scenario: self.scenario.name.clone(), seed: self.seed, parties, ..Meta::default() });
        self.seen.take().into_iter().for_each(|observation| history.push(observation));
        history
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Turn => self.turns(),
            Event::Start(party) => self.start(party),
            Event::Wake(party) => self.wake(party),
            Event::Look(wire, side) => {
                let Some(Some(there)) = self.wires.get_mut(wire as usize) else { return };
                // One that was planned later is looked at sooner by now.
                if there.look_at[side as usize] == self.now {
                    there.look_at[side as usize] = NEVER;
                    self.look(wire, side as usize);
                }
            }
            Event::Linger(wire, side) => {
                if let Some(Some(there)) = self.wires.get_mut(wire as usize) {
                    there.drop_end(side as usize, self.now, &mut self.net.0.borrow_mut());
                    self.stir(wire);
                }
            }
            Event::Accept(wire) => self.accept(wire),
            Event::Syn(dial) => {
                let Dial { to, done, .. } = self.dials[dial as usize];
                if !done {
                    let listening = self.listens(to);
                    let next =
                        self.dials[dial as usize].answer(dial, listening, self.now, &mut self.net.0.borrow_mut());
                    self.heap.push(next.0, next.1);
                }
            }
            Event::SynAck(dial, yes) => self.answered(dial, yes),
            Event::Retry(dial) => self.syn(dial),
            Event::DialTimeout(dial) => self.dial_failed(dial, "timeout", false),
            Event::Written(party, number) => {
                if !self.holds(party, event)
                    && let Party::Node(node) = &mut self.parties[party as usize]
                {
                    node.written(number, self.now, &self.seen, &mut self.wishes);
                    self.wish(party);
                }
            }
            Event::Sample => {
                self.sample(false);
                self.heap.push(self.now + SAMPLE, Event::Sample);
            }
        }
    }

    /// Lets everybody look again who has to, and takes down what happened to connections.
    fn settle(&mut self) {
        let mut next = 0;
        while let Some((wire, side, half)) = self.stirred.get(next).copied() {
            next += 1;
            match half {
                Half::Reader => self.look(wire, side),
                Half::ReaderAt(at) => self.plan_look(wire, side, millis(at).max(self.now + 1)),
                Half::Writer => self.pump(wire, side),
            }
        }
        self.stirred.clear();
        let events = std::mem::take(&mut self.net.0.borrow_mut().events);
        for event in events {
            for (us, them, fate) in fates(event.from, event.to, event.change) {
                if let Some(Party::Node(node)) = self.by_ip.get(&us).map(|party| &self.parties[*party as usize]) {
                    let what = What::Connection { fate: fate.into(), peer: them.to_string() };
                    self.seen.push_at(event.at, &node.name, what);
                }
            }
        }
    }

    fn plan_turn(&mut self) {
        if let Some(at) = self.agenda.next() {
            self.heap.push(millis(at), Event::Turn);
        }
    }

    fn turns(&mut self) {
        let now = Duration::from_millis(self.now);
        for (id, turn) in self.agenda.due(now) {
            take(self, id, turn, now);
            self.settle();
        }
        self.plan_turn();
    }

    /// Whether a party stands still: then `event` waits for it to go on.
    fn holds(&mut self, party: u32, event: Event) -> bool {
        match &mut self.parties[party as usize] {
            Party::Node(node) if node.runs() && node.gate.holds() => {
                // Once is enough to look.
                if !node.deferred.contains(&event) {
                    node.deferred.push(event);
                }
                true
            }
            _ => false,
        }
    }

    fn start(&mut self, party: u32) {
        match &mut self.parties[party as usize] {
            Party::Node(node) => {
                // One that was killed before its start comes back with the fault's end.
                if !node.runs() && self.net.0.borrow().power(node.ip, Duration::from_millis(self.now)) == Power::Up {
                    node.start(self.now, &self.seen, &mut self.wishes);
                    self.wish(party);
                }
            }
            Party::Peer(peer) => {
                peer.start(&mut self.wants);
                self.want(party);
            }
        }
    }

    fn wake(&mut self, party: u32) {
        match &mut self.parties[party as usize] {
            Party::Node(node) => {
                if node.wake_at != self.now || !node.runs() {
                    return;
                }
                node.wake_at = NEVER;
                // What was due then may be due later by now.
                match node.next() {
                    Some(at) if at <= self.now => {
                        if !self.holds(party, Event::Wake(party)) {
                            self.tell(party, Input::Tick);
                        }
                    }
                    _ => self.wish(party),
                }
            }
            Party::Peer(peer) => {
                if peer.wake_at == self.now {
                    peer.wake_at = NEVER;
                    peer.due(self.now, &mut self.wants);
                    self.want(party);
                }
            }
        }
    }

    /// Tells a node something, and does what it wishes.
    fn tell(&mut self, party: u32, input: Input) {
        if let Party::Node(node) = &mut self.parties[party as usize] {
            node.tell(input, self.now, &self.seen, &mut self.wishes);
            self.wish(party);
        }
    }

    /// Does what a node wishes.
    fn wish(&mut self, party: u32) {
        // What one of them leads to at once has wishes of its own.
        let mut wishes = std::mem::take(&mut self.wishes);
        for wish in wishes.drain(..) {
            match wish {
                Wish::Send(wire, side, message) => {
                    let len = encoded_len(&message);
                    if !self.send(wire, side as usize, Parcel::Message(message), len) {
                        self.queue_full(party, wire, side);
                    }
                }
                Wish::Close(wire, side) => self.close(wire, side as usize),
                Wish::Dial { peer, port, timeout } => {
                    let Party::Node(node) = &self.parties[party as usize] else { continue };
                    let used = port.unwrap_or(node.default_port()) == PORT;
                    let dial = self.dial(Dial::new(party, None, node.ip, peer, used));
                    self.heap.push(self.now + millis(timeout), Event::DialTimeout(dial));
                    self.syn(dial);
                }
                Wish::Write(number, at) => self.heap.push(at, Event::Written(party, number)),
            }
        }
        self.wishes = wishes;
        if let Party::Node(node) = &mut self.parties[party as usize]
            && let Some(at) = node.next().map(|at| at.max(self.now))
            && at < node.wake_at
        {
            node.wake_at = at;
            self.heap.push(at, Event::Wake(party));
        }
    }

    /// Does what a scripted peer wants.
    fn want(&mut self, party: u32) {
        let mut wants = std::mem::take(&mut self.wants);
        for want in wants.drain(..) {
            match want {
                Want::Send(wire, side, parcel, len) => {
                    self.send(wire, side as usize, parcel, len);
                }
                Want::Close(wire, side) => self.close(wire, side as usize),
                Want::Dial(name, session) => {
                    let (Party::Peer(peer), Some(to)) = (&self.parties[party as usize], self.by_name.get(&name)) else {
                        continue;
                    };
                    let (from, to) = (peer.ip, self.ip(*to));
                    let dial = self.dial(Dial::new(party, Some(session), from, to, true));
                    self.syn(dial);
                }
            }
        }
        self.wants = wants;
        if let Party::Peer(peer) = &mut self.parties[party as usize]
            && let Some(at) = peer.next().map(|at| at.max(self.now))
            && at < peer.wake_at
        {
            peer.wake_at = at;
            self.heap.push(at, Event::Wake(party));
        }
    }

    fn ip(&self, party: u32) -> IpAddr {
        match &self.parties[party as usize] {
            Party::Node(node) => node.ip,
            Party::Peer(peer) => peer.ip,
        }
    }

    fn listens(&self, ip: IpAddr) -> bool {
        self.by_ip.get(&ip).is_some_and(|party| match &self.parties[*party as usize] {
            Party::Node(node) => node.runs(),
            Party::Peer(peer) => peer.listens,
        })
    }

    fn sample(&mut self, last: bool) {
        for party in &self.parties {
            let Party::Node(node) = party else { continue };
            let metrics = match &node.telemetry {
                Some(telemetry) => exposition::values(&telemetry.metrics().render()),
                // The most of the whole run says more than samples do.
                None if last => [("lockstep_buffered_bytes".to_owned(), node.buffered as f64)].into(),
                None => continue,
            };
            self.seen.push(&node.name, What::Metrics(metrics));
        }
    }
}

impl Links for SharedNet {
    fn set(&self, from: IpAddr, to: IpAddr, params: LinkParams, now: SimTime) {
        self.0.borrow_mut().link(from, to).set(now, params);
    }

    fn get(&self, from: IpAddr, to: IpAddr, now: SimTime) -> LinkParams {
        self.0.borrow_mut().link(from, to).at(now).clone()
    }

    fn stats(&self, from: IpAddr, to: IpAddr) -> LinkStats {
        self.0.borrow_mut().link(from, to).stats()
    }
}
