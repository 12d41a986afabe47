//! What the event queue costs, against real time and against turmoil, within one run: `ci/numbers.sh`. `--quick` leaves turmoil out.
#![allow(clippy::expect_used, reason = "a benchmark that fails, fails")]
use std::fmt::Write;
use std::fs;
use std::time::Duration;

use harness::check::Verdict;
use harness::history::{History, What};
use harness::peer::Chains;
use harness::run::{Detail, Variation, viewed};
use harness::scenario::Scenario;
use harness::subject::{queue, sim};
use nix::time::{ClockId, clock_gettime};

const HOUR: Duration = Duration::from_secs(3_600);
const ROUNDS: usize = 5;

fn main() {
    println!("figures of this machine, the best of {ROUNDS} rounds; ratios are within this run");
    // One number alone: for a profiler.
    if let Some(nodes) = std::env::args().skip(1).find_map(|argument| argument.parse().ok()) {
        let scenario = mesh(nodes, HOUR);
        let chains = Chains::build(&scenario);
        return println!("{:.1?}", timed(&scenario, &chains).0);
    }
    // First: what an earlier run has freed would serve this one.
    memory();
    for nodes in [4, 20, 50, 100, 200] {
        let scenario = mesh(nodes, HOUR);
        let chains = Chains::build(&scenario);
        let rounds = if nodes > 20 { 1 } else { ROUNDS };
        let (spent, history) =
            (0..rounds).map(|_| timed(&scenario, &chains)).min_by_key(|(spent, _)| *spent).expect("there are rounds");
        let messages = total(&history, "network_messages");
        println!(
            "{nodes:3} nodes, one hour, a block a minute: {:7.1} ms of CPU, {:7.0} times real time (goal 100,000 with 20), {messages:8.0} messages, {:4.0} ns each (goal 1,000)",
            spent.as_secs_f64() * 1e3,
            HOUR.as_secs_f64() / spent.as_secs_f64(),
            spent.as_nanos() as f64 / messages,
        );
        if nodes == 20 {
            let judged = viewed(&scenario, &chains, 1, |view| harness::check::judge(view, &history));
            assert_eq!(judged.verdict, Verdict::Pass, "{:#?}", judged.findings);
            if !std::env::args().any(|argument| argument == "--quick") {
                against_turmoil(&scenario, &chains, spent);
            }
        }
    }
}

fn against_turmoil(scenario: &Scenario, chains: &Chains, queue: Duration) {
    let before = cpu();
    sim::simulate(scenario, chains, 1, Variation::default(), &|_| ()).expect("the simulation runs");
    let turmoil = cpu() - before;
    let ratio = turmoil.as_secs_f64() / queue.as_secs_f64();
    println!(
        "    the same under turmoil at a tick of 10 ms: {:.2} s of CPU; ratio {ratio:.0} (goal 400)",
        turmoil.as_secs_f64()
    );
}

fn timed(scenario: &Scenario, chains: &Chains) -> (Duration, History) {
    let before = cpu();
    let history =
        queue::simulate(scenario, chains, 1, Detail::Checked, &|_| ()).expect("the nodes take their configurations");
    (cpu() - before, history)
}

/// Masternodes on a ring, each with its four next on either side; all whitelist one another, and all make blocks.
fn mesh(nodes: usize, runs_for: Duration) -> Scenario {
    let name = |i: usize| format!("m{}", i % nodes);
    let mut text = format!("title: x\nwhy: y\nruns_for: {}s\nnodes:\n", runs_for.as_secs());
    for i in 0..nodes {
        let mut others: Vec<String> = (1..=4).flat_map(|step| [name(i + step), name(i + nodes * 4 - step)]).collect();
        others.sort();
        others.dedup();
        others.retain(|other| *other != name(i));
        let _ = writeln!(text, "  m{i}: {{masternode: true, chain: main@100, whitelists: [{}]}}", others.join(", "));
    }
    text += "produce: {by: [nodes], every: 60s}\nexpect: [converge: {who: [nodes], on: tips, within: 600s}]\n";
    Scenario::parse("mesh", &text).expect("the scenario is valid")
}

/// 200 nodes that hold 10,000 blocks each.
fn memory() {
    let text = "title: x\nwhy: y\nruns_for: 60s\nnodes: {m: {count: 200, masternode: true, chain: main@10000}}\nexpect: [tip: {who: [m], is: main@10000, by: 0s}]\n";
    let scenario = Scenario::parse("memory", text).expect("the scenario is valid");
    let before = resident_at_most();
    let chains = Chains::build(&scenario);
    queue::simulate(&scenario, &chains, 1, Detail::Checked, &|_| ()).expect("the nodes take their configurations");
    println!("200 nodes with 10,000 blocks each: {} MiB at most (goal 300)", (resident_at_most() - before) / 1024);
}

fn total(history: &History, name: &str) -> f64 {
    let totals = history.observations().iter().rev().find_map(|seen| match &seen.what {
        What::Metrics(metrics) if seen.source == "harness" => metrics.get(name).copied(),
        _ => None,
    });
    totals.expect("a run ends with its totals")
}

/// CPU time of this process.
fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("Linux").into()
}

/// The most memory that was ever resident, in KiB.
fn resident_at_most() -> i64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}
