//! A simulated connection: what TCP makes of two flows, their ends, and the links between them.
//!
//! It knows neither tasks nor timers, nor what its bytes are: it says when to look again, and whose turn that is.
use std::io::ErrorKind;
use std::net::IpAddr;
use std::time::Duration;

use super::change::{Change, Close};
use super::net::{Net, Power, time};
use crate::fault::SimTime;
use crate::fault::flow::{Arrived, Flow, Next, Path, Sent, WINDOW};
use crate::fault::link::Link;

/// An answer to who reads or writes.
#[derive(Debug)]
pub enum Answer<T> {
    /// This.
    Now(T),
    /// Nothing yet. Who asked is [stirred](Connection::stirred) when something happens, but for time: ask again at this one.
    Wait(Option<SimTime>),
}

use Answer::{Now, Wait};

/// Who has to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Who reads at an end.
    Reader,
    /// Who reads there, but not before this time.
    ReaderAt(SimTime),
    /// Who writes there.
    Writer,
}

/// A connection. End 0 dialled; flow `i` is what end `i` writes.
#[derive(Debug)]
pub struct Connection {
    ends: [End; 2],
    flows: [Flow; 2],
    /// The link of each flow.
    links: [usize; 2],
    closed: bool,
    stirred: Vec<(usize, Half)>,
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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Open,
    /// Closed in good order: late FINs are answered.
    Closed,
    /// Knows of no connection: everything is answered with a reset.
    Gone,
}

impl End {
    fn new(ip: IpAddr) -> Self {
        Self { ip, side: Side::Open, finished: false, held: true, ends: None }
    }

    fn ended(&self, now: SimTime) -> Option<ErrorKind> {
        self.ends.filter(|(at, _)| *at <= now).map(|(_, kind)| kind)
    }
}

impl Connection {
    /// Who is at `side` asks the other something.
    pub fn asks(&self, side: usize, now: SimTime, net: &mut Net) {
        net.asked(self.links[side], now);
    }

    /// Open from `now` on.
    pub fn open(from: IpAddr, to: IpAddr, now: SimTime, net: &mut Net) -> Self {
        let links = [net.link_number(from, to), net.link_number(to, from)];
        net.happened(now, from, to, Change::Opened);
        let ends = [End::new(from), End::new(to)];
        Self { ends, flows: Default::default(), links, closed: false, stirred: Vec::new() }
    }

    /// The addresses of its ends, who dialled first.
    pub fn ips(&self) -> [IpAddr; 2] {
        [self.ends[0].ip, self.ends[1].ip]
    }

    /// Whether an end has closed it.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether nobody has an end of it any more.
    pub fn is_dropped(&self) -> bool {
        !self.ends.iter().any(|end| end.held)
    }

    /// What `side` wrote and the other has not read: from which byte on, and how many.
    pub fn held(&self, side: usize) -> (u64, usize) {
        self.flows[side].held()
    }

    /// Whether nothing is under way to `side`, and nothing of its own needs watching: until somebody is stirred there is nothing to see.
    pub fn is_quiet(&self, side: usize) -> bool {
        let open = self.ends.iter().all(|end| end.side == Side::Open && end.ends.is_none());
        open && self.flows[1 - side].is_empty() && self.flows[side].gives_up_at().is_none()
    }

    /// Who has to look again since this was last asked.
    pub fn stirred(&mut self) -> impl Iterator<Item = (usize, Half)> {
        self.stirred.drain(..)
    }

    /// Takes what has arrived at `side`, at most `room` bytes, 1 or more; 0 is the end of the flow.
    pub fn read(&mut self, side: usize, now: SimTime, room: usize, net: &mut Net) -> Answer<Result<usize, ErrorKind>> {
        let other = 1 - side;
        if self.ends[side].side == Side::Closed {
            // Killed, and the crash hasn't come yet.
            return Now(Err(ErrorKind::ConnectionReset));
        }
        let incoming = self.advance(other, now, net);
        match self.flows[other].read(now, room) {
            Arrived::Nothing => {}
            Arrived::Fin => return Now(Ok(0)),
            Arrived::Bytes(bytes) => {
                // Not for every byte: a writer that waits is woken when half the window is free.
                if self.flows[other].room() >= WINDOW / 2 {
                    self.stirred.push((other, Half::Writer));
                }
                return Now(Ok(bytes));
            }
        }
        let outgoing = self.watch(side, now, net);
        if let Some(kind) = self.ends[side].ended(now) {
            return Now(Err(kind));
        }
        Wait(incoming.into_iter().chain(outgoing).min())
    }

    /// Writes at `side` what there is room for of `len` bytes.
    pub fn write(&mut self, side: usize, now: SimTime, len: usize, net: &mut Net) -> Answer<Result<usize, ErrorKind>> {
        if let Some(kind) = self.ends[side].ended(now) {
            return Now(Err(kind));
        }
        if self.ends[side].finished || self.ends[side].side == Side::Closed {
            return Now(Err(ErrorKind::BrokenPipe));
        }
        if len == 0 {
            return Now(Ok(0));
        }
        let was_empty = self.flows[side].is_empty();
        let (flow, path) = self.split(side, net);
        let n = flow.write(now, len, &path);
        if n == 0 {
            let again = self.watch(side, now, net);
            return match self.ends[side].ended(now) {
                Some(kind) => Now(Err(kind)),
                None => Wait(again),
            };
        }
        self.sent(side, now, was_empty, net);
        Now(Ok(n))
    }

    /// Decides the fate of what was just written, and sees to it that both ends look again in time.
    fn sent(&mut self, side: usize, now: SimTime, was_empty: bool, net: &mut Net) {
        let next = self.advance(side, now, net);
        // With something under way already, the reader has a timer.
        if was_empty {
            self.stirred.push((1 - side, next.map_or(Half::Reader, Half::ReaderAt)));
        }
        if self.watch(side, now, net).is_some() {
            self.stirred.push((side, Half::Reader));
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
                    self.stirred.push((side, Half::Reader));
                }
                return Some(t);
            }
            Next::Refused(at) => (at, ErrorKind::ConnectionReset, 1 - side, Close::Reset),
            Next::GaveUp(at) => (at, ErrorKind::TimedOut, side, Close::GiveUp),
        };
        self.record(at, by, how, net);
        if self.ends[side].side == Side::Open {
            let end = &mut self.ends[side];
            end.side = Side::Gone;
            end.ends = Some((at, kind));
            self.stir(side);
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
    pub fn finish(&mut self, side: usize, now: SimTime, how: Close, net: &mut Net) {
        if self.ends[side].finished || self.ends[side].side != Side::Open {
            return;
        }
        self.ends[side].finished = true;
        self.record(now, side, how, net);
        let was_empty = self.flows[side].is_empty();
        self.flows[side].finish(now);
        self.sent(side, now, was_empty, net);
    }

    /// `side` is gone, and its end with it.
    pub fn close(&mut self, side: usize, now: SimTime, how: Close, net: &mut Net) {
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
        self.ends[side].held = false;
        // It has to watch for itself what it has under way, and may have room to write again.
        self.stir(other);
    }

    fn stir(&mut self, side: usize) {
        self.stirred.extend([(side, Half::Reader), (side, Half::Writer)]);
    }

    fn record(&mut self, at: SimTime, by: usize, how: Close, net: &mut Net) {
        if !std::mem::replace(&mut self.closed, true) {
            let [from, to] = self.ips();
            net.happened(at, from, to, Change::Closed(self.ends[by].ip, how));
        }
    }

    fn split<'a>(&'a mut self, side: usize, net: &'a mut Net) -> (&'a mut Flow, Route<'a>) {
        let reader = &self.ends[1 - side];
        let (there, back) = (self.links[side], self.links[1 - side]);
        // Only of a reader that is gone it matters whether its machine answers.
        let route = Route { there, back, reader: reader.side, ip: reader.ip, net };
        (&mut self.flows[side], route)
    }
}

/// The way of one flow.
struct Route<'a> {
    net: &'a mut Net,
    there: usize,
    back: usize,
    reader: Side,
    ip: IpAddr,
}

impl Route<'_> {
    fn there(&mut self) -> &mut Link {
        &mut self.net.links[self.there]
    }
}

impl Path for Route<'_> {
    fn departure(&mut self, t: SimTime, len: usize) -> SimTime {
        self.there().departure(t, len).at
    }

    fn send(&mut self, t: SimTime, fin: bool) -> Sent {
        let Some(takes) = self.there().send(t).map(time) else {
            return Sent::Lost;
        };
        if self.reader == Side::Open || (self.reader == Side::Closed && fin) {
            return Sent::Delivered(takes);
        }
        if self.net.power(self.ip, t) == Power::Off {
            return Sent::Lost;
        }
        match self.net.links[self.back].send(t).map(time) {
            Some(back) => Sent::Refused(takes + back),
            None => Sent::Lost,
        }
    }

    fn round_trip(&self, t: SimTime) -> Duration {
        self.net.links[self.there].at(t).latency + self.net.links[self.back].at(t).latency
    }

    fn rate(&self, t: SimTime) -> Option<u64> {
        self.net.links[self.there].at(t).rate
    }
}
