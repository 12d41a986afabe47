//! The reference node's lines reach a subscriber as they are written down (decisions, Canonical log lines).
use std::net::IpAddr;
use std::time::Duration;

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
