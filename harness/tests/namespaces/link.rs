//! What the packet link does to packets.
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use harness::fault::link::LinkParams;
use harness::subject::change::{Change, Close};
use harness::subject::process::namespace::Namespace;
use harness::subject::process::spawner::Spawner;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::RcvBufForce;
use nix::unistd::Pid;

use super::parts::{command, line};
use super::world::{A, B, MS, UNSHAPED, World, at, inside, plain, wait_for};

pub const TESTS: &[(&str, fn())] = &[
    ("round_trips_take_both_latencies", round_trips_take_both_latencies),
    ("losses_are_counted", losses_are_counted),
    ("copies_arrive", copies_arrive),
    ("jitter_keeps_the_order_and_reorder_does_not", jitter_keeps_the_order_and_reorder_does_not),
    ("a_rate_is_kept", a_rate_is_kept),
    ("what_a_rate_cannot_carry_is_lost", what_a_rate_cannot_carry_is_lost),
    ("what_waits_for_bandwidth_goes_when_it_is_healed", what_waits_for_bandwidth_goes_when_it_is_healed),
    ("a_cut_is_one_way_and_heals", a_cut_is_one_way_and_heals),
    ("silence_beats_every_link", silence_beats_every_link),
    ("unshaped_traffic_passes", unshaped_traffic_passes),
    ("power_loss_forgets_connections", power_loss_forgets_connections),
    ("connections_are_told", connections_are_told),
    ("a_stopped_reader_stops_nobody_else", a_stopped_reader_stops_nobody_else),
];

fn echo(listener: &TcpListener) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut bytes = [0; 4096];
    while let Ok(n @ 1..) = stream.read(&mut bytes) {
        stream.write_all(&bytes[..n]).unwrap();
    }
}

fn round_trips_take_both_latencies() {
    let world = World::new(LinkParams { latency: 50 * MS, ..LinkParams::default() });
    let listener = inside(&world.b, || TcpListener::bind(at(B)).unwrap());
    let server = thread::spawn(move || echo(&listener));
    let start = Instant::now();
    let mut stream = inside(&world.a, || TcpStream::connect(at(B)).unwrap());
    let handshake = start.elapsed();
    stream.set_nodelay(true).unwrap();
    let mut times = vec![handshake];
    for _ in 0..10 {
        let start = Instant::now();
        stream.write_all(b"ping").unwrap();
        stream.read_exact(&mut [0; 4]).unwrap();
        times.push(start.elapsed());
    }
    drop(stream);
    server.join().unwrap();
    times.sort();
    println!("2 x 50 ms: {:?} to {:?}, median {:?}", times[0], times[10], times[5]);
    // The longer ones tell of the machine's load.
    assert!(times[0] >= 100 * MS && times[0] < 102 * MS && times[5] < 120 * MS, "{times:?}");
}

/// Sends `count` numbered packets and returns the numbers that arrive, in the order of their arrival.
fn flood([from, to]: [UdpSocket; 2], count: u32) -> Vec<u32> {
    // A busy machine may let the reader wait: room for all of them. Only the machine's own root may have it.
    let _ = setsockopt(&to, RcvBufForce, &(256 << 20));
    let all_sent = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut numbers, mut bytes) = (Vec::new(), [0; 4]);
            loop {
                let last = all_sent.load(Ordering::Relaxed);
                match to.recv(&mut bytes) {
                    Ok(_) => numbers.push(u32::from_le_bytes(bytes)),
                    Err(_) if last => return numbers,
                    // The sender may have to wait as well.
                    Err(_) => {}
                }
            }
        });
        for i in 0..count {
            // What is refused is missing later.
            let _ = from.send(&i.to_le_bytes());
            // The device's queue holds 500.
            if i % 20 == 19 {
                thread::sleep(MS);
            }
        }
        all_sent.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    })
}

fn losses_are_counted() {
    let world = World::new(LinkParams { loss: 0.1, ..plain() });
    let arrived = flood(world.udp(), 20_000).len() as u64;
    let stats = world.link.stats(A, B);
    println!("10 % loss: {} of {}", stats.lost_at_random, stats.sent);
    assert_eq!((stats.sent, stats.delivered), (20_000, arrived));
    assert_eq!(stats.delivered + stats.lost_at_random, 20_000);
    assert!((1_800..=2_200).contains(&stats.lost_at_random), "{stats:?}");
}

fn copies_arrive() {
    let world = World::new(LinkParams { duplicate: 0.2, ..plain() });
    let arrived = flood(world.udp(), 10_000);
    let stats = world.link.stats(A, B);
    assert_eq!(arrived.len() as u64, 10_000 + stats.duplicated);
    assert!((1_850..=2_150).contains(&stats.duplicated), "{stats:?}");
    assert_eq!(arrived.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64, stats.duplicated);
}

fn jitter_keeps_the_order_and_reorder_does_not() {
    let jittered = LinkParams { latency: 2 * MS, jitter: 10 * MS, ..plain() };
    let world = World::new(jittered.clone());
    let sockets = world.udp();
    let again = [sockets[0].try_clone().unwrap(), sockets[1].try_clone().unwrap()];
    let arrived = flood(sockets, 2_000);
    assert!(arrived.len() == 2_000 && arrived.is_sorted());
    world.link.set(A, B, LinkParams { reorder: 0.05, ..jittered });
    let mut arrived = flood(again, 2_000);
    assert!(!arrived.is_sorted());
    let overtaken = world.link.stats(A, B).reordered;
    assert!((60..=140).contains(&overtaken), "{overtaken}");
    arrived.sort();
    assert!(arrived.into_iter().eq(0..2_000));
}

fn a_rate_is_kept() {
    let world = World::new(LinkParams { rate: Some(1_000_000), latency: 5 * MS, ..plain() });
    let listener = inside(&world.b, || TcpListener::bind(at(B)).unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap()
    });
    let mut stream = inside(&world.a, || TcpStream::connect(at(B)).unwrap());
    let start = Instant::now();
    stream.write_all(&vec![7; 2_000_000]).unwrap();
    drop(stream);
    assert_eq!(server.join().unwrap(), 2_000_000);
    let took = start.elapsed();
    println!("2 MB at 1 MB/s: {took:?}");
    assert!(took > 2_000 * MS && took < 2_400 * MS, "{took:?}");
}

fn what_a_rate_cannot_carry_is_lost() {
    let world = World::new(LinkParams { rate: Some(100_000), ..plain() });
    let [from, to] = world.udp();
    to.set_read_timeout(Some(1_500 * MS)).unwrap();
    for _ in 0..300 {
        from.send(&[7; 972]).unwrap();
    }
    let arrived = std::iter::from_fn(|| to.recv(&mut [0; 972]).ok()).count() as u64;
    let stats = world.link.stats(A, B);
    assert_eq!(arrived + stats.lost_to_queue, 300, "{stats:?}");
    // A second's worth waits.
    assert!((100..=115).contains(&arrived), "{stats:?}");
}

fn what_waits_for_bandwidth_goes_when_it_is_healed() {
    let world = World::new(LinkParams { rate: Some(1_000), ..plain() });
    let [from, to] = world.udp();
    for _ in 0..10 {
        from.send(&[7; 972]).unwrap();
    }
    assert_eq!(to.recv(&mut [0; 972]).unwrap_err().kind(), ErrorKind::WouldBlock);
    world.link.set(A, B, plain());
    let start = Instant::now();
    for _ in 0..10 {
        to.recv(&mut [0; 972]).unwrap();
    }
    assert!(start.elapsed() < 100 * MS, "{:?}", start.elapsed());
}

fn a_cut_is_one_way_and_heals() {
    let world = World::new(plain());
    let [a, b] = world.udp();
    let passes = |from: &UdpSocket, to: &UdpSocket| {
        from.send(b"?").unwrap();
        to.recv(&mut [0; 1]).is_ok()
    };
    assert_eq!([passes(&a, &b), passes(&b, &a)], [true, true]);
    let cut = LinkParams { cut: true, ..plain() };
    world.link.set(A, B, cut.clone());
    assert_eq!([passes(&a, &b), passes(&b, &a)], [false, true]);
    assert_eq!((world.link.link(A, B), world.link.link(B, A)), (cut.clone(), plain()));
    world.link.set(B, A, cut);
    assert_eq!([passes(&a, &b), passes(&b, &a)], [false, false]);
    world.link.set(A, B, plain());
    world.link.set(B, A, plain());
    assert_eq!([passes(&a, &b), passes(&b, &a)], [true, true]);
    assert_eq!([(A, B), (B, A)].map(|(from, to)| world.link.stats(from, to).lost_to_cut), [2, 1]);
}

fn silence_beats_every_link() {
    let world = World::new(LinkParams { latency: 50 * MS, ..plain() });
    let [a, b] = world.udp();
    // On its way when the power fails.
    a.send(b"?").unwrap();
    wait_for("sent", 200 * MS, || world.link.stats(A, B).delivered == 1);
    world.link.silence(B, true);
    world.link.set(A, B, plain());
    a.send(b"?").unwrap();
    b.send(b"?").unwrap();
    assert!(a.recv(&mut [0; 1]).is_err() && b.recv(&mut [0; 1]).is_err());
    let stats = world.link.stats(A, B);
    assert_eq!((stats.delivered, stats.lost_to_cut, world.link.stats(B, A).lost_to_cut), (0, 2, 1));
    world.link.silence(B, false);
    a.send(b"?").unwrap();
    b.recv(&mut [0; 1]).unwrap();
}

fn unshaped_traffic_passes() {
    let world = World::new(LinkParams { cut: true, ..plain() });
    let asker = inside(&world.a, || UdpSocket::bind((UNSHAPED, 0)).unwrap());
    let node = inside(&world.b, || UdpSocket::bind(at(B)).unwrap());
    for socket in [&asker, &node] {
        socket.set_read_timeout(Some(200 * MS)).unwrap();
    }
    asker.send_to(b"?", at(B)).unwrap();
    let (_, from) = node.recv_from(&mut [0; 1]).unwrap();
    assert_eq!(from.ip(), UNSHAPED);
    node.send_to(b"!", from).unwrap();
    asker.recv(&mut [0; 1]).unwrap();
    assert_eq!(world.link.totals(), (0, 0));
    // But for power.
    world.link.silence(B, true);
    asker.send_to(b"?", at(B)).unwrap();
    node.recv_from(&mut [0; 1]).unwrap_err();
}

fn power_loss_forgets_connections() {
    let mut world = World::new(LinkParams { latency: MS, ..plain() });
    let listener = inside(&world.b, || TcpListener::bind(at(B)).unwrap());
    let mut stream = inside(&world.a, || TcpStream::connect(at(B)).unwrap());
    let accepted = listener.accept().unwrap();
    world.link.silence(B, true);
    // The process ends, and nothing of that is heard.
    drop((accepted, listener));
    let (b, tun) = Namespace::new(&[B]).unwrap();
    world.link.replace(B, tun).unwrap();
    world.b = b;
    stream.set_read_timeout(Some(100 * MS)).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    world.link.silence(B, false);
    stream.write_all(b"still there?").unwrap();
    wait_for("a reset", 1_000 * MS, || stream.take_error().unwrap().is_some());
    let changes: Vec<_> = world.link.drain_events().into_iter().map(|event| event.change).collect();
    assert_eq!(changes, [Change::Dialled, Change::Opened, Change::Closed(B.into(), Close::PowerLoss)]);
    // The new machine is reached.
    let listener = inside(&world.b, || TcpListener::bind(at(B)).unwrap());
    inside(&world.a, || TcpStream::connect(at(B)).unwrap());
    listener.accept().unwrap();
}

fn connections_are_told() {
    let world = World::new(LinkParams { latency: MS, ..plain() });
    let seen = |count: usize| {
        let mut events = Vec::new();
        wait_for("events", 1_000 * MS, || {
            events.extend(world.link.drain_events());
            events.len() >= count
        });
        thread::sleep(20 * MS);
        events.extend(world.link.drain_events());
        assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at));
        assert!(events.iter().all(|event| *event.from.ip() == A && event.to == at(B)), "{events:?}");
        events.into_iter().map(|event| event.change).collect::<Vec<_>>()
    };
    // Nobody listens: refused.
    let dial = || inside(&world.a, || TcpStream::connect_timeout(&at(B).into(), Duration::from_secs(5)));
    assert_eq!(dial().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(seen(1), [Change::Dialled]);
    let listener = inside(&world.b, || TcpListener::bind(at(B)).unwrap());
    // The listener's side closes first.
    let stream = dial().unwrap();
    drop(listener.accept().unwrap());
    assert_eq!(seen(3), [Change::Dialled, Change::Opened, Change::Closed(B.into(), Close::Fin)]);
    drop(stream);
    // Dropped with something unread: Linux resets.
    let stream = dial().unwrap();
    let (mut other, _) = listener.accept().unwrap();
    other.write_all(b"never read").unwrap();
    wait_for("arrival", 1_000 * MS, || stream.peek(&mut [0; 10]).is_ok_and(|n| n == 10));
    drop(stream);
    assert_eq!(seen(3), [Change::Dialled, Change::Opened, Change::Closed(A.into(), Close::Reset)]);
    // A SYN that has to be repeated is one dial.
    world.link.set(A, B, LinkParams { cut: true, ..plain() });
    let timeout = Duration::from_millis(1_500);
    inside(&world.a, || TcpStream::connect_timeout(&at(B).into(), timeout)).unwrap_err();
    assert_eq!(seen(1), [Change::Dialled]);
    assert_eq!(world.link.stats(A, B).lost_to_cut, 2);
    assert_eq!(world.link.totals().1, 2);
}

fn a_stopped_reader_stops_nobody_else() {
    let world = World::new(plain());
    let spawner = Spawner::start().unwrap();
    let mut reader = spawner.spawn(Some(&world.b), None, command("listener")).unwrap();
    assert_eq!(line(&mut reader), "ready");
    kill(Pid::from_raw(reader.id() as i32), Signal::SIGSTOP).unwrap();
    let mut stream = inside(&world.a, || TcpStream::connect(at(B)).unwrap());
    stream.set_write_timeout(Some(300 * MS)).unwrap();
    let mut written = 0;
    while let Ok(n) = stream.write(&[7; 65_536]) {
        written += n;
    }
    // Both ends' buffers are full now, whatever their size.
    assert!(written > 65_536, "{written}");
    assert_eq!(flood(world.udp(), 1_000).len(), 1_000);
    assert_eq!(world.link.stats(A, B).lost_to_queue, 0);
    reader.kill().unwrap();
    reader.wait().unwrap();
}
