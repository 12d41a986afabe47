//! What faults are read from.
use std::net::Ipv4Addr;

use crate::history::Field;
use crate::replay::draft::Clock;
use crate::replay::draft::cast::Cast;
use crate::replay::incident::{Event, Host, Incident, Peer};
use crate::replay::told::{Place, Shown};

/// An incident, and how it is told in a scenario.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    pub incident: &'a Incident,
    pub cast: &'a Cast,
    pub clock: &'a Clock,
}

impl<'a> Evidence<'a> {
    /// Hosts that are parties of the scenario.
    pub fn hosts(self) -> impl Iterator<Item = (usize, &'a Host)> {
        let hosts = self.incident.hosts.iter().enumerate();
        hosts.filter_map(move |(index, host)| Some((self.cast.host(index)?, host)))
    }

    /// Scripted peers that a host knows.
    pub fn scripted(self, host: &'a Host) -> impl Iterator<Item = (usize, Ipv4Addr, &'a Peer)> {
        let known = host.peers.iter().filter_map(move |(ip, peer)| Some((self.cast.at(*ip)?, *ip, peer)));
        known.filter(move |(party, ..)| self.is_scripted(*party))
    }

    /// Whether a party is without a log.
    pub fn is_scripted(self, party: usize) -> bool {
        self.cast.parties[party].host.is_none()
    }

    pub fn name(self, party: usize) -> &'a str {
        &self.cast.parties[party].name
    }

    /// A line, as comments name it.
    pub fn source(self, place: Place) -> String {
        Shown(place, &self.incident.files).to_string()
    }
}

/// Events of a host by this name, about this address.
pub fn about<'a>(host: &'a Host, name: &'static str, ip: Ipv4Addr) -> impl Iterator<Item = &'a Event> {
    host.events.iter().filter(move |event| event.name == name && event.peer == Some(ip))
}

/// The blocks that an event is about.
pub fn range(event: &Event) -> Option<(u64, u64)> {
    match (event.fields.get("start")?, event.fields.get("end")?) {
        (Field::Number(start), Field::Number(end)) => Some((*start, *end)),
        _ => None,
    }
}
