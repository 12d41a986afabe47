//! What happens to connections, read from the flags of their segments as they leave.
use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::time::Duration;

use super::packet::Segment;
use crate::fault::SimTime;
use crate::fault::flow::GIVE_UP;
use crate::subject::change::{Change, Close};

/// Connections known at once, at most, and events not yet asked for. Dials beyond get no answer.
const AT_MOST: usize = 65_536;
/// What is closed, or dialled in vain, may still repeat itself for so long: Linux's longest retransmission timeout is 120 s, and
/// it gives up a dial after 127 s.
const REPEATS_FOR: Duration = Duration::from_secs(180);
/// Between two looks at everything.
const SWEEP: Duration = Duration::from_secs(1);

/// Something that happened to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: SimTime,
    /// Who dialled.
    pub from: SocketAddrV4,
    /// Who was dialled.
    pub to: SocketAddrV4,
    /// What.
    pub change: Change,
}

/// All connections.
#[derive(Debug, Default)]
pub struct Connections {
    /// By both ends, the lower first.
    table: BTreeMap<[SocketAddrV4; 2], Connection>,
    events: Vec<Event>,
    opened: u64,
    swept: SimTime,
}

#[derive(Debug)]
struct Connection {
    /// Which end dialled.
    dialler: usize,
    /// The number that its SYN had: a repetition has the same.
    number: u32,
    state: State,
    /// When its last segment was seen.
    seen: SimTime,
    /// Since when each end has sent what wants an answer, and has got none.
    unanswered: [Option<SimTime>; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Dialled,
    Answered,
    Open,
    Closed,
}

impl Connections {
    /// Takes note of a segment that leaves at `t`, and with `passes` comes through. `false` when there is no room for what it tells:
    /// then it must not pass.
    pub fn note(&mut self, t: SimTime, segment: &Segment, passes: bool) -> bool {
        if t >= self.swept + SWEEP {
            self.sweep(t);
        }
        let mut ends = [segment.from, segment.to];
        ends.sort();
        let side = usize::from(ends[1] == segment.from);
        let known = self.table.get_mut(&ends);
        if segment.syn && !segment.ack && known.as_ref().is_none_or(|known| known.number != segment.number) {
            // The same ports again: the dialler has forgotten the connection before.
            if let Some(old) = known.filter(|old| old.state == State::Open) {
                self.events.push(old.event(t, ends, Change::Closed(segment.from.ip().to_owned().into(), Close::Reset)));
            } else if self.table.len() >= AT_MOST || self.events.len() >= AT_MOST {
                return false;
            }
            let mut unanswered = [None; 2];
            unanswered[side] = Some(t);
            let new = Connection { dialler: side, number: segment.number, state: State::Dialled, seen: t, unanswered };
            self.events.push(new.event(t, ends, Change::Dialled));
            self.table.insert(ends, new);
            return true;
        }
        let Some(known) = known else { return true };
        known.seen = t;
        if segment.data || segment.syn || segment.fin {
            known.unanswered[side].get_or_insert(t);
        }
        if passes {
            known.unanswered[1 - side] = None;
        }
        let dials = side == known.dialler;
        match known.state {
            State::Dialled if segment.syn && segment.ack && !dials => known.state = State::Answered,
            // Refused: no connection, nothing to close. (A dialler's RST is for one that it has forgotten.)
            State::Dialled | State::Answered if segment.rst && !dials => known.state = State::Closed,
            State::Answered if segment.ack && !segment.rst && dials => {
                known.state = State::Open;
                self.opened += 1;
                self.events.push(known.event(t, ends, Change::Opened));
            }
            _ => {}
        }
        if known.state == State::Open && (segment.fin || segment.rst) {
            known.state = State::Closed;
            let how = if segment.rst { Close::Reset } else { Close::Fin };
            self.events.push(known.event(t, ends, Change::Closed((*segment.from.ip()).into(), how)));
        }
        true
    }

    /// What happened since the last call, by `t`.
    pub fn drain(&mut self, t: SimTime) -> Vec<Event> {
        self.sweep(t);
        std::mem::take(&mut self.events)
    }

    /// How many were opened.
    pub fn opened(&self) -> u64 {
        self.opened
    }

    /// Closes what was given up, and forgets what can't repeat itself any more.
    fn sweep(&mut self, t: SimTime) {
        self.swept = t;
        let events = &mut self.events;
        self.table.retain(|ends, known| {
            if known.state != State::Open {
                return known.seen + REPEATS_FOR > t;
            }
            let gave_up = known.unanswered.iter().position(|since| since.is_some_and(|since| since + GIVE_UP <= t));
            if let Some(side) = gave_up {
                known.state = State::Closed;
                events.push(known.event(t, *ends, Change::Closed((*ends[side].ip()).into(), Close::GiveUp)));
            }
            true
        });
    }
}

impl Connection {
    fn event(&self, at: SimTime, ends: [SocketAddrV4; 2], change: Change) -> Event {
        Event { at, from: ends[self.dialler], to: ends[1 - self.dialler], change }
    }
}
