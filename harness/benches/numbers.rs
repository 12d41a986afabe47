//! What simulations cost, as figures and as ratios within one run: `ci/numbers.sh`.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a benchmark that fails, fails")]
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use harness::check::Verdict;
use harness::history::{History, What};
use harness::peer::Chains;
use harness::run::{Backend, run};
use harness::scenario::Scenario;
use harness::subject::sim::{Variation, simulate};
use harness::subject::sim_net::turmoil_builder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use turmoil::net::{TcpListener, TcpStream};

const DOWNLOAD: &str = "
title: 10,000 blocks from one masternode
why: The cost of a long download.
runs_for: 60s
nodes:
  a: {chain: main@0, whitelists: [m]}
  m: {chain: main@10000}
links: [{is: {latency: 10ms}}]
expect: [{tip: {who: [a], is: main@10000, by: 60s}}]
";

fn main() {
    println!("figures of this machine; ratios are within this run");
    // First: what an earlier run has freed would serve this one.
    memory();
    twenty_nodes();
    ten_thousand_blocks();
    deep_fork();
}

fn twenty_nodes() {
    let scenario = load("chaos/twenty-nodes-heal");
    let chains = Chains::build(&scenario);
    let before = cpu();
    let history = simulate(&scenario, &chains, 1, Variation::default(), &|_| ()).expect("the simulation runs");
    let ours = cpu() - before;
    let (bytes, connections) = (total(&history, "network_bytes"), total(&history, "network_connections"));
    let before = cpu();
    bare(scenario.nodes.len() as u8, scenario.tick, scenario.runs_for, bytes as u64);
    let bare = cpu() - before;
    let (sim, ratio) = (scenario.runs_for.as_secs(), ours.as_secs_f64() / bare.as_secs_f64());
    println!(
        "20 nodes, {sim} s simulated, {bytes} bytes, {connections} connections: {ours:.2?} CPU; bare turmoil {bare:.2?}; ratio {ratio:.2} (goal 1.5)"
    );
}

/// Hosts in a full mesh over turmoil's own TCP that send `bytes` in all, evenly.
fn bare(hosts: u8, tick: Duration, time: Duration, bytes: u64) {
    const EVERY: Duration = Duration::from_secs(5);
    let ip = |host: u8| IpAddr::from([10, 0, 0, host + 1]);
    let sends = u64::from(hosts) * u64::from(hosts - 1) * (time.as_secs() / EVERY.as_secs());
    let size = (bytes / sends.max(1)).max(1) as usize;
    let mut sim = turmoil_builder(1, tick, hosts.into()).tcp_capacity(1024).build();
    for host in 0..hosts {
        sim.host(ip(host), move || async move {
            let listener = TcpListener::bind(SocketAddr::from(([0, 0, 0, 0], 24_100))).await?;
            for other in host + 1..hosts {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    if let Ok(stream) = TcpStream::connect(SocketAddr::new(ip(other), 24_100)).await {
                        chat(stream, size, EVERY).await;
                    }
                });
            }
            loop {
                let (stream, _) = listener.accept().await?;
                tokio::spawn(chat(stream, size, EVERY));
            }
        });
    }
    while sim.elapsed() < time {
        sim.step().expect("the hosts run");
    }
}

async fn chat(stream: TcpStream, size: usize, every: Duration) {
    let (mut read, mut write) = stream.into_split();
    tokio::spawn(async move {
        let mut buffer = vec![0; 65_536];
        while read.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
    });
    let data = vec![7; size];
    while write.write_all(&data).await.is_ok() {
        tokio::time::sleep(every).await;
    }
}

fn ten_thousand_blocks() {
    let scenario = Scenario::parse("download", DOWNLOAD).expect("the scenario is valid");
    let chains = Chains::build(&scenario);
    let before = cpu();
    let history = simulate(&scenario, &chains, 1, Variation::default(), &|_| ()).expect("the simulation runs");
    let spent = cpu() - before;
    let asked = when(&history, |what| matches!(what, What::Log { event, .. } if event == "requested"));
    let done = when(&history, |what| matches!(what, What::Chain { height: 10_000, ancestor, .. } if *ancestor > 0));
    println!(
        "10,000 blocks at 20 ms RTT: {:.3} s simulated from the first request (goal 3), {spent:.2?} CPU for both nodes and the network (goal 0.5 s a node)",
        (done - asked).as_secs_f64()
    );
}

fn deep_fork() {
    let run = run(&load("fork/masternode-fork-10000-deep"), 1, &Backend::simulation()).expect("the simulation runs");
    assert_eq!(run.judged.verdict, Verdict::Pass);
    let round_trips = run.history.observations().iter().find_map(|seen| match &seen.what {
        What::Log { event, fields, .. } if event == "ancestor_found" => fields.get("round_trips").cloned(),
        _ => None,
    });
    println!("ancestor 10,000 back: {} round trips (goal 3)", round_trips.expect("the ancestor is found"));
}

fn memory() {
    let text = DOWNLOAD
        .replace("main@0", "main@10000")
        .replace("runs_for: 60s", "runs_for: 2s")
        .replace("by: 60s", "by: 0s")
        .replace("  m: {chain: main@10000}\n", "")
        .replace(", whitelists: [m]", "");
    let scenario = Scenario::parse("memory", &text).expect("the scenario is valid");
    let before = resident_at_most();
    let chains = Chains::build(&scenario);
    simulate(&scenario, &chains, 1, Variation::default(), &|_| ()).expect("the simulation runs");
    let grown = resident_at_most() - before;
    println!("one node with 10,000 blocks, its chain's building and the network: {grown} KiB at most (goal 65,536)");
}

fn load(name: &str) -> Scenario {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    Scenario::load(&root.join(format!("{name}.yaml")), &root).expect("the scenario is valid")
}

fn when(history: &History, matching: impl Fn(&What) -> bool) -> Duration {
    history.observations().iter().find(|seen| matching(&seen.what)).expect("it happened").at
}

fn total(history: &History, name: &str) -> f64 {
    let totals = history.observations().iter().rev().find_map(|seen| match &seen.what {
        What::Metrics(metrics) if seen.source == "harness" => metrics.get(name).copied(),
        _ => None,
    });
    totals.expect("a run ends with its totals")
}

/// CPU time of this process, user and system; in steps of 10 ms.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The most memory that was ever resident, in KiB.
fn resident_at_most() -> i64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}
