//! One host's log, folded: its height, its events, and what it tells of others.
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::fold::Contradiction;
use super::incident::{Event, Host, Offset};
use super::peer::PeerFold;
use super::told::{Place, Told};
use crate::history::{Field, Fields};
use crate::scenario::value::usable;

/// Changes of height that are kept; beyond, every other one goes.
const MOST_HEIGHTS: usize = 4_096;
/// Events that are kept, repetitions apart.
const MOST_EVENTS: usize = 4_000;
/// Times of one event that are kept.
const MOST_TIMES: usize = 64;
/// Parties of which one host tells.
const MOST_PEERS: usize = 1_000;
/// An event that comes again within this time is a repetition.
const AGAIN: i64 = 600_000_000;
/// A line may tell a height that was true this long ago.
const STALE: i64 = 60_000_000;
/// A time without a line that is worth noting, and how many of those are.
const GAP: i64 = 30_000_000;
const MOST_GAPS: usize = 512;
/// Told for every ping or block: they become heights, signs of life and silences.
const BULK: [&str; 15] = [
    "ping_sent",
    "ping_received",
    "pong_sent",
    "pong_received",
    "pong_matched",
    "status",
    "peer_height",
    "appended",
    "local_ip",
    "whitelisted",
    "local_height",
    "handshake_done",
    "handshake_sent",
    "duplicate",
    "peer_check",
];
/// What tells events of one kind apart, beside whom they are about. Others change with each repetition.
const ESSENTIAL: [&str; 6] = ["start", "end", "height", "ancestor", "new_height", "count"];

/// See [`Host`].
#[derive(Debug, Default)]
pub(super) struct HostFold {
    span: Option<(i64, i64)>,
    gaps: Vec<(i64, i64)>,
    heights: Vec<(i64, u64, Place)>,
    events: Vec<Event>,
    /// By what tells events apart, the last one's index: what it is about is compared, so that numbers that are alike by chance do no harm.
    latest: BTreeMap<u64, usize>,
    left_out: BTreeMap<String, u64>,
    peers: BTreeMap<Ipv4Addr, PeerFold>,
    own: Option<Ipv4Addr>,
    heights_in_pings: bool,
    /// Since the last one its height may be lower than before.
    fell: Option<i64>,
    contradiction: Option<Contradiction>,
}

impl HostFold {
    /// Takes over one event; before `from` it only tells how things stand.
    pub fn tell(&mut self, told: &Told<'_>, from: i64) {
        let inside = told.at >= from;
        if inside {
            let (begins, ends) = self.span.get_or_insert((told.at, told.at));
            if told.at.saturating_sub(*ends) >= GAP && self.gaps.len() < MOST_GAPS {
                self.gaps.push((*ends, told.at));
            }
            (*begins, *ends) = ((*begins).min(told.at), (*ends).max(told.at));
        }
        let ip: Option<Ipv4Addr> = told.text("ip").and_then(|ip| ip.parse().ok()).filter(|ip| usable(*ip));
        if told.event == "local_ip" {
            self.own = ip.or(self.own);
            return;
        }
        let liveness = matches!(told.event, "ping_received" | "pong_received");
        self.heights_in_pings |= liveness && told.number("height").is_some();
        if matches!(told.event, "rollback" | "reorg" | "reorg_began" | "started" | "daemon_started") {
            self.fell = Some(told.at);
        }
        if let Some(height) = own_height(told) {
            self.height(told, height, from);
        }
        if let Some(ip) = ip
            && (self.peers.len() < MOST_PEERS || self.peers.contains_key(&ip))
        {
            self.peers.entry(ip).or_default().tell(told);
        }
        if inside && !BULK.contains(&told.event) {
            self.event(told, ip);
        }
    }

    fn height(&mut self, told: &Told<'_>, height: u64, from: i64) {
        let at = told.at.max(from);
        if let Some((_, last, place)) = self.heights.last().copied() {
            if last == height {
                return;
            }
            let excused = self.fell.is_some_and(|fell| fell >= self.heights.last().map_or(i64::MIN, |(at, ..)| *at));
            if height < last && !excused {
                // What it was a while ago: the line is older than what it says.
                let was = self.heights.iter().rev().find(|(since, ..)| *since <= told.at.saturating_sub(STALE));
                if was.is_none_or(|(_, was, _)| height >= *was) {
                    return;
                }
                self.contradiction.get_or_insert(Contradiction { was: (last, place), is: (height, told.place) });
            }
        }
        if told.at < from {
            self.heights.clear();
        }
        self.heights.push((at, height, told.place));
        if self.heights.len() > MOST_HEIGHTS {
            let mut index = 0;
            self.heights.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
    }

    fn event(&mut self, told: &Told<'_>, ip: Option<Ipv4Addr>) {
        let key = key(told, ip);
        let again = self.latest.get(&key).copied().and_then(|index| self.events.get_mut(index));
        if let Some(event) = again
            .filter(|event| told.at.saturating_sub(event.last) <= AGAIN && event.name == told.event && event.peer == ip)
        {
            event.count += 1;
            event.last = told.at;
            event.last_place = told.place;
            if event.times.len() < MOST_TIMES {
                event.times.push(told.at);
            }
            return;
        }
        if self.events.len() >= MOST_EVENTS {
            match self.left_out.get_mut(told.event) {
                Some(times) => *times += 1,
                None => drop(self.left_out.insert(told.event.to_owned(), 1)),
            }
            return;
        }
        let fields = told.fields.iter().filter(|(name, _)| *name != "ip");
        self.events.push(Event {
            name: told.event.to_owned(),
            peer: ip,
            fields: fields.map(|(name, text)| ((*name).to_owned(), value(text))).collect::<Fields>(),
            times: vec![told.at],
            count: 1,
            last: told.at,
            place: told.place,
            last_place: told.place,
        });
        self.latest.insert(key, self.events.len() - 1);
    }

    pub fn contradiction(&self) -> Option<Contradiction> {
        self.contradiction
    }

    pub fn own_address(&self) -> Option<Ipv4Addr> {
        self.own
    }

    pub fn left_out(&self) -> impl Iterator<Item = (&String, &u64)> {
        self.left_out.iter()
    }

    /// With all times on the incident's clock; `None` where nothing was told in the window.
    pub fn finish(self, name: String, ip: Option<Ipv4Addr>, offset: Offset, from: i64) -> Option<Host> {
        let (begins, ends) = self.span?;
        let right = |at: i64| at.saturating_sub(offset.micros);
        let mut events = self.events;
        for event in &mut events {
            event.times.iter_mut().for_each(|at| *at = right(*at));
            event.last = right(event.last);
        }
        // A file may be out of order.
        events.sort_by_key(Event::first);
        let peers = self.peers.into_iter();
        Some(Host {
            name,
            ip,
            offset,
            heights_in_pings: self.heights_in_pings,
            begins: right(begins),
            ends: right(ends),
            gaps: self.gaps.into_iter().map(|(from, until)| (right(from), right(until))).collect(),
            heights: self.heights.into_iter().map(|(at, height, _)| (right(at), height)).collect(),
            events,
            peers: peers.map(|(ip, peer)| (ip, peer.finish(from, right))).collect(),
        })
    }
}

/// What is the same for repetitions of an event.
fn key(told: &Told<'_>, ip: Option<Ipv4Addr>) -> u64 {
    let mut key = 0xcbf2_9ce4_8422_2325;
    let mut add = |bytes: &[u8]| {
        // FNV-1a, with what no text has between two of them.
        for byte in bytes.iter().chain(&[0xff]) {
            key = (key ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    add(told.event.as_bytes());
    add(&ip.map_or([0; 4], |ip| ip.octets()));
    for (name, text) in told.fields.iter().filter(|(name, _)| ESSENTIAL.contains(name)) {
        add(name.as_bytes());
        add(text.as_bytes());
    }
    key
}

/// The host's own height, where a line tells it.
fn own_height(told: &Told<'_>) -> Option<u64> {
    match told.event {
        "ping_sent" | "status" | "started" | "appended" | "produced" | "rollback" | "local_height" => {
            told.number("height")
        }
        "reorg" | "sync_progress" => told.number("new_height"),
        // `received` tells what was asked for before it was applied.
        "received" => None,
        _ => told.number("our"),
    }
}

fn value(text: &str) -> Field {
    text.parse().map_or_else(|_| Field::Text(text.to_owned()), Field::Number)
}
