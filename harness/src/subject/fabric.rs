//! The simulated network as a whole: links, hosts, connections, and what happened to them.
//!
//! turmoil gives hosts, virtual time, crashes and restarts. Bytes go past its TCP, which can't retransmit, can't lose power
//! silently and closes what it shouldn't: both ends of a connection share a [`Flow`] in each direction.
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::io::ReadBuf;

use super::change::{Change, Close};
use crate::fault::SimTime;
use crate::fault::flow::{Arrived, Flow, Next, Path, Sent, WINDOW};
use crate::fault::link::{Link, LinkParams, LinkStats, Passage};
use crate::fault::timeline::Timeline;

/// Nothing arrives sooner: hosts of a simulation take turns, and what takes no time could arrive before it was sent.
pub const MIN_LATENCY: Duration = Duration::from_millis(1);
/// Connections not yet accepted, at most, a listener (Linux, somaxconn); more dials get no answer.
const BACKLOG: usize = 4096;

/// One simulated network; clones are the same one. Change it between the simulation's steps, with `now` = `Sim::elapsed`: inside
/// a step some hosts are ahead of others by up to a tick.
#[derive(Debug, Clone)]
pub struct Fabric(Arc<Mutex<State>>);

/// Number of a connection, in the order of opening.
pub type ConnectionId = u64;

/// Whether a host answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// The process runs, or hasn't been started yet.
    Up,
    /// The process is gone, the machine answers for it: its connections end, dials are refused.
    Killed,
    /// Silence.
    Off,
}

/// Something that happened to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionEvent {
    /// When.
    pub at: SimTime,
    /// Who dialled.
    pub from: IpAddr,
    /// Who was dialled.
    pub to: IpAddr,
    /// What.
    pub change: Change,
}

impl Fabric {
    /// A network in which every link is as `default`, until changed. All randomness comes from `seed`.
    pub fn new(seed: u64, default: LinkParams) -> Self {
        let net = Net {
            seed,
            default,
            links: Vec::new(),
            link_index: BTreeMap::new(),
            hosts: BTreeMap::new(),
            events: Vec::new(),
        };
        Self(Arc::new(Mutex::new(State { net, listeners: BTreeMap::new(), connections: BTreeMap::new(), next_id: 0 })))
    }

    /// Changes the directed link `from` -> `to` from `now` on.
    pub fn set_link(&self, from: IpAddr, to: IpAddr, params: LinkParams, now: SimTime) {
        self.lock().net.link(from, to).set(now, params);
    }

    /// What the directed link is like at `t`.
    pub fn link(&self, from: IpAddr, to: IpAddr, t: SimTime) -> LinkParams {
        self.lock().net.link(from, to).at(t).clone()
    }

    /// What happened on the directed link.
    pub fn stats(&self, from: IpAddr, to: IpAddr) -> LinkStats {
        self.lock().net.link(from, to).stats()
    }

    /// The process at `ip` ends, or with `power_loss` the whole machine. Call it before `Sim::crash`, which drops the streams
    /// of a process whose connections must have ended already.
    pub fn host_down(&self, ip: IpAddr, power_loss: bool, now: SimTime) {
        self.lock().host_down(ip, power_loss, now);
    }

    /// The machine at `ip` answers again. Call it before `Sim::bounce`.
    pub fn host_up(&self, ip: IpAddr, now: SimTime) {
        let mut state = self.lock();
        let host = state.net.hosts.entry(ip).or_default();
        host.power.set(now, Power::Up);
        host.starts += 1;
    }

    /// Whether the host at `ip` answers at `t`, and how often it was started again.
    pub fn host(&self, ip: IpAddr, t: SimTime) -> (Power, u32) {
        let state = self.lock();
        (state.net.power(ip, t), state.net.hosts.get(&ip).map_or(0, |host| host.starts))
    }

    /// What happened to connections since the last call, in the order in which it became known.
    pub fn drain_events(&self) -> Vec<ConnectionEvent> {
        std::mem::take(&mut self.lock().net.events)
    }

    /// Bytes that all links were given, and how often a connection was opened.
    pub fn totals(&self) -> (u64, u64) {
        let state = self.lock();
        (state.net.links.iter().map(|link| link.stats().bytes).sum(), state.next_id)
    }

    /// A dial leaves.
    pub(super) fn dialled(&self, from: IpAddr, to: IpAddr, now: SimTime) {
        self.lock().net.events.push(ConnectionEvent { at: now, from, to, change: Change::Dialled });
    }

    /// The connections that nobody has closed: number, who dialled, who was dialled.
    pub fn connections(&self) -> Vec<(ConnectionId, IpAddr, IpAddr)> {
        let state = self.lock();
        let open = state.connections.iter().filter(|(_, connection)| !connection.closed);
        open.map(|(id, connection)| (*id, connection.ends[0].ip, connection.ends[1].ip)).collect()
    }

    /// Never held while anything is awaited or dropped that could come back here.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) struct State {
    net: Net,
    listeners: BTreeMap<(IpAddr, u16), Backlog>,
    connections: BTreeMap<ConnectionId, Connection>,
    next_id: u64,
}

/// What all connections share.
#[derive(Debug)]
struct Net {
    seed: u64,
    default: LinkParams,
    links: Vec<Link>,
    link_index: BTreeMap<(IpAddr, IpAddr), usize>,
    hosts: BTreeMap<IpAddr, Host>,
    events: Vec<ConnectionEvent>,
}

#[derive(Debug)]
struct Host {
    power: Timeline<Power>,
    starts: u32,
}

impl Default for Host {
    fn default() -> Self {
        Self { power: Timeline::new(Power::Up), starts: 0 }
    }
}

/// What a listener hasn't accepted yet.
#[derive(Debug)]
struct Backlog {
    /// Which listener: one of a process that is gone must not close its successor's.
    id: u64,
    pending: VecDeque<(SimTime, ConnectionId)>,
    waker: Option<Waker>,
}

/// A connection. End 0 dialled; flow `i` is what end `i` writes.
#[derive(Debug)]
struct Connection {
    ends: [End; 2],
    flows: [Flow; 2],
    /// The link of each flow.
    links: [usize; 2],
    closed: bool,
}

#[derive(Debug)]
struct End {
    ip: IpAddr,
    side: Side,
    /// Wrote its FIN.
    finished: bool,
    /// There is a stream, or will be when it is accepted.
    held: bool,
    /// When and how the connection ends for it, other than by a FIN.
    ends: Option<(SimTime, ErrorKind)>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Open,
    /// Closed in good order: late FINs are answered.
    Closed,
    /// Knows of no connection: everything is answered with a reset.
    Gone,
}

/// A poll's answer.
#[derive(Debug)]
pub(super) enum Answer<T> {
    Now(T),
    /// The task is woken when something happens, but for time: poll again at this one.
    Wait(Option<SimTime>),
}

use Answer::{Now, Wait};

impl State {
    /// A listener at `at`; its number.
    pub fn listen(&mut self, at: (IpAddr, u16)) -> io::Result<u64> {
        if self.listeners.contains_key(&at) {
            return Err(ErrorKind::AddrInUse.into());
        }
        self.next_id += 1;
        self.listeners.insert(at, Backlog { id: self.next_id, pending: VecDeque::new(), waker: None });
        Ok(self.next_id)
    }

    /// The listener is dropped, and what it hasn't accepted is closed.
    pub fn unlisten(&mut self, at: (IpAddr, u16), id: u64, now: SimTime) {
        if self.listeners.get(&at).is_some_and(|backlog| backlog.id == id)
            && let Some(backlog) = self.listeners.remove(&at)
        {
            backlog.pending.into_iter().for_each(|(_, connection)| self.drop_end(connection, 1, now));
        }
    }

    pub fn poll_accept(
        &mut self,
        at: (IpAddr, u16),
        id: u64,
        now: SimTime,
        cx: &Context<'_>,
    ) -> Answer<io::Result<ConnectionId>> {
        let Some(backlog) = self.listeners.get_mut(&at).filter(|backlog| backlog.id == id) else {
            return Now(Err(ErrorKind::NotConnected.into()));
        };
        match backlog.pending.front() {
            Some((ready, connection)) if *ready <= now => {
                let connection = *connection;
                backlog.pending.pop_front();
                Now(Ok(connection))
            }
            first => {
                let ready = first.map(|(ready, _)| *ready);
                register(&mut backlog.waker, cx);
                Wait(ready)
            }
        }
    }

    pub fn dialler(&self, id: ConnectionId) -> Option<IpAddr> {
        self.connections.get(&id).map(|connection| connection.ends[0].ip)
    }

    /// A SYN at `t`: how long it takes, unless it is lost.
    pub fn syn(&mut self, from: IpAddr, to: IpAddr, t: SimTime) -> Option<Duration> {
        self.net.link(from, to).send(t).map(time)
    }

    /// The answer to a SYN that arrives at `t`: how long it takes, unless there is none, and whether it is yes.
    pub fn syn_ack(&mut self, from: IpAddr, to: SocketAddr, t: SimTime) -> Option<(Duration, bool)> {
        if self.net.power(to.ip(), t) == Power::Off {
            return None;
        }
        let backlog = self.listeners.get(&(to.ip(), to.port()));
        if backlog.is_some_and(|backlog| backlog.pending.len() >= BACKLOG) {
            return None;
        }
        let listening = backlog.is_some();
        self.net.link(to.ip(), from).send(t).map(|passage| (time(passage), listening))
    }

    /// The SYN-ACK has arrived: the connection is open for the dialler now, and for the listener as soon as the ACK is there.
    pub fn open(&mut self, from: IpAddr, to: SocketAddr, now: SimTime) -> io::Result<ConnectionId> {
        let Self { net, listeners, connections, next_id } = self;
        let backlog = listeners.get_mut(&(to.ip(), to.port())).ok_or(ErrorKind::ConnectionReset)?;
        *next_id += 1;
        let id = *next_id;
        let links = [net.link_number(from, to.ip()), net.link_number(to.ip(), from)];
        let latency = net.links[links[0]].at(now).latency;
        connections.insert(
            id,
            Connection { ends: [End::new(from), End::new(to.ip())], flows: Default::default(), links, closed: false },
        );
        backlog.pending.push_back((now + latency.max(MIN_LATENCY), id));
        wake(&mut backlog.waker);
        net.events.push(ConnectionEvent { at: now, from, to: to.ip(), change: Change::Opened });
        Ok(id)
    }

    pub fn poll_read(
        &mut self,
        id: ConnectionId,
        side: usize,
        now: SimTime,
        buf: &mut ReadBuf<'_>,
        cx: &Context<'_>,
    ) -> Answer<io::Result<()>> {
        match self.connections.get_mut(&id) {
            Some(connection) => connection.poll_read(side, now, buf, cx, &mut self.net),
            None => Now(Err(ErrorKind::ConnectionReset.into())),
        }
    }

    pub fn poll_write(
        &mut self,
        id: ConnectionId,
        side: usize,
        now: SimTime,
        data: &[u8],
        cx: &Context<'_>,
    ) -> Answer<io::Result<usize>> {
        match self.connections.get_mut(&id) {
            Some(connection) => connection.poll_write(side, now, data, cx, &mut self.net),
            None => Now(Err(ErrorKind::BrokenPipe.into())),
        }
    }

    pub fn shutdown(&mut self, id: ConnectionId, side: usize, now: SimTime) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.finish(side, now, Close::Fin, &mut self.net);
        }
    }

    /// The stream is dropped.
    pub fn drop_end(&mut self, id: ConnectionId, side: usize, now: SimTime) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.close(side, now, Close::Fin, &mut self.net);
            connection.ends[side].held = false;
            if !connection.ends[1 - side].held {
                self.connections.remove(&id);
            }
        }
    }

    fn host_down(&mut self, ip: IpAddr, power_loss: bool, now: SimTime) {
        let Self { net, listeners, connections, .. } = self;
        let power = if power_loss { Power::Off } else { Power::Killed };
        net.hosts.entry(ip).or_default().power.set(now, power);
        listeners.retain(|(at, _), _| *at != ip);
        connections.retain(|_, connection| {
            for side in [0, 1] {
                if connection.ends[side].ip == ip {
                    let how = if power_loss { Close::PowerLoss } else { Close::Killed };
                    connection.close(side, now, how, net);
                    connection.ends[side].held = false;
                }
            }
            connection.ends.iter().any(|end| end.held)
        });
    }
}

impl Net {
    fn link_number(&mut self, from: IpAddr, to: IpAddr) -> usize {
        *self.link_index.entry((from, to)).or_insert_with(|| {
            self.links.push(Link::new(self.seed, from, to, self.default.clone()));
            self.links.len() - 1
        })
    }

    fn link(&mut self, from: IpAddr, to: IpAddr) -> &mut Link {
        let number = self.link_number(from, to);
        &mut self.links[number]
    }

    fn power(&self, ip: IpAddr, t: SimTime) -> Power {
        self.hosts.get(&ip).map_or(Power::Up, |host| *host.power.at(t))
    }
}

impl End {
    fn new(ip: IpAddr) -> Self {
        Self { ip, side: Side::Open, finished: false, held: true, ends: None, reader: None, writer: None }
    }

    fn wake(&mut self) {
        wake(&mut self.reader);
        wake(&mut self.writer);
    }

    fn ended(&self, now: SimTime) -> Option<ErrorKind> {
        self.ends.filter(|(at, _)| *at <= now).map(|(_, kind)| kind)
    }
}

impl Connection {
    fn poll_read(
        &mut self,
        side: usize,
        now: SimTime,
        buf: &mut ReadBuf<'_>,
        cx: &Context<'_>,
        net: &mut Net,
    ) -> Answer<io::Result<()>> {
        let other = 1 - side;
        if buf.remaining() == 0 {
            return Now(Ok(()));
        }
        if self.ends[side].side == Side::Closed {
            // Killed, and the crash hasn't come yet.
            return Now(Err(ErrorKind::ConnectionReset.into()));
        }
        let incoming = self.advance(other, now, net);
        let room = buf.remaining();
        match self.flows[other].read(now, |part| buf.put_slice(part), room) {
            Arrived::Nothing => {}
            Arrived::Fin => return Now(Ok(())),
            Arrived::Bytes(_) => {
                // Not for every byte: a writer that waits is woken when half the window is free.
                if self.flows[other].room() >= WINDOW / 2 {
                    wake(&mut self.ends[other].writer);
                }
                return Now(Ok(()));
            }
        }
        let outgoing = self.watch(side, now, net);
        if let Some(kind) = self.ends[side].ended(now) {
            return Now(Err(kind.into()));
        }
        register(&mut self.ends[side].reader, cx);
        Wait(incoming.into_iter().chain(outgoing).min())
    }

    fn poll_write(
        &mut self,
        side: usize,
        now: SimTime,
        data: &[u8],
        cx: &Context<'_>,
        net: &mut Net,
    ) -> Answer<io::Result<usize>> {
        if let Some(kind) = self.ends[side].ended(now) {
            return Now(Err(kind.into()));
        }
        if self.ends[side].finished || self.ends[side].side == Side::Closed {
            return Now(Err(ErrorKind::BrokenPipe.into()));
        }
        if data.is_empty() {
            return Now(Ok(0));
        }
        let was_empty = self.flows[side].is_empty();
        let (flow, path) = self.split(side, net);
        let n = flow.write(now, data, &path);
        if n == 0 {
            let again = self.watch(side, now, net);
            register(&mut self.ends[side].writer, cx);
            return match self.ends[side].ended(now) {
                Some(kind) => Now(Err(kind.into())),
                None => Wait(again),
            };
        }
        self.sent(side, now, was_empty, net);
        Now(Ok(n))
    }

    /// Decides the fate of what was just written, and sees to it that both ends look again in time.
    fn sent(&mut self, side: usize, now: SimTime, was_empty: bool, net: &mut Net) {
        self.advance(side, now, net);
        // With something under way already, the reader has a timer.
        if was_empty {
            wake(&mut self.ends[1 - side].reader);
        }
        if self.watch(side, now, net).is_some() {
            wake(&mut self.ends[side].reader);
        }
    }

    /// Decides what can be decided by `now` about what `side` wrote: when to look again.
    fn advance(&mut self, side: usize, now: SimTime, net: &mut Net) -> Option<SimTime> {
        let stalled = self.flows[side].gives_up_at();
        let (flow, mut path) = self.split(side, net);
        let (at, kind, by, how) = match flow.advance(now, &mut path) {
            Next::Idle => return None,
            Next::At(t) => {
                if stalled.is_none() && self.flows[side].gives_up_at().is_some() {
                    // The writer has to know when to give up.
                    wake(&mut self.ends[side].reader);
                }
                return Some(t);
            }
            Next::Refused(at) => (at, ErrorKind::ConnectionReset, 1 - side, Close::Reset),
            Next::GaveUp(at) => (at, ErrorKind::TimedOut, side, Close::GiveUp),
        };
        self.record(at, by, how, net);
        let end = &mut self.ends[side];
        if end.side == Side::Open {
            end.side = Side::Gone;
            end.ends = Some((at, kind));
            end.wake();
        }
        None
    }

    /// When `side` has to look at what it wrote itself: the other end isn't there to do it, or may never get anything to see.
    fn watch(&mut self, side: usize, now: SimTime, net: &mut Net) -> Option<SimTime> {
        let alone = self.ends[1 - side].side != Side::Open;
        if self.ends[side].ends.is_none() && (alone || self.flows[side].gives_up_at().is_some_and(|at| at <= now)) {
            self.advance(side, now, net);
        }
        match self.ends[side].ends {
            Some((at, _)) => Some(at),
            None if alone => self.flows[side].next_try(),
            None => self.flows[side].gives_up_at(),
        }
    }

    /// `side` writes no more.
    fn finish(&mut self, side: usize, now: SimTime, how: Close, net: &mut Net) {
        if self.ends[side].finished || self.ends[side].side != Side::Open {
            return;
        }
        self.ends[side].finished = true;
        self.record(now, side, how, net);
        let was_empty = self.flows[side].is_empty();
        self.flows[side].finish(now);
        self.sent(side, now, was_empty, net);
    }

    /// `side` is gone.
    fn close(&mut self, side: usize, now: SimTime, how: Close, net: &mut Net) {
        let other = 1 - side;
        // What was due before is decided by how things were before.
        self.advance(side, now, net);
        self.advance(other, now, net);
        let was_open = self.ends[side].side == Side::Open;
        if how == Close::PowerLoss {
            // Also for a process that ended before: the machine still sent for it.
            self.flows[side].drop_unsent();
            if was_open {
                self.record(now, side, how, net);
                self.ends[side].side = Side::Gone;
                self.flows[other].lose_reader(now);
            }
        } else {
            self.finish(side, now, how, net);
            if was_open {
                self.ends[side].side = Side::Closed;
            }
            self.flows[other].discard();
        }
        // It has to watch for itself what it has under way, and may have room to write again.
        self.ends[other].wake();
    }

    fn record(&mut self, at: SimTime, by: usize, how: Close, net: &mut Net) {
        if !std::mem::replace(&mut self.closed, true) {
            let [from, to] = [self.ends[0].ip, self.ends[1].ip];
            let change = Change::Closed(self.ends[by].ip, how);
            net.events.push(ConnectionEvent { at, from, to, change });
        }
    }

    fn split<'a>(&'a mut self, side: usize, net: &'a mut Net) -> (&'a mut Flow, Route<'a>) {
        let reader = &self.ends[1 - side];
        let power = net.hosts.get(&reader.ip).map(|host| &host.power);
        let (there, back) = (self.links[side], self.links[1 - side]);
        (&mut self.flows[side], Route { links: &mut net.links, there, back, reader: reader.side, power })
    }
}

/// The way of one flow.
struct Route<'a> {
    links: &'a mut [Link],
    there: usize,
    back: usize,
    reader: Side,
    power: Option<&'a Timeline<Power>>,
}

impl Path for Route<'_> {
    fn departure(&mut self, t: SimTime, len: usize) -> SimTime {
        self.links[self.there].departure(t, len).at
    }

    fn send(&mut self, t: SimTime, fin: bool) -> Sent {
        let Some(takes) = self.links[self.there].send(t).map(time) else {
            return Sent::Lost;
        };
        if self.reader == Side::Open || (self.reader == Side::Closed && fin) {
            return Sent::Delivered(takes);
        }
        if self.power.is_some_and(|power| *power.at(t) == Power::Off) {
            return Sent::Lost;
        }
        match self.links[self.back].send(t).map(time) {
            Some(back) => Sent::Refused(takes + back),
            None => Sent::Lost,
        }
    }

    fn round_trip(&self, t: SimTime) -> Duration {
        self.links[self.there].at(t).latency + self.links[self.back].at(t).latency
    }

    fn rate(&self, t: SimTime) -> Option<u64> {
        self.links[self.there].at(t).rate
    }
}

/// How long it takes in a simulation.
fn time(passage: Passage) -> Duration {
    passage.takes.max(MIN_LATENCY)
}

fn register(slot: &mut Option<Waker>, cx: &Context<'_>) {
    if !slot.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
        *slot = Some(cx.waker().clone());
    }
}

fn wake(slot: &mut Option<Waker>) {
    if let Some(waker) = slot.take() {
        waker.wake();
    }
}
