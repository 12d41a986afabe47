//! What the packet link costs, beside a plain veth pair in the same run: `ci/numbers.sh`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a benchmark that fails, fails; in real time")]
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use harness::fault::link::LinkParams;
use harness::subject::process::namespace::{Namespace, Tun};
use harness::subject::process::packet_link::PacketLink;
use harness::subject::process::privilege::{Ability, ability, enter_user_namespace_if_needed};

const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const STREAM_FOR: Duration = Duration::from_secs(2);
const ROUND_TRIPS: usize = 20_000;

/// Others use this machine too: each figure is the best of so many rounds, in which all take their turns.
const ROUNDS: usize = 3;

struct Figures {
    megabytes_a_second: f64,
    median: Duration,
    p99: Duration,
    /// CPU time of the link's thread, the kernel's receiving for both namespaces included.
    us_a_packet: Option<f64>,
}

type Measure = fn() -> Result<Figures, String>;

fn main() {
    enter_user_namespace_if_needed().unwrap();
    if let Ability::Loopback(reason) = ability() {
        println!("packet link: not measured, no namespaces here: {reason}");
        return;
    }
    let measure: [(&str, Measure); 3] = [
        ("packet link, no delay", || Ok(over_packet_link())),
        ("veth, packet by packet as a TUN", || over_veth(true)),
        ("veth, with its offloads", || over_veth(false)),
    ];
    let mut best = measure.each_ref().map(|(_, measure)| measure());
    for _ in 1..ROUNDS {
        for (best, (_, measure)) in best.iter_mut().zip(&measure) {
            if let (Ok(best), Ok(again)) = (best, measure()) {
                best.improve(&again);
            }
        }
    }
    println!("{:<34} {:>9} {:>14} {:>12}", "one TCP stream; ping-pong", "MB/s", "median RTT", "p99 RTT");
    let mut ours = None;
    for ((name, _), figures) in measure.iter().zip(&best) {
        match (figures, ours) {
            (Ok(figures), None) => {
                figures.print(name);
                ours = Some(figures);
            }
            (Ok(theirs), Some(ours)) => {
                theirs.print(name);
                println!(
                    "{:<34} {:>9.2} {:>14.2} {:>12.2}   added: median {:.1?}, p99 {:.1?}",
                    "  the packet link's ratio to it",
                    ours.megabytes_a_second / theirs.megabytes_a_second,
                    ours.median.as_secs_f64() / theirs.median.as_secs_f64(),
                    ours.p99.as_secs_f64() / theirs.p99.as_secs_f64(),
                    ours.median.saturating_sub(theirs.median),
                    ours.p99.saturating_sub(theirs.p99),
                );
            }
            (Err(reason), _) => println!("{name}: not measured: {reason}"),
        }
    }
}

fn over_packet_link() -> Figures {
    let (a, tun_a) = Namespace::new(&[A]).unwrap();
    let (b, tun_b) = Namespace::new(&[B]).unwrap();
    let params = LinkParams { latency: Duration::ZERO, ..LinkParams::default() };
    let link = PacketLink::start(1, vec![(vec![A], tun_a), (vec![B], tun_b)], params, Vec::new()).unwrap();
    let figures = measure(&a, &b);
    let packets = link.stats(A, B).sent + link.stats(B, A).sent;
    Figures { us_a_packet: Some(cpu_us("packet-link") / packets as f64), ..figures }
}

/// CPU time of this process's thread of that name, user and system, in microseconds; in steps of 10 ms.
fn cpu_us(thread: &str) -> f64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let stats = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("stat")).unwrap());
    let stat = stats.into_iter().find(|stat| stat.contains(&format!("({thread})"))).unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
    fields.map(|ticks| ticks.parse::<f64>().unwrap() * 1e4).sum()
}

/// The same between two namespaces that the kernel joins.
fn over_veth(packet_by_packet: bool) -> Result<Figures, String> {
    let ((a, _tun_a), (b, _tun_b)): ((Namespace, Tun), (Namespace, Tun)) =
        (Namespace::new(&[]).unwrap(), Namespace::new(&[]).unwrap());
    let other = format!("/proc/{}/fd/{}", std::process::id(), b.as_fd().as_raw_fd());
    inside(&a, || ip(&format!("link add v0 type veth peer name v0 netns {other}")))?;
    for (namespace, address) in [(&a, A), (&b, B)] {
        inside(namespace, || {
            ip(&format!("addr add {address}/24 dev v0"))?;
            if packet_by_packet {
                ip("link set v0 gso_max_segs 1")?;
            }
            ip("link set v0 up")
        })?;
    }
    Ok(measure(&a, &b))
}

fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    let output = output.map_err(|error| format!("ip of iproute2 is missing: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

fn measure(a: &Namespace, b: &Namespace) -> Figures {
    let listener = inside(b, || TcpListener::bind((B, 24_100)).unwrap());
    let server = thread::spawn(move || {
        let (mut pings, _) = listener.accept().unwrap();
        pings.set_nodelay(true).unwrap();
        let mut byte = [0];
        while pings.read(&mut byte).unwrap() == 1 {
            pings.write_all(&byte).unwrap();
        }
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = vec![0; 1 << 18];
        let (start, mut bytes) = (Instant::now(), 0);
        while let Ok(n @ 1..) = stream.read(&mut buffer) {
            bytes += n;
        }
        bytes as f64 / start.elapsed().as_secs_f64() / 1e6
    });
    let dial = || inside(a, || TcpStream::connect(SocketAddrV4::new(B, 24_100)).unwrap());
    let mut pings = dial();
    pings.set_nodelay(true).unwrap();
    let mut times: Vec<Duration> = (0..ROUND_TRIPS)
        .map(|_| {
            let start = Instant::now();
            pings.write_all(b"?").unwrap();
            pings.read_exact(&mut [0]).unwrap();
            start.elapsed()
        })
        .collect();
    times.sort();
    drop(pings);
    let mut stream = dial();
    let (start, buffer) = (Instant::now(), vec![7; 1 << 18]);
    while start.elapsed() < STREAM_FOR {
        stream.write_all(&buffer).unwrap();
    }
    drop(stream);
    let megabytes_a_second = server.join().unwrap();
    let us_a_packet = None;
    Figures { us_a_packet, megabytes_a_second, median: times[ROUND_TRIPS / 2], p99: times[ROUND_TRIPS * 99 / 100] }
}

fn inside<T: Send>(namespace: &Namespace, f: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let run = scope.spawn(|| {
            namespace.enter().unwrap();
            f()
        });
        run.join().unwrap()
    })
}

impl Figures {
    fn improve(&mut self, again: &Self) {
        self.megabytes_a_second = self.megabytes_a_second.max(again.megabytes_a_second);
        self.median = self.median.min(again.median);
        self.p99 = self.p99.min(again.p99);
        self.us_a_packet = self.us_a_packet.zip(again.us_a_packet).map(|(a, b)| a.min(b));
    }

    fn print(&self, name: &str) {
        let [median, p99] = [self.median, self.p99].map(|time| format!("{time:.1?}"));
        let cpu = self.us_a_packet.map_or(String::new(), |us| format!("   {us:.2} us CPU a packet"));
        println!("{name:<34} {:>9.0} {median:>14} {p99:>12}{cpu}", self.megabytes_a_second);
    }
}
