//! What happened, host by host: what is recovered from logs, or from a run's history, in bounded memory.
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::told::Place;
use crate::history::Fields;

/// An incident, or a run seen as one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Incident {
    /// Names of the files that [`Place`]s point into.
    pub files: Vec<String>,
    /// Who wrote a log.
    pub hosts: Vec<Host>,
    /// The first and the last time, microseconds since 1970 on the clock of the first host.
    pub begins: i64,
    /// See [`Self::begins`].
    pub ends: i64,
    /// Repeated events that were left out for want of room, by name.
    pub left_out: BTreeMap<String, u64>,
}

/// One that wrote a log. All times are microseconds since 1970 on the clock of the incident (the first host's).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its address, where it is known.
    pub ip: Option<Ipv4Addr>,
    /// By how much its clock is ahead of the incident's.
    pub offset: Offset,
    /// The first and last time in its log.
    pub begins: i64,
    /// See [`Self::begins`].
    pub ends: i64,
    /// Pings or pongs that it received told a height (phase-3, Component 4).
    pub heights_in_pings: bool,
    /// Times of at least 30 s without a line.
    pub gaps: Vec<(i64, i64)>,
    /// Its heights: each change of its own height, in order of time.
    pub heights: Vec<(i64, u64)>,
    /// What it told, in order of the first time: repetitions of an event (with the same peer, range or height) are one.
    pub events: Vec<Event>,
    /// What it told of others.
    pub peers: BTreeMap<Ipv4Addr, Peer>,
}

/// By how much a clock is ahead.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Offset {
    /// Microseconds.
    pub micros: i64,
    /// How many matched pings and pongs say so; 0: nothing does.
    pub pairs: u64,
    /// It was given by hand.
    pub given: bool,
}

/// An event that was told once, or again and again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event {
    /// Its name: those of the canonical log lines where there is one.
    pub name: String,
    /// Whom it is about.
    pub peer: Option<Ipv4Addr>,
    /// Its fields the first time, without the peer's address.
    pub fields: Fields,
    /// When, the first 64 times.
    pub times: Vec<i64>,
    /// How often.
    pub count: u64,
    /// The last time.
    pub last: i64,
    /// Where it stands the first time, and the last.
    pub place: Place,
    /// See [`Self::place`].
    pub last_place: Place,
}

/// What a host tells of another party.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Peer {
    /// It is whitelisted: said by a line, here.
    pub whitelisted: Option<Place>,
    /// The host dialled it.
    pub dialled: bool,
    /// It dialled the host.
    pub dials: bool,
    /// Heights that it told, each change of them.
    pub heights: Vec<(i64, u64)>,
    /// Times in which it was connected: from, until (`None`: to the end of the log), and why it ended.
    pub connections: Vec<Connection>,
    /// Times without a sign of life while it should have given one.
    pub silences: Vec<Silence>,
}

/// A time in which two were connected.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Connection {
    /// From; `None`: since before the log begins.
    pub from: Option<i64>,
    /// Until; `None`: still at the log's end.
    pub until: Option<i64>,
    /// Why it ended, in the log's words.
    pub why: String,
    /// Where the end stands, else the beginning.
    pub place: Place,
}

/// A time without a sign of life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Silence {
    /// The last sign before.
    pub from: i64,
    /// The first sign after; `None`: there is none.
    pub until: Option<i64>,
    /// The first line that tells of it: a missed pong, a timeout.
    pub place: Place,
}

impl Event {
    /// The first time.
    pub fn first(&self) -> i64 {
        self.times.first().copied().unwrap_or(self.last)
    }
}
