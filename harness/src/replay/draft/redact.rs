//! Other names for hosts, files, addresses and keys, the same ones everywhere. The order of addresses stays: nodes decide ties by it.
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::{Captures, Regex};

use crate::history::Field;
use crate::replay::incident::Incident;
use crate::replay::read::{Flaw, Reading};
use crate::replay::told::nameless;
use crate::scenario::value::usable;

#[allow(clippy::unwrap_used, reason = "a constant")]
static KEYS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\bTIME[01][0-9A-Za-z]{20,}\b|\b[0-9a-fA-F]{32,}\b|\b[0-9A-Za-z+/]{40,}={0,2}").unwrap()
});
#[allow(clippy::unwrap_used, reason = "a constant")]
static ADDRESSES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:\d{1,3}\.){3}\d{1,3}\b").unwrap());

/// Which name stands for which.
#[derive(Debug)]
pub struct Redaction {
    hosts: Vec<String>,
    /// Finds names of hosts and files, and what each is called instead.
    names: AhoCorasick,
    others: Vec<String>,
    addresses: BTreeMap<Ipv4Addr, Ipv4Addr>,
    keys: BTreeMap<String, usize>,
}

impl Redaction {
    /// Names for the hosts and the files that were read.
    pub fn of(reading: &Reading) -> Self {
        let hosts = reading.hosts.iter().cloned().zip((1..).map(|number| format!("host-{number}")));
        let files = reading.names().into_iter().zip((0..).map(nameless));
        let (names, others): (Vec<String>, Vec<String>) =
            hosts.chain(files).filter(|(name, _)| !name.is_empty()).unzip();
        let names =
            AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).ascii_case_insensitive(true).build(names);
        let names = names.expect("names are few and short");
        Self { hosts: reading.hosts.clone(), names, others, addresses: BTreeMap::new(), keys: BTreeMap::new() }
    }

    /// What was read, by other names. Nothing stays of lines that no pattern knows: who can tell whom they name?
    pub fn reading(&self, mut reading: Reading) -> Reading {
        reading.hosts = (1..=reading.hosts.len()).map(|number| format!("host-{number}")).collect();
        for (file, index) in reading.files.iter_mut().zip(0..) {
            file.name = nameless(index);
            file.path.clear();
            for (_, flaw) in &mut file.problems {
                if let Flaw::Foreign(begins) = flaw {
                    begins.clear();
                }
            }
        }
        for kind in &mut reading.not_understood {
            "withheld".clone_into(&mut kind.words);
            kind.sample.clear();
        }
        reading
    }

    /// The incident by other names.
    pub fn incident(&mut self, incident: &Incident) -> Incident {
        let known: BTreeSet<Ipv4Addr> =
            incident.hosts.iter().flat_map(|host| host.peers.keys().copied().chain(host.ip)).collect();
        let others = (0x0A00_0001..).map(Ipv4Addr::from).filter(|ip| usable(*ip));
        self.addresses = known.into_iter().zip(others).collect();
        let mut incident = incident.clone();
        incident.files = (0..).map(nameless).take(incident.files.len()).collect();
        for host in &mut incident.hosts {
            let number = self.hosts.iter().position(|name| *name == host.name).map_or(0, |index| index + 1);
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

    /// A text by other names; an address that the incident doesn't have is `0.0.0.0`.
    pub fn text(&mut self, text: &str) -> String {
        let keys = &mut self.keys;
        // A name that is part of a key would break it up, and one that is an address is a name.
        let text = KEYS.replace_all(text, |found: &Captures<'_>| {
            let next = keys.len() + 1;
            format!("key-{}", keys.entry(found[0].to_owned()).or_insert(next))
        });
        let text = self.names.replace_all(&text, &self.others);
        let other = |found: &Captures<'_>| {
            let ip = found[0].parse().map_or(Ipv4Addr::UNSPECIFIED, |ip| self.address(ip));
            ip.to_string()
        };
        ADDRESSES.replace_all(&text, other).into_owned()
    }

    fn address(&self, ip: Ipv4Addr) -> Ipv4Addr {
        self.addresses.get(&ip).copied().unwrap_or(Ipv4Addr::UNSPECIFIED)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::super::testing::{Logs, section, written};
    use super::*;

    fn redaction(hosts: &[&str], files: &[&str]) -> Redaction {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        let file = |name: &&str| crate::replay::read::FileRead { name: (*name).to_owned(), ..Default::default() };
        Redaction::of(&Reading { hosts, files: files.iter().map(file).collect(), ..Reading::default() })
    }

    #[test]
    fn a_scenario_is_the_same_by_other_names() {
        let logs = |a: &str, b: &str, ips: [&str; 3]| {
            let tell = |logs: Logs, host: &str, ip: &str| logs.line(host, 0, &format!("Local IP: {ip}"));
            let logs = tell(tell(Logs::default(), a, ips[0]), b, ips[1])
                .line(a, 1, "Status: Height=100, Active Masternodes=4")
                .line(b, 1, "Status: Height=90, Active Masternodes=4");
            let peer = |line: &str| line.replace("PEER", ips[2]);
            logs.line(a, 2, &peer("Marked PEER as whitelisted masternode"))
                .line(a, 3, &peer("Connected to peer: PEER"))
                .line(b, 3, &peer("New peer connection from: PEER:7000"))
                .line(a, 40, &peer("Connection to PEER closed by peer (EOF)"))
                .line(b, 90, &format!("Received ping from {} at height 100 (nonce: 5)", ips[0]))
        };
        let mut redaction = redaction(&["ohio", "tokyo"], &["ohio.log", "tokyo.log"]);
        let incident = logs("ohio", "tokyo", ["203.0.113.9", "198.51.100.7", "203.0.113.40"]).incident();
        let redacted = written(&redaction.incident(&incident), &Options::default());
        // Addresses keep their order.
        let wanted = logs("host-1", "host-2", ["10.0.0.2", "10.0.0.1", "10.0.0.3"]).draft();
        assert_eq!(redacted, wanted.replace("host-1.log", "log-1").replace("host-2.log", "log-2"));
        assert_eq!(section(&redacted, "nodes")[..2], ["host-1:", "ip: 10.0.0.2"]);
    }

    #[test]
    fn texts_name_nobody() {
        let mut redaction = redaction(&["mn5", "mn51", "10.0.0.9"], &["mn51.log", "prod/mn5.log.gz", "10.0.0.9.log"]);
        let hash = "05f".repeat(12);
        for (text, wanted) in [
            ("MN51 is at height 7 (mn51.log:12)", "host-2 is at height 7 (log-1:12)"),
            ("mn5.example: prod/mn5.log.gz:3", "host-1.example: log-2:3"),
            ("from 203.0.113.9:24100", "from 0.0.0.0:24100"),
            ("10.0.0.9 (10.0.0.9.log:7)", "host-3 (log-3:7)"),
            (&format!("by {hash}, then {hash}"), "by key-1, then key-1"),
            // A host's name may be a part of a key.
            ("to TIME0mn51aaaaaaaaaaaaaaaaaaaaa.", "to key-2."),
        ] {
            assert_eq!(redaction.text(text), wanted, "{text}");
        }
    }
}
