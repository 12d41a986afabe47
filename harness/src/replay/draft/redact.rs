//! Other names for hosts, addresses and keys, the same ones everywhere. The order of addresses stays: nodes decide ties by it.
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::history::Field;
use crate::replay::incident::Incident;
use crate::scenario::value::usable;

#[allow(clippy::unwrap_used, reason = "a constant")]
static SECRETS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\bTIME[01][0-9A-Za-z]{20,}\b|\b[0-9a-fA-F]{32,}\b|\b[0-9A-Za-z+/]{40,}={0,2}",
    )
    .unwrap()
});

/// Which name stands for which.
#[derive(Debug, Default)]
pub struct Redaction {
    addresses: BTreeMap<Ipv4Addr, Ipv4Addr>,
    names: Vec<(String, String)>,
    keys: BTreeMap<String, usize>,
}

impl Redaction {
    /// Names for all that the incident has.
    pub fn of(incident: &Incident) -> Self {
        let hosts = &incident.hosts;
        let addresses: BTreeSet<Ipv4Addr> =
            hosts.iter().flat_map(|host| host.peers.keys().copied().chain(host.ip)).collect();
        let others = (0x0A00_0001..).map(Ipv4Addr::from).filter(|ip| usable(*ip));
        let addresses = addresses.into_iter().zip(others).collect();
        let hosts = hosts.iter().zip(1..).map(|(host, number)| (host.name.clone(), format!("host-{number}")));
        let files = incident.files.iter().zip(1..).map(|(file, number)| (file.clone(), format!("log-{number}")));
        let mut names: Vec<(String, String)> = hosts.chain(files).filter(|(name, _)| !name.is_empty()).collect();
        // Longer ones first, so that no part of a name is replaced.
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Self { addresses, names, keys: BTreeMap::new() }
    }

    /// The incident by other names.
    pub fn incident(&mut self, incident: &Incident) -> Incident {
        let mut incident = incident.clone();
        for (file, number) in incident.files.iter_mut().zip(1..) {
            *file = format!("log-{number}");
        }
        for (host, number) in incident.hosts.iter_mut().zip(1..) {
            host.name = format!("host-{number}");
            host.ip = host.ip.map(|ip| self.address(ip));
            host.peers =
                std::mem::take(&mut host.peers).into_iter().map(|(ip, peer)| (self.address(ip), peer)).collect();
            for peer in host.peers.values_mut() {
                peer.connections.iter_mut().for_each(|connection| connection.why = self.text(&connection.why));
            }
            for event in &mut host.events {
                event.peer = event.peer.map(|ip| self.address(ip));
                for value in event.fields.values_mut() {
                    if let Field::Text(text) = value {
                        *text = self.text(text);
                    }
                }
            }
        }
        incident
    }

    /// A text by other names.
    pub fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, other) in &self.names {
            text = text.replace(name, other);
        }
        let addresses = &self.addresses;
        let keys = &mut self.keys;
        let other = |found: &Captures<'_>| {
            let secret = &found[0];
            match secret.parse::<Ipv4Addr>() {
                Ok(ip) => addresses.get(&ip).map_or("0.0.0.0".to_owned(), Ipv4Addr::to_string),
                Err(_) => {
                    let next = keys.len() + 1;
                    format!("key-{}", keys.entry(secret.to_owned()).or_insert(next))
                }
            }
        };
        SECRETS.replace_all(&text, other).into_owned()
    }

    fn address(&self, ip: Ipv4Addr) -> Ipv4Addr {
        self.addresses.get(&ip).copied().unwrap_or(Ipv4Addr::UNSPECIFIED)
    }
}
