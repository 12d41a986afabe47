//! What a running node tells over HTTP, and what clients can't do to it.
#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]
#![allow(clippy::disallowed_methods, reason = "real processes run in real time")]
#[allow(dead_code, reason = "shared by several tests")]
mod process;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use process::{Running, exchange, get};
use serde_json::{Value, json};

fn start(more: &[&str]) -> (Running, SocketAddr) {
    let node = Running::start(&[&["run", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"], more].concat());
    let at = node.http();
    (node, at)
}

#[test]
fn metrics_are_prometheus_text() {
    let (_node, at) = start(&[]);
    let (head, body) = get(at, "/metrics");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    for name in [
        "sync_coordinator_checks_total 0",
        "sync_coordinator_syncs_initiated 0",
        "sync_coordinator_height_diff_avg 0",
        "masternode_sync_duration_seconds_count 0",
        "masternode_sync_blocks_received 0",
        "masternode_sync_failures 0",
        "peer_height_variance 0",
        "masternode_consensus_height 0",
        "local_height_behind_consensus 0",
        "lockstep_height 0",
        "lockstep_buffered_bytes 0",
        "lockstep_peers{role=\"whitelisted\"} 0",
    ] {
        assert!(body.lines().any(|line| line == name), "{name} is not in\n{body}");
    }
    let value = |name: &str| {
        let line = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} is not in\n{body}")).parse::<f64>().unwrap()
    };
    assert!(value("process_cpu_seconds_total") < 60.0);
    assert!((1e6..1e9).contains(&value("process_resident_memory_bytes")));
    assert!((3.0..1000.0).contains(&value("process_open_fds")));
    assert!(value("process_start_time_seconds") > 1e9);
    for name in body.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        assert_eq!(body.matches(&format!("# TYPE {name} ")).count(), 1, "{name}");
    }
}

#[test]
fn a_fresh_node_says_where_it_stands() {
    let (_node, at) = start(&["--peer", "127.0.0.9:9", "--time-scale", "2"]);
    let (head, body) = get(at, "/status");
    assert!(head.contains("content-type: application/json"), "{head}");
    let mut status: Value = serde_json::from_str(&body).unwrap();
    assert!(status["uptime_ms"].as_u64().unwrap() < 60_000);
    status["uptime_ms"] = 0.into();
    // The refused dial may be before or after the question.
    status["back_offs"] = json!([]);
    let genesis = status["genesis"].as_str().unwrap().to_owned();
    assert!(genesis.starts_with("3f78cbb4") && genesis.len() == 64);
    assert_eq!(
        status,
        json!({
            "version": env!("CARGO_PKG_VERSION"), "network": "testnet", "genesis": genesis, "time_scale": 2,
            "uptime_ms": 0, "height": 0, "tip_hash": genesis, "tip_time": 1_764_547_200, "consensus_height": null,
            "standing": "unknown", "whitelisted": 0, "peers": [], "half_open": 0, "ranges_in_flight": [], "forks": [],
            "last_reorg": null, "bans": [], "back_offs": [],
        })
    );
}

#[test]
fn a_node_is_ready_once_it_is_in_sync_with_whom_it_trusts() {
    let (_alone, at) = start(&[]);
    assert_eq!((get(at, "/healthz").1, get(at, "/readyz").1), ("ok\n".to_owned(), "ok\n".to_owned()));

    let (_waiting, at) = start(&["--whitelist", "127.0.0.9:9"]);
    assert!(get(at, "/healthz").0.starts_with("HTTP/1.1 200"));
    let (head, body) = get(at, "/readyz");
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    assert_eq!(body, "no whitelisted peer has told its height\n");
}

#[test]
fn other_requests_are_refused() {
    let (_node, at) = start(&[]);
    let status = |request: &[u8]| exchange(at, request).split(' ').nth(1).map(str::to_owned);
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(10_000));
    for (request, want) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "404"),
        ("POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "405"),
        ("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n", "413"),
        ("POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "413"),
        ("\u{1}nonsense\r\n\r\n", "400"),
        ("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "200"),
    ] {
        assert_eq!(status(request.as_bytes()).as_deref(), Some(want), "{request}");
    }
    for request in [long, many] {
        // The refusal may be lost where the server closes before everything was sent.
        let status = status(request.as_bytes());
        assert!(matches!(status.as_deref(), Some("414" | "431") | None), "{status:?}");
    }
    assert!(get(at, "/healthz").0.starts_with("HTTP/1.1 200"));
}

/// 500 clients that never finish their request; one that does is answered all the same, and the others are gone soon.
#[test]
fn slow_clients_keep_nobody_out() {
    let (_node, at) = start(&[]);
    let mut slow: Vec<TcpStream> = Vec::new();
    let start = Instant::now();
    for i in 0..500 {
        let mut stream = TcpStream::connect(at).unwrap();
        // Those that had to go make room.
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nX: ");
        slow.push(stream);
        if i % 100 == 99 {
            let asked = Instant::now();
            let (_, metrics) = get(at, "/metrics");
            let took = asked.elapsed();
            assert!(took < Duration::from_secs(1), "{took:?}");
            let open = metrics.lines().find_map(|line| line.strip_prefix("process_open_fds ")).unwrap();
            assert!(open.parse::<u32>().unwrap() < 32 + 20, "{open} descriptors");
        }
    }
    for stream in &mut slow {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        // A reset is an end, too.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
}
