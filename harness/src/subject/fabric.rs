//! The simulated network as tasks see it: listeners, streams of bytes, and whom to wake.
//!
//! turmoil gives hosts, virtual time, crashes and restarts. Bytes go past its TCP, which can't retransmit, can't lose power
//! silently and closes what it shouldn't: both ends of a stream share a [`Connection`].
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::io::ReadBuf;

use super::change::{Change, Close};
use super::connection::{Answer, Connection, Half};
use super::net::Net;
use crate::fault::SimTime;
use crate::fault::link::{LinkParams, LinkStats};
use crate::history::What;

pub use super::net::{ConnectionEvent, MIN_LATENCY, Power};

/// Connections not yet accepted, at most, a listener (Linux, somaxconn); more dials get no answer.
const BACKLOG: usize = 4096;

/// One simulated network; clones are the same one. Change it between the simulation's steps, with `now` = `Sim::elapsed`: inside
/// a step some hosts are ahead of others by up to a tick.
#[derive(Debug, Clone)]
pub struct Fabric(Arc<Mutex<State>>);

/// Number of a connection, in the order of opening.
pub type ConnectionId = u64;

impl Fabric {
    /// A network in which every link is as `default`, until changed. All randomness comes from `seed`.
    pub fn new(seed: u64, default: LinkParams) -> Self {
        let net = Net::new(seed, default);
        Self(Arc::new(Mutex::new(State {
            net,
            listeners: BTreeMap::new(),
            streams: BTreeMap::new(),
            next_id: 0,
            lines: 0,
        })))
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
        self.lock().net.host_up(ip, now);
    }

    /// Whether the host at `ip` answers at `t`, and how often it was started again.
    pub fn host(&self, ip: IpAddr, t: SimTime) -> (Power, u32) {
        let state = self.lock();
        (state.net.power(ip, t), state.net.starts(ip))
    }

    /// What happened to connections since the last call, in the order in which it became known.
    pub fn drain_events(&self) -> Vec<ConnectionEvent> {
        std::mem::take(&mut self.lock().net.events)
    }

    /// What went over the network: see [`Net::totals`].
    pub fn totals(&self, is_node: impl Fn(IpAddr) -> bool) -> What {
        let state = self.lock();
        state.net.totals(state.next_id, state.lines, is_node)
    }

    /// A dial leaves.
    pub(super) fn dialled(&self, from: IpAddr, to: IpAddr, now: SimTime) {
        self.lock().net.happened(now, from, to, Change::Dialled);
    }

    /// The connections that nobody has closed: number, who dialled, who was dialled.
    pub fn connections(&self) -> Vec<(ConnectionId, IpAddr, IpAddr)> {
        let state = self.lock();
        let open = state.streams.iter().filter(|(_, stream)| !stream.connection.is_closed());
        open.map(|(id, stream)| (*id, stream.connection.ips())).map(|(id, [from, to])| (id, from, to)).collect()
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
    streams: BTreeMap<ConnectionId, Streams>,
    next_id: u64,
    /// Line ends that were written.
    lines: u64,
}

/// What a listener hasn't accepted yet.
#[derive(Debug)]
struct Backlog {
    /// Which listener: one of a process that is gone must not close its successor's.
    id: u64,
    pending: VecDeque<(SimTime, ConnectionId)>,
    waker: Option<Waker>,
}

/// The two ends of a connection as tasks hold them.
#[derive(Debug)]
struct Streams {
    connection: Connection,
    /// What each end wrote and the other has not read.
    bytes: [Bytes; 2],
    readers: [Option<Waker>; 2],
    writers: [Option<Waker>; 2],
}

/// The bytes of a flow that are under way or unread.
#[derive(Debug, Default)]
struct Bytes {
    /// The first one's place in the flow.
    from: u64,
    bytes: VecDeque<u8>,
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
        self.streams.get(&id).map(|stream| stream.connection.ips()[0])
    }

    /// A SYN at `t`: how long it takes, unless it is lost.
    pub fn syn(&mut self, from: IpAddr, to: IpAddr, t: SimTime) -> Option<Duration> {
        self.net.syn(from, to, t)
    }

    /// The answer to a SYN that arrives at `t`: how long it takes, unless there is none, and whether it is yes.
    pub fn syn_ack(&mut self, from: IpAddr, to: SocketAddr, t: SimTime) -> Option<(Duration, bool)> {
        let backlog = self.listeners.get(&(to.ip(), to.port()));
        let full = backlog.is_some_and(|backlog| backlog.pending.len() >= BACKLOG);
        if full && self.net.power(to.ip(), t) != Power::Off {
            return None;
        }
        let listening = backlog.is_some();
        self.net.syn_ack(from, to.ip(), t).map(|takes| (takes, listening))
    }

    /// The SYN-ACK has arrived: the connection is open for the dialler now, and for the listener as soon as the ACK is there.
    pub fn open(&mut self, from: IpAddr, to: SocketAddr, now: SimTime) -> io::Result<ConnectionId> {
        let Self { net, listeners, streams, next_id, .. } = self;
        let backlog = listeners.get_mut(&(to.ip(), to.port())).ok_or(ErrorKind::ConnectionReset)?;
        *next_id += 1;
        let id = *next_id;
        let connection = Connection::open(from, to.ip(), now, net);
        let (readers, writers) = Default::default();
        streams.insert(id, Streams { connection, bytes: Default::default(), readers, writers });
        backlog.pending.push_back((now + net.ack(from, to.ip(), now), id));
        wake(&mut backlog.waker);
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
        let Some(stream) = self.streams.get_mut(&id) else {
            return Now(Err(ErrorKind::ConnectionReset.into()));
        };
        if buf.remaining() == 0 {
            return Now(Ok(()));
        }
        let answer = stream.connection.read(side, now, buf.remaining(), &mut self.net);
        if let Now(Ok(n)) = answer {
            stream.bytes[1 - side].take(n, buf);
        }
        stream.settle();
        match answer {
            Now(result) => Now(result.map(|_| ()).map_err(io::Error::from)),
            Wait(again) => {
                register(&mut stream.readers[side], cx);
                Wait(again)
            }
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
        let Some(stream) = self.streams.get_mut(&id) else {
            return Now(Err(ErrorKind::BrokenPipe.into()));
        };
        let answer = stream.connection.write(side, now, data.len(), &mut self.net);
        if let Now(Ok(n)) = answer {
            stream.bytes[side].bytes.extend(&data[..n]);
            self.lines += memchr::memchr_iter(b'\n', &data[..n]).count() as u64;
            // Nodes write a message at once or from its beginning on.
            let lines = data[..n].split_inclusive(|byte| *byte == b'\n');
            lines.filter(|line| is_question(line)).for_each(|_| stream.connection.asks(side, now, &mut self.net));
        }
        stream.settle();
        match answer {
            Now(result) => Now(result.map_err(io::Error::from)),
            Wait(again) => {
                register(&mut stream.writers[side], cx);
                Wait(again)
            }
        }
    }

    pub fn shutdown(&mut self, id: ConnectionId, side: usize, now: SimTime) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.connection.finish(side, now, Close::Fin, &mut self.net);
            stream.settle();
        }
    }

    /// The stream is dropped.
    pub fn drop_end(&mut self, id: ConnectionId, side: usize, now: SimTime) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.connection.close(side, now, Close::Fin, &mut self.net);
            stream.settle();
            if stream.connection.is_dropped() {
                self.streams.remove(&id);
            }
        }
    }

    fn host_down(&mut self, ip: IpAddr, power_loss: bool, now: SimTime) {
        let Self { net, listeners, streams, .. } = self;
        net.host_down(ip, power_loss, now);
        listeners.retain(|(at, _), _| *at != ip);
        let how = if power_loss { Close::PowerLoss } else { Close::Killed };
        streams.retain(|_, stream| {
            for side in [0, 1] {
                if stream.connection.ips()[side] == ip {
                    stream.connection.close(side, now, how, net);
                    stream.settle();
                }
            }
            !stream.connection.is_dropped()
        });
    }
}

impl Streams {
    /// Forgets the bytes that are gone, and wakes who has to look again.
    fn settle(&mut self) {
        for (side, bytes) in self.bytes.iter_mut().enumerate() {
            bytes.keep(self.connection.held(side));
        }
        for (side, half) in self.connection.stirred() {
            match half {
                Half::Reader | Half::ReaderAt(_) => wake(&mut self.readers[side]),
                Half::Writer => wake(&mut self.writers[side]),
            }
        }
    }
}

impl Bytes {
    /// Gives the first `n` bytes.
    fn take(&mut self, n: usize, to: &mut ReadBuf<'_>) {
        let (a, b) = self.bytes.as_slices();
        let from_a = n.min(a.len());
        to.put_slice(&a[..from_a]);
        to.put_slice(&b[..n - from_a]);
    }

    /// Keeps these: the first one's place, and how many.
    fn keep(&mut self, (from, len): (u64, usize)) {
        let gone = usize::try_from(from - self.from).unwrap_or(usize::MAX).min(self.bytes.len());
        self.bytes.drain(..gone);
        self.from = from;
        self.bytes.truncate(len);
    }
}

/// Whether a message asks for something other than blocks, as `Message::asks` says of it.
fn is_question(line: &[u8]) -> bool {
    let name = line.strip_prefix(b"{").unwrap_or(line);
    name.starts_with(b"\"Get") && !name.starts_with(b"\"GetBlocks\"") && !name.starts_with(b"\"GetBlockRange\"")
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
