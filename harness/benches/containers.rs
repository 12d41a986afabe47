//! What containers cost: how soon nodes are ready, how much longer a run takes than as processes, and whether links are what they should be:
//! `ci/numbers.sh`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a benchmark that fails, fails; in real time")]
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use agent::Order;
use harness::check::Verdict;
use harness::fault::link::LinkParams;
use harness::run::container::{Engine, Fleet, IMAGE, Options};
use harness::run::privilege::Ability;
use harness::run::{Backend, ProcessOptions, Program, run};
use harness::scenario::Scenario;
use harness::subject::process::packet_link::PacketLink;
use nix::sys::socket::{SockaddrIn, connect};
use std::os::fd::AsRawFd;

const LOCKSTEP: &str = env!("CARGO_BIN_EXE_lockstep");
const NODE: &str = env!("CARGO_BIN_EXE_reference-node");
const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

fn main() {
    let engine = match Engine::connect() {
        Ok(engine) => Arc::new(engine),
        Err(why) => return println!("containers: not measured: {why}"),
    };
    assert!(Command::new(LOCKSTEP).args(["image", "build"]).status().unwrap().success());
    let options = Options { engine, image: IMAGE.to_owned(), lockstep: LOCKSTEP.into() };
    println!("{}", options.engine.described());
    for (nodes, goal) in [(5, 3), (20, 10)] {
        let containers = took(nodes, Ability::Containers(options.clone()));
        let processes = took(nodes, Ability::Namespaces);
        println!(
            "{nodes} nodes: ready in {} (goal {goal} s), a whole run takes {:.1?} longer than as processes (goal 5 s for a test)",
            containers.0,
            containers.1.saturating_sub(processes.1)
        );
    }
    links(&options);
}

/// Until all are ready, and all of a run of 2 s.
fn took(nodes: usize, ability: Ability) -> (String, Duration) {
    let text = format!(
        "title: nodes that do nothing\nwhy: how long they take to be there\nruns_for: 20s\nnodes:\n  n: {{count: {nodes}, chain: main@100, masternode: true, whitelists: [masternodes]}}\n\
         expect:\n  - never: {{see: {{on: nodes, log: banned}}}}\n"
    );
    let scenario = Scenario::parse("nodes.yaml", &text).unwrap_or_else(|error| panic!("{error}"));
    let program = Program::Reference(PathBuf::from(NODE));
    let began = Instant::now();
    let run = run(&scenario, 1, &Backend::Processes(ProcessOptions { program, time_scale: 10, ability })).unwrap();
    assert_eq!(run.judged.verdict, Verdict::Pass, "{:#?}", run.judged.findings);
    (run.history.meta().environment.get("ready_in").cloned().unwrap_or_default(), began.elapsed())
}

/// Round trips over a link of 50 ms, and the loss of one that loses 10 %, between two pods.
fn links(options: &Options) {
    let fleet = Fleet::new(options).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let sandbox = |name: &str, ip| fleet.sandbox(name, vec![ip], &[], &dir.path().join(name)).unwrap();
    let ((a, tun_a), (b, tun_b)) = (sandbox("a", A), sandbox("b", B));
    let slow = LinkParams { latency: Duration::from_millis(50), ..LinkParams::default() };
    let link = PacketLink::start(1, vec![(vec![A], tun_a), (vec![B], tun_b)], slow.clone(), Vec::new()).unwrap();
    let at = SocketAddrV4::new(B, 24_100);
    let listener = TcpListener::from(b.talk().ask(&Order::Listen(at)).unwrap().descriptor.unwrap());
    let echo = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        let mut room = [0; 1400];
        while let Ok(read @ 1..) = stream.read(&mut room) {
            stream.write_all(&room[..read]).unwrap();
        }
    });
    let mut stream = TcpStream::from(a.talk().ask(&Order::Dial(A)).unwrap().descriptor.unwrap());
    connect(stream.as_raw_fd(), &SockaddrIn::from(at)).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut round_trips: Vec<Duration> = (0..100)
        .map(|_| {
            let began = Instant::now();
            stream.write_all(&[1]).unwrap();
            stream.read_exact(&mut [0]).unwrap();
            began.elapsed()
        })
        .collect();
    round_trips.sort();
    println!("50 ms each way: median round trip {:.1?} (goal 100 to 105 ms)", round_trips[50]);
    let lossy = LinkParams { latency: Duration::from_millis(1), loss: 0.1, ..LinkParams::default() };
    link.set(A, B, lossy.clone());
    link.set(B, A, lossy);
    let before = [(A, B), (B, A)].map(|(from, to)| link.stats(from, to));
    for _ in 0..1_000 {
        stream.write_all(&[1]).unwrap();
        stream.read_exact(&mut [0]).unwrap();
    }
    let after = [(A, B), (B, A)].map(|(from, to)| link.stats(from, to));
    let sum = |of: fn(&harness::fault::link::LinkStats) -> u64| {
        after.iter().map(of).sum::<u64>() - before.iter().map(of).sum::<u64>()
    };
    let (sent, lost) = (sum(|stats| stats.sent), sum(|stats| stats.lost_at_random));
    println!("10 % loss: {:.1} % of {sent} packets (goal 9 to 11 %)", lost as f64 * 100.0 / sent as f64);
    drop(stream);
    echo.join().unwrap();
}
