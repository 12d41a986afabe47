//! All of a run: parties, wires, links, and the loop that lets things happen one after the other.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use node::protocol::{ConnId, Direction as Dialled, Input};
use node::store::MemoryChain;
use node::wire::{Decoded, decode, encoded_len};
use tokio::time::Instant;
use tracing::level_filters::LevelFilter;

use super::dial::{Dial, millis};
use super::heap::{Event, Heap, Ms};
use super::node::{Node, Wish};
use super::peer::{Peer, Want};
use super::seen::Seen;
use super::wire::{Found, Half, Holder, NEVER, Parcel, Wire};
use crate::fault::SimTime;
use crate::fault::link::{LinkParams, LinkStats};
use crate::history::{History, Meta, What};
use crate::peer::{Chains, PORT};
use crate::scenario::Scenario;
use crate::scenario::resolved::Direction;
use crate::subject::agenda::Agenda;
use crate::subject::change::{Change, Close, fates};
use crate::subject::connection::Connection;
use crate::subject::exposition;
use crate::subject::link_fault::{LinkFaults, Links, set_links};
use crate::subject::log_capture::Capture;
use crate::subject::net::{Net, Power};
use crate::subject::node_config::config;
use crate::subject::sim::SimError;
use crate::subject::sim_fault::Machines;
use crate::subject::stage::{Stage, take};
use crate::subject::watched::watched;
use crate::subject::{LATENCY, Tell};

/// Between two samples of the metrics.
const SAMPLE: Ms = 10_000;

/// Bytes that may wait to be sent to one peer (D-27, the runtime's).
const QUEUE: usize = 4 << 20;

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

    /// A dial begins: its number.
    fn dial(&mut self, dial: Dial) -> u32 {
        let at = Duration::from_millis(self.now);
        self.net.0.borrow_mut().happened(at, dial.from, dial.to, Change::Dialled);
        self.dials.push(dial);
        self.dials.len() as u32 - 1
    }

    fn syn(&mut self, number: u32) {
        let party = self.dials[number as usize].party;
        if self.dials[number as usize].done || self.holds(party, Event::Retry(number)) {
            return;
        }
        let next = self.dials[number as usize].send(number, self.now, &mut self.net.0.borrow_mut());
        match next {
            Some((at, event)) => self.heap.push(at, event),
            None => self.dial_failed(number, "timed out", false),
        }
    }

    /// A dial's answer is there.
    fn answered(&mut self, number: u32, yes: bool) {
        let Dial { party, session, from, to, done, .. } = self.dials[number as usize];
        if done || self.holds(party, Event::SynAck(number, yes)) {
            return;
        }
        if !yes {
            return self.dial_failed(number, "connection refused", true);
        }
        let Some(other) = self.by_ip.get(&to).copied().filter(|_| self.listens(to)) else {
            return self.dial_failed(number, "connection reset", false);
        };
        self.dials[number as usize].done = true;
        let wire = self.wires.len() as u32;
        let at = Duration::from_millis(self.now);
        let ack = {
            let net = &mut self.net.0.borrow_mut();
            self.wires.push(Some(Wire::new(Connection::open(from, to, at, net), [party, other])));
            net.ack(from, to, at)
        };
        self.heap.push(self.now + millis(ack), Event::Accept(wire));
        match &mut self.parties[party as usize] {
            Party::Node(node) => {
                let conn = node.connection(wire, 0);
                self.hold(wire, 0, Holder::Node(conn));
                self.tell(party, Input::Connected { conn, peer: to, local: from, direction: Dialled::Outbound });
            }
            Party::Peer(peer) => {
                let session = session.unwrap_or_default();
                peer.opened(session, wire, 0, &self.seen, &mut self.wants);
                self.hold(wire, 0, Holder::Peer(session));
                self.want(party);
            }
        }
        self.plan_look(wire, 0, self.now);
    }

    fn dial_failed(&mut self, number: u32, reason: &str, refused: bool) {
        let Dial { party, session, from, to, port_is_used, done, .. } = self.dials[number as usize];
        if done
            || self.holds(party, if reason == "timeout" { Event::DialTimeout(number) } else { Event::Retry(number) })
        {
            return;
        }
        self.dials[number as usize].done = true;
        match &mut self.parties[party as usize] {
            Party::Node(_) => self.tell(party, Input::DialFailed { peer: to, reason: reason.to_owned() }),
            Party::Peer(peer) => {
                let again = peer.dial_failed(session.unwrap_or_default(), refused, self.now);
                self.want(party);
                if let Some(at) = again {
                    self.dials.push(Dial::new(party, session, from, to, port_is_used));
                    self.heap.push(at, Event::Retry(self.dials.len() as u32 - 1));
                }
            }
        }
    }

    /// Who was dialled learns of a wire.
    fn accept(&mut self, number: u32) {
        let Some(Some(wire)) = self.wires.get(number as usize) else { return };
        let ([dialler, party], [from, to]) = (wire.parties, wire.connection.ips());
        if wire.connection.is_dropped() || self.holds(party, Event::Accept(number)) {
            return;
        }
        match &mut self.parties[party as usize] {
            Party::Node(node) if node.runs() => {
                let conn = node.connection(number, 1);
                self.hold(number, 1, Holder::Node(conn));
                self.tell(party, Input::Connected { conn, peer: from, local: to, direction: Dialled::Inbound });
            }
            Party::Node(_) => return,
            Party::Peer(_) => {
                let name = match &self.parties[dialler as usize] {
                    Party::Node(node) => node.name.clone(),
                    Party::Peer(peer) => peer.name.clone(),
                };
                let Party::Peer(peer) = &mut self.parties[party as usize] else { return };
                let session = peer.accepted(name);
                peer.opened(session, number, 1, &self.seen, &mut self.wants);
                self.hold(number, 1, Holder::Peer(session));
                self.want(party);
            }
        }
        self.plan_look(number, 1, self.now);
    }

    fn hold(&mut self, wire: u32, side: usize, holder: Holder) {
        if let Some(Some(wire)) = self.wires.get_mut(wire as usize) {
            wire.holders[side] = holder;
        }
    }

    /// Sends a line of `len` bytes; `false` where too much waits already.
    fn send(&mut self, number: u32, side: usize, parcel: Parcel, len: usize) -> bool {
        self.messages += 1;
        let Some(Some(wire)) = self.wires.get_mut(number as usize) else { return true };
        if wire.queued(side) + len > QUEUE {
            return false;
        }
        if matches!(&parcel, Parcel::Message(message) if message.asks()) {
            wire.connection.asks(side, Duration::from_millis(self.now), &mut self.net.0.borrow_mut());
        }
        let waits = wire.queued(side) > 0;
        wire.queue(side, parcel, len);
        if !waits {
            self.pump(number, side);
        }
        true
    }

    /// Writes what waits at an end, as far as there is room.
    fn pump(&mut self, number: u32, side: usize) {
        let Some(Some(wire)) = self.wires.get_mut(number as usize) else { return };
        if wire.queued(side) == 0 {
            return;
        }
        let result = wire.pump(side, self.now, &mut self.net.0.borrow_mut());
        self.stir(number);
        if let Err(reason) = result {
            self.ended(number, side, reason, false);
        }
    }

    /// Notes who has to look again on a wire, and forgets one that nobody has any more.
    fn stir(&mut self, number: u32) {
        let Some(place) = self.wires.get_mut(number as usize) else { return };
        let Some(wire) = place else { return };
        if wire.connection.is_dropped() {
            *place = None;
            return;
        }
        self.stirred.extend(wire.connection.stirred().map(|(side, half)| (number, side, half)));
    }

    /// An end is closed by who has it.
    fn close(&mut self, number: u32, side: usize) {
        let linger = match self.wires.get(number as usize) {
            Some(Some(wire)) => match &self.parties[wire.parties[side] as usize] {
                Party::Node(node) => node.linger(),
                Party::Peer(_) => 0,
            },
            _ => return,
        };
        if let Some(Some(wire)) = self.wires.get_mut(number as usize) {
            let net = &mut self.net.0.borrow_mut();
            if wire.close(side, self.now, net) {
                match linger {
                    0 => wire.drop_end(side, self.now, net),
                    linger => self.heap.push(self.now + linger, Event::Linger(number, side as u8)),
                }
            }
        }
        self.stir(number);
    }

    fn queue_full(&mut self, party: u32, number: u32, side: u8) {
        let Some(Some(wire)) = self.wires.get(number as usize) else { return };
        if let Holder::Node(conn) = wire.holders[side as usize] {
            self.close(number, side as usize);
            if let Party::Node(node) = &mut self.parties[party as usize] {
                node.forget(conn);
            }
            self.tell(party, Input::Closed { conn, reason: "send queue full".to_owned(), by_us: true });
        }
    }

    /// An end is over for who has it, by the other side or the network.
    fn ended(&mut self, number: u32, side: usize, reason: &str, by_us: bool) {
        let Some(Some(wire)) = self.wires.get(number as usize) else { return };
        let (holder, party) = (wire.holders[side], wire.parties[side]);
        self.close(number, side);
        match (holder, &mut self.parties[party as usize]) {
            (Holder::Node(conn), Party::Node(node)) => {
                node.forget(conn);
                self.tell(party, Input::Closed { conn, reason: reason.to_owned(), by_us });
            }
            (Holder::Peer(session), Party::Peer(peer)) => {
                peer.closed(session, self.now);
                self.want(party);
            }
            _ => {}
        }
    }

    fn plan_look(&mut self, number: u32, side: usize, at: Ms) {
        if let Some(Some(wire)) = self.wires.get_mut(number as usize)
            && at < wire.look_at[side]
        {
            wire.look_at[side] = at;
            self.heap.push(at, Event::Look(number, side as u8));
        }
    }

    /// Takes what has arrived at an end.
    fn look(&mut self, number: u32, side: usize) {
        let Some(Some(wire)) = self.wires.get_mut(number as usize) else { return };
        let party = wire.parties[side];
        if wire.holders[side] != Holder::Nobody && self.holds(party, Event::Look(number, side as u8)) {
            return;
        }
        loop {
            let Some(Some(wire)) = self.wires.get_mut(number as usize) else { return };
            let holder = wire.holders[side];
            // What isn't accepted waits, and what was closed is nobody's.
            if holder == Holder::Nobody {
                return;
            }
            let found = wire.look(side, self.now, &mut self.net.0.borrow_mut());
            self.stir(number);
            match found {
                Found::Parcel(parcel) => self.deliver(party, holder, parcel),
                Found::End(reason) => return self.ended(number, side, reason, false),
                Found::Nothing(again) => {
                    if let Some(at) = again {
                        self.plan_look(number, side, at);
                    }
                    return;
                }
            }
        }
    }

    fn deliver(&mut self, party: u32, holder: Holder, parcel: Parcel) {
        match (holder, &mut self.parties[party as usize]) {
            (Holder::Node(conn), Party::Node(_)) => {
                if let Some(input) = input(conn, parcel) {
                    self.tell(party, input);
                }
            }
            (Holder::Peer(session), Party::Peer(peer)) => {
                peer.heard(session, &parcel, self.now, &mut self.wants);
                self.want(party);
            }
            _ => {}
        }
    }

    /// The order in which a node's runtime takes what has come in the meantime.
    fn turn_of(&self, party: u32, event: Event) -> u8 {
        match event {
            Event::Written(..) => 0,
            Event::SynAck(..) | Event::DialTimeout(_) | Event::Retry(_) => 1,
            Event::Accept(_) => 2,
            Event::Look(wire, side) => {
                let other = self.wires.get(wire as usize).and_then(|wire| Some(wire.as_ref()?.connection.ips()));
                let other = other.map(|ips| ips[1 - side as usize]);
                match &self.parties[party as usize] {
                    Party::Node(node) if other.is_some_and(|ip| node.whitelists(ip)) => 3,
                    _ => 4,
                }
            }
            _ => 5,
        }
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

/// What a node's runtime makes of a line.
fn input(conn: ConnId, parcel: Parcel) -> Option<Input> {
    let line = match parcel {
        Parcel::Message(message) => return Some(Input::Received { conn, message }),
        Parcel::Line(line) => line,
    };
    match decode(line.as_bytes()) {
        Ok(Decoded::Message(message)) => Some(Input::Received { conn, message }),
        Ok(Decoded::Unknown(name)) => Some(Input::ReceivedUnknown { conn, name }),
        Ok(Decoded::Empty) => None,
        Err(error) => Some(Input::Malformed { conn, reason: error.to_string() }),
    }
}

impl Stage for World<'_> {
    type Network = SharedNet;

    fn faults(&mut self) -> (&mut LinkFaults<SharedNet>, &mut Machines) {
        (&mut self.links, &mut self.machines)
    }

    fn seen(&mut self, _: SimTime, source: &str, what: What) {
        self.seen.push(source, what);
    }

    fn down(&mut self, name: &str, power_loss: bool, now: SimTime) {
        let Some(party) = self.by_name.get(name).copied() else { return };
        let Party::Node(node) = &mut self.parties[party as usize] else { return };
        node.end();
        self.net.0.borrow_mut().host_down(node.ip, power_loss, now);
        self.dials.iter_mut().filter(|dial| dial.party == party).for_each(|dial| dial.done = true);
        let how = if power_loss { Close::PowerLoss } else { Close::Killed };
        for number in 0..self.wires.len() as u32 {
            let Some(wire) = &mut self.wires[number as usize] else { continue };
            for side in [0, 1] {
                if wire.parties[side] == party {
                    wire.ended(side, self.now, how, &mut self.net.0.borrow_mut());
                }
            }
            self.stir(number);
        }
    }

    fn up(&mut self, name: &str, now: SimTime) {
        let Some(party) = self.by_name.get(name).copied() else { return };
        let ip = self.ip(party);
        self.net.0.borrow_mut().host_up(ip, now);
        self.start(party);
    }

    fn runs(&mut self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|party| match &self.parties[*party as usize] {
            Party::Node(node) => node.runs(),
            Party::Peer(_) => true,
        })
    }

    fn resumed(&mut self, who: &[String]) {
        for name in who {
            let Some(party) = self.by_name.get(name).copied() else { continue };
            let Party::Node(node) = &mut self.parties[party as usize] else { continue };
            if node.gate.is_paused() {
                continue;
            }
            let mut deferred = std::mem::take(&mut node.deferred);
            deferred.sort_by_key(|event| self.turn_of(party, *event));
            for event in deferred {
                match event {
                    Event::Look(wire, side) => self.look(wire, side as usize),
                    Event::Wake(party) => self.tell(party, Input::Tick),
                    event => self.happen(event),
                }
                self.settle();
            }
        }
    }

    fn direct(&mut self, peer: &str, direction: &Direction) {
        let Some(party) = self.by_name.get(peer).copied() else { return };
        if let Party::Peer(peer) = &mut self.parties[party as usize] {
            peer.direct(direction, self.now, &mut self.wants);
            self.want(party);
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
