//! The simulated network, on turmoil: what two programs see of each other through it.
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use harness::fault::flow::{GIVE_UP, WINDOW};
use harness::fault::link::LinkParams;
use harness::subject::change::{Change, Close};
use harness::subject::fabric::{ConnectionEvent, Fabric, Power};
use harness::subject::gate::Gate;
use harness::subject::sim_clock::{EPOCH_MS, SimClock};
use harness::subject::sim_net::{SimNet, SimStream, turmoil_builder};
use node::runtime::network::{Accepted, Clock, Listener, Network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
const PORT: u16 = 7000;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn latency(n: u64) -> LinkParams {
    LinkParams { latency: ms(n), ..Default::default() }
}

fn cut() -> LinkParams {
    LinkParams { cut: true, ..Default::default() }
}

fn now() -> u64 {
    turmoil::sim_elapsed().unwrap().as_millis() as u64
}

/// What was seen: when, and what.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(u64, String)>>>);

impl Log {
    fn note(&self, what: impl ToString) {
        self.0.lock().unwrap().push((now(), what.to_string()));
    }

    fn take(&self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn one(&self) -> (u64, String) {
        let all = self.take();
        assert_eq!(all.len(), 1, "{all:?}");
        all.into_iter().next().unwrap()
    }
}

/// A simulation, its network and its log.
struct World<'a> {
    sim: turmoil::Sim<'a>,
    fabric: Fabric,
    log: Log,
    gate: Gate,
}

impl<'a> World<'a> {
    /// Hosts take turns of 1 ms: what passes between them takes up to that much longer than the link says.
    fn new(default: LinkParams) -> Self {
        Self::with_tick(default, ms(1))
    }

    fn with_tick(default: LinkParams, tick: Duration) -> Self {
        let sim = turmoil_builder(1, tick, 2).build();
        Self { sim, fabric: Fabric::new(1, default), log: Log::default(), gate: Gate::default() }
    }

    /// A host at `ip` that runs `program`; the gate is only around the host at B.
    fn host<F, P>(&mut self, ip: IpAddr, program: P)
    where
        P: Fn(SimNet, Log) -> F + 'a,
        F: Future<Output = io::Result<()>> + 'static,
    {
        let gate = if ip == B { self.gate.clone() } else { Gate::default() };
        let (net, log) = (SimNet::new(self.fabric.clone(), ip, gate.clone()), self.log.clone());
        self.sim.host(ip, move || {
            let run = gate.wrap(program(net.clone(), log.clone()));
            async move {
                run.await?;
                // A host whose program ends isn't polled any more.
                std::future::pending().await
            }
        });
    }

    fn run_to(&mut self, t: Duration) {
        while self.sim.elapsed() < t {
            self.sim.step().unwrap();
        }
    }

    fn link(&self, from: IpAddr, to: IpAddr, params: LinkParams) {
        self.fabric.set_link(from, to, params, self.sim.elapsed());
    }

    fn both(&self, params: LinkParams) {
        self.link(A, B, params.clone());
        self.link(B, A, params);
    }

    fn down(&mut self, ip: IpAddr, power_loss: bool) {
        self.fabric.host_down(ip, power_loss, self.sim.elapsed());
        self.sim.crash(ip);
    }

    fn up(&mut self, ip: IpAddr) {
        self.fabric.host_up(ip, self.sim.elapsed());
        self.sim.bounce(ip);
    }

    /// Who closed, and how.
    fn closes(&self) -> Vec<(IpAddr, Close)> {
        let close = |event: ConnectionEvent| match event.change {
            Change::Closed(by, how) => Some((by, how)),
            Change::Dialled | Change::Opened => None,
        };
        self.fabric.drain_events().into_iter().filter_map(close).collect()
    }
}

async fn accept(net: &SimNet) -> io::Result<Accepted<SimStream>> {
    net.listen(SocketAddr::new([0, 0, 0, 0].into(), PORT)).await?.accept().await
}

async fn dial(net: &SimNet, to: IpAddr) -> io::Result<SimStream> {
    Ok(net.connect(None, SocketAddr::new(to, PORT)).await?.stream)
}

/// Sends back what it gets.
async fn echo(net: SimNet, _: Log) -> io::Result<()> {
    let mut stream = accept(&net).await?.stream;
    let mut buf = [0; 1024];
    loop {
        match stream.read(&mut buf).await? {
            0 => return Ok(()),
            n => stream.write_all(&buf[..n]).await?,
        }
    }
}

/// Notes what it gets, and how it ends.
async fn note(net: SimNet, log: Log) -> io::Result<()> {
    note_stream(accept(&net).await?.stream, log).await;
    Ok(())
}

async fn note_stream(mut stream: SimStream, log: Log) {
    let mut buf = [0; 1024];
    loop {
        match stream.read(&mut buf).await {
            Ok(0) => return log.note("eof"),
            Ok(n) => log.note(String::from_utf8_lossy(&buf[..n])),
            Err(e) => return log.note(e.kind()),
        }
    }
}

/// A number every 100 ms, until something goes wrong.
async fn count(net: SimNet, log: Log) -> io::Result<()> {
    let mut stream = dial(&net, B).await?;
    for i in 0.. {
        if let Err(e) = stream.write_all(format!("{i} ").as_bytes()).await {
            log.note(e.kind());
            break;
        }
        sleep(ms(100)).await;
    }
    Ok(())
}

fn join(seen: &[(u64, String)]) -> String {
    seen.iter().map(|(_, what)| what.as_str()).collect()
}

fn numbers(until: u32) -> String {
    (0..until).map(|i| format!("{i} ")).collect()
}

#[test]
fn a_round_trip_takes_twice_the_latency() {
    let mut w = World::new(latency(50));
    w.host(B, echo);
    w.host(A, |net, log| async move {
        let mut stream = dial(&net, B).await?;
        log.note("open");
        stream.write_all(b"x").await?;
        stream.read_u8().await?;
        log.note("back");
        Ok(())
    });
    w.run_to(secs(1));
    let seen = w.log.take();
    assert_eq!(seen[0], (100, "open".into()));
    assert!((200..=202).contains(&seen[1].0), "{seen:?}");
}

#[test]
fn both_ends_know_each_other() {
    let mut w = World::new(latency(1));
    w.host(B, |net, log| async move {
        let Accepted { peer, local, .. } = accept(&net).await?;
        log.note(format!("{peer} at {local}"));
        Ok(())
    });
    w.host(A, |net, log| async move {
        let Accepted { peer, local, .. } = net.connect(Some([10, 9, 9, 9].into()), SocketAddr::new(B, PORT)).await?;
        log.note(format!("{local} to {peer}"));
        Ok(())
    });
    w.run_to(secs(1));
    let mut seen: Vec<_> = w.log.take().into_iter().map(|(_, what)| what).collect();
    seen.sort();
    assert_eq!(seen, ["10.9.9.9 at 10.0.0.2", "10.9.9.9 to 10.0.0.2"]);
}

#[test]
fn a_slow_link_takes_its_time() {
    let mut w = World::new(latency(1));
    w.link(A, B, LinkParams { rate: Some(20_000), ..Default::default() });
    w.host(B, |net, log| async move {
        let mut stream = accept(&net).await?.stream;
        let mut all = vec![0; 400_000];
        stream.read_exact(&mut all).await?;
        log.note(all.iter().filter(|b| **b == 7).count());
        Ok(())
    });
    w.host(A, |net, _| async move {
        let mut stream = dial(&net, B).await?;
        stream.write_all(&[7; 400_000]).await
    });
    w.run_to(secs(30));
    let (at, what) = w.log.one();
    assert_eq!(what, "400000");
    assert!((20_000..20_250).contains(&at), "{at}");
    assert!(w.fabric.stats(A, B).shaped >= 200);
}

#[test]
fn a_one_way_cut_stalls_one_direction() {
    let mut w = World::new(latency(1));
    w.host(B, note);
    w.host(A, |net, log| async move {
        let (mut read, mut write) = tokio::io::split(dial(&net, B).await?);
        let reading = async {
            let mut buf = [0; 64];
            while let Ok(1..) = read.read(&mut buf).await {
                log.note("to A");
            }
        };
        let writing = async {
            for i in 0..10 {
                let _ = write.write_all(format!("{i} ").as_bytes()).await;
                sleep(ms(100)).await;
            }
        };
        tokio::join!(reading, writing);
        Ok(())
    });
    w.run_to(ms(250));
    assert_eq!(join(&w.log.take()), numbers(3));
    w.link(A, B, cut());
    w.run_to(ms(5_000));
    assert_eq!(w.log.take(), []);
    w.link(A, B, latency(1));
    w.run_to(ms(10_000));
    let seen = w.log.take();
    // Written at 302 ms: tried then, and after 200, 600, 1400, 3000 and 6200 ms more.
    assert!((6_500..6_505).contains(&seen[0].0), "{seen:?}");
    assert_eq!(join(&seen), numbers(10)[6..]);
    assert_eq!(w.fabric.stats(B, A).lost_to_cut, 0);
    assert_eq!(w.closes(), []);
}

#[test]
fn a_cut_that_heals_loses_nothing() {
    let mut w = World::new(latency(20));
    w.host(B, note);
    w.host(A, count);
    w.run_to(secs(3));
    w.both(cut());
    w.run_to(secs(60));
    w.both(latency(20));
    w.run_to(secs(120));
    let text = join(&w.log.take());
    assert!(numbers(2_000).starts_with(&text) && text.contains(" 1100 "), "{text}");
    assert!(w.fabric.stats(A, B).lost_to_cut >= 5);
    assert_eq!(w.closes(), []);
}

#[test]
fn a_cut_for_too_long_ends_the_connection() {
    let mut w = World::with_tick(latency(1), ms(100));
    w.host(B, note);
    w.host(A, |net, log| async move {
        let mut stream = dial(&net, B).await?;
        stream.write_all(b"hello").await?;
        sleep(secs(1)).await;
        stream.write_all(b"lost").await?;
        note_stream(stream, log).await;
        Ok(())
    });
    w.run_to(ms(500));
    assert_eq!(w.log.one().1, "hello");
    w.both(cut());
    w.run_to(secs(1_000));
    // The writer gives up; the reader has no way to know.
    let (at, what) = w.log.one();
    assert_eq!(what, "timed out");
    assert!((at as i64 - (1_002 + GIVE_UP.as_millis() as i64)).abs() <= 2, "{at}");
    assert_eq!(w.closes(), [(A, Close::GiveUp)]);
}

#[test]
fn a_dropped_stream_is_the_end_for_the_other() {
    let mut w = World::new(latency(10));
    w.host(B, note);
    w.host(A, |net, _| async move {
        let mut stream = dial(&net, B).await?;
        stream.write_all(b"bye").await
    });
    w.run_to(secs(1));
    let seen = w.log.take();
    assert_eq!(seen.iter().map(|(_, what)| what.as_str()).collect::<Vec<_>>(), ["bye", "eof"]);
    // B's drop after the end was read is no close of its own.
    assert_eq!(w.closes(), [(A, Close::Fin)]);
    assert_eq!(w.fabric.connections(), []);
}

#[test]
fn a_write_to_a_closed_end_draws_a_reset() {
    let mut w = World::new(latency(10));
    w.host(B, |net, _| async move { accept(&net).await.map(drop) });
    w.host(A, count);
    w.run_to(secs(2));
    // The write at 120 ms is answered, the one at 220 ms fails.
    assert_eq!(w.log.one(), (220, "connection reset".into()));
    assert_eq!(w.closes(), [(B, Close::Fin)]);
}

#[test]
fn a_killed_process_closes_its_connections_and_refuses_new_ones() {
    let mut w = World::new(latency(10));
    w.host(B, |net, _| async move {
        let stream = accept(&net).await?;
        sleep(secs(1_000)).await;
        drop(stream);
        Ok(())
    });
    w.host(A, |net, log| async move {
        loop {
            match dial(&net, B).await {
                Ok(stream) => note_stream(stream, log.clone()).await,
                Err(e) => log.note(e.kind()),
            }
            sleep(ms(500)).await;
        }
    });
    w.run_to(secs(1));
    w.down(B, false);
    assert_eq!(w.fabric.host(B, w.sim.elapsed()), (Power::Killed, 0));
    w.run_to(ms(1_600));
    assert_eq!(w.log.take(), [(1_010, "eof".into()), (1_530, "connection refused".into())]);
    w.up(B);
    w.run_to(ms(3_000));
    assert_eq!(w.log.take(), []);
    assert_eq!(w.fabric.connections().len(), 1);
    assert_eq!(w.closes(), [(B, Close::Killed)]);
}

#[test]
fn a_power_loss_is_silent_until_the_restart() {
    let mut w = World::new(latency(10));
    w.host(B, note);
    w.host(A, count);
    w.run_to(secs(1));
    w.down(B, true);
    w.log.take();
    w.run_to(secs(10));
    assert_eq!(w.log.take(), []);
    w.up(B);
    w.run_to(secs(30));
    // Retransmitted until somebody answers.
    let (at, what) = w.log.one();
    assert_eq!(what, "connection reset");
    assert!((10_000..20_000).contains(&at), "{at}");
    assert_eq!(w.closes(), [(B, Close::PowerLoss)]);
}

#[test]
fn a_quiet_connection_outlives_the_power_of_its_other_end() {
    let mut w = World::new(latency(10));
    w.host(B, note);
    w.host(A, |net, log| async move {
        let mut stream = dial(&net, B).await?;
        stream.write_all(b"hi").await?;
        let quiet = timeout(secs(30), stream.read_u8()).await;
        log.note(format!("quiet {}", quiet.is_err()));
        stream.write_all(b"hi").await?;
        let e = stream.read_u8().await.unwrap_err();
        log.note(e.kind());
        Ok(())
    });
    w.run_to(secs(1));
    assert_eq!(w.log.one().1, "hi");
    w.down(B, true);
    w.run_to(secs(2));
    w.up(B);
    w.run_to(secs(40));
    assert_eq!(w.log.take(), [(30_020, "quiet true".into()), (30_040, "connection reset".into())]);
}

#[test]
fn a_paused_process_finds_everything_when_it_goes_on() {
    let mut w = World::new(latency(10));
    w.host(B, note);
    w.host(A, count);
    w.run_to(secs(1));
    w.gate.pause();
    w.log.take();
    w.run_to(secs(60));
    assert_eq!(w.log.take(), []);
    w.gate.resume();
    w.run_to(ms(60_001));
    let text = join(&w.log.take());
    assert!(text.starts_with("10 ") && text.ends_with(" 598 599 "), "{text}");
    assert!(w.gate.suppressed() > 0);
    assert_eq!(w.closes(), []);
}

#[test]
fn a_paused_process_keeps_its_spawned_tasks_from_reading() {
    let mut w = World::new(latency(10));
    w.host(B, |net, log| async move {
        let stream = accept(&net).await?.stream;
        tokio::spawn(note_stream(stream, log));
        Ok(())
    });
    w.host(A, count);
    w.run_to(secs(1));
    w.gate.pause();
    w.log.take();
    w.run_to(secs(5));
    assert_eq!(w.log.take(), []);
    w.gate.resume();
    w.run_to(secs(6));
    assert!(join(&w.log.take()).starts_with("10 11 "));
}

#[test]
fn nobody_listening_refuses_after_a_round_trip() {
    let mut w = World::new(latency(50));
    w.host(A, |net, log| async move {
        let e = dial(&net, B).await.unwrap_err();
        log.note(e.kind());
        Ok(())
    });
    w.run_to(secs(1));
    assert_eq!(w.log.one(), (100, "connection refused".into()));
}

#[test]
fn a_dial_into_a_black_hole_succeeds_after_the_healing() {
    for (there, back) in [(cut(), latency(1)), (latency(1), cut())] {
        let mut w = World::new(latency(1));
        w.link(A, B, there);
        w.link(B, A, back);
        w.host(B, note);
        w.host(A, |net, log| async move {
            let _stream = dial(&net, B).await?;
            log.note("open");
            std::future::pending().await
        });
        w.run_to(secs(5));
        assert_eq!(w.log.take(), []);
        w.both(latency(1));
        w.run_to(secs(20));
        // Tried at 0, 1, 3 and 7 s.
        assert_eq!(w.log.one(), (7_002, "open".into()));
    }
}

#[test]
fn a_dial_into_a_black_hole_fails_in_the_end() {
    let mut w = World::with_tick(cut(), ms(100));
    w.host(A, |net, log| async move {
        let e = dial(&net, B).await.unwrap_err();
        log.note(e.kind());
        Ok(())
    });
    w.run_to(secs(200));
    assert_eq!(w.log.one(), (127_000, "timed out".into()));
    assert_eq!(w.fabric.stats(A, B).lost_to_cut, 7);
}

#[test]
fn a_machine_without_power_answers_no_dial() {
    let mut w = World::new(latency(1));
    w.host(B, note);
    w.host(A, |net, log| async move {
        sleep(secs(1)).await;
        let _stream = dial(&net, B).await?;
        log.note("open");
        std::future::pending().await
    });
    w.down(B, true);
    w.run_to(secs(3));
    w.up(B);
    w.run_to(secs(20));
    assert_eq!(w.log.one(), (4_002, "open".into()));
}

#[test]
fn a_reader_that_never_reads_holds_the_writer_back() {
    let mut w = World::new(latency(1));
    w.host(B, |net, log| async move {
        let mut stream = accept(&net).await?.stream;
        sleep(secs(10)).await;
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await?;
        log.note(all.len());
        Ok(())
    });
    w.host(A, |net, log| async move {
        let mut stream = dial(&net, B).await?;
        let mut written = 0;
        while let Ok(n) = timeout(secs(1), stream.write(&[0; 10_000])).await {
            written += n?;
        }
        log.note(written);
        stream.write_all(&[0; 500_000]).await
    });
    w.run_to(secs(20));
    let seen = w.log.take();
    assert_eq!(seen[0].1, WINDOW.to_string());
    assert_eq!(seen[1].1, (WINDOW + 500_000).to_string());
    assert!((10_000..11_000).contains(&seen[1].0), "{seen:?}");
}

#[test]
fn a_hundred_addresses_on_one_host() {
    let mut w = World::new(latency(5));
    let peer = |i: u8| IpAddr::from([10, 1, 0, i]);
    // Scripted peers are listened for or dial themselves, half and half.
    let fabric = w.fabric.clone();
    w.host(B, move |_, log| {
        let fabric = fabric.clone();
        async move {
            for i in 0..100 {
                let (net, log) = (SimNet::new(fabric.clone(), peer(i), Gate::default()), log.clone());
                tokio::spawn(async move {
                    if i < 50 {
                        return echo(net, log).await;
                    }
                    let mut stream = dial(&net, A).await?;
                    stream.write_u8(i).await?;
                    log.note(format!("{i} {}", stream.read_u8().await?));
                    Ok(())
                });
            }
            Ok(())
        }
    });
    w.host(A, move |net, log| async move {
        let mut listener = net.listen(SocketAddr::new(A, PORT)).await?;
        for i in 0..50 {
            let mut stream = net.connect(None, SocketAddr::new(peer(i), PORT)).await?.stream;
            stream.write_u8(i).await?;
            log.note(format!("{i} {}", stream.read_u8().await?));
        }
        for _ in 50..100 {
            let Accepted { mut stream, peer: from, .. } = listener.accept().await?;
            let i = stream.read_u8().await?;
            assert_eq!(from, peer(i));
            stream.write_u8(i).await?;
        }
        Ok(())
    });
    w.run_to(secs(3));
    let mut seen: Vec<_> = w.log.take().into_iter().map(|(_, what)| what).collect();
    seen.sort_by_key(|what| what.split(' ').next().unwrap().parse::<u8>().unwrap());
    assert_eq!(seen, (0..100).map(|i| format!("{i} {i}")).collect::<Vec<_>>());
}

#[test]
fn an_address_is_listened_on_once_a_port() {
    let mut w = World::new(latency(1));
    w.host(A, |net, log| async move {
        let first = net.listen(SocketAddr::new(A, PORT)).await?;
        log.note(net.listen(SocketAddr::new(A, PORT)).await.unwrap_err().kind());
        drop(first);
        net.listen(SocketAddr::new(A, PORT)).await.map(drop)
    });
    w.run_to(ms(10));
    assert_eq!(w.log.one().1, "address in use");
}

#[test]
fn a_clock_shows_simulated_time() {
    let mut w = World::new(latency(1));
    let clock = SimClock::default();
    let shown = clock.clone();
    w.host(A, move |_, log| {
        let shown = shown.clone();
        async move {
            loop {
                sleep(secs(1)).await;
                log.note(shown.unix_ms() - EPOCH_MS);
            }
        }
    });
    w.run_to(ms(1_500));
    assert_eq!(w.log.one().1, "1000");
    clock.set_skew(5_000, 0, w.sim.elapsed());
    w.run_to(ms(2_500));
    assert_eq!(w.log.one().1, "7000");
}

/// Everything at once, with one seed: what was seen and what happened to the links.
fn storm(seed: u64) -> String {
    let params = LinkParams {
        latency: ms(20),
        jitter: ms(15),
        loss: 0.05,
        duplicate: 0.05,
        reorder: 0.1,
        rate: Some(50_000),
        cut: false,
    };
    let mut w = World::new(params.clone());
    w.fabric = Fabric::new(seed, params.clone());
    w.host(B, |net, log| async move {
        let mut listener = net.listen(SocketAddr::new(B, PORT)).await?;
        loop {
            tokio::spawn(note_stream(listener.accept().await?.stream, log.clone()));
        }
    });
    w.host(A, |net, log| async move {
        for _ in 0..5 {
            tokio::spawn(count(net.clone(), log.clone()));
        }
        Ok(())
    });
    w.run_to(secs(5));
    w.link(A, B, cut());
    w.run_to(secs(8));
    w.link(A, B, params);
    w.run_to(secs(12));
    w.down(B, true);
    w.run_to(secs(15));
    w.up(B);
    w.run_to(secs(30));
    w.down(B, false);
    w.run_to(secs(31));
    format!("{:?} {:?} {:?} {:?}", w.log.take(), w.fabric.drain_events(), w.fabric.stats(A, B), w.fabric.stats(B, A))
}

#[test]
fn one_seed_is_one_history() {
    let first = storm(1);
    assert!(first.contains("reset") && first.contains("PowerLoss"));
    assert_eq!(first, storm(1));
    assert_ne!(first, storm(2));
}
