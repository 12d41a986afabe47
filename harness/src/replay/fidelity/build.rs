//! Incidents for tests, in whole seconds since their beginning.
use std::net::Ipv4Addr;

use crate::history::Field;
use crate::replay::Incident;
use crate::replay::incident::{Connection, Event, Host};
use crate::replay::told::Place;

/// When they begin: 2026-06-01T00:00:00Z.
pub const BEGINS: i64 = 1_780_272_000_000_000;

/// Microseconds.
pub fn seconds(seconds: i64) -> i64 {
    seconds * 1_000_000
}

/// An incident of 100 s in the making.
pub struct Build(Incident);

pub fn incident() -> Build {
    Build(Incident { begins: BEGINS, ends: BEGINS + seconds(100), ..Incident::default() })
}

/// 10.0.0.`last`.
pub fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

impl Build {
    /// A host; what follows is its own.
    pub fn host(mut self, name: &str) -> Self {
        let (begins, ends) = (self.0.begins, self.0.ends);
        self.0.files.push(format!("{name}.log"));
        self.0.hosts.push(Host { name: name.into(), begins, ends, ..Host::default() });
        self
    }

    fn last(&mut self) -> &mut Host {
        self.0.hosts.last_mut().unwrap()
    }

    pub fn height(mut self, at: i64, height: u64) -> Self {
        self.last().heights.push((BEGINS + seconds(at), height));
        self
    }

    pub fn event(mut self, mut event: Event) -> Self {
        let file = (self.0.files.len() - 1) as u16;
        event.place.file = file;
        event.last_place.file = file;
        self.last().events.push(event);
        self.last().events.sort_by_key(Event::first);
        self
    }

    /// A connection with 10.0.0.`peer`: from, and until when and why.
    pub fn connection(mut self, peer: u8, from: Option<i64>, until: Option<(i64, &str)>) -> Self {
        let time = |at: i64| BEGINS + seconds(at);
        self.last().peers.entry(ip(peer)).or_default().connections.push(Connection {
            from: from.map(time),
            until: until.map(|(at, _)| time(at)),
            why: until.map(|(_, why)| why.into()).unwrap_or_default(),
            ..Connection::default()
        });
        self
    }

    pub fn built(self) -> Incident {
        self.0
    }
}

pub fn event(name: &str) -> Event {
    Event { name: name.into(), count: 1, times: vec![BEGINS], last: BEGINS, ..Event::default() }
}

impl Event {
    /// Its time, and its line.
    pub fn at(mut self, at: i64) -> Self {
        self.last = BEGINS + seconds(at);
        self.times = vec![self.last];
        self.place = Place { file: 0, line: at.unsigned_abs() };
        self
    }

    /// Repeated, every so many seconds.
    pub fn times(mut self, count: u64, every: i64) -> Self {
        let first = self.first();
        self.times = (0..count.min(64) as i64).map(|index| first + seconds(index * every)).collect();
        self.last = first + seconds((count as i64 - 1) * every);
        self.count = count;
        self
    }

    /// About 10.0.0.`last`.
    pub fn peer(mut self, last: u8) -> Self {
        self.peer = Some(ip(last));
        self
    }

    /// With a field more.
    pub fn field(mut self, name: &str, value: u64) -> Self {
        self.fields.insert(name.into(), Field::Number(value));
        self
    }
}

/// A node that asks for the same blocks again and again, loses its peer, forks and comes back.
pub fn sample() -> Incident {
    incident()
        .host("node-a")
        .height(0, 3724)
        .height(60, 3740)
        .event(event("behind").peer(2).at(10).field("our", 3724))
        .event(event("requested").peer(2).at(10).times(6, 8).field("start", 2626).field("end", 3737))
        .event(event("status").at(20).times(2, 30))
        .event(event("fork_detected").peer(2).at(40).field("height", 3724))
        .event(event("reorg").at(58))
        .event(event("in_sync").at(70).field("our", 3740))
        .connection(2, Some(0), Some((30, "closed by peer (EOF)")))
        .connection(2, Some(35), None)
        .built()
}
