//! Connections lost, by peer and reason, and made again.
use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use super::{Found, Kind, Missing};
use crate::replay::incident::{Connection, Host};
use crate::replay::matching::Pair;
use crate::replay::told::Shown;

/// What became of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Eof,
    Reset,
    Unresponsive,
    /// Another reason.
    Other,
    /// Lost, and the log doesn't say why: any loss in the run will do.
    Lost,
    /// Made again after a loss.
    Again,
}

/// How often, the first and the last time, and a connection for the place.
#[derive(Debug)]
struct Times<'a> {
    count: u64,
    first: i64,
    last: i64,
    example: &'a Connection,
}

/// For each host, peer and fate: how near the run's number is to the incident's.
pub fn compare(pair: &Pair<'_>) -> Found {
    let mut found = Found::default();
    let (mut told, mut shown) = (0.0, 0.0);
    for host in &pair.incident.hosts {
        let run = pair.node(host).map(|node| fates(node, |ip| ip)).unwrap_or_default();
        for ((peer, fate), times) in fates(host, |ip| pair.address(ip)) {
            let expected = pair.expected(times.count, times.first, times.last);
            if expected == 0.0 {
                continue;
            }
            let of = |wanted: Fate| run.get(&(peer, wanted)).map_or(0, |times| times.count);
            let there = match fate {
                Fate::Lost => {
                    [Fate::Eof, Fate::Reset, Fate::Unresponsive, Fate::Other, Fate::Lost].map(of).iter().sum()
                }
                known => of(known),
            };
            let there = there as f64;
            found.possible += 1.0;
            found.reached += there.min(expected) / there.max(expected);
            told += expected;
            shown += there.min(expected);
            if there < expected {
                found.missing.push(Missing {
                    part: Kind::Connections,
                    host: host.name.clone(),
                    what: format!("connection with {} {fate}", original(host, pair, peer)),
                    instead: format!("{there} of {}", expected.round()),
                    count: times.count,
                    place: Shown(times.example.place, &pair.incident.files).to_string(),
                    at: times.first,
                });
            }
        }
    }
    found.words = format!("{} of {} losses and reconnections", shown.round(), told.round());
    found
}

/// The address as the incident has it.
fn original(host: &Host, pair: &Pair<'_>, peer: Ipv4Addr) -> Ipv4Addr {
    host.peers.keys().copied().find(|ip| pair.address(*ip) == peer).unwrap_or(peer)
}

fn fates(host: &Host, address: impl Fn(Ipv4Addr) -> Ipv4Addr) -> BTreeMap<(Ipv4Addr, Fate), Times<'_>> {
    let mut fates: BTreeMap<_, Times<'_>> = BTreeMap::new();
    for (ip, peer) in &host.peers {
        let mut lost = false;
        for connection in &peer.connections {
            let again = connection.from.filter(|_| lost).map(|at| (Fate::Again, at));
            let ended = connection.until.map(|at| (reason(&connection.why), at));
            for (fate, at) in again.into_iter().chain(ended) {
                let new = Times { count: 0, first: at, last: at, example: connection };
                let times = fates.entry((address(*ip), fate)).or_insert(new);
                times.count += 1;
                times.last = times.last.max(at);
            }
            lost |= ended.is_some();
        }
    }
    fates
}

fn reason(why: &str) -> Fate {
    let why = why.to_lowercase().replace('_', " ");
    let says = |words: &[&str]| words.iter().any(|word| why.contains(word));
    if why.trim().is_empty() {
        Fate::Lost
    } else if says(&["reset"]) {
        Fate::Reset
    } else if says(&["unresponsive", "missed pong", "timeout", "timed out"]) {
        Fate::Unresponsive
    } else if says(&["eof", "closed by peer", "gracefully", "end of file"]) {
        Fate::Eof
    } else {
        Fate::Other
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eof => "closed by the peer (EOF)",
            Self::Reset => "reset",
            Self::Unresponsive => "given up as unresponsive",
            Self::Other => "closed for another reason",
            Self::Lost => "lost",
            Self::Again => "made again",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::build::incident;
    use super::*;
    use crate::replay::matching::Matching;

    fn shown(logs: &[&str], run: &[&str]) -> (f64, f64, Vec<String>) {
        let build = |reasons: &[&str]| {
            let mut build = incident().host("a");
            for (index, why) in reasons.iter().enumerate() {
                let at = 10 * index as i64;
                build = build.connection(2, Some(at), Some((at + 5, why)));
            }
            build.connection(2, Some(90), None).built()
        };
        let (logs, run, matching) = (build(logs), build(run), Matching::default());
        let found = compare(&Pair::new(&logs, &run, &matching));
        (found.reached, found.possible, found.missing.iter().map(|m| format!("{}: {}", m.what, m.instead)).collect())
    }

    #[test]
    fn losses_are_compared_by_reason_and_number() {
        assert_eq!(shown(&["EOF", "EOF"], &["closed by peer (EOF)", "closed_by_peer"]), (2.0, 2.0, Vec::new()));
        let (reached, possible, missing) = shown(&["EOF", "Connection reset by peer"], &["eof", "eof"]);
        assert_eq!((reached, possible), (1.5, 3.0));
        assert_eq!(missing, ["connection with 10.0.0.2 reset: 0 of 1"]);
        let (reached, ..) = shown(&["unresponsive after 3 missed pongs", "", ""], &["timeout", "reset", "bye"]);
        assert!((2.6..2.7).contains(&reached), "of three losses any two will do, and one is too many: {reached}");
    }

    #[test]
    fn churn_is_more_than_one_loss() {
        let (reached, possible, missing) = shown(&["EOF"; 8], &["EOF"; 2]);
        assert_eq!((reached, possible), (0.5, 2.0));
        assert_eq!(missing.len(), 2);
    }
}
