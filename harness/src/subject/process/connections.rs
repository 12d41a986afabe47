//! What happens to connections, read from the flags of their segments as they leave.
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use super::packet::Segment;
use crate::fault::SimTime;
use crate::fault::flow::GIVE_UP;
use crate::subject::change::{Change, Close};

/// Connections known at once, at most, and events not yet asked for. Dials beyond get no answer.
const AT_MOST: usize = 65_536;
/// What is closed, or dialled in vain, may still repeat itself for so long: Linux's longest retransmission timeout is
/// 120 s, and it gives up a dial after 127 s.
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
    /// Takes note of a segment that leaves at `t`, and with `passes` comes through. `false` when there is no room for
    /// what it tells: then it must not pass.
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

    /// The machine at `ip` loses its power at `t`: its open connections end, and only the other ends don't know.
    pub fn lose_power(&mut self, ip: Ipv4Addr, t: SimTime) {
        for (ends, known) in &mut self.table {
            if known.state == State::Open && ends.iter().any(|end| *end.ip() == ip) {
                known.state = State::Closed;
                self.events.push(known.event(t, *ends, Change::Closed(ip.into(), Close::PowerLoss)));
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const A: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 40_000);
    const B: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 24_100);
    const S: fn(u64) -> SimTime = SimTime::from_secs;

    /// A segment with these flags: S, A, F, R, and D for data.
    fn segment(from: SocketAddrV4, to: SocketAddrV4, number: u32, flags: &str) -> Segment {
        let [syn, ack, fin, rst, data] = ['S', 'A', 'F', 'R', 'D'].map(|flag| flags.contains(flag));
        Segment { from, to, number, syn, ack, fin, rst, data }
    }

    #[derive(Default)]
    struct Bench(Connections);

    impl Bench {
        fn a(&mut self, t: u64, number: u32, flags: &str) {
            assert!(self.0.note(S(t), &segment(A, B, number, flags), true));
        }

        fn b(&mut self, t: u64, flags: &str) {
            assert!(self.0.note(S(t), &segment(B, A, 500, flags), true));
        }

        fn open(&mut self, t: u64) {
            self.a(t, 1, "S");
            self.b(t, "SA");
            self.a(t, 2, "A");
            assert_eq!(self.changes(t), [Change::Dialled, Change::Opened]);
        }

        fn changes(&mut self, t: u64) -> Vec<Change> {
            let events = self.0.drain(S(t));
            assert!(events.iter().all(|event| (event.from, event.to) == (A, B)));
            events.into_iter().map(|event| event.change).collect()
        }
    }

    fn closed(by: SocketAddrV4, how: Close) -> Change {
        Change::Closed((*by.ip()).into(), how)
    }

    #[test]
    fn the_first_to_close_is_told() {
        let mut bench = Bench::default();
        bench.open(1);
        bench.b(2, "FA");
        bench.a(3, 2, "FA");
        bench.b(3, "R");
        assert_eq!(bench.changes(4), [closed(B, Close::Fin)]);
        assert_eq!(bench.0.opened(), 1);
    }

    #[test]
    fn a_repeated_syn_is_the_same_dial_and_another_number_is_another() {
        let mut bench = Bench::default();
        bench.a(1, 1, "S");
        bench.a(2, 1, "S");
        bench.b(2, "RA");
        assert_eq!(bench.changes(3), [Change::Dialled]);
        bench.a(4, 9, "S");
        bench.b(4, "SA");
        bench.a(4, 10, "AD");
        assert_eq!(bench.changes(5), [Change::Dialled, Change::Opened]);
        // Its machine has started anew and uses the same port.
        bench.a(6, 77, "S");
        assert_eq!(bench.changes(6), [closed(A, Close::Reset), Change::Dialled]);
    }

    #[test]
    fn given_up_is_what_gets_no_answer_that_arrives() {
        let mut bench = Bench::default();
        bench.open(1);
        bench.a(10, 2, "AD");
        bench.b(11, "A");
        bench.a(20, 3, "AD");
        // An answer that is cut off.
        bench.0.note(S(21), &segment(B, A, 500, "A"), false);
        bench.a(300, 3, "AD");
        assert_eq!(bench.changes(20 + GIVE_UP.as_secs() - 1), []);
        assert_eq!(bench.changes(20 + GIVE_UP.as_secs()), [closed(A, Close::GiveUp)]);
    }

    #[test]
    fn power_loss_ends_what_is_open_there() {
        let mut bench = Bench::default();
        bench.open(1);
        bench.0.lose_power(Ipv4Addr::new(10, 0, 0, 3), S(2));
        assert_eq!(bench.changes(2), []);
        bench.0.lose_power(*B.ip(), S(3));
        bench.b(9, "R");
        assert_eq!(bench.changes(9), [closed(B, Close::PowerLoss)]);
    }

    #[test]
    fn dials_without_end_are_bounded_and_forgotten() {
        let mut connections = Connections::default();
        let dial = |connections: &mut Connections, t, i: u32| {
            let from = SocketAddrV4::new(Ipv4Addr::from_bits(i), 1);
            connections.note(S(t), &segment(from, B, 1, "S"), true)
        };
        assert!((0..AT_MOST as u32).all(|i| dial(&mut connections, 1, i)));
        assert!(!dial(&mut connections, 2, u32::MAX));
        assert_eq!(connections.drain(S(2)).len(), AT_MOST);
        assert!(!dial(&mut connections, 3, u32::MAX));
        assert!(dial(&mut connections, 1 + REPEATS_FOR.as_secs(), u32::MAX));
        assert_eq!(connections.table.len(), 1);
    }
}
