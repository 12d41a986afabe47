//! The reference node's lines reach a subscriber as they are written down (decisions, Canonical log lines).
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use harness::scenario::vocabulary::LOG_EVENTS;
use node::protocol::{Direction, Event};
use node::telemetry::Telemetry;
use tracing_test::traced_test;

#[traced_test]
#[test]
fn the_lines_of_the_texts_scenarios() {
    let telemetry = Telemetry::new();
    let ip = IpAddr::from([192, 168, 1, 10]);
    telemetry.record(&Event::Behind { our: 5400, consensus: 5500, ip });
    telemetry.record(&Event::InSync { our: 5432, consensus: 5433, changed: true });
    telemetry.record(&Event::PeerAhead { ip, blocks: 18 });
    telemetry.record(&Event::PriorityFork { ip, depth: 10_000 });
    telemetry.record(&Event::PingSent { ip, direction: Direction::Outbound, height: Some(5432), nonce: 1 });
    let relaxed = Duration::from_secs(180);
    let direction = Direction::Inbound;
    telemetry.record(&Event::Unresponsive { ip, direction, whitelisted: true, missed: 6, timeout: relaxed });
    for line in [
        "🔄 SYNC COORDINATOR: We're at height 5400, masternode consensus at 5500. Requesting sync from whitelisted peer 192.168.1.10",
        "✅ SYNC COORDINATOR: Height 5432 in sync with consensus 5433",
        "🔄 SYNC COORDINATOR: Peer 192.168.1.10 ahead by 18 blocks",
        "🔀 PRIORITY FORK RESOLUTION: Whitelisted masternode 192.168.1.10 has conflicting chain. Aggressively searching for common ancestor (max depth: 10000).",
        "📡 [Outbound] Sending ping to 192.168.1.10 (height: 5432)",
        "⚠️ [Inbound] WHITELIST VIOLATION: Masternode 192.168.1.10 unresponsive after 6 missed pongs (relaxed timeout: 180s)",
    ] {
        assert!(logs_contain(line), "{line}");
    }
    assert!(!logs_contain("Possible fork"));
}

/// What a scenario may look for is what the node can say: no event and no field more or less.
#[test]
fn patterns_know_the_lines_and_their_fields() {
    let lines = include_str!("../../../fixtures/log-lines/canonical.txt").lines();
    let mut said: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in lines.filter(|line| !line.starts_with('#')) {
        let Some((head, _)) = line.split_once(" | ") else { continue };
        let (event, fields) = head.split_once(' ').and_then(|(_, rest)| rest.split_once(' ')).unwrap();
        let names = fields.split(' ').filter_map(|field| Some(field.split_once('=')?.0));
        said.entry(event).or_default().extend(names);
    }
    let known = LOG_EVENTS.iter().filter(|(event, _)| *event != "any");
    let known: BTreeMap<_, BTreeSet<_>> =
        known.map(|(event, fields)| (*event, fields.iter().copied().collect())).collect();
    assert_eq!(known, said);
}
