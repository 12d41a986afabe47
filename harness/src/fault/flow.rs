//! One direction of a connection: what TCP makes of a link.
//!
//! A loss is a delay: the segment is tried again after a timeout that doubles, and what was written after it waits. Nothing
//! is decided before its time, and what was due in the past is decided by what the link was like then: so it doesn't matter
//! how seldom anybody looks.
use std::collections::VecDeque;
use std::time::Duration;

use super::SimTime;
use super::link::Link;

/// The least retransmission timeout (Linux, TCP_RTO_MIN).
pub const MIN_RTO: Duration = Duration::from_millis(200);
/// The greatest retransmission timeout (Linux, TCP_RTO_MAX).
pub const MAX_RTO: Duration = Duration::from_secs(120);
/// A segment that isn't through in this time ends the connection (Linux, tcp_retries2 = 15: about 15 minutes).
pub const GIVE_UP: Duration = Duration::from_secs(15 * 60);
/// Bytes written and not yet read, at most, as much as two socket buffers hold.
pub const WINDOW: usize = 256 * 1024;
/// Bytes of one segment, at most.
const SEGMENT: usize = 16 * 1024;

/// The way a flow takes.
pub trait Path {
    /// When `len` bytes offered at `t` have left.
    fn departure(&mut self, t: SimTime, len: usize) -> SimTime;
    /// Tries one segment at `t`; `fin` is the last of its flow.
    fn send(&mut self, t: SimTime, fin: bool) -> Sent;
    /// There and back at `t`, without jitter.
    fn round_trip(&self, t: SimTime) -> Duration;
    /// Bytes per second at `t`, when limited.
    fn rate(&self, t: SimTime) -> Option<u64>;
}

/// What became of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It takes this long.
    Delivered(Duration),
    /// Nobody will say so.
    Lost,
    /// There is no such connection at the other end; the reset is back here after this long.
    Refused(Duration),
}

/// What is next in a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing, until more is written.
    Idle,
    /// Nothing before this time: something arrives, or is tried again.
    At(SimTime),
    /// The other end refused: the connection ends here, at this time.
    Refused(SimTime),
    /// [`GIVE_UP`] has passed: the connection ends here, at this time.
    GaveUp(SimTime),
}

/// What a read found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrived {
    /// Nothing yet.
    Nothing,
    /// So many bytes, at least one.
    Bytes(usize),
    /// The end of the flow.
    Fin,
}

#[derive(Debug)]
struct Segment {
    /// Written at; once settled, arrives at.
    at: SimTime,
    len: usize,
    fin: bool,
}

/// The head of the unsettled segments was lost.
#[derive(Debug, Clone, Copy)]
struct Stall {
    since: SimTime,
    retry: SimTime,
    rto: Duration,
}

/// One direction of a connection: how many bytes are under way, in order. What they are is its owner's business.
#[derive(Debug, Default)]
pub struct Flow {
    segments: VecDeque<Segment>,
    /// Of all segments.
    bytes: usize,
    /// Bytes that left at the front since the beginning, read or lost.
    gone: u64,
    /// How many of the segments have an arrival time.
    settled: usize,
    /// The latest arrival: nothing overtakes.
    arrived: SimTime,
    /// The latest try that got through.
    sent: SimTime,
    /// When the first unsettled segment has left, once that is known.
    departs: Option<SimTime>,
    stall: Option<Stall>,
    /// Refused or given up: what is written goes nowhere.
    dead: bool,
}

impl Flow {
    /// How many more bytes can be written.
    pub fn room(&self) -> usize {
        WINDOW.saturating_sub(self.bytes)
    }

    /// Whether nothing is under way or unread.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// When the sender gives up, should nothing get through.
    pub fn gives_up_at(&self) -> Option<SimTime> {
        self.stall.map(|stall| stall.since + GIVE_UP)
    }

    /// What is under way or unread: from which byte of the flow on, and how many.
    pub fn held(&self) -> (u64, usize) {
        (self.gone, self.bytes)
    }

    /// Writes what there is room for of `len` bytes, and returns how much that was.
    pub fn write(&mut self, now: SimTime, len: usize, path: &impl Path) -> usize {
        let len = len.min(self.room());
        if self.dead {
            return len;
        }
        // On a slow link no segment keeps the line for more than about 100 ms, down to one Ethernet frame's worth.
        let limit = path.rate(now).map_or(SEGMENT, |rate| (rate as usize / 10).clamp(1_448, SEGMENT));
        let mut left = len;
        while left > 0 {
            let part = left.min(limit);
            self.segments.push_back(Segment { at: now, len: part, fin: false });
            left -= part;
        }
        self.bytes += len;
        len
    }

    /// Ends the flow: nothing is written after this.
    pub fn finish(&mut self, now: SimTime) {
        if !self.dead {
            self.segments.push_back(Segment { at: now, len: 0, fin: true });
        }
    }

    /// When the first segment whose fate is open is tried, again or for the first time.
    pub fn next_try(&self) -> Option<SimTime> {
        let segment = self.segments.get(self.settled)?;
        Some(match (self.stall, self.departs) {
            (Some(stall), _) => stall.retry,
            (None, Some(departs)) => departs,
            (None, None) => segment.at.max(self.sent),
        })
    }

    /// Decides what can be decided by `now`.
    pub fn advance(&mut self, now: SimTime, path: &mut impl Path) -> Next {
        while let Some(t) = self.next_try().filter(|t| *t <= now) {
            if self.stall.is_none() && self.departs.is_none() {
                self.departs = Some(path.departure(t, self.segments[self.settled].len));
                continue;
            }
            if let Some(at) = self.gives_up_at().filter(|at| t >= *at) {
                self.die();
                return Next::GaveUp(at);
            }
            match path.send(t, self.segments[self.settled].fin) {
                Sent::Delivered(takes) => {
                    self.arrived = self.arrived.max(t + takes);
                    self.segments[self.settled].at = self.arrived;
                    self.settled += 1;
                    self.sent = t;
                    (self.departs, self.stall) = (None, None);
                }
                Sent::Lost => self.stall(t, path.round_trip(t)),
                Sent::Refused(after) => {
                    self.die();
                    return Next::Refused(t + after);
                }
            }
        }
        match self.segments.front() {
            Some(first) if self.settled > 0 => Next::At(first.at),
            _ => self.next_try().map_or(Next::Idle, Next::At),
        }
    }

    /// Takes what has arrived by `now`. Call [`Self::advance`] first.
    pub fn read(&mut self, now: SimTime, room: usize) -> Arrived {
        let mut got = 0;
        while self.settled > 0 {
            let Some(first) = self.segments.front_mut().filter(|first| first.at <= now) else {
                break;
            };
            if first.fin {
                // Stays, so that every later read finds it.
                if got == 0 {
                    return Arrived::Fin;
                }
                break;
            }
            let n = first.len.min(room - got);
            got += n;
            first.len -= n;
            if first.len > 0 {
                break;
            }
            self.segments.pop_front();
            self.settled -= 1;
        }
        if got == 0 {
            return Arrived::Nothing;
        }
        self.leave(got);
        Arrived::Bytes(got)
    }

    /// The reader is gone: what is under way is forgotten.
    pub fn discard(&mut self) {
        self.settled = 0;
        self.segments.clear();
        self.leave(self.bytes);
        (self.departs, self.stall) = (None, None);
    }

    /// The sender lost its power: what has not left by now never will.
    pub fn drop_unsent(&mut self) {
        self.segments.truncate(self.settled);
        self.bytes = self.segments.iter().map(|segment| segment.len).sum();
        (self.departs, self.stall) = (None, None);
    }

    /// The reader lost its power at `now`: what had arrived is lost with it, and what was under way has to be sent again.
    pub fn lose_reader(&mut self, now: SimTime) {
        while self.settled > 0 && self.segments.front().is_some_and(|first| first.at <= now) {
            self.settled -= 1;
            if let Some(first) = self.segments.pop_front() {
                self.leave(first.len);
            }
        }
        self.settled = 0;
        self.departs = None;
    }

    fn leave(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.gone += bytes as u64;
    }

    fn stall(&mut self, t: SimTime, round_trip: Duration) {
        let (since, rto) = match self.stall {
            Some(stall) => (stall.since, (stall.rto * 2).min(MAX_RTO)),
            None => (t, (round_trip * 2).clamp(MIN_RTO, MAX_RTO)),
        };
        self.stall = Some(Stall { since, retry: (t + rto).min(since + GIVE_UP), rto });
    }

    fn die(&mut self) {
        self.drop_unsent();
        self.dead = true;
    }
}

/// A link with an open reader at its end, and the same latency back.
impl Path for Link {
    fn departure(&mut self, t: SimTime, len: usize) -> SimTime {
        Link::departure(self, t, len).at
    }

    fn send(&mut self, t: SimTime, _fin: bool) -> Sent {
        Link::send(self, t).map_or(Sent::Lost, |passage| Sent::Delivered(passage.takes))
    }

    fn round_trip(&self, t: SimTime) -> Duration {
        self.at(t).latency * 2
    }

    fn rate(&self, t: SimTime) -> Option<u64> {
        self.at(t).rate
    }
}

#[cfg(test)]
mod tests {
    use super::super::link::LinkParams;
    use super::super::link::tests::{MS, link};
    use super::*;

    fn cut() -> LinkParams {
        LinkParams { cut: true, ..Default::default() }
    }

    /// Looks only when told to, and returns what was read when.
    fn run(flow: &mut Flow, link: &mut Link, until: SimTime) -> Vec<(SimTime, usize)> {
        let (mut now, mut seen) = (SimTime::ZERO, Vec::new());
        while now <= until {
            let next = flow.advance(now, link);
            match flow.read(now, usize::MAX) {
                Arrived::Bytes(n) => seen.push((now, n)),
                Arrived::Fin => break,
                Arrived::Nothing => match next {
                    Next::At(t) => now = t,
                    _ => break,
                },
            }
        }
        seen
    }

    #[test]
    fn arrives_after_the_latency_in_order() {
        let mut link = link(LinkParams { latency: 50 * MS, jitter: 30 * MS, reorder: 0.5, ..Default::default() });
        let mut flow = Flow::default();
        for i in 0..500 {
            assert_eq!(flow.write(MS * i, 8, &link), 8);
        }
        let mut got = 0;
        for i in 0..700 {
            flow.advance(MS * i, &mut link);
            if let Arrived::Bytes(bytes) = flow.read(MS * i, 13) {
                got += bytes as u64;
                assert!(bytes <= 13 && got <= 8 * u64::from(i.saturating_sub(49)), "{got} after {i} ms");
            }
            assert_eq!(flow.held().0, got);
        }
        while flow.read(MS * 900, 13) != Arrived::Nothing {}
        assert_eq!(flow.held(), (4_000, 0));
    }

    #[test]
    fn a_cut_holds_data_until_the_retransmission_after_its_end() {
        let mut link = link(cut());
        link.set(1_000 * MS, LinkParams::default());
        let mut flow = Flow::default();
        flow.write(SimTime::ZERO, 100, &link);
        flow.write(50 * MS, 100, &link);
        flow.finish(60 * MS);
        // Tried at 0, 200, 600, 1400 ms.
        assert_eq!(flow.advance(SimTime::ZERO, &mut link), Next::At(200 * MS));
        assert_eq!(flow.advance(500 * MS, &mut link), Next::At(600 * MS));
        assert_eq!(run(&mut flow, &mut link, 10_000 * MS), [(1_401 * MS, 200)]);
        assert_eq!(link.stats().lost_to_cut, 3);
    }

    #[test]
    fn who_looks_late_sees_the_same() {
        let mut link = link(cut());
        link.set(1_000 * MS, LinkParams::default());
        let mut flow = Flow::default();
        flow.write(SimTime::ZERO, 100, &link);
        link.set(1_500 * MS, cut());
        assert_eq!(flow.advance(5_000 * MS, &mut link), Next::At(1_401 * MS));
    }

    #[test]
    fn the_timeout_follows_the_round_trip() {
        let mut link = link(LinkParams { latency: 300 * MS, cut: true, ..Default::default() });
        let mut flow = Flow::default();
        flow.write(SimTime::ZERO, 1, &link);
        assert_eq!(flow.advance(SimTime::ZERO, &mut link), Next::At(1_200 * MS));
    }

    #[test]
    fn gives_up_in_the_end() {
        let mut link = link(cut());
        let mut flow = Flow::default();
        flow.write(3_000 * MS, 100, &link);
        let mut now = 3_000 * MS;
        let end = loop {
            match flow.advance(now, &mut link) {
                Next::At(t) => now = t,
                end => break end,
            }
        };
        assert_eq!(end, Next::GaveUp(3_000 * MS + GIVE_UP));
        // 200 ms doubled nine times is 102.4 s, then 120 s each.
        assert!((14..20).contains(&link.stats().lost_to_cut), "{:?}", link.stats());
        assert_eq!(flow.write(now, 100, &link), 100);
        assert_eq!(flow.advance(now, &mut link), Next::Idle);
    }

    #[test]
    fn a_slow_link_takes_its_time() {
        let mut link = link(LinkParams { rate: Some(20_000), ..Default::default() });
        let mut flow = Flow::default();
        flow.write(SimTime::ZERO, 100_000, &link);
        let seen = run(&mut flow, &mut link, 60_000 * MS);
        assert_eq!(seen.len(), 50);
        assert_eq!(seen[0], (101 * MS, 2_000));
        assert_eq!(seen[49], (5_001 * MS, 2_000));
    }

    #[test]
    fn losses_cost_time_and_no_data() {
        let mut link = link(LinkParams { loss: 0.2, ..Default::default() });
        let mut flow = Flow::default();
        for i in 0..1_000 {
            flow.write(MS * i, 10, &link);
        }
        let seen = run(&mut flow, &mut link, SimTime::MAX);
        assert_eq!(seen.iter().map(|(_, n)| n).sum::<usize>(), 10_000);
        let lost = link.stats().lost_at_random;
        assert!((200..300).contains(&lost), "{lost}");
        assert!(seen.last().unwrap().0 > MIN_RTO * lost as u32);
    }

    #[test]
    fn a_reader_without_power_loses_what_it_had() {
        let mut link = link(LinkParams { latency: 10 * MS, ..Default::default() });
        let mut flow = Flow::default();
        flow.write(SimTime::ZERO, 5, &link);
        flow.write(9 * MS, 7, &link);
        flow.advance(9 * MS, &mut link);
        flow.lose_reader(12 * MS);
        assert_eq!(flow.held(), (5, 7));
        flow.advance(100 * MS, &mut link);
        assert_eq!(flow.read(100 * MS, 100), Arrived::Bytes(7));
        assert_eq!(flow.room(), WINDOW);
    }
}
