use std::net::IpAddr;
use std::time::Duration;

use super::Telemetry;
use super::capture::Capture;
use crate::chain::{Hash, HeightRange};
use crate::protocol::{Direction, Event};

const CANONICAL: &str = include_str!("../../../fixtures/log-lines/canonical.txt");

const A: Hash = Hash([0xaa; 32]);
const B: Hash = Hash([0xbb; 32]);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn peer() -> IpAddr {
    ip("192.0.2.10")
}

fn range(start: u64, end: u64) -> HeightRange {
    HeightRange::new(start, end).unwrap()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The events of the fixture, in its order.
fn events() -> Vec<Event> {
    use Direction::{Inbound, Outbound};
    let text = str::to_owned;
    let ip_10 = ip("192.168.1.10");
    let ip_11 = ip("192.168.1.11");
    vec![
        Event::Started { height: 1000, tip: A, time_scale: 1 },
        Event::Started { height: 1000, tip: A, time_scale: 60 },
        Event::Connected { ip: peer(), direction: Outbound, whitelisted: true },
        Event::Connected { ip: peer(), direction: Inbound, whitelisted: false },
        Event::Disconnected { ip: peer(), direction: Inbound, by_us: true, reason: text("no slot") },
        Event::Refused { ip: peer(), direction: Inbound, reason: text("banned") },
        Event::DialFailed { ip: peer(), reason: text("connection refused") },
        Event::Reconnecting { ip: peer(), whitelisted: true, after: secs(2) },
        Event::Reconnecting { ip: peer(), whitelisted: false, after: secs(5) },
        Event::GaveUpDialling { ip: peer(), failures: 10 },
        Event::PingSent { ip: ip_10, direction: Outbound, height: Some(5432), nonce: 7 },
        Event::PingSent { ip: ip_10, direction: Inbound, height: None, nonce: 7 },
        Event::PingReceived { ip: ip_11, direction: Inbound, height: Some(5450), nonce: u64::MAX },
        Event::PingReceived { ip: ip_11, direction: Outbound, height: None, nonce: 7 },
        Event::PongMissed { ip: peer(), direction: Outbound, missed: 1, max: 3 },
        Event::Unresponsive { ip: peer(), direction: Outbound, whitelisted: false, missed: 3, timeout: secs(90) },
        Event::Unresponsive { ip: peer(), direction: Inbound, whitelisted: true, missed: 6, timeout: secs(180) },
        Event::ForeignGenesis { ip: peer(), theirs: B },
        Event::Behind { our: 1000, consensus: 1100, ip: peer() },
        Event::NoPeer { our: 1000, consensus: 1100 },
        Event::PeerAhead { ip: ip_11, blocks: 18 },
        Event::Ahead { our: 5601, consensus: 5500 },
        Event::InSync { our: 5432, consensus: 5433, changed: true },
        Event::InSync { our: 5432, consensus: 5433, changed: false },
        Event::Requested { ip: peer(), range: range(1001, 1100), timeout: secs(300), whitelisted: true, hedge: false },
        Event::Requested {
            ip: peer(),
            range: range(1001, 1100),
            timeout: secs(120) / 16,
            whitelisted: false,
            hedge: true,
        },
        Event::SendFailed { ip: peer(), reason: text("not connected") },
        Event::Received { ip: ip_10, direction: Outbound, range: range(5401, 5500), count: 100, whitelisted: true },
        Event::RequestFailed {
            ip: peer(),
            range: range(1001, 1100),
            reason: text("timeout"),
            whitelisted: true,
            benched: secs(60),
        },
        Event::PrioritySync { ip: peer(), tip: 2500, our: 2000 },
        Event::OffConsensus { ip: peer(), agree: 1, total: 4, tip: 2500 },
        Event::ForkDetected { ip: peer(), height: 3000, ours: A, theirs: B },
        Event::PriorityFork { ip: peer(), depth: 10_000 },
        Event::AncestorFound { ip: peer(), height: 2990, depth: 10, round_trips: 3 },
        Event::Reorg { old_height: 3000, old_tip: A, new_height: 3001, new_tip: B, ancestor: 2990 },
        Event::ForkKept { ip: peer(), reason: text("ours is longer") },
        Event::ForkGaveUp { ip: peer(), reason: text("no common ancestor") },
        Event::BlockRejected { ip: peer(), height: 1001, reason: text("merkle root mismatch") },
        Event::Banned { ip: peer(), lasts: Some(secs(300)), reason: text("3 strikes") },
        Event::Banned { ip: peer(), lasts: None, reason: text("10 strikes") },
        Event::Appended { height: 1100, tip: A, count: 100 },
        Event::Produced { height: 1101, hash: B },
        Event::WriteFailed { reason: text("disk full") },
        Event::Checked { our: 1, consensus: None, deviation: 0.0, initiated: false },
        Event::SyncFinished { took: secs(1) },
        Event::Buffered { bytes: 1 },
    ]
}

#[test]
fn every_event_has_its_canonical_line() {
    let capture = Capture::default();
    tracing::subscriber::with_default(capture.subscriber(), || {
        let telemetry = Telemetry::new();
        events().iter().for_each(|event| telemetry.record(event));
    });
    let (_, want) = CANONICAL.split_once("\n\n").unwrap();
    pretty_eq(&capture.lines(), want);
}

fn pretty_eq(got: &str, want: &str) {
    for (got, want) in got.lines().zip(want.lines()) {
        assert_eq!(got, want);
    }
    assert_eq!(got.lines().count(), want.lines().count());
}

/// The names that the events' doc comments give them, and the decisions' table, are all in the fixture.
#[test]
fn the_fixture_leaves_no_event_out() {
    let source = include_str!("../protocol/event.rs");
    let named: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("/// (")?.split_once(')'))
        .flat_map(|(names, _)| names.split('`').skip(1).step_by(2))
        .collect();
    assert!(named.len() > 30, "{named:?}");
    for name in named {
        let wanted = format!(" {name} ");
        assert!(CANONICAL.contains(&wanted), "{name} is not in the fixture");
    }
}

/// The value that `/metrics` would show.
fn value(telemetry: &Telemetry, name: &str) -> f64 {
    let text = telemetry.metrics().render();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .unwrap_or_else(|| panic!("no {name} in:\n{text}"));
    line.parse().unwrap()
}

fn checked(our: u64, consensus: Option<u64>, initiated: bool) -> Event {
    Event::Checked { our, consensus, deviation: 12.5, initiated }
}

#[test]
fn a_fresh_node_shows_every_metric() {
    insta::assert_snapshot!(Telemetry::new().metrics().render(), @r#"
    # HELP local_height_behind_consensus How far behind we are
    # TYPE local_height_behind_consensus gauge
    local_height_behind_consensus 0
    # HELP lockstep_bans_total Bans of peers
    # TYPE lockstep_bans_total counter
    lockstep_bans_total 0
    # HELP lockstep_buffered_bytes Bytes held for peers: blocks that are not in the chain, unfinished lines, send queues
    # TYPE lockstep_buffered_bytes gauge
    lockstep_buffered_bytes 0
    # HELP lockstep_height Height of the chain's tip
    # TYPE lockstep_height gauge
    lockstep_height 0
    # HELP lockstep_missed_pongs_total Pings whose pong did not come in time
    # TYPE lockstep_missed_pongs_total counter
    lockstep_missed_pongs_total 0
    # HELP lockstep_peers Connected peers
    # TYPE lockstep_peers gauge
    lockstep_peers{role="regular"} 0
    lockstep_peers{role="whitelisted"} 0
    # HELP lockstep_reorgs_total Switches to another branch
    # TYPE lockstep_reorgs_total counter
    lockstep_reorgs_total 0
    # HELP masternode_consensus_height Median height of masternodes, as last known
    # TYPE masternode_consensus_height gauge
    masternode_consensus_height 0
    # HELP masternode_sync_blocks_received Blocks received from masternodes
    # TYPE masternode_sync_blocks_received counter
    masternode_sync_blocks_received 0
    # HELP masternode_sync_duration_seconds Time to sync from masternodes
    # TYPE masternode_sync_duration_seconds histogram
    masternode_sync_duration_seconds_bucket{le="1"} 0
    masternode_sync_duration_seconds_bucket{le="5"} 0
    masternode_sync_duration_seconds_bucket{le="10"} 0
    masternode_sync_duration_seconds_bucket{le="30"} 0
    masternode_sync_duration_seconds_bucket{le="60"} 0
    masternode_sync_duration_seconds_bucket{le="120"} 0
    masternode_sync_duration_seconds_bucket{le="300"} 0
    masternode_sync_duration_seconds_bucket{le="900"} 0
    masternode_sync_duration_seconds_bucket{le="3600"} 0
    masternode_sync_duration_seconds_bucket{le="+Inf"} 0
    masternode_sync_duration_seconds_sum 0
    masternode_sync_duration_seconds_count 0
    # HELP masternode_sync_failures Failed sync attempts
    # TYPE masternode_sync_failures counter
    masternode_sync_failures 0
    # HELP peer_height_variance Standard deviation of peer heights
    # TYPE peer_height_variance gauge
    peer_height_variance 0
    # HELP sync_coordinator_checks_total Total coordinator runs
    # TYPE sync_coordinator_checks_total counter
    sync_coordinator_checks_total 0
    # HELP sync_coordinator_height_diff_avg Average height difference detected, over all coordinator runs
    # TYPE sync_coordinator_height_diff_avg gauge
    sync_coordinator_height_diff_avg 0
    # HELP sync_coordinator_syncs_initiated Times sync was triggered
    # TYPE sync_coordinator_syncs_initiated counter
    sync_coordinator_syncs_initiated 0
    "#);
}

#[test]
fn coordinator_metrics_follow_its_ticks() {
    let telemetry = Telemetry::new();
    telemetry.record(&checked(1000, None, false));
    telemetry.record(&checked(1000, Some(1100), true));
    telemetry.record(&checked(1000, Some(1050), false));
    telemetry.record(&checked(1100, Some(1050), false));
    let v = |name| value(&telemetry, name);
    assert_eq!(v("sync_coordinator_checks_total"), 4.0);
    assert_eq!(v("sync_coordinator_syncs_initiated"), 1.0);
    assert_eq!(v("sync_coordinator_height_diff_avg"), (100.0 + 50.0) / 4.0);
    assert_eq!(v("peer_height_variance"), 12.5);
    assert_eq!(v("masternode_consensus_height"), 1050.0);
    assert_eq!(v("local_height_behind_consensus"), 0.0);
    assert_eq!(v("lockstep_height"), 1100.0);
}

#[test]
fn the_lag_shrinks_as_blocks_are_appended() {
    let telemetry = Telemetry::new();
    telemetry.record(&checked(1000, Some(1100), true));
    assert_eq!(value(&telemetry, "local_height_behind_consensus"), 100.0);
    telemetry.record(&Event::Appended { height: 1040, tip: A, count: 40 });
    assert_eq!(value(&telemetry, "local_height_behind_consensus"), 60.0);
    assert_eq!(value(&telemetry, "lockstep_height"), 1040.0);
    telemetry.record(&Event::Reorg { old_height: 1040, old_tip: A, new_height: 1200, new_tip: B, ancestor: 900 });
    assert_eq!(value(&telemetry, "local_height_behind_consensus"), 0.0);
    assert_eq!(value(&telemetry, "lockstep_reorgs_total"), 1.0);
}

#[test]
fn only_whitelisted_peers_count_as_masternode_syncs() {
    let telemetry = Telemetry::new();
    for (whitelisted, count) in [(true, 100), (false, 7), (true, 5)] {
        telemetry.record(&Event::Received {
            ip: peer(),
            direction: Direction::Inbound,
            range: range(1, count),
            count,
            whitelisted,
        });
        telemetry.record(&Event::RequestFailed {
            ip: peer(),
            range: range(1, count),
            reason: String::new(),
            whitelisted,
            benched: secs(60),
        });
    }
    telemetry.record(&Event::SyncFinished { took: secs(45) });
    telemetry.record(&Event::SyncFinished { took: secs(4000) });
    let v = |name| value(&telemetry, name);
    assert_eq!(v("masternode_sync_blocks_received"), 105.0);
    assert_eq!(v("masternode_sync_failures"), 2.0);
    assert_eq!(v("masternode_sync_duration_seconds_sum"), 4045.0);
    assert_eq!(v("masternode_sync_duration_seconds_count"), 2.0);
    assert_eq!(v("masternode_sync_duration_seconds_bucket{le=\"30\"}"), 0.0);
    assert_eq!(v("masternode_sync_duration_seconds_bucket{le=\"60\"}"), 1.0);
    assert_eq!(v("masternode_sync_duration_seconds_bucket{le=\"+Inf\"}"), 2.0);
}

#[test]
fn connections_are_counted_by_role() {
    let telemetry = Telemetry::new();
    let (masternode, other) = (peer(), ip("192.0.2.11"));
    let direction = Direction::Inbound;
    for (ip, whitelisted) in [(masternode, true), (other, false)] {
        telemetry.record(&Event::Connected { ip, direction, whitelisted });
    }
    let roles = |telemetry: &Telemetry| {
        ["whitelisted", "regular"].map(|role| value(telemetry, &format!("lockstep_peers{{role=\"{role}\"}}")))
    };
    assert_eq!(roles(&telemetry), [1.0, 1.0]);
    for (ip, left) in [(masternode, [0.0, 1.0]), (other, [0.0, 0.0])] {
        let reason = String::new();
        telemetry.record(&Event::Disconnected { ip, direction, by_us: false, reason });
        assert_eq!(roles(&telemetry), left);
    }
}

#[test]
fn bans_missed_pongs_and_buffers_are_shown() {
    let telemetry = Telemetry::new();
    events().iter().for_each(|event| telemetry.record(event));
    assert_eq!(value(&telemetry, "lockstep_bans_total"), 2.0);
    assert_eq!(value(&telemetry, "lockstep_missed_pongs_total"), 1.0);
    assert_eq!(value(&telemetry, "lockstep_buffered_bytes"), 1.0);
    telemetry.metrics().sockets().store(7, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(value(&telemetry, "lockstep_buffered_bytes"), 8.0);
}
